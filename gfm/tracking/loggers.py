"""Where the curves of a run go: always to `metrics.csv`, and to W&B when a project is named."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytorch_lightning as lightning
from pytorch_lightning.loggers import CSVLogger, Logger, WandbLogger

from gfm.tracking.wandb_access import choose_mode

LOGGED_TO = "runs"
INIT_SECONDS, FINISH_SECONDS = 30, 300  # after these W&B is no longer waited for


def run_loggers(
    given: Logger | Iterable[Logger] | bool | None, project: str | None
) -> list[Logger] | bool:
    """The loggers of a run: a CSV logger first, whose folder is the run's, then the others.

    Args:
        given: What `trainer.logger` says; False is no logger and no folder at all.
        project: The W&B project, or None.
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
    if project is not None:
        # It makes its folder; made by W&B, which begins first, it would be warned of as not empty.
        _ = table.experiment
        loggers.append(wandb_logger(project, Path(table.log_dir)))
    return loggers


def wandb_logger(project: str, folder: Path) -> WandbLogger:
    """A W&B logger that writes below the run's folder and never makes a run wait for long.

    `WANDB_MODE` decides where it is set. Otherwise a run is offline without a key and where the
    server does not answer; `wandb sync` uploads it later.
    """
    import wandb

    settings = wandb.Settings(
        console="off", init_timeout=INIT_SECONDS, finish_timeout=FINISH_SECONDS
    )
    logger = WandbLogger(
        name=str(folder),
        project=project,
        save_dir=str(folder),
        mode=choose_mode(),
        settings=settings,
    )
    logger._wandb_init.pop("anonymous")  # W&B warns of it, and Lightning always hands it on
    return logger


def run_folder(trainer: lightning.Trainer) -> Path | None:
    """The folder with `metrics.csv`; None without a CSV logger. Every process has to ask."""
    folder = trainer.log_dir  # the first process tells it to the others
    is_kept = any(isinstance(logger, CSVLogger) for logger in trainer.loggers)
    return Path(folder) if folder is not None and is_kept else None


def wandb_loggers(trainer: lightning.Trainer) -> list[WandbLogger]:
    """The trainer's W&B loggers."""
    return [logger for logger in trainer.loggers if isinstance(logger, WandbLogger)]
