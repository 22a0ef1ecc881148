"""The Lightning command line: `gfm fit`, `validate`, `test` and `predict`."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence

from pytorch_lightning.cli import LightningArgumentParser, LightningCLI

from gfm.data import GFMData
from gfm.progress import TrainingProgress
from gfm.task import GFMTask, ModelFiles


class GFMCommandLine(LightningCLI):
    """Lightning's command line with the project's defaults."""

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Tie the labels to the model and keep the best and the last model."""
        parser.link_arguments("model.rosta", "data.rosta")
        parser.add_lightning_class_args(ModelFiles, "checkpoint")
        parser.set_defaults(
            {
                "checkpoint.monitor": "val_sad",
                "checkpoint.mode": "min",
                "checkpoint.save_last": True,
                "checkpoint.filename": "best",
                "checkpoint.enable_version_counter": False,
            }
        )


def run(arguments: Sequence[str]) -> None:
    """Run one of Lightning's commands.

    Args:
        arguments: The command and its options, as on the command line.
    """
    logging.getLogger("pytorch_lightning.utilities.rank_zero").setLevel(logging.WARNING)
    # Loading takes one process here by design; the machine decides how many pay off.
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings("ignore", message=".*args parameter is intended.*")
    warnings.filterwarnings("ignore", message=".*LeafSpec.*is deprecated.*")
    GFMCommandLine(
        GFMTask,
        GFMData,
        args=list(arguments),
        trainer_defaults={
            "callbacks": [TrainingProgress()],
            "logger": {
                "class_path": "pytorch_lightning.loggers.CSVLogger",
                "init_args": {"save_dir": "runs", "name": ""},
            },
            "enable_model_summary": False,
            "max_epochs": 500,
        },
        seed_everything_default=0,
    )
