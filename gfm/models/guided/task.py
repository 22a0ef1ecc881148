"""Training of the light guided network."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gfm.checkpoints.files import load_network
from gfm.data.samples import Batch
from gfm.guidance.bands import random_trimap
from gfm.guidance.guidance import Guidance
from gfm.models.guided.config import GuidedConfig
from gfm.models.guided.loss import losses
from gfm.models.guided.network import Guided
from gfm.models.guided.targets import GuidedTargets
from gfm.training.schedule import trapezoid_factor
from gfm.training.task import MattingTask
from rssn.imaging.errors import InputError
from rssn.imaging.seeding import generator


class GuidedTask(MattingTask):
    """A network and how it is trained, validated and applied.

    Args:
        backbone: An EfficientNet-Lite, by timm's name.
        widths: Channels of the decoder at strides 32, 16, 8, 4 and 2.
        full: Channels of the layers at full resolution.
        weights: Weights of the encoder; see `gfm.encoders.build.build_encoder`.
        encoder: A model file, or `lite`, with the same encoder, to start from instead.
        model: A model file to start from instead; its configuration counts then.
        learning_rate: Of AdamW, for the decoder.
        encoder_learning_rate: That of the encoder.
        weight_decay: Of weights with more than one dimension.
        schedule: `trapezoid` rises, stays, and falls to 0; `constant` stays.
        decay: Share of the run at its end in which the trapezoid falls.
        channels_last: Keep tensors in the memory order that convolutions prefer.
    """

    configuration = GuidedConfig
    model: Guided

    def __init__(
        self,
        backbone: str = "tf_efficientnet_lite0",
        widths: tuple[int, ...] = (128, 96, 64, 48, 32),
        full: int = 16,
        weights: str | None = None,
        encoder: str | None = None,
        model: str | None = None,
        learning_rate: float = 8e-4,
        encoder_learning_rate: float | None = 3e-4,
        weight_decay: float = 0.01,
        schedule: Literal["trapezoid", "constant"] = "trapezoid",
        decay: float = 0.3,
        channels_last: bool = True,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        if not 0 < decay <= 1:
            raise InputError(f"model.decay={decay}: give a share of the run, above 0 and up to 1")
        if model is not None:
            self.model = self.start_from(model, Guided)
        else:
            self.model = Guided(self.network_config(GuidedConfig), weights)
            if encoder is not None:
                copy_encoder(encoder, self.model)
        if channels_last:
            self.model = self.model.to(memory_format=torch.channels_last)

    @property
    def initial_weights(self) -> str | None:
        """The model file, or the weights of the encoder, that the training began with."""
        given = (self.hparams[name] for name in ("model", "encoder", "weights"))
        return next((each for each in given if each is not None), None)

    def targets(self) -> GuidedTargets:
        """Random trimaps, their hints, and true colours."""
        return GuidedTargets()

    def loss_terms(self, batch: Batch) -> dict[str, Tensor]:
        """The losses on one batch of crops, and `total`, their weighted sum."""
        image, targets = self.in_memory_order(batch.image), batch.targets
        made = self.run_network(image, self.in_memory_order(targets.guidance))
        foreground, background = (targets.colours.to(batch.image) / 255).unbind(1)
        with torch.autocast(self.device.type, enabled=False):
            colours = (foreground, background)
            return losses(made, image, batch.alpha, targets.unknown, colours, targets.composed)

    def predict_batch(self, batch: Batch) -> Tensor:
        """Mattes (B, 1, H, W) of a batch of crops with their trimaps."""
        guidance, unknown = batch.targets.guidance, batch.targets.unknown
        alpha: Tensor = self.model(batch.image, guidance).alpha
        return torch.where(unknown > 0, alpha, guidance[:, 1:2])

    def guidance(self, name: str, alpha: NDArray[np.float32]) -> Guidance:
        """A trimap whose band depends on the photograph's name alone."""
        return Guidance(trimap=random_trimap(alpha, generator(0, "trimap", name)))

    def rate_factor(self, done: float) -> float:
        """Factor on the learning rates, given the share of the run that is over."""
        return trapezoid_factor(done, self.hparams["decay"])


def copy_encoder(path: str, network: Guided) -> None:
    """Give a network the encoder of an automatic model.

    Args:
        path: A model file of `glance_focus`, or a name that `load_network` takes.
        network: The network to change.

    Raises:
        InputError: It cannot be loaded, or has another encoder.
    """
    model = load_network(path, "cpu")
    wanted = f"timm:{network.config.backbone}"
    if (backbone := getattr(model.config, "backbone", None)) != wanted:
        raise InputError(f"model.encoder={path}: has the encoder {backbone}; give one of {wanted}")
    network.encoder.load_state_dict(model.get_submodule("encoder.body").state_dict())
    network.licences = [each._replace(share=0.0) for each in model.licences]
    network.hashes = model.hashes
