"""Training of LSA matting with Lightning."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer

from gfm.data.samples import Batch
from gfm.guidance.bands import dilated_trimap
from gfm.guidance.guidance import Guidance
from gfm.models.lsa.config import LSAConfig
from gfm.models.lsa.loss import pyramid_loss
from gfm.models.lsa.network import LSA
from gfm.models.lsa.pipeline import AugmentationOptions, Colour, Gamma
from gfm.models.lsa.targets import LSATargets
from gfm.training.task import MattingTask

BAND = 12  # px of the trimaps of validation, in the middle of those of the training
HALVING = 20  # epochs after which the rate is halved
NORM_DECAY = 0.1  # part of the weight decay that norms have


class LSATask(MattingTask):
    """A network and how it is trained, validated and applied.

    Args:
        backbone: Encoder; see `LSAConfig`.
        mean: Subtracted from images in [0, 1], per channel; ImageNet's when None.
        std: Divisor of the difference, per channel; ImageNet's when None.
        weights: Weights of the encoder; see `gfm.encoders.build.build_encoder`.
        model: A model file to start from instead; its configuration counts then.
        size: Side of the samples in px, and with the next three how they are made: see
            `gfm.models.lsa.pipeline.AugmentationOptions`. `data.crop.size` should be 5/4 of it.
        colour: Colour augmentation: `released`, `paper` or `none`.
        gamma: Range of the matte's exponent: `released` or `paper`.
        blur: Share of blurred foregrounds and backgrounds.
        learning_rate: Of Adam.
        schedule: `halving` every 20 epochs, or `constant`.
        weight_decay: Added to the gradient; norms take a tenth of it.
        channels_last: Keep tensors in the memory order that convolutions prefer.
        compile: Let `torch.compile` make the forward pass faster, after a minute or so.

    Note:
        The paper has one weight decay. In the released code parameters with `bn` or `norm` in their
        names take a tenth, which leaves out the norms of the encoder's shortcuts; so does this.
    """

    configuration = LSAConfig
    model: LSA

    def __init__(
        self,
        backbone: str = "timm:resnet50d",
        mean: tuple[float, float, float] | None = None,
        std: tuple[float, float, float] | None = None,
        weights: str | None = None,
        model: str | None = None,
        size: int = 640,
        colour: Colour = "released",
        gamma: Gamma = "released",
        blur: float = 0.0,
        learning_rate: float = 5e-5,
        schedule: Literal["halving", "constant"] = "halving",
        weight_decay: float = 1e-4,
        channels_last: bool = True,
        compile: bool = False,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.augmentation = AugmentationOptions(size, colour, gamma, blur)
        if model is not None:
            self.model = self.start_from(model, LSA)
        else:
            self.model = LSA(self.network_config(LSAConfig), weights)
        if channels_last:
            self.model = self.model.to(memory_format=torch.channels_last)

    def targets(self) -> LSATargets:
        """Samples as LSA matting augments them."""
        return LSATargets(self.augmentation)

    def loss_terms(self, batch: Batch) -> dict[str, Tensor]:
        """The loss on one batch, which is `total` too."""
        image, alpha, trimap = (batch.targets[name] for name in ("image", "alpha", "trimap"))
        raw = self.run_network(self.in_memory_order(image), trimap)
        unknown = ((trimap > 0.25) & (trimap < 0.75)).to(alpha)
        loss = pyramid_loss(raw, alpha, unknown)
        return {"alpha": loss, "total": loss}

    def predict_batch(self, batch: Batch) -> Tensor:
        """Mattes (B, 1, H, W) of the samples of a batch."""
        trimap = batch.targets["trimap"]
        alpha = self.model(batch.targets["image"], trimap).clamp(0, 1)
        return torch.where((trimap == 0) | (trimap == 1), trimap, alpha)

    def true_alpha(self, batch: Batch) -> Tensor:
        """Mattes of the samples, which are cut out of the crops."""
        alpha: Tensor = batch.targets["alpha"]
        return alpha

    def guidance(self, name: str, alpha: NDArray[np.float32]) -> Guidance:
        """A trimap of the reference matte."""
        del name
        return Guidance(trimap=dilated_trimap(alpha, BAND))

    def make_optimizer(self, *, fused: bool = False) -> Optimizer:
        """Adam."""
        return torch.optim.Adam(self.parameter_groups(), fused=fused)

    def rate_factor(self, done: float) -> float:
        """Half as much every 20 epochs, whatever the length of the run."""
        del done
        halvings = 0 if self.hparams["schedule"] == "constant" else self.current_epoch // HALVING
        return float(0.5**halvings)

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Norms, with their smaller decay, and everything else."""
        rate, decay = self.hparams["learning_rate"], self.hparams["weight_decay"]
        norms = [
            parameter
            for name, module in self.model.named_modules()
            if isinstance(module, nn.BatchNorm2d) and "downsample" not in name
            for parameter in module.parameters(recurse=False)
        ]
        known = {id(parameter) for parameter in norms}
        others = [each for each in self.model.parameters() if id(each) not in known]
        return [
            {"name": "weights", "params": others, "lr": rate, "weight_decay": decay},
            {"name": "norms", "params": norms, "lr": rate, "weight_decay": NORM_DECAY * decay},
        ]
