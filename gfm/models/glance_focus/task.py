"""Training, validating and testing GFM with Lightning."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Literal

import pytorch_lightning as lightning
import torch
from torch import Tensor
from torch.optim import Optimizer

from gfm.checkpoints.files import load_network
from gfm.data.samples import Batch
from gfm.evaluation.evaluate import Report
from gfm.inference import MatteOptions, Strategy, matte
from gfm.inference.cutout import Matte
from gfm.inference.options import PassOptions
from gfm.losses import GFMLoss, LossWeights, RIMLoss
from gfm.models.glance_focus.config import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    GFMConfig,
    Pyramid,
    PyramidJoin,
    Rosta,
)
from gfm.models.glance_focus.network import GFM
from gfm.training.parameter_groups import parameter_groups, regroup
from gfm.training.schedule import cosine_factor, count_next_epoch, share_done
from gfm.training.validation import gather_by_name, photograph_errors
from rssn.imaging.errors import InputError
from rssn.imaging.files import whole_file
from rssn.imaging.writing import write_alpha

Schedule = Literal["constant", "cosine"]
PHOTOGRAPH = tuple[str, Any, Any]


NETWORK_OPTIONS = (
    "backbone",
    "rosta",
    "width",
    "pyramid",
    "pyramid_join",
    "bridge",
    "single_decoder",
    "separable",
    "mean",
    "std",
)


def check_model_options(
    options: Mapping[str, Any], config: GFMConfig, asked: Collection[str]
) -> None:
    """Refuse options that a model file leaves without effect.

    Args:
        options: Those of `GFMTask`, of which `model` is the file.
        config: Of the model in the file.
        asked: Names of the options that were given.

    Raises:
        InputError: Weights for the encoder, or an option of the network that is not the model's.
    """
    where = f"model.model={options['model']}"
    if "weights" in asked and options["weights"] is not None:
        raise InputError(
            f"model.weights={options['weights']}: has no effect with {where}, which brings all "
            "weights; leave it out (--model.weights null where a file of options sets it)"
        )
    for name in NETWORK_OPTIONS:
        value, own = options[name], getattr(config, name)
        value = tuple(value) if isinstance(value, list) else value
        if name in asked and value is not None and value != own:
            raise InputError(
                f"model.{name}={value}: has no effect with {where}, whose {name} is {own}; leave "
                "one of the two out"
            )


class GFMTask(lightning.LightningModule):
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
        strategy: How whole photographs are matted.
        d1: Reduction for the glance of photographs; None is the model's own, or 3: what `gfm matte`
            takes.
        d2: Reduction for the focus of photographs; None is the model's own, or 2.
        channels_last: Keep tensors in the memory order that convolutions prefer.
        compile: Let `torch.compile` make the training step's forward faster, after a minute or so.
    """

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
        strategy: Strategy = "hybrid",
        d1: float | None = None,
        d2: float | None = None,
        channels_last: bool = True,
        compile: bool = False,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        if model is not None:
            usual = inspect.signature(type(self)).parameters
            names = (*NETWORK_OPTIONS, "weights")
            asked = [name for name in names if self.hparams[name] != usual[name].default]
            self.model = load_network(model, "cpu").train()  # Lightning leaves eval mode as it is
            check_model_options(self.hparams, self.model.config, asked)
        else:
            if single_decoder and (pyramid, pyramid_join) != ("all", "concatenate"):
                raise InputError(
                    f"model.pyramid={pyramid} and model.pyramid_join={pyramid_join} have no effect "
                    "with model.single_decoder, which has no pyramid pooling; leave them out"
                )
            config = GFMConfig(
                backbone=backbone,
                rosta=rosta,
                width=width,
                pyramid=pyramid,
                pyramid_join=pyramid_join,
                bridge=bridge,
                single_decoder=single_decoder,
                separable=separable,
                mean=IMAGENET_MEAN if mean is None else mean,
                std=IMAGENET_STD if std is None else std,
            )
            self.model = GFM(config, weights)
        if channels_last:
            self.model = self.model.to(memory_format=torch.channels_last)
        # In a tuple they are no part of what is trained or kept.
        self.ensemble = tuple(load_network(each, "cpu") for each in ensemble or ())
        self._compiled: Callable[[Tensor], Any] | None = None
        factors = LossWeights.preset(loss, **(loss_weights or {}))
        self.loss = GFMLoss(factors) if self.model.rim is None else RIMLoss(factors)
        self.errors: dict[str, dict[str, float]] = {}  # of this process, in this epoch
        self.report = Report("gfm", {}, [])  # of all processes, in the last epoch

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

    def loss_terms(self, batch: Batch) -> dict[str, Tensor]:
        """The losses on one batch of crops, unweighted, and `total`, their weighted sum."""
        image = batch.image
        if self.hparams["channels_last"]:
            image = image.contiguous(memory_format=torch.channels_last)
        labels: Any = batch.labels
        if isinstance(self.loss, GFMLoss):
            labels = labels[self.model.config.rostas[0]]
        made = (self._compiled or self.model)(image)
        truth = (image, batch.alpha, batch.foreground, batch.background)
        terms: dict[str, Tensor] = self.loss(made, labels, *truth)
        return terms

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """The weighted sum of the losses on one batch of crops."""
        del index
        terms = self.loss_terms(batch)
        total = terms.pop("total")
        if not torch.isfinite(total):
            raise InputError(
                f"the loss is {total.item()} at step {self.global_step} in samples "
                f"{', '.join(batch.keys)}; lower the learning rate or look at these samples"
                f"{self._keep_keys(batch.keys, total, terms)}"
            )
        self.log("loss", total, prog_bar=True, on_step=True)
        self.log_dict({f"loss_{name}": value for name, value in terms.items()}, on_step=True)
        return total

    def on_fit_start(self) -> None:
        """Compile the forward pass where asked for."""
        if self.hparams["compile"]:
            # Not the model itself: whole photographs would compile it for each of their sizes.
            self._compiled = torch.compile(self.model.forward)

    def on_train_start(self) -> None:
        """Let rates and decay that were asked for win over those of a resumed checkpoint."""
        count_next_epoch(self.trainer)
        asked = self._parameter_groups()
        for optimizer in self.trainer.optimizers:
            for group, wanted in zip(optimizer.param_groups, asked, strict=True):
                group["weight_decay"] = wanted["weight_decay"]
                if self.hparams["schedule"] == "constant":
                    group["lr"] = wanted["lr"]
        for config in self.trainer.lr_scheduler_configs:
            config.scheduler.base_lrs = [wanted["lr"] for wanted in asked]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Fit the optimizer's state to this run.

        Earlier versions had a single parameter group, and another run may not have been fused.
        """
        if self._trainer is None:
            return
        states = checkpoint.get("optimizer_states", [])
        states[:] = [regroup(each, self.model, self._parameter_groups()) for each in states]
        for state in states:
            for group in state["param_groups"]:
                group["fused"] = self._is_fused()

    def on_train_batch_end(self, *_: Any) -> None:  # noqa: ANN401 - outputs, batch and its index
        """Have the last weights of a run validated as well, in whatever epoch it ends.

        They are the best ones of a run whose learning rate falls to 0. Callbacks have been called
        by now, and one of them may have ended the run: `trainer.max_time`.
        """
        trainer = self.trainer
        last_epoch = trainer.is_last_batch and trainer.current_epoch + 1 == trainer.max_epochs
        if trainer.should_stop or last_epoch:
            trainer.check_val_every_n_epoch = 1
        elif trainer.global_step == trainer.max_steps:
            trainer.check_val_every_n_epoch = trainer.val_check_batch = 1

    def _keep_keys(self, keys: list[str], total: Tensor, terms: Mapping[str, Tensor]) -> str:
        """Write what a loss that is no number came from into the run's folder, and say where."""
        if self._trainer is None or self.trainer.log_dir is None:
            return ""
        path = Path(self.trainer.log_dir) / f"not_finite_rank{self.global_rank}.json"
        losses = {name: str(value.item()) for name, value in {"total": total, **terms}.items()}
        found = {"step": self.global_step, "keys": keys, "losses": losses}
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as part:
            part.write_text(json.dumps(found, indent=2), encoding="utf-8")
        return f" (kept in {path})"

    def validation_step(self, photograph: PHOTOGRAPH, index: int) -> dict[str, Matte]:
        """Matte one photograph and compare it, whole and by region; the matte goes to callbacks."""
        del index
        return {"matte": self._compare(photograph)}

    def on_validation_epoch_end(self) -> None:
        """Log the means over the photographs as `val_sad` and so on."""
        self._log_errors("val")

    def test_step(self, photograph: PHOTOGRAPH, index: int) -> dict[str, Matte]:
        """As `validation_step`."""
        del index
        return {"matte": self._compare(photograph)}

    def on_test_epoch_end(self) -> None:
        """Log the means over the photographs as `test_sad` and so on."""
        self._log_errors("test")

    def predict_step(self, photograph: tuple[Path, Any], index: int) -> None:
        """Matte one photograph and write its alpha."""
        del index
        target, image = photograph
        write_alpha(target, self._matte(image).alpha)

    def _compare(self, photograph: PHOTOGRAPH) -> Matte:
        name, image, alpha = photograph
        made = self._matte(image)
        self.errors[name] = photograph_errors(made.alpha, alpha)
        return made

    def _log_errors(self, stage: str) -> None:
        self.report = Report("gfm", gather_by_name(self.errors), [])
        self.errors = {}
        # Every process has the mean over all photographs already: there is nothing to reduce.
        self.log_dict({f"{stage}_{name}": mean for name, mean in self.report.means.items()})

    def passes(self, height: int, width: int) -> PassOptions:
        """Options of matting for photographs of one size."""
        strategy, d1, d2 = (self.hparams[name] for name in ("strategy", "d1", "d2"))
        options = MatteOptions(strategy, d1, d2, foreground="none")
        return options.for_passes([self.model], height, width)

    def _matte(self, image: Any) -> Matte:  # noqa: ANN401 - Lightning hands on what the data gave
        with torch.autocast(self.device.type, enabled=False):  # in the precision of `gfm matte`
            return matte(
                image,
                [self.model, *(each.to(self.device) for each in self.ensemble)],
                strategy=self.hparams["strategy"],
                d1=self.hparams["d1"],
                d2=self.hparams["d2"],
                foreground="none",
            )

    def configure_optimizers(self) -> Any:  # noqa: ANN401 - Lightning takes several forms
        """Adam (paper, section 5.2.2), with the schedule stepped after each batch."""
        optimizer = self.make_optimizer(fused=self._is_fused())
        if self.hparams["schedule"] == "constant":
            return optimizer
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda _: self.rate_factor(share_done(self.trainer))
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def make_optimizer(self, *, fused: bool = False) -> Optimizer:
        """The optimizer of a training."""
        return torch.optim.AdamW(self._parameter_groups(), fused=fused)

    def rate_factor(self, done: float) -> float:
        """Factor on the learning rates, given the share of the run that is over."""
        return 1.0 if self.hparams["schedule"] == "constant" else cosine_factor(done)

    def _parameter_groups(self) -> list[dict[str, Any]]:
        names = ("learning_rate", "encoder_learning_rate", "weight_decay")
        return parameter_groups(self.model, **{name: self.hparams[name] for name in names})

    def _is_fused(self) -> bool:
        """Make one pass over the weights in each step.

        Not with clipping in mixed precision, which Lightning refuses: a fused optimizer would scale
        the gradients itself, after they are clipped.
        """
        clips_mixed = self.trainer.gradient_clip_val and "mixed" in str(self.trainer.precision)
        return self.trainer.strategy.root_device.type in ("cpu", "cuda") and not clips_mixed
