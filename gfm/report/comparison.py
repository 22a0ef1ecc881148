"""The model beside what it has to beat, on the same photographs."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

from gfm.baselines import best_constants, grabcut
from gfm.metrics import evaluate
from rssn.console import progress
from rssn.errors import InputError
from rssn.images import image_files, read_alpha, read_rgb

MODEL, GRABCUT, CONSTANT = "GFM", "GrabCut from a centred box", "best constant matte"
DECIDING = ("sad", "mse")


@dataclass(frozen=True)
class Comparison:
    """Metrics of each method on each photograph.

    Attributes:
        rows: Method, then photograph, then metric. The best constant is chosen anew for every
            photograph and metric, knowing the reference matte, and has only SAD and MSE.
    """

    rows: dict[str, dict[str, dict[str, float]]]

    def mean(self, method: str, metric: str) -> float | None:
        """Mean over the photographs; None where the method has no such metric."""
        values = [row[metric] for row in self.rows[method].values() if metric in row]
        return math.fsum(values) / len(values) if values else None

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


def compare(evaluation: Path, photos: Path, alphas: Path, quiet: bool = False) -> Comparison:
    """Put an evaluation of `gfm evaluate` beside GrabCut and the best constants.

    Args:
        evaluation: JSON of `gfm evaluate`, convention `gfm`.
        photos: Folder of the photographs.
        alphas: Folder of the reference mattes, with the same names.
        quiet: Show no progress.

    Raises:
        InputError: The JSON is none of `gfm evaluate`, or names a photograph that is not there.
    """
    try:
        found = json.loads(evaluation.read_text(encoding="utf-8"))
        images = {image.pop("name"): image for image in found["images"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{evaluation}: is no evaluation ({error}); make it with `gfm evaluate --json`"
        ) from None
    if not images:
        raise InputError(f"{evaluation}: holds no evaluated image; nothing to report")
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
    return Comparison({MODEL: images, GRABCUT: boxes, CONSTANT: constants})
