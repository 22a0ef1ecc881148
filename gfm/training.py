"""The Lightning command line: `gfm fit`, `validate`, `test` and `predict`.

A run is kept in a folder of its own, `runs/version_N` or what `trainer.logger` says: `metrics.csv`,
`config.yaml`, `run.json`, checkpoints, the errors on each photograph and a panel of pictures.
`--wandb PROJECT` logs it to W&B as well, offline without a key or a network; `WANDB_MODE` overrules
that. `--trainer.logger false` keeps nothing but checkpoints.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Sequence
from typing import Any

import pytorch_lightning as lightning
from jsonargparse import ArgumentError
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI

from gfm.averaging import WeightAverage
from gfm.config import Rosta
from gfm.data import GFMData
from gfm.progress import TrainingProgress
from gfm.run_files import LastCheckpoint, ModelFiles
from gfm.task import GFMTask
from gfm.tracking.loggers import run_loggers
from gfm.tracking.panel import ValidationPanel
from gfm.tracking.record import RunRecord
from rssn.errors import InputError

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


class GFMCommandLine(LightningCLI):
    """Lightning's command line with the project's defaults."""

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Tie labels to the model and crops to the seed; keep the best and the last model."""
        # The model itself, since one that is read from a file brings its own representation.
        parser.link_arguments("model", "data.rosta", _rosta_of, apply_on="instantiate")
        parser.link_arguments("seed_everything", "data.seed", int)
        parser.add_lightning_class_args(ModelFiles, "checkpoint")
        parser.add_lightning_class_args(LastCheckpoint, "last")
        parser.add_lightning_class_args(RunRecord, "run")
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
            help="Log to this W&B project as well; offline without a key, see WANDB_MODE.",
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

    def instantiate_trainer(self, **kwargs: Any) -> lightning.Trainer:  # noqa: ANN401
        """The trainer, whose run always has a folder with `metrics.csv`."""
        options = self._get(self.config_init, "trainer", default={})
        loggers = run_loggers(options.get("logger"), self._get(self.config_init, "wandb"))
        trainer = super().instantiate_trainer(**kwargs, logger=loggers)
        if (decay := self._get(self.config_init, "ema")) is not None:
            callbacks: list[lightning.Callback] = trainer.callbacks  # type: ignore[attr-defined]
            callbacks.insert(0, WeightAverage(decay))  # before those that keep the model
        return trainer


def run(arguments: Sequence[str]) -> None:
    """Run one of Lightning's commands.

    Args:
        arguments: The command and its options, as on the command line; `--quiet` among them shows
            no progress.

    Raises:
        InputError: Data, a model or an option that is not supported.
    """
    options = [argument for argument in arguments if argument != "--quiet"]
    if len(options) < len(arguments):
        os.environ.setdefault("WANDB_SILENT", "true")  # it reports on stderr otherwise
    logging.getLogger("pytorch_lightning.utilities.rank_zero").setLevel(logging.WARNING)
    for harmless in HARMLESS:
        warnings.filterwarnings("ignore", message=f".*{harmless}")
    raising = {"exit_on_error": False}  # or the parser writes its whole usage before its error
    try:
        GFMCommandLine(
            GFMTask,
            GFMData,
            args=options,
            parser_kwargs={**raising, **{name: raising for name in GFMCommandLine.subcommands()}},
            trainer_defaults={
                "callbacks": [TrainingProgress(quiet=len(options) < len(arguments))],
                "logger": {
                    "class_path": "pytorch_lightning.loggers.CSVLogger",
                    "init_args": {"save_dir": "runs", "name": ""},
                },
                "enable_model_summary": False,
            },
            seed_everything_default=0,
        )
    except ArgumentError as error:
        raise InputError(f"{error}; see `gfm {' '.join(options[:1])} --help`") from None
    except MisconfigurationException as error:
        raise InputError(str(error)) from None
    except InputError:
        raise
    except ValueError as error:  # the parser wraps what the options' own checks raise
        if isinstance(error.__cause__, InputError):
            raise error.__cause__ from None
        raise


def _rosta_of(task: GFMTask) -> Rosta:
    return task.model.config.rosta
