"""Figures of an evaluation by clicks over a data set, beside the published ones."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table
from rich.text import Text

from gfm.evaluation.interaction import CONVENTION, Measured
from gfm.evaluation.published_clicks import PUBLISHED, Figures
from gfm.metrics.clicks import area_under_curve, number_of_clicks, share_above
from rssn.imaging.files import whole_file, write_errors

TARGETS = (85, 90, 95)  # percent
SHARES = (95, 99)
SHOWN = (1, 3, 5, 10)  # clicks after which the errors of mattes are told


@dataclass(frozen=True)
class ClickReport:
    """Figures of a data set, evaluated by clicks.

    Attributes:
        settings: How it was made: model, data, user and so on.
        images: Figures of each image that could be evaluated, by its stem, in name order.
        failures: One line for each image that could not, beginning with its stem.
        data: Name of the data set, for the published figures; None where it is not known.
    """

    settings: Mapping[str, Any]
    images: Mapping[str, Measured]
    failures: Sequence[str]
    data: str | None = None

    @property
    def figures(self) -> Figures:
        """Figures of the data set; empty without an image.

        `noc@85` and so on, `auc`, `above 95%` and `above 99%` after the last click, and
        `corrective`, the mean corrective accuracy; of mattes also `sad` and so on, the means over
        all clicks, and `sad@1` and so on, those after some.
        """
        if not self.images:
            return {}
        ious = np.array([each.ious for each in self.images.values()])
        figures = {f"noc@{t}": float(self._clicks(ious, t / 100).mean()) for t in TARGETS}
        figures["auc"] = area_under_curve(ious)
        figures |= {f"above {share}%": share_above(ious, share / 100) for share in SHARES}
        placed = [value for each in self.images.values() for value in each.corrective]
        if placed:
            figures["corrective"] = float(np.mean(placed))
        for name, errors in self._errors().items():
            figures[name] = float(errors.mean())
            clicks = [number for number in SHOWN if number <= errors.shape[1]]
            figures |= {
                f"{name}@{number}": float(errors[:, number - 1].mean()) for number in clicks
            }
        return figures

    @property
    def curves(self) -> dict[str, list[float]]:
        """Mean of the intersections over union, and of the errors, after each click."""
        if not self.images:
            return {}
        ious = np.array([each.ious for each in self.images.values()])
        curves = {"iou": ious} | self._errors()
        return {name: values.mean(axis=0).tolist() for name, values in curves.items()}

    @property
    def corrective(self) -> list[float]:
        """Mean corrective accuracy of each click, over the images that needed it."""
        rows = [each.corrective for each in self.images.values()]
        most = max(map(len, rows), default=0)
        return [float(np.mean([row[i] for row in rows if i < len(row)])) for i in range(most)]

    def write(self, path: Path) -> None:
        """Write the report as JSON; the file appears under its name only when it is whole.

        Raises:
            InputError: It cannot be written there.
        """
        content = {
            **self.settings,
            "convention": CONVENTION,
            "count": len(self.images),
            "figures": self.figures,
            "curves": self.curves,
            "corrective": self.corrective,
            "images": [{"name": name, **asdict(each)} for name, each in self.images.items()],
            "failures": list(self.failures),
        }
        text = json.dumps(content, indent=1, allow_nan=False) + "\n"
        with write_errors(path), whole_file(path) as part:
            part.write_text(text, encoding="utf-8")

    def table(self) -> Table:
        """The figures, and under them the published ones of the same data set."""
        figures = self.figures
        names = [name for name in figures if "@" not in name or name.startswith("noc")]
        title = f"{len(self.images)} images" + (f" of {self.data}" if self.data else "")
        table = Table(title=title)
        table.add_column("", overflow="fold")
        for name in names:
            table.add_column(name, justify="right")
        rows = {str(self.settings.get("model", "model")): figures} | PUBLISHED.get(
            self.data or "", {}
        )
        for row, values in rows.items():
            cells = (f"{values[name]:.4g}" if name in values else "" for name in names)
            table.add_row(Text(row), *cells)
        return table

    def _clicks(self, ious: NDArray[np.float64], target: float) -> NDArray[np.int64]:
        """Clicks that each image needs; none where the first matte reaches the target."""
        starts = np.array([each.start or 0.0 for each in self.images.values()])
        return np.where(starts >= target, 0, number_of_clicks(ious, target))

    def _errors(self) -> dict[str, NDArray[np.float64]]:
        """Errors by metric (images, clicks), of the images whose truth is a matte."""
        soft = [each.errors for each in self.images.values() if each.errors]
        names = soft[0] if soft else ()
        return {name: np.array([errors[name] for errors in soft]) for name in names}
