"""Training of GFM with Lightning."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gfm.checkpoints.files import load_network
from gfm.data.samples import Batch
from gfm.models.glance_focus.config import GFMConfig, Pyramid, PyramidJoin, Rosta
from gfm.models.glance_focus.loss import GFMLoss, LossWeights, RIMLoss
from gfm.models.glance_focus.network import GFM
from gfm.models.glance_focus.options import pass_options
from gfm.models.glance_focus.predict import focus_map
from gfm.models.glance_focus.targets import GFMTargets
from gfm.models.options import MatteOptions, Strategy
from gfm.training.task import MattingTask, Schedule
from rssn.imaging.errors import InputError


class GFMTask(MattingTask):
    """A model and how it is trained, validated and applied.

    Args:
        backbone: `r34`, `r34_2b`, `d121`, `r101` or `timm:NAME`.
        rosta: Representation of semantics and transition, or `RIM`.
        width: Factor on the channels of the decoders.
        pyramid: What the pyramid pooling feeds: `all` glance blocks, `one`, or `none`.
        pyramid_join: How it joins a block's features: `concatenate` as in the released code, or
            `sum` as in the paper.
        bridge: The focus decoder has its bridge block.
        single_decoder: One decoder for both tasks.
        separable: The decoders' convolutions in two parts, with about a ninth of the work.
        mean: What is subtracted from images in [0, 1], per channel; ImageNet's when None.
        std: What the difference is divided by, per channel; ImageNet's when None.
        weights: Weights of the encoder to start from: `timm`, `timm:TAG`, `package` (of an
            installed package), a file, or none; see `gfm.encoders.build.build_encoder`.
        model: A model file to start from instead, or `lite`; its configuration counts then.
        ensemble: Further model files: the median of all mattes is validated, tested or predicted
            (EN-median of the paper's table 5). Not for training.
        loss: `paper` adds the terms with weight 1, `released` with 0.25.
        loss_weights: Other weights of some terms, by their names in `gfm.losses.LossWeights`.
        learning_rate: Of Adam; the largest of the schedule.
        encoder_learning_rate: That of the encoder; None is `learning_rate`, 0 keeps its weights.
        schedule: `constant` as in the paper, or `cosine` down to 0 after a short rise.
        weight_decay: Of AdamW, for all weights but those of norms and biases; 0 is Adam.
        keep_statistics: Batch norms keep the means and variances that they have: for fine-tuning,
            whose small batches of crops would shift them away from those of whole photographs.
        strategy: How whole photographs are matted.
        d1: Reduction for the glance of photographs; None is the model's own, or 3: what `gfm matte`
            takes.
        d2: Reduction for the focus of photographs; None is the model's own, or 2.
        channels_last: Keep tensors in the memory order that convolutions prefer.
        compile: Let `torch.compile` make the training step's forward faster, after a minute or so.
    """

    configuration = GFMConfig
    model: GFM

    def __init__(
        self,
        backbone: str = "r34",
        rosta: Rosta = "TT",
        width: float = 1.0,
        pyramid: Pyramid = "all",
        pyramid_join: PyramidJoin = "concatenate",
        bridge: bool = True,
        single_decoder: bool = False,
        separable: bool = False,
        mean: tuple[float, float, float] | None = None,
        std: tuple[float, float, float] | None = None,
        weights: str | None = None,
        model: str | None = None,
        ensemble: list[str] | None = None,
        loss: Literal["paper", "released"] = "paper",
        loss_weights: dict[str, float] | None = None,
        learning_rate: float = 1e-5,
        encoder_learning_rate: float | None = None,
        schedule: Schedule = "constant",
        weight_decay: float = 0.0,
        keep_statistics: bool = False,
        strategy: Strategy = "hybrid",
        d1: float | None = None,
        d2: float | None = None,
        channels_last: bool = True,
        compile: bool = False,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        if model is not None:
            self.model = self.start_from(model, GFM)
        else:
            if single_decoder and (pyramid, pyramid_join) != ("all", "concatenate"):
                raise InputError(
                    f"model.pyramid={pyramid} and model.pyramid_join={pyramid_join} have no effect "
                    "with model.single_decoder, which has no pyramid pooling; leave them out"
                )
            self.model = GFM(self.network_config(GFMConfig), weights)
        if channels_last:
            self.model = self.model.to(memory_format=torch.channels_last)
        # In a tuple they are no part of what is trained or kept.
        self.ensemble = tuple(load_network(each, "cpu") for each in ensemble or ())
        factors = LossWeights.preset(loss, **(loss_weights or {}))
        self.loss = GFMLoss(factors) if self.model.rim is None else RIMLoss(factors)

    def setup(self, stage: str) -> None:
        """Refuse to train one network by the median of several.

        Raises:
            InputError: Training with `model.ensemble`.
        """
        if stage == "fit" and self.ensemble:
            raise InputError(
                f"model.ensemble={self.hparams['ensemble']}: has no effect on a training; leave it "
                "out, and give it to `gfm validate`, `test` or `predict`"
            )

    def targets(self) -> GFMTargets:
        """Labels of the network's representation."""
        return GFMTargets(self.model.config.rosta)

    def loss_terms(self, batch: Batch) -> dict[str, Tensor]:
        """The losses on one batch of crops, unweighted, and `total`, their weighted sum."""
        image, labels = self.in_memory_order(batch.image), batch.targets
        if isinstance(self.loss, GFMLoss):
            labels = labels[self.model.config.rostas[0]]
        truth = (image, batch.alpha, batch.foreground, batch.background)
        terms: dict[str, Tensor] = self.loss(self.run_network(image), labels, *truth)
        return terms

    def matte_options(self) -> MatteOptions:
        """The strategy and reductions of the task."""
        strategy, d1, d2 = (self.hparams[name] for name in ("strategy", "d1", "d2"))
        return MatteOptions(strategy, d1, d2, foreground="none", refine="none")

    def panel_maps(self, photograph: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """The focus (H, W), in the pass that `gfm.matte` takes it from; of RIM that of TT."""
        height, width = photograph.shape[:2]
        options = pass_options(self.matte_options(), [self.model], height, width)
        return [focus_map(self.model, photograph, options)]
