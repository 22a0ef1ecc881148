"""Runs and other methods beside each other and beside the paper, after its table 1."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gfm.tracking.published import METRICS, Published, published
from gfm.tracking.rows import TRACKS, DataSet, Row, Track
from gfm.tracking.summary import RunSummary
from gfm.training.scores import Scores

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
        """Row in the paper's tables."""
        return self.summary.row

    def as_dict(self) -> dict[str, Any]:
        """The comparison in the types that JSON has."""
        paper = published(self.row)
        return {
            "run": self.run,
            "name": self.row.name,
            "dataset": self.row.dataset,
            "track": self.row.track,
            "seed": self.summary.seed,
            "epoch": self.scores.epoch,
            "step": self.scores.step,
            "photographs": self.scores.photographs,
            "manifest_sha256": self.summary.manifest_sha256,
            "ours": self.scores.metrics,
            "paper": paper and {"table": paper.table, **paper.metrics},
            "difference": _difference(self.scores.metrics, paper),
        }


@dataclass(frozen=True)
class Group:
    """Runs of one row that differ by their seeds alone, or a single run.

    Attributes:
        runs: In the order of their names.
    """

    runs: tuple[Compared, ...]

    @property
    def counted(self) -> list[Compared]:
        """One run of each seed: of those that share it, such as a resumed one, the longest."""
        found: dict[object, Compared] = {}
        for one in sorted(self.runs, key=_steps):
            known = one.summary.seed
            found[one.run if known is None else known] = one
        return list(found.values())

    @property
    def paper(self) -> Published | None:
        """Published figures of the row."""
        return published(self.runs[0].row)

    @property
    def mean(self) -> dict[str, float]:
        """Mean of each metric over the seeds."""
        return {key: statistics.fmean(values) for key, values in self._values().items()}

    @property
    def deviation(self) -> dict[str, float]:
        """Standard deviation of each metric between the seeds (n - 1); empty for one seed."""
        if len(self.counted) == 1:
            return {}
        return {key: statistics.stdev(values) for key, values in self._values().items()}

    @property
    def difference(self) -> dict[str, float]:
        """The mean minus the paper's figure, for what was printed; below 0 is better."""
        return _difference(self.mean, self.paper)

    def _values(self) -> dict[str, list[float]]:
        return {key: [one.scores.metrics[key] for one in self.counted] for key in METRICS}

    def as_dict(self) -> dict[str, Any]:
        """The mean and the spread in the types that JSON has."""
        row = self.runs[0].row
        return {
            "name": row.name,
            "dataset": row.dataset,
            "track": row.track,
            "runs": [one.run for one in self.counted],
            "mean": self.mean,
            "deviation": self.deviation,
            "difference": self.difference,
        }


@dataclass(frozen=True)
class Method:
    """Mattes of another method, compared with the true ones.

    Attributes:
        name: How the table calls it.
        folder: Where its mattes are.
        dataset: Whose photographs these are, if one of the paper's.
        track: What it was trained on, if one of the paper's tracks.
        photographs: How many were compared.
        metrics: Means over them, as of `Scores`.
    """

    name: str
    folder: str
    dataset: DataSet | None
    track: Track | None
    photographs: int
    metrics: dict[str, float]


def group_runs(compared: Sequence[Compared]) -> list[Group]:
    """Put the runs together that share their row, shards and options, in the paper's order."""
    found: dict[object, list[Compared]] = {}
    for one in sorted(compared, key=_order):
        key = (one.row, one.summary.manifest_sha256, one.summary.recipe_sha256)
        found.setdefault(key, []).append(one)
    return [Group(tuple(runs)) for runs in found.values()]


def markdown(compared: Sequence[Compared], methods: Sequence[Method] = ()) -> str:
    """One Markdown table for each data set and track, in the paper's order."""
    lines: dict[str, list[str]] = {}
    counts: dict[str, set[int]] = {}
    for one in compared:
        counts.setdefault(_heading(one.row), set()).add(one.scores.photographs)
    for method in methods:
        counts.setdefault(_heading(method), set()).add(method.photographs)
    for group in group_runs(compared):
        heading = _heading(group.runs[0].row)
        lines.setdefault(heading, []).extend(_lines(group, len(counts[heading]) > 1))
    for method in methods:
        heading = _heading(method)
        count = _count(method.photographs, len(counts[heading]) > 1)
        cells = [f"{method.name}, `{method.folder}`{count}", *_cells(method.metrics)]
        lines.setdefault(heading, []).append(_line(cells))
    head = [_line(["run", *_HEADS]), "|---|" + "---:|" * len(_HEADS)]
    return "\n".join(
        f"### {heading}\n\n" + "\n".join([*head, *rest]) + "\n" for heading, rest in lines.items()
    )


def _lines(group: Group, with_count: bool) -> list[str]:
    paper, lines = group.paper, []
    for one in group.runs:
        name = f"{one.row.name}, `{one.run}`{_count(one.scores.photographs, with_count)}"
        name += "" if paper else " (not in the paper)"
        lines.append(_line([name, *_cells(one.scores.metrics)]))
    if spread := group.deviation:
        cells = zip(_cells(group.mean), _cells(spread), strict=True)
        name = f"mean ± standard deviation of {len(group.counted)} seeds"
        lines.append(_line([name, *(f"{mean} ± {deviation}" for mean, deviation in cells)]))
    if paper:
        lines.append(_line([f"paper, table {paper.table}", *_cells(paper.metrics)]))
        lines.append(_line(["difference", *_cells(group.difference, "+")]))
    return lines


def _count(photographs: int, shown: bool) -> str:
    """A note where the rows of a table are means over other numbers of photographs."""
    return f" ({photographs} photographs)" if shown else ""


def _difference(ours: Mapping[str, float], paper: Published | None) -> dict[str, float]:
    printed = paper.metrics if paper else {}
    return {key: ours[key] - value for key, value in printed.items()}


def _cells(metrics: dict[str, float], sign: str = "") -> list[str]:
    return [
        f"{metrics[key]:{sign}.{_DECIMALS.get(key, 2)}f}" if key in metrics else "–"
        for key in METRICS
    ]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _heading(row: Row | Method) -> str:
    track = "own training data" if row.track is None else TRACKS[row.track]
    return f"{row.dataset or 'own photographs'}, {track}"


def _order(one: Compared) -> tuple[str, int, str, str]:
    row, tracks = one.row, list(TRACKS)
    place = len(tracks) if row.track is None else tracks.index(row.track)
    return row.dataset or "~", place, row.name, one.run


def _steps(one: Compared) -> int:
    return one.summary.last.step if one.summary.last else one.scores.step
