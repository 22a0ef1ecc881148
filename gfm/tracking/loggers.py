"""Loggers of a run: always `metrics.csv`, and W&B if a project is named."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytorch_lightning as lightning
from pytorch_lightning.loggers import CSVLogger, Logger, WandbLogger

from rssn.imaging.errors import InputError, one_line

LOGGED_TO = "runs"
INIT_SECONDS, FINISH_SECONDS = 30, 300  # after these W&B is no longer waited for


@dataclass(frozen=True)
class WandbOptions:
    """Place of a run on W&B.

    Attributes:
        project: The project.
        entity: Team or user; W&B's default when None.
        group: Group of runs, such as the seeds of one experiment.
        tags: Tags of the run.
        resume: Id of the run to go on with.
    """

    project: str
    entity: str | None = None
    group: str | None = None
    tags: Sequence[str] = ()
    resume: str | None = None


def run_loggers(
    given: Logger | Iterable[Logger] | bool | None, wandb: WandbOptions | None
) -> list[Logger] | bool:
    """The loggers of a run: a CSV logger first, whose folder is the run's, then the others.

    Args:
        given: What `trainer.logger` says; False is no logger and no folder at all.
        wandb: The run on W&B, or None.
    """
    if given is False:
        return False
    if isinstance(given, Logger):
        others = [given]
    else:
        others = [] if given is None or given is True else list(given)
    table = next((logger for logger in others if isinstance(logger, CSVLogger)), None)
    table = table or CSVLogger(LOGGED_TO, name="")
    loggers = [table, *(logger for logger in others if logger is not table)]
    if wandb is not None:
        # It makes its folder; made by W&B, which begins first, it would be warned of as not empty.
        _ = table.experiment
        loggers.append(wandb_logger(wandb, Path(table.log_dir)))
    return loggers


def wandb_logger(options: WandbOptions, folder: Path) -> WandbLogger:
    """A W&B logger that writes below the run's folder and never makes a run wait for long.

    Raises:
        InputError: W&B has no key and cannot ask for one.
    """
    import wandb

    if os.environ.get("WANDB_MODE", "online") == "online":
        try:
            wandb.login(verify=False)
        except wandb.errors.Error as error:
            raise wandb_error(error) from None
    settings = wandb.Settings(
        console="off", init_timeout=INIT_SECONDS, finish_timeout=FINISH_SECONDS
    )
    logger = WandbLogger(
        name=None if options.resume else str(folder),  # that run has its name
        project=options.project,
        entity=options.entity,
        group=options.group,
        tags=list(options.tags) or None,
        id=options.resume,
        save_dir=str(folder),
        settings=settings,
    )
    logger._wandb_init.pop("anonymous")  # W&B warns of it, and Lightning always hands it on
    return logger


def wandb_error(error: BaseException) -> InputError:
    """W&B's own error in one line, with the way out."""
    return InputError(
        f"W&B: {one_line(error)}; or set WANDB_MODE=offline, and upload later with `wandb sync`"
    )


def run_folder(trainer: lightning.Trainer) -> Path | None:
    """The folder with `metrics.csv`; None without a CSV logger. Every process has to ask."""
    folder = trainer.log_dir  # the first process tells it to the others
    is_kept = any(isinstance(logger, CSVLogger) for logger in trainer.loggers)
    return Path(folder) if folder is not None and is_kept else None


def wandb_loggers(trainer: lightning.Trainer) -> list[WandbLogger]:
    """The trainer's W&B loggers."""
    return [logger for logger in trainer.loggers if isinstance(logger, WandbLogger)]
