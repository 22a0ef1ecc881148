"""The Lightning command line: `gfm fit`, `validate`, `test` and `predict`.

A run is kept in a folder of its own, `runs/version_N` or what `trainer.logger` says: `metrics.csv`,
`config.yaml`, `run.json`, checkpoints, the errors on each photograph and a panel of pictures.
`--wandb PROJECT` logs it to W&B as well; `WANDB_MODE=offline` keeps that for `wandb sync`.
`--trainer.logger false` keeps nothing but checkpoints.
"""

from __future__ import annotations

import importlib
import logging
import os
import warnings
from collections.abc import Sequence
from inspect import signature
from pathlib import Path
from typing import Any

import pytorch_lightning as lightning
import torch
from jsonargparse import ArgumentError
from lightning_fabric.plugins import TorchCheckpointIO
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI
from pytorch_lightning.loggers import Logger

from gfm.checkpoints.files import read_config as read_network_config
from gfm.checkpoints.licences import Allowed, check_allowed
from gfm.commands.given import (
    blamed_files,
    given_model_options,
    plain_error,
    refuse_old_names,
)
from gfm.data.module import GFMData
from gfm.data.samples import Targets
from gfm.models.registry import DEFAULT_TASK
from gfm.tracking.loggers import WandbOptions, run_loggers, wandb_error
from gfm.tracking.panel import ValidationPanel
from gfm.tracking.rates import TrainingRates
from gfm.tracking.record import WANDB_RUN, RunRecord
from gfm.training.averaging import WeightAverage
from gfm.training.network_options import check_network_options, is_same
from gfm.training.progress import TrainingProgress
from gfm.training.run_files import LastCheckpoint, ModelFiles, WholeCheckpoints
from gfm.training.task import MattingTask
from gfm.training.trainer import Trainer
from rssn.imaging.errors import InputError, one_line

# Warnings of Lightning about what is so by design.
HARMLESS = (
    "does not have many workers",  # the machine decides how many pay off
    "args parameter is intended",
    "LeafSpec.*is deprecated",
    "Your `IterableDataset` has `__len__` defined",  # and its parts are told apart
    "Total length of `list` across ranks is zero",  # nothing to validate on
    "predict returned None",  # it writes files
    "monitor='val_sad'.* could not find the monitored key",  # nothing to validate on
    "recommended to use .*sync_dist=True",  # the means that are logged are over all processes
)


CHECKPOINT_WORDS = ("best", "last", "hpc", "registry")  # which Lightning resolves itself


class GFMCommandLine(LightningCLI):
    """Lightning's command line with the project's defaults.

    Attributes:
        given: Names of the task's options that were given, see `given_model_options`. The parser
            cannot tell: in what it returns, options that were given and defaults look the same;
            without defaults it fails on the link of the seed; and the default task has to be known
            before it starts.
    """

    def __init__(self, *classes: Any, **options: Any) -> None:  # noqa: ANN401 - as Lightning's
        self.given = given_model_options(options.get("args") or [])
        super().__init__(*classes, **options)

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Tie labels to the model and crops to the seed; keep the best and the last model."""
        # The task itself, since a model that is read from a file brings its own representation.
        parser.link_arguments("model", "data.targets", _targets_of, apply_on="instantiate")
        parser.link_arguments("seed_everything", "data.seed", int)
        parser.add_lightning_class_args(ModelFiles, "checkpoint")
        parser.add_lightning_class_args(RunRecord, "run")
        parser.add_lightning_class_args(LastCheckpoint, "last")
        parser.add_lightning_class_args(ValidationPanel, "panel")
        parser.add_argument(
            "--ema",
            type=float | None,
            metavar="DECAY",
            help="Validate and keep the moving average of the weights, such as 0.999.",
        )
        parser.add_argument(
            "--wandb",
            type=str | None,
            metavar="PROJECT",
            help="Log to this W&B project as well; see WANDB_MODE.",
        )
        for name, kind, what in (
            ("entity", str | None, "Team or user on W&B."),
            ("group", str | None, "Group of the run on W&B."),
            ("tags", list[str] | None, "Tags of the run on W&B, such as '[a, b]'."),
        ):
            parser.add_argument(f"--wandb_{name}", type=kind, metavar=name.upper(), help=what)
        parser.add_argument(
            "--licences",
            type=Allowed | None,
            metavar="TERMS",
            help="Train only on sources with these terms or freer ones: permissive, attribution or "
            "share-alike.",
        )
        parser.set_defaults(
            {
                "checkpoint.monitor": "val_sad",
                "checkpoint.mode": "min",
                "checkpoint.filename": "best",
                "checkpoint.enable_version_counter": False,
                "trainer.max_epochs": 500,
            }
        )
        if "class_path" not in self.given:
            # Beside another task's class_path, the options of this one would win over its own.
            parser.set_defaults({"model": {"class_path": DEFAULT_TASK}})

    def _parse_ckpt_path(self) -> None:
        """Read the model's options from a checkpoint; given options take precedence.

        Lightning would let the checkpoint's win, also over what the user has just asked for.
        """
        command = self.config.get("subcommand")
        path = command and self.config[command].get("ckpt_path")
        if not path or path in CHECKPOINT_WORDS:
            return
        kept = read_hyper_parameters(Path(path))
        task = self.config[command]["model"]
        if "class_path" not in self.given:
            task["class_path"] = kept.pop("class_path")
        elif task["class_path"] != kept.pop("class_path"):
            raise InputError(
                f"ckpt_path={path}: was trained by another task than model.class_path="
                f"{task['class_path']}; leave the class_path out, or start anew without --ckpt_path"
            )
        options, names = task["init_args"], task_class(task["class_path"]).network_options
        clashes = [n for n in names if n in self.given and not is_same(options[n], kept[n])]
        if clashes and options.get("model") is None:
            said = ", ".join(f"model.{n}={kept[n]!r}, not {options[n]!r}" for n in clashes)
            raise InputError(
                f"ckpt_path={path}: was trained with {said}; leave the option out, or start anew "
                "without --ckpt_path"
            )
        for name, value in kept.items():
            if name not in self.given:
                options[name] = value

    def before_instantiate_classes(self) -> None:
        """Complete the network's options by those of a model file."""
        task = self._get(self.config, "model")
        options = task["init_args"]
        if options.get("model") is None:
            return
        _, config = read_network_config(options["model"])
        names = task_class(task["class_path"]).network_options
        check_network_options(options, config, names, self.given)
        for name in names:
            options[name] = getattr(config, name, options[name])

    def before_fit(self) -> None:
        """Refuse sources whose licences were not asked for, before anything is computed."""
        allowed = self._get(self.config_init, "licences")
        if allowed is not None:
            task, data = self.model, self.datamodule
            check_allowed([*data.licences(), *task.initial_licences()], allowed)

    def _wandb_options(self) -> WandbOptions | None:
        project = self._get(self.config_init, "wandb")
        given = {n: self._get(self.config_init, f"wandb_{n}") for n in ("entity", "group", "tags")}
        if project is None:
            if unused := [f"--wandb_{name}" for name, value in given.items() if value]:
                raise InputError(f"{', '.join(unused)}: no effect without --wandb PROJECT")
            return None
        path = self._get(self.config_init, "ckpt_path") if self.subcommand == "fit" else None
        resume = read_wandb_run(Path(path)) if path and Path(path).is_file() else None
        return WandbOptions(project, given["entity"], given["group"], given["tags"] or (), resume)

    def instantiate_trainer(self, **kwargs: Any) -> lightning.Trainer:  # noqa: ANN401
        """The trainer, whose run always has a folder with `metrics.csv`."""
        options = self._get(self.config_init, "trainer", default={})
        loggers = run_loggers(options.get("logger"), self._wandb_options())
        if self.subcommand == "fit" and isinstance(loggers, list):
            refuse_earlier_run(loggers[0])
        trainer = super().instantiate_trainer(**kwargs, logger=loggers)
        if type(trainer.strategy.checkpoint_io) is TorchCheckpointIO:  # none that was asked for
            trainer.strategy.checkpoint_io = WholeCheckpoints()
        if (decay := self._get(self.config_init, "ema")) is not None:
            callbacks: list[lightning.Callback] = trainer.callbacks  # type: ignore[attr-defined]
            callbacks.insert(0, WeightAverage(decay))  # before those that keep the model
        return trainer


def refuse_earlier_run(logger: Logger) -> None:
    """Leave alone the folder of a run that is there already; Lightning would empty its table.

    Raises:
        InputError: The folder of the logger holds the options of an earlier run.
    """
    folder = logger.log_dir
    if folder is not None and (Path(folder) / "config.yaml").exists():
        raise InputError(
            f"{folder}: holds an earlier run; give another folder by "
            "--trainer.logger.init_args.version NAME, or delete that run"
        )


def run(arguments: Sequence[str]) -> None:
    """Run one of Lightning's commands.

    Args:
        arguments: The command and its options, as on the command line; `--quiet` among them shows
            no progress.

    Raises:
        InputError: Data, a model or an option that is not supported.
    """
    command_line(arguments)


def command_line(arguments: Sequence[str], *, is_run: bool = True) -> GFMCommandLine:
    """Task, data and trainer as a command line asks for them.

    Args:
        arguments: As for `run`; without the command, where it is not to be run.
        is_run: Run the command.

    Raises:
        InputError: Data, a model or an option that is not supported.
    """
    options = [argument for argument in arguments if argument != "--quiet"]
    refuse_old_names(options)
    if len(options) < len(arguments):
        os.environ.setdefault("WANDB_SILENT", "true")  # it reports on stderr otherwise
    for talking in ("pytorch_lightning.utilities.rank_zero", "lightning_fabric.utilities.seed"):
        logging.getLogger(talking).setLevel(logging.WARNING)
    for harmless in HARMLESS:
        warnings.filterwarnings("ignore", message=f".*{harmless}")
    raising = {"exit_on_error": False}  # or the parser writes its whole usage before its error
    commands = {name: raising for name in GFMCommandLine.subcommands()} if is_run else {}
    try:
        return GFMCommandLine(
            MattingTask,
            GFMData,
            subclass_mode_model=True,
            trainer_class=Trainer,
            args=options,
            run=is_run,
            parser_kwargs={**raising, **commands},
            trainer_defaults={
                "callbacks": [
                    TrainingProgress(quiet=len(options) < len(arguments)),
                    TrainingRates(),
                ],
                "logger": {
                    "class_path": "pytorch_lightning.loggers.CSVLogger",
                    "init_args": {"save_dir": "runs", "name": ""},
                },
                "enable_model_summary": False,
            },
            seed_everything_default=0,
        )
    except ArgumentError as error:
        command = options[0] if is_run else "fit"
        message = plain_error(str(error))
        files = blamed_files(message, options)
        where = f"{', '.join(map(str, files))}: " if files else ""
        raise InputError(f"{where}{message}; see `gfm {command} --help`") from None
    except MisconfigurationException as error:
        raise InputError(str(error)) from None
    except InputError:
        raise
    except RuntimeError as error:
        if "Error(s) in loading state_dict" in str(error):
            raise InputError(
                f"the checkpoint holds another network than the model ({one_line(error)[:200]}...);"
                " give the options that it was trained with"
            ) from None
        raise
    except ValueError as error:  # the parser wraps what the options' own checks raise
        if isinstance(error.__cause__, InputError):
            raise error.__cause__ from None
        raise
    except Exception as error:
        if type(error).__module__.startswith("wandb."):
            raise wandb_error(error) from None
        raise


def read_wandb_run(path: Path) -> str | None:
    """Id of the run on W&B that a checkpoint of `gfm fit` belongs to."""
    kept = torch.load(path, weights_only=True, map_location="cpu", mmap=True)
    return next(iter(kept.get(WANDB_RUN, ())), None)


def task_class(path: str) -> type[MattingTask]:
    """The task of that class path."""
    module, _, name = path.rpartition(".")
    task: type[MattingTask] = getattr(importlib.import_module(module), name)
    return task


def read_hyper_parameters(path: Path) -> dict[str, Any]:
    """The options of the task that a checkpoint was trained with, and its `class_path`.

    Raises:
        InputError: It is missing, damaged, or not a checkpoint of `gfm fit`.
    """
    if not path.is_file():
        raise InputError(f"ckpt_path={path}: no such file; runs/*/checkpoints/last.ckpt is one")
    try:
        kept = torch.load(path, weights_only=True, map_location="cpu")["hyper_parameters"]
        task = kept.get("_class_path", DEFAULT_TASK)
        if task == "gfm.task.GFMTask":  # the name of earlier versions
            task = DEFAULT_TASK
        # Options that came later had no effect on the network then.
        known = signature(task_class(task)).parameters
        usual = {name: known[name].default for name in task_class(task).network_options}
        kept = {name: value for name, value in kept.items() if not name.startswith("_")}
        return {**usual, **kept, "class_path": task}
    except Exception as error:  # every reader fails in its own way
        raise InputError(
            f"ckpt_path={path}: is no checkpoint of `gfm fit`, or a damaged one "
            f"({type(error).__name__}); give another; models in .safetensors go to --model.model"
        ) from None


def _targets_of(task: MattingTask) -> Targets:
    return task.targets()
