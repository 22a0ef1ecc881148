"""Results of a comparison: means, intervals, differences, failures; as JSON and table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from gfm.bench.child import Outcome
from gfm.bench.duplicates import Seen
from gfm.bench.errors import CONVENTION, HAIR, TRIMAP_CONVENTION
from gfm.bench.intervals import LEVEL, RESAMPLES, Mean, difference, mean_of
from gfm.bench.methods import Method
from gfm.checkpoints.licences import terms
from gfm.evaluation.evaluate import Metrics
from gfm.models.contract import NOT_RECORDED, Licence
from rssn.imaging.files import whole_file, write_errors

MAIN, MAIN_UNKNOWN = "mad", "unknown_sad"  # decide the order, and are compared in pairs
WHOLE = {
    "mad": "MAD",
    "sad": "SAD",
    "mse": "MSE",
    "grad": "Grad",
    "conn": "Conn",
    "mad_transition": "MAD, transition",
    "sad_fg": "SAD, object",
    "sad_bg": "SAD, background",
    HAIR: "MAD, hair",
    "sad_alpha_f": "SAD of αF",
    "mse_alpha_f": "MSE of αF",
}
BY_TRIMAP = {
    "unknown_sad": "SAD",
    "unknown_mse": "MSE",
    "unknown_grad": "Grad",
    "unknown_conn": "Conn",
}
ON_CONSOLE = {"mad", "mse", "grad", HAIR, "sad_alpha_f", *BY_TRIMAP}  # which is narrow


@dataclass(frozen=True)
class Row:
    """One method of a comparison.

    Attributes:
        method: The method.
        outcome: What became of the photographs.
        errors: By photograph that was matted and measured.
        failures: By photograph that was not, why.
        seen: Photographs that it may have been trained on.
    """

    method: Method
    outcome: Outcome
    errors: Mapping[str, Metrics]
    failures: Mapping[str, str]
    seen: Sequence[Seen]

    @property
    def name(self) -> str:
        """Name of the method."""
        return self.method.name

    @property
    def needs_trimap(self) -> bool:
        """True if it needs photographs with trimaps."""
        return self.outcome.ready is not None and self.outcome.ready.needs_trimap

    @property
    def licences(self) -> str:
        """Terms of what its weights were trained on with their shares, the greatest first."""
        if self.method.kind in ("grabcut", "closed_form", "knn"):
            return "no weights"
        told = None if self.outcome.ready is None else self.outcome.ready.licences
        if isinstance(told, str):
            return told
        shares: dict[str, float] = {}
        for each in told or ():
            kind = terms(each.licence)
            shares[kind] = shares.get(kind, 0) + each.share
        total = sum(shares.values()) or 1
        ordered = sorted(shares, key=lambda kind: -shares[kind])
        return ", ".join(f"{kind} {shares[kind] / total:.0%}" for kind in ordered) or NOT_RECORDED

    @property
    def sources(self) -> tuple[Licence, ...]:
        """Sources of its weights' training pictures, as far as they are recorded."""
        told = None if self.outcome.ready is None else self.outcome.ready.licences
        return () if told is None or isinstance(told, str) else told

    @property
    def seconds(self) -> float | None:
        """Median of a photograph; None of a folder of mattes, and of nothing."""
        times = sorted(self.outcome.seconds.values())
        return None if self.method.kind == "folder" or not times else times[len(times) // 2]

    @property
    def megabytes(self) -> int | None:
        """Most memory of its process in MB; None of a folder of mattes, and of nothing."""
        peak = 0 if self.method.kind == "folder" else self.outcome.peak
        return round(peak / 1e6) or None

    def values(self, metric: str) -> dict[str, float]:
        """A metric by photograph."""
        return {name: each[metric] for name, each in self.errors.items() if metric in each}

    def mean(self, metric: str) -> Mean | None:
        """Mean of a metric over the photographs that have it."""
        return mean_of(list(self.values(metric).values()))


@dataclass(frozen=True)
class Report:
    """A comparison of methods on photographs.

    Attributes:
        folder: Of the photographs.
        photographs: Their names.
        with_trimaps: Names of those with trimaps.
        rows: The methods.
    """

    folder: str
    photographs: Sequence[str]
    with_trimaps: Sequence[str]
    rows: Sequence[Row]

    @property
    def failures(self) -> list[str]:
        """One line for each method that could not be loaded, and each photograph that failed."""
        lines = []
        for row in self.rows:
            if row.outcome.unusable is not None:
                lines.append(f"{row.name}: {row.outcome.unusable}")
            lines += [f"{row.name}: {name}: {why}" for name, why in row.failures.items()]
        return lines

    @property
    def whole(self) -> list[Row]:
        """Methods that take every photograph."""
        every = len(self.with_trimaps) == len(self.photographs)
        return [row for row in self.rows if every or not row.needs_trimap]

    def worst_first(self) -> list[str]:
        """The photographs, by the error of `reference`; those that it failed on lead."""
        row = self.reference(MAIN)
        first = {} if row is None else row.values(MAIN)
        return sorted(self.photographs, key=lambda name: (-first.get(name, float("inf")), name))

    def reference(self, metric: str) -> Row | None:
        """The first method with the metric, which the others are compared with."""
        shown = self.whole if metric == MAIN else self.rows
        return next((row for row in shown if row.values(metric)), None)

    def against_first(self, row: Row, metric: str) -> Mean | None:
        """Mean of the differences to `reference`, photograph by photograph; None for that."""
        first = self.reference(metric)
        if first is None or first is row:
            return None
        return difference(row.values(metric), first.values(metric))

    def write(self, path: Path) -> None:
        """Write the report as JSON.

        Raises:
            InputError: It cannot be written there.
        """
        content = {
            "folder": self.folder,
            "conventions": {"whole": CONVENTION, "unknown": TRIMAP_CONVENTION},
            "bootstrap": {"level": LEVEL, "resamples": RESAMPLES},
            "photographs": list(self.photographs),
            "methods": [self._as_dict(row) for row in self.rows],
        }
        text = json.dumps(content, indent=1, allow_nan=False) + "\n"
        with write_errors(path), whole_file(path) as part:
            part.write_text(text, encoding="utf-8")

    def tables(self) -> list[Table]:
        """Errors of the whole picture, those by trimap, and what the methods cost."""
        tables = [self._table(f"{len(self.photographs)} photographs", self.whole, WHOLE, MAIN)]
        if self.with_trimaps:
            title = f"unknown region of {len(self.with_trimaps)} trimaps"
            tables.append(self._table(title, self.rows, BY_TRIMAP, MAIN_UNKNOWN))
        cost = Table(title="seconds per photograph, memory, licences of the training pictures")
        for name in ("", "s", "MB", "licences"):
            cost.add_column(name, justify="left" if name in ("", "licences") else "right")
        for row in self.rows:
            seconds = "–" if row.seconds is None else f"{row.seconds:.2f}"
            cost.add_row(Text(row.name), seconds, str(row.megabytes or "–"), Text(row.licences))
        return [*tables, cost]

    def _table(
        self, title: str, rows: Sequence[Row], columns: Mapping[str, str], main: str
    ) -> Table:
        convention = CONVENTION if main == MAIN else TRIMAP_CONVENTION
        table = Table(title=f"{title}, convention {convention}")
        table.add_column("", overflow="fold")
        shown = [key for key in columns if key in ON_CONSOLE and any(r.values(key) for r in rows)]
        first = self.reference(main)
        names = [*(columns[key] for key in shown), "n"]
        names.insert(1, "" if first is None else f"against {first.name}")
        for number, name in enumerate(names):
            table.add_column(name, justify="right", no_wrap=number != 1)
        for row in rows:
            mean, _, *others = self.cells(row, shown, main)
            table.add_row(Text(row.name), mean, *others)
        return table

    def cells(self, row: Row, columns: Sequence[str], main: str) -> list[str]:
        """The figures of a row as text: the main one with interval and difference leads."""
        mean, other = row.mean(main), self.against_first(row, main)
        cells = ["–" if mean is None else figure(mean.value)]
        cells.append("" if mean is None else f"{figure(mean.low)} to {figure(mean.high)}")
        cells.append("" if other is None else signed(other))
        means = (row.mean(key) for key in columns if key != main)
        cells += ["–" if each is None else figure(each.value) for each in means]
        return [*cells, str(0 if mean is None else mean.n)]

    def _as_dict(self, row: Row) -> dict[str, Any]:
        keys = dict.fromkeys(key for each in row.errors.values() for key in each)
        means = {key: mean for key in keys if (mean := row.mean(key)) is not None}
        compared = {
            key: other._asdict()
            for key in (MAIN, MAIN_UNKNOWN)
            if (other := self.against_first(row, key)) is not None
        }
        return {
            "name": row.name,
            "kind": row.method.kind,
            "target": row.method.target,
            "refine": row.method.refine,
            "needs_trimap": row.needs_trimap,
            "means": {key: mean._asdict() for key, mean in means.items()},
            "against_first": compared,
            "seconds": row.seconds,
            "megabytes": row.megabytes,
            "licences": row.licences,
            "sources": [each._asdict() for each in row.sources],
            "seen": [each._asdict() for each in row.seen],
            "unusable": row.outcome.unusable,
            "failures": dict(row.failures),
            "images": [{"name": name, **each} for name, each in row.errors.items()],
        }


def figure(value: float) -> str:
    """A figure with three digits that count, and at most four behind the point."""
    digits = 4 if abs(value) < 1 else 2 if abs(value) < 100 else 1
    return f"{value:.{digits}f}"


def signed(other: Mean) -> str:
    """A difference with its interval."""
    digits = 4 if max(abs(other.low), abs(other.high)) < 1 else 2
    return f"{other.value:+.{digits}f} ({other.low:+.{digits}f} to {other.high:+.{digits}f})"
