"""Training of AdaMatting with Lightning."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.optim import Optimizer

from gfm.data.samples import Batch
from gfm.guidance.bands import dilated_trimap
from gfm.guidance.guidance import Guidance
from gfm.inference.cutout import Matte
from gfm.metrics.trimap import optimal_trimap, trimap_errors
from gfm.models.adamatting.config import AdaMattingConfig, Encoding
from gfm.models.adamatting.loss import matting_loss
from gfm.models.adamatting.network import AdaMatting
from gfm.models.adamatting.targets import AdaMattingTargets
from gfm.training.schedule import poly_factor
from gfm.training.task import MattingTask


class AdaMattingTask(MattingTask):
    """A network and how it is trained; the defaults are the paper's (section 4.1).

    Args:
        backbone: An encoder with levels at strides 2 to 32.
        steps: Recurrences of the propagation unit; 0 leaves it out.
        two_networks: Adapt the trimap and estimate alpha with an encoder each.
        alpha_weight: Fixed weight of the alpha loss; None learns the weights of both losses.
        trimap_encoding: How the encoder sees the given trimap: `levels` or `distances`.
        weights: Weights of the encoder to start from, see `gfm.encoders.build.build_encoder`.
        model: A model file to start from instead; its configuration counts then.
        rotation: Largest rotation of a sample in degrees, to either side; the paper has 45. Samples
            are smaller than the crops then: 320 px in crops of 480.
        intermediate: Factor on the error of the alpha decoder's own matte.
        true_unknown_steps: So many steps at first, the alpha loss also covers the unknown region
            of the true matte.
        validation_band: Unknown pixels of the trimaps in validation lie at most that far from
            fractional ones, in px (D-n of table 4).
        learning_rate: Of Adam, at the beginning.
        schedule: `poly` falls to 0 as (1 - done)^0.9; or `cosine` or `constant`.
        weight_decay: Of Adam, as an L2 penalty, for all weights but those of norms, biases and the
            losses.
        channels_last: Keep tensors in the memory order that convolutions prefer.
        compile: Let `torch.compile` make the training step's forward faster.
    """

    configuration = AdaMattingConfig
    model: AdaMatting

    def __init__(
        self,
        backbone: str = "timm:resnet50",
        steps: int = 3,
        two_networks: bool = False,
        alpha_weight: float | None = None,
        trimap_encoding: Encoding = "levels",
        weights: str | None = None,
        model: str | None = None,
        rotation: float = 0.0,
        intermediate: float = 0.0,
        true_unknown_steps: int = 2000,
        validation_band: int = 10,
        learning_rate: float = 1e-4,
        schedule: Literal["poly", "cosine", "constant"] = "poly",
        weight_decay: float = 1e-4,
        channels_last: bool = True,
        compile: bool = False,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        if model is not None:
            self.model = self.start_from(model, AdaMatting)
        else:
            self.model = AdaMatting(self.network_config(AdaMattingConfig), weights)
        if channels_last:
            self.model = self.model.to(memory_format=torch.channels_last)

    def targets(self) -> AdaMattingTargets:
        """Samples with random trimaps."""
        return AdaMattingTargets(self.model.config.trimap_encoding, self.hparams["rotation"])

    def loss_terms(self, batch: Batch) -> dict[str, Tensor]:
        """The losses `trimap` and `alpha`, and `total`, their weighted sum."""
        image, alpha, guide = (batch.targets[name] for name in ("image", "alpha", "guide"))
        made = self.run_network(self.in_memory_order(image), guide)
        learned, fixed = self.model.task_loss, self.model.config.alpha_weight
        terms = matting_loss(
            made.logits,
            made.alphas,
            alpha,
            learned if learned is not None else float(fixed or 0),
            intermediate=self.hparams["intermediate"],
            with_true_unknown=self.global_step < self.hparams["true_unknown_steps"],
        )
        return terms._asdict()

    def predict_batch(self, batch: Batch) -> Tensor:
        """Final mattes (B, 1, H, W) of the samples of a batch."""
        matte: Tensor = self.model(batch.targets["image"], batch.targets["guide"]).matte
        return matte

    def true_alpha(self, batch: Batch) -> Tensor:
        """Mattes of the samples, which are cut out of the crops."""
        alpha: Tensor = batch.targets["alpha"]
        return alpha

    def guidance(self, name: str, alpha: NDArray[np.float32]) -> Guidance:
        """A trimap of fixed width from the reference matte, D-n."""
        del name
        return Guidance(trimap=dilated_trimap(alpha, self.hparams["validation_band"]))

    def photograph_errors(self, made: Matte, alpha: NDArray[np.float32]) -> dict[str, float]:
        """The usual metrics, and accuracy and mIoU of the adapted trimap."""
        adapted = trimap_errors(made.trimap, optimal_trimap(alpha))
        return super().photograph_errors(made, alpha) | adapted

    def rate_factor(self, done: float) -> float:
        """Factor on the learning rate, given the share of the run that is over."""
        if self.hparams["schedule"] == "poly":
            return poly_factor(done)
        return super().rate_factor(done)

    def make_optimizer(self, *, fused: bool = False) -> Optimizer:
        """Adam."""
        return torch.optim.Adam(self.parameter_groups(), fused=fused)
