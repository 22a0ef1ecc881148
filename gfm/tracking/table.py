"""Runs beside each other and beside the paper, after its table 1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gfm.tracking.published import METRICS, Published, published
from gfm.tracking.rows import TRACKS, Row
from gfm.tracking.summary import RunSummary, Scores

_HEADS = ("SAD", "MSE", "MAD", "Grad", "Conn", "SAD-TRAN", "SAD-FG", "SAD-BG")
_DECIMALS = {"mse": 4, "mad": 4}  # as printed; 2 for the others


@dataclass(frozen=True)
class Compared:
    """A run with at least one validation.

    Attributes:
        run: Its folder, or its path on W&B.
        summary: What it was.
        scores: Its best validation, which is compared.
    """

    run: str
    summary: RunSummary
    scores: Scores

    @property
    def row(self) -> Row:
        """Where it belongs in the paper's tables."""
        return self.summary.row

    @property
    def paper(self) -> Published | None:
        """What the paper printed for it."""
        return published(self.row)

    @property
    def difference(self) -> dict[str, float]:
        """Ours minus the paper's, for what was printed; below 0 is better."""
        printed = self.paper.metrics if self.paper else {}
        return {key: self.scores.metrics[key] - value for key, value in printed.items()}

    def as_dict(self) -> dict[str, Any]:
        """The comparison in the types that JSON has."""
        paper = self.paper
        return {
            "run": self.run,
            "name": self.row.name,
            "dataset": self.row.dataset,
            "track": self.row.track,
            "epoch": self.scores.epoch,
            "step": self.scores.step,
            "photographs": self.scores.photographs,
            "manifest_sha256": self.summary.manifest_sha256,
            "ours": self.scores.metrics,
            "paper": paper and {"table": paper.table, **paper.metrics},
            "difference": self.difference,
        }


def markdown(compared: Sequence[Compared]) -> str:
    """One Markdown table for each data set and track, in the paper's order."""
    groups: dict[str, list[Compared]] = {}
    for one in sorted(compared, key=_order):
        groups.setdefault(_heading(one.row), []).append(one)
    parts = []
    for heading, members in groups.items():
        lines = [_line(["run", *_HEADS]), "|---|" + "---:|" * len(_HEADS)]
        for one in members:
            lines += _lines(one)
        parts.append(f"### {heading}\n\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)


def _lines(one: Compared) -> list[str]:
    ours, paper = one.scores.metrics, one.paper
    name = f"{one.row.name}, `{one.run}`"
    if paper is None:
        return [_line([f"{name} (not in the paper)", *_cells(ours)])]
    return [
        _line([name, *_cells(ours)]),
        _line([f"paper, table {paper.table}", *_cells(paper.metrics)]),
        _line(["difference", *_cells(one.difference, "+")]),
    ]


def _cells(metrics: dict[str, float], sign: str = "") -> list[str]:
    return [
        f"{metrics[key]:{sign}.{_DECIMALS.get(key, 2)}f}" if key in metrics else "–"
        for key in METRICS
    ]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _heading(row: Row) -> str:
    track = "own training data" if row.track is None else TRACKS[row.track]
    return f"{row.dataset or 'own photographs'}, {track}"


def _order(one: Compared) -> tuple[str, int, str, str]:
    row, tracks = one.row, list(TRACKS)
    place = len(tracks) if row.track is None else tracks.index(row.track)
    return row.dataset or "~", place, row.name, one.run
