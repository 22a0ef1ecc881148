"""Command line of the training: `python -m gfm.models.guided.training fit --config FILE`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI

from gfm.models.guided.data import GuidedData
from gfm.models.guided.task import GuidedTask


class GuidedCommandLine(LightningCLI):
    """Lightning's command line with the task and the data of the light guided network."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - those of LightningCLI
        super().__init__(GuidedTask, GuidedData, seed_everything_default=0, **options)

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Keep checkpoints, and draw samples by the seed of the run."""
        parser.add_lightning_class_args(ModelCheckpoint, "checkpoint")
        parser.link_arguments("seed_everything", "data.seed", int)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 done."""
    GuidedCommandLine(args=None if arguments is None else list(arguments))
    return 0


if __name__ == "__main__":
    sys.exit(main())
