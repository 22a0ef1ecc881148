"""Base of all training tasks: steps, validation on photographs, optimizer, prediction."""

from __future__ import annotations

import dataclasses
import inspect
import json
from abc import abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

import numpy as np
import pytorch_lightning as lightning
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import Optimizer

from gfm.checkpoints.files import load_network
from gfm.data.samples import Batch, Targets
from gfm.evaluation.evaluate import Report
from gfm.guidance.guidance import Guidance
from gfm.inference.cutout import Matte
from gfm.inference.guidance import NO_GUIDANCE
from gfm.inference.matting import check_models, predict, with_colours
from gfm.models.config import SystemConfig
from gfm.models.contract import NOT_RECORDED, Licence
from gfm.models.network import MattingNetwork
from gfm.models.options import MatteOptions
from gfm.training.network_options import check_network_options
from gfm.training.parameter_groups import parameter_groups, regroup
from gfm.training.schedule import cosine_factor, count_next_epoch, share_done
from gfm.training.validation import gather_by_name, photograph_errors
from rssn.imaging.errors import InputError
from rssn.imaging.files import whole_file
from rssn.imaging.photographs import as_photograph
from rssn.imaging.writing import write_alpha

Schedule = Literal["constant", "cosine"]
N = TypeVar("N", bound=MattingNetwork)
C = TypeVar("C", bound=SystemConfig)
Photograph = tuple[str, Any, Any]  # name, pixels and matte, as the data module gives them


class MattingTask(lightning.LightningModule):
    """A network and how it is trained, validated and applied.

    A subclass names its `configuration`, sets `model` in its `__init__`, after
    `save_hyperparameters()`, and defines `targets` and `loss_terms`. Of its options these have
    effect here, as far as it has them: `model` (a model file to start from), `learning_rate`,
    `encoder_learning_rate`, `weight_decay`, `schedule`, `keep_statistics`, `channels_last` and
    `compile`.

    Attributes:
        configuration: Of the network.
        network_options: Names of the options that decide the network, which are those that its
            configuration has; a model file brings them.
        model: The network.
        ensemble: Further networks, for validation, test and prediction alone.
        report: Errors of all processes in the last epoch.
    """

    configuration: ClassVar[type[SystemConfig]] = SystemConfig
    network_options: ClassVar[tuple[str, ...]] = ()
    model: MattingNetwork
    ensemble: tuple[MattingNetwork, ...] = ()

    def __init_subclass__(cls) -> None:
        """Find the options of the network."""
        super().__init_subclass__()
        if "configuration" in vars(cls):
            fields = {field.name for field in dataclasses.fields(cls.configuration)}
            cls.network_options = tuple(n for n in inspect.signature(cls).parameters if n in fields)

    def __init__(self) -> None:
        super().__init__()
        self.errors: dict[str, dict[str, float]] = {}  # of this process, in this epoch
        self.report = Report("gfm", {}, [])
        self._compiled: Callable[..., Any] | None = None

    @abstractmethod
    def targets(self) -> Targets:
        """Maker of the targets of a crop; it runs where crops are loaded, and is pickled there."""

    @abstractmethod
    def loss_terms(self, batch: Batch) -> dict[str, Tensor]:
        """The losses on one batch of crops, unweighted, and `total`, their weighted sum."""

    def predict_batch(self, batch: Batch) -> Tensor:
        """Mattes (B, 1, H, W) of a batch of crops, in the mode that the network is in."""
        alpha: Tensor = self.model(batch.image).alpha
        return alpha

    def true_alpha(self, batch: Batch) -> Tensor:
        """Reference of `predict_batch` (B, 1, H, W)."""
        return batch.alpha

    def guidance(self, name: str, alpha: NDArray[np.float32]) -> Guidance:
        """Guidance for a photograph in validation and test; none here.

        Args:
            name: Of the photograph.
            alpha: Its reference matte (H, W).
        """
        del name, alpha
        return NO_GUIDANCE

    def matte_options(self) -> MatteOptions:
        """Options by which whole photographs are matted."""
        return MatteOptions(foreground="none", refine="none")

    def panel_maps(self, photograph: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """Further maps (H, W) in [0, 1] to show of a validation photograph (H, W, 3)."""
        del photograph
        return []

    @property
    def initial_weights(self) -> str | None:
        """Weights that the training began with: a model, or those of the encoder."""
        encoder = getattr(self.model, "encoder", None)
        found: str | None = self.hparams.get("model") or getattr(encoder, "weights", None)
        return found

    def initial_licences(self) -> list[Licence]:
        """Licences of the weights that the training began with; a model file brings its own."""
        if self.model.licences or self.initial_weights is None:
            return self.model.licences
        licence = getattr(getattr(self.model, "encoder", None), "licence", None)
        source = f"initial weights {Path(self.initial_weights).name}"
        return [Licence(source, licence or NOT_RECORDED, 0.0)]

    def network_config(self, kind: type[C]) -> C:
        """The configuration that the options of the network give; None takes its default.

        Args:
            kind: Type of the configuration.
        """
        given = {name: self.hparams[name] for name in self.network_options}
        return kind(  # the command line keeps tuples as lists
            **{
                name: tuple(value) if isinstance(value, list) else value
                for name, value in given.items()
                if value is not None
            }
        )

    def start_from(self, path: str, *kinds: type[N]) -> N:
        """The network of a model file, in training mode, for the subclass to set as `model`.

        Args:
            path: The file, or a name that `load_network` takes.
            kinds: Networks that the task trains.

        Raises:
            InputError: It cannot be loaded, is another network, or an option of the network
                contradicts it.
        """
        usual = inspect.signature(type(self)).parameters
        names = (*self.network_options, "weights")
        asked = [
            name for name in names if name in usual and self.hparams[name] != usual[name].default
        ]
        model = load_network(path, "cpu").train()  # Lightning leaves eval mode as it is
        if not isinstance(model, kinds):
            wanted = " or ".join(kind.system for kind in kinds)
            raise InputError(
                f"model.model={path}: is a network of the system {model.system}, not of {wanted}; "
                "give its own task as class_path"
            )
        check_network_options(self.hparams, model.config, self.network_options, asked)
        return model

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """The weighted sum of the losses on one batch of crops."""
        del index
        terms = self.loss_terms(batch)
        total = self.check_finite(terms, batch.keys)
        self.log("loss", total, prog_bar=True, on_step=True)
        others = {f"loss_{name}": value for name, value in terms.items() if name != "total"}
        self.log_dict(others, on_step=True)
        return total

    def check_finite(self, terms: Mapping[str, Tensor], keys: list[str]) -> Tensor:
        """The `total` of the losses.

        Args:
            terms: Losses, and `total`.
            keys: Names of the samples.

        Raises:
            InputError: The total is not finite.
        """
        total = terms["total"]
        if not torch.isfinite(total):
            raise InputError(
                f"the loss is {total.item()} at step {self.global_step} in samples "
                f"{', '.join(keys)}; lower the learning rate or look at these samples"
                f"{self._keep_keys(keys, terms)}"
            )
        return total

    def run_network(self, *inputs: Tensor) -> Any:  # noqa: ANN401 - each network has its output
        """The network on a batch, compiled where that was asked for."""
        return (self._compiled or self.model)(*inputs)

    def in_memory_order(self, image: Tensor) -> Tensor:
        """A batch of images in the memory order that was asked for."""
        if self.hparams.get("channels_last"):
            return image.contiguous(memory_format=torch.channels_last)
        return image

    def on_fit_start(self) -> None:
        """Compile the forward pass where asked for."""
        if self.hparams.get("compile"):
            # Not the model itself: whole photographs would compile it for each of their sizes.
            self._compiled = torch.compile(self.model.forward)

    def on_train_start(self) -> None:
        """Apply the given rates and decay over those of a resumed checkpoint.

        Leave the statistics of batch norms as they are, where asked for. Lightning gives every
        module its own mode back after a validation.
        """
        count_next_epoch(self.trainer)
        if self.hparams.get("keep_statistics"):
            for module in self.model.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        asked = self.parameter_groups()
        for optimizer in self.trainer.optimizers:
            for group, wanted in zip(optimizer.param_groups, asked, strict=True):
                group["weight_decay"] = wanted["weight_decay"]
                if self.hparams.get("schedule") == "constant":
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
        states[:] = [regroup(each, self.model, self.parameter_groups()) for each in states]
        for state in states:
            for group in state["param_groups"]:
                if "fused" in group:
                    group["fused"] = self.is_fused()

    def on_train_batch_end(self, *_: Any) -> None:  # noqa: ANN401 - outputs, batch and its index
        """Validate the last weights of a run, too, in whatever epoch it ends.

        They are the best ones of a run whose learning rate falls to 0. Callbacks have been called
        by now, and one of them may have ended the run: `trainer.max_time`.
        """
        trainer = self.trainer
        last_epoch = trainer.is_last_batch and trainer.current_epoch + 1 == trainer.max_epochs
        if trainer.should_stop or last_epoch:
            trainer.check_val_every_n_epoch = 1
        elif 0 < trainer.max_steps <= trainer.global_step:
            trainer.check_val_every_n_epoch = trainer.val_check_batch = 1

    def _keep_keys(self, keys: list[str], terms: Mapping[str, Tensor]) -> str:
        """Write where a loss that is not finite came from into the run's folder; name the file."""
        if self._trainer is None or self.trainer.log_dir is None:
            return ""
        path = Path(self.trainer.log_dir) / f"not_finite_rank{self.global_rank}.json"
        losses = {name: str(value.item()) for name, value in terms.items()}
        found = {"step": self.global_step, "keys": keys, "losses": losses}
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as part:
            part.write_text(json.dumps(found, indent=2), encoding="utf-8")
        return f" (kept in {path})"

    def validation_step(self, photograph: Photograph, index: int) -> dict[str, Matte]:
        """Matte one photograph and compare it, whole and by region; the matte goes to callbacks."""
        del index
        return {"matte": self._compare(photograph)}

    def on_validation_epoch_end(self) -> None:
        """Log the means over the photographs as `val_sad` and so on."""
        self._log_errors("val")

    def test_step(self, photograph: Photograph, index: int) -> dict[str, Matte]:
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
        write_alpha(target, self.matte_photograph(image).alpha)

    def photograph_errors(self, made: Matte, alpha: NDArray[np.float32]) -> dict[str, float]:
        """Metrics of the matte of a photograph; `val_` or `test_` begins their names in the log.

        Args:
            made: The matte.
            alpha: The reference matte (H, W).
        """
        return photograph_errors(made.alpha, alpha)

    def _compare(self, photograph: Photograph) -> Matte:
        name, image, alpha = photograph
        made = self.matte_photograph(image, self.guidance(name, alpha))
        self.errors[name] = self.photograph_errors(made, alpha)
        return made

    def _log_errors(self, stage: str) -> None:
        self.report = Report("gfm", gather_by_name(self.errors), [])
        self.errors = {}
        # Every process has the mean over all photographs already: there is nothing to reduce.
        self.log_dict({f"{stage}_{name}": mean for name, mean in self.report.means.items()})

    def matte_photograph(self, image: Any, guidance: Guidance = NO_GUIDANCE) -> Matte:  # noqa: ANN401
        """The matte of a photograph as `gfm.matte` makes it, in full precision."""
        options = self.matte_options()
        models = [self.model, *(each.to(self.device) for each in self.ensemble)]
        with torch.autocast(self.device.type, enabled=False):
            system, checked = check_models(models, options)
            photograph = as_photograph(image)
            made = predict(system, checked, photograph, guidance, options)
            return with_colours(photograph, made, options)

    def configure_optimizers(self) -> Any:  # noqa: ANN401 - Lightning takes several forms
        """The optimizer, with the schedule stepped after each batch."""
        optimizer = self.make_optimizer(fused=self.is_fused())
        if self.hparams.get("schedule", "constant") == "constant":
            return optimizer
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda _: self.rate_factor(share_done(self.trainer))
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def make_optimizer(self, *, fused: bool = False) -> Optimizer:
        """The optimizer of a training: AdamW, which is Adam without weight decay."""
        return torch.optim.AdamW(self.parameter_groups(), fused=fused)

    def rate_factor(self, done: float) -> float:
        """Factor on the learning rates, given the share of the run that is over."""
        return 1.0 if self.hparams.get("schedule") != "cosine" else cosine_factor(done)

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Parameters for the optimizer, with their rates and decays."""
        names = (
            "learning_rate",
            "encoder_learning_rate",
            "weight_decay",
            "norm_weight_decay",
        )
        given = {name: self.hparams[name] for name in names if name in self.hparams}
        return parameter_groups(self.model, **given)

    def is_fused(self) -> bool:
        """Make one pass over the weights in each step.

        Not with clipping in mixed precision, which Lightning refuses: a fused optimizer would scale
        the gradients itself, after they are clipped.
        """
        clips_mixed = self.trainer.gradient_clip_val and "mixed" in str(self.trainer.precision)
        return self.trainer.strategy.root_device.type in ("cpu", "cuda") and not clips_mixed
