"""The model beside what it has to beat, on the same photographs."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

from gfm.evaluation.baselines import best_constants, grabcut
from gfm.metrics import METRICS, evaluate
from rssn.imaging.console import progress
from rssn.imaging.errors import InputError, one_line
from rssn.imaging.images import image_files
from rssn.imaging.reading import read_alpha, read_rgb

MODEL, BEFORE = "GFM", "the model before training"
GRABCUT, CONSTANT = "GrabCut from a centred box", "best constant matte"
DECIDING = ("sad", "mse")


@dataclass(frozen=True)
class Comparison:
    """Metrics of each method on each photograph.

    Attributes:
        rows: Method, then photograph, then one of `gfm.metrics.METRICS`. The best constant is
            chosen anew for every photograph and metric, knowing the reference matte, and has only
            SAD and MSE.
    """

    rows: dict[str, dict[str, dict[str, float]]]

    def mean(self, method: str, metric: str) -> float | None:
        """Mean over the photographs; None where the method has no such metric."""
        values = [row[metric] for row in self.rows[method].values() if metric in row]
        return math.fsum(values) / len(values) if values else None

    def change(self, metric: str) -> float | None:
        """Relative change of a mean by the training, -0.2 for a fifth less; None if unknown."""
        before = self.mean(BEFORE, metric) if BEFORE in self.rows else None
        after = self.mean(MODEL, metric)
        return None if after is None or not before else after / before - 1

    def defeats(self) -> list[str]:
        """One line for each mean in which the model is not better than another method."""
        lines = []
        for other in (GRABCUT, CONSTANT):
            for metric in DECIDING:
                ours, theirs = self.mean(MODEL, metric), self.mean(other, metric)
                if ours is None or theirs is None or not ours < theirs:
                    found = f"{metric.upper()} {figure(ours)}"
                    lines.append(f"{found} is not below {figure(theirs)} of the {other}")
        return lines


def figure(value: float | None) -> str:
    """A metric as reports show it."""
    return "–" if value is None else f"{value:.4g}"


def compare(
    evaluation: Path, photos: Path, alphas: Path, before: Path | None = None, quiet: bool = False
) -> Comparison:
    """Put an evaluation of `gfm evaluate` beside GrabCut and the best constants.

    Args:
        evaluation: JSON of `gfm evaluate`, convention `gfm`.
        photos: Folder of the photographs.
        alphas: Folder of the reference mattes, with the same names.
        before: Another such JSON, of the model before training, on the same photographs.
        quiet: Show no progress.

    Raises:
        InputError: The JSON is none of `gfm evaluate`, is of another convention, or names a
            photograph that is not there; or `before` is of other photographs.
    """
    images = _read_evaluation(evaluation)
    untrained = {} if before is None else {BEFORE: _read_evaluation(before)}
    if untrained and (differing := sorted(untrained[BEFORE].keys() ^ images.keys())):
        raise InputError(
            f"{before}: differs from {evaluation} in {', '.join(differing)}; evaluate both models "
            "on the same photographs"
        )
    pictures = {path.stem: path for path in image_files(photos)}
    mattes = {path.stem: path for path in image_files(alphas)}
    if absent := sorted(images.keys() - (pictures.keys() & mattes.keys())):
        raise InputError(f"{photos}, {alphas}: lack {', '.join(absent)} of {evaluation}")
    boxes, constants = {}, {}
    for name in progress(images, "GrabCut", quiet=quiet):
        alpha = read_alpha(mattes[name])
        boxes[name] = evaluate(grabcut(read_rgb(pictures[name])), alpha)
        constants[name] = {
            metric: evaluate(constant, alpha)[metric]
            for metric, constant in best_constants(alpha).items()
        }
    return Comparison({MODEL: images, **untrained, GRABCUT: boxes, CONSTANT: constants})


def _read_evaluation(path: Path) -> dict[str, dict[str, float]]:
    """The metrics of each photograph; those that decide have to be there, others may lack."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        convention = found["convention"]
        images = {
            str(image["name"]): {
                metric: float(image[metric])
                for metric in METRICS
                if metric in image or metric in DECIDING
            }
            for image in found["images"]
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: is no evaluation ({one_line(error)}); make it with `gfm evaluate --json`"
        ) from None
    if convention != "gfm":
        raise InputError(
            f"{path}: has metrics of the convention {convention!r}; make it with "
            "`gfm evaluate --convention gfm`, by which the baselines are measured"
        )
    if not images:
        raise InputError(f"{path}: holds no evaluated image; nothing to report")
    return images
