"""Mattes of other methods for the comparison of runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gfm.evaluation.evaluate import AUTO, evaluate_folders
from gfm.tracking.rows import DataSet, Track
from gfm.tracking.table import Method
from rssn.imaging.errors import InputError


@dataclass(frozen=True)
class TrueMattes:
    """Truth for the mattes of other methods.

    Attributes:
        alpha: Folder of the true mattes.
        trimap: Folder of trimaps for the errors by region; `auto` makes them from the true mattes,
            as a run's validation does.
        dataset: Whose photographs these are, if one of the paper's.
        track: What the methods were trained on, if one of the paper's tracks.
    """

    alpha: Path
    trimap: str = AUTO
    dataset: DataSet | None = None
    track: Track | None = None


def read_method(given: str, true: TrueMattes, quiet: bool = False) -> tuple[Method, Sequence[str]]:
    """Evaluate a folder of mattes, convention `gfm`.

    Args:
        given: `NAME=DIR`.
        true: What it is compared with.
        quiet: Show no progress.

    Returns:
        The row, and a line for each matte that is missing or cannot be compared.

    Raises:
        InputError: Not of that form, a folder that is missing, or none of its mattes fits.
    """
    name, _, folder = given.partition("=")
    if not name or not folder:
        raise InputError(f"--mattes {given}: give NAME=DIR, such as MODNet=results/modnet")
    report = evaluate_folders(folder, true.alpha, true.trimap, quiet=quiet)
    if not report.images:
        raise InputError(
            f"--mattes {given}: none can be compared with {true.alpha} ({report.failures[0]}); "
            "give files of the same stems and sizes"
        )
    method = Method(name, folder, true.dataset, true.track, len(report.images), report.means)
    return method, [f"{name}: {line}" for line in report.failures]
