"""Sources of the runs of a comparison: folders, and W&B."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

from gfm.tracking.published import METRICS
from gfm.tracking.summary import FILE, WANDB_KEY, RunSummary
from gfm.training.scores import Scores
from rssn.imaging.errors import InputError, one_line

API_SECONDS = 20
_WANDB_RUN = re.compile(r"[^/\s]+/[^/\s]+/[^/\s]+")
_WANDB_PROJECT = re.compile(r"[^/\s]+/[^/\s]+")


def read_run(name: str) -> tuple[RunSummary, Scores]:
    """The summary of a run, and its best validation.

    Args:
        name: Its folder, a folder inside it such as that of an offline W&B run, or the path
            `entity/project/run` of a run on W&B.

    Raises:
        InputError: There is no such run, it cannot be read, or it was never validated by the
            metrics that are compared.
    """
    folder = Path(name)
    if folder.is_dir():
        around = (folder, *folder.resolve().parents[:2])  # run/wandb/offline-run-...
        summary = RunSummary.read(next((f for f in around if (f / FILE).is_file()), folder))
    elif _WANDB_RUN.fullmatch(name):
        summary = _read_wandb(name)
    else:
        raise InputError(f"{name}: no such folder; give one with {FILE}, or entity/project/run")
    if summary.best is None:
        raise InputError(f"{name}: was never validated; set data.validation and run it again")
    if missing := [metric for metric in METRICS if metric not in summary.best.metrics]:
        raise InputError(f"{name}: its validation has no {', '.join(missing)}; run it again")
    return summary, summary.best


def publish(project: str, title: str, markdown: str) -> str:
    """Make a W&B report of a comparison.

    Args:
        project: `entity/project`.
        title: Of the report.
        markdown: Its text.

    Returns:
        The address of the report.

    Raises:
        InputError: No project, W&B cannot be reached or refuses, or a package is missing.
    """
    if not _WANDB_PROJECT.fullmatch(project):
        raise InputError(f"--report {project}: give entity/project")
    try:
        reports: Any = importlib.import_module("wandb_workspaces.reports.v2")
    except ImportError:
        raise InputError(
            "--report needs the package wandb-workspaces: pip install wandb-workspaces"
        ) from None
    entity, _, name = project.partition("/")
    blocks = [reports.MarkdownBlock(text=markdown)]
    try:
        report = reports.Report(entity=entity, project=name, title=title, blocks=blocks)
        report.save()
    except Exception as error:  # it raises what its many layers raise
        raise InputError(f"--report {project}: W&B refuses it ({one_line(error)})") from error
    return str(report.url)


def _read_wandb(name: str) -> RunSummary:
    import wandb

    try:
        run = wandb.Api(timeout=API_SECONDS).run(name)
        summary = run.config.get(WANDB_KEY)
    except (wandb.errors.Error, ValueError, OSError) as error:
        raise InputError(f"{name}: W&B does not give it ({one_line(error)})") from error
    if summary is None:
        raise InputError(f"{name}: is no run of `gfm fit --wandb`; its {FILE} is not there")
    return RunSummary.from_dict(summary, name)
