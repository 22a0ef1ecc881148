"""Training of FBA with Lightning (paper, section 3.6)."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.optim import Optimizer

from gfm.blocks.standardisation import Standardisation
from gfm.data.samples import Batch
from gfm.encoders.dilated import Norm
from gfm.guidance.bands import random_trimap
from gfm.guidance.guidance import Guidance
from gfm.models.fba.config import DILATED, Activation, FBAConfig, Outputs
from gfm.models.fba.loss import AlphaTerm, ColourTerm, LossConfig, Region, fba_loss
from gfm.models.fba.network import FBA, AlphaFB
from gfm.models.fba.targets import TrimapTargets
from gfm.training.parameter_groups import radam
from gfm.training.schedule import cosine_factor
from gfm.training.task import MattingTask
from rssn.imaging.errors import InputError
from rssn.imaging.seeding import generator

FINE = 40 / 45  # share of a run from which the step schedule divides the rates by ten


class FBATask(MattingTask):
    """A network and how it is trained, validated and applied; the defaults are the final recipe.

    Args:
        backbone: `dilated_resnet50`, or an encoder of `gfm.encoders.build.build_encoder`.
        norm: `group` or `batch`, as in `FBAConfig`.
        standardisation: Form of the weight standardisation.
        activation: Of alpha, `clamp` or `sigmoid`.
        outputs: `alpha_fb`, or `alpha` alone.
        mean: Subtracted from images in [0, 1], per channel; ImageNet's when None.
        std: Divisor of the difference, per channel; ImageNet's when None.
        weights: Weights of the encoder to start from, a file for `dilated_resnet50`.
        model: A model file to start from instead; its configuration counts then.
        alpha_terms: Terms of the loss of alpha: `l1`, `composition`, `laplacian`, `gradient`.
        colours_terms: Those of F and B: `l1`, `composition`, `laplacian`, `exclusion`.
        colours_region: Where they count, `whole` or `unknown`.
        unclamped_steps: First steps in which alpha is not clamped; the author advises it where
            alpha locks at 0 or 1 all over.
        learning_rate: Of RAdam.
        weight_decay: Of the convolutions.
        norm_weight_decay: Of norms and biases.
        schedule: `step` divides the rate by ten for the last ninth of the run, as in the paper;
            `constant` as in the ablation; `cosine`.
        channels_last: Keep tensors in the memory order that convolutions prefer.
    """

    configuration = FBAConfig
    model: FBA

    def __init__(
        self,
        backbone: str = DILATED,
        norm: Norm = "group",
        standardisation: Standardisation = "2020",
        activation: Activation = "clamp",
        outputs: Outputs = "alpha_fb",
        mean: tuple[float, float, float] | None = None,
        std: tuple[float, float, float] | None = None,
        weights: str | None = None,
        model: str | None = None,
        alpha_terms: list[AlphaTerm] | None = None,
        colours_terms: list[ColourTerm] | None = None,
        colours_region: Region = "whole",
        unclamped_steps: int = 0,
        learning_rate: float = 1e-5,
        weight_decay: float = 0.005,
        norm_weight_decay: float = 1e-5,
        schedule: Literal["constant", "step", "cosine"] = "step",
        channels_last: bool = False,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        if model is not None:
            self.model = self.start_from(model, FBA)
        else:
            self.model = FBA(self.network_config(FBAConfig), weights)
        if channels_last:
            self.model = self.model.to(memory_format=torch.channels_last)
        every = get_args(ColourTerm) if self.model.config.outputs == "alpha_fb" else ()
        self.loss = LossConfig(
            alpha=tuple(get_args(AlphaTerm) if alpha_terms is None else alpha_terms),
            colours=tuple(every if colours_terms is None else colours_terms),
            colours_region=colours_region,
        )

    def targets(self) -> TrimapTargets:
        """Trimaps with bands of 3 to 25 px."""
        return TrimapTargets()

    def loss_terms(self, batch: Batch) -> dict[str, Tensor]:
        """The losses on one batch of crops, and their `total`.

        Raises:
            InputError: The training data has no F and B.
        """
        if batch.foreground is None or batch.background is None:
            raise InputError(
                f"sample {batch.keys[0]} has no foreground and background, which the loss of FBA "
                "needs; train on shards of composites, built by rssn.build"
            )
        masks, distances, unknown = batch.targets
        logits = self.model.logits(self.in_memory_order(batch.image), masks, distances)
        clamp = self.global_step >= self.hparams["unclamped_steps"]
        with torch.autocast(self.device.type, enabled=False):
            target = AlphaFB(batch.alpha, batch.foreground, batch.background)
            pred = self.model.activate(logits, clamp)
            return fba_loss(pred, target, batch.image, unknown, self.loss)

    def predict_batch(self, batch: Batch) -> Tensor:
        """Mattes (B, 1, H, W) of a batch of crops with their trimaps."""
        masks, distances, _ = batch.targets
        made: AlphaFB = self.model(batch.image, masks, distances)
        return made.alpha

    def guidance(self, name: str, alpha: NDArray[np.float32]) -> Guidance:
        """A trimap whose band depends on the photograph's name alone."""
        return Guidance(trimap=random_trimap(alpha, generator(0, "trimap", name)))

    def make_optimizer(self, *, fused: bool = False) -> Optimizer:
        """RAdam, with its own weight decay for norms and biases."""
        del fused  # it has no such form
        return radam(self.parameter_groups())

    def rate_factor(self, done: float) -> float:
        """Factor on the learning rate, given the share of the run that is over."""
        if self.hparams["schedule"] == "step":
            return 1.0 if done < FINE else 0.1
        return cosine_factor(done)
