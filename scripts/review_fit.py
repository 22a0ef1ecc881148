"""Fit the two weights of `gfm.inference.doubt`, and see how well it finds wrong mattes.

Folders hold original/ and mask/. Their photographs are matted as `gfm matte` does it. The weights
are those, not negative, by which the logarithm of the expected error is nearest to that of the true
one. Then, for each folder of `--test`: the area under the ROC curve for MAD above 0.02 and 0.05,
the expected error over the true one, and how many first clicks lie where the matte is wrong by more
than one half, of the mattes with a MAD above 0.03.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from gfm.inference.doubt import ENTROPY, VIEWS
from gfm.inference.guidance import NO_GUIDANCE
from gfm.inference.loading import load_model
from gfm.inference.matting import check_models
from gfm.inference.review import predict_reviewed
from gfm.models.options import MatteOptions
from rssn.build.sources import find_sources, read_source
from rssn.imaging.console import progress, run_command
from rssn.imaging.photographs import as_photograph

FLOOR = 0.005  # added to errors before their logarithm: less is no difference
THRESHOLDS = (0.02, 0.05)
BAD = 0.03  # MAD from which on clicks are counted


class Judged(NamedTuple):
    """A matte: its signs, its true error, and whether its first click hits a mistake."""

    entropy: float
    views: float
    error: float
    hits: bool


def main() -> int:
    """The command; 0 done, 2 usage."""
    parser = argparse.ArgumentParser(prog="review_fit", description=__doc__)
    add = parser.add_argument
    add("--model", default="lite")
    add("--fit", nargs="*", type=Path, default=[], metavar="DIR", help="folders to fit by")
    add("--test", nargs="*", type=Path, default=[], metavar="DIR", help="folders to test on")
    add("--last", type=int, help="take only so many of each folder, from the end")
    options = parser.parse_args()
    return run_command(lambda: run(options))


def run(options: argparse.Namespace) -> None:
    """Show weights and areas."""
    weights = np.array([ENTROPY, VIEWS])
    if options.fit:
        judged = [each for folder in options.fit for each in judge(folder, options)]
        weights = fit(judged)
        print(f"entropy {weights[0]:.3f}, views {weights[1]:.3f}, by {len(judged)} photographs")
    for folder in options.test:
        judged = judge(folder, options)
        errors = np.array([each.error for each in judged])
        expected = signs(judged) @ weights
        line = [f"{folder}: {len(judged)} photographs, MAD {errors.mean():.4f}"]
        for threshold in THRESHOLDS:
            above = errors > threshold
            area = f"{roc_area(expected, above):.2f}" if 0 < above.sum() < len(above) else "none"
            line.append(f"{int(above.sum())} above {threshold:g}: {area}")
        bad = [each.hits for each in judged if each.error > BAD]
        line.append(f"expected over true {expected.mean() / errors.mean():.2f}")
        print(", ".join([*line, f"clicks that hit {sum(bad)} of {len(bad)}"]))


def judge(folder: Path, options: argparse.Namespace) -> list[Judged]:
    """Matte the photographs of a folder."""
    how = MatteOptions(foreground="none")
    system, models = check_models([load_model(options.model)], how)
    sources = find_sources(folder)[0][-(options.last or 0) :]
    found = []
    for source in progress(sources, folder.name):
        pixels = read_source(source, 1080)
        photograph = as_photograph(pixels.image)
        made, doubt = predict_reviewed(system, models, photograph, NO_GUIDANCE, how)
        wrong = np.abs(made.alpha - pixels.alpha)
        hits = doubt.click is not None and bool(wrong[doubt.click.y, doubt.click.x] > 0.5)
        found.append(Judged(doubt.entropy, doubt.views, float(wrong.mean()), hits))
    return found


def signs(judged: list[Judged]) -> NDArray[np.float64]:
    """Entropy and difference of the views (N, 2)."""
    return np.array([(each.entropy, each.views) for each in judged])


def fit(judged: list[Judged]) -> NDArray[np.float64]:
    """The weights of the two signs."""
    given, errors = signs(judged), np.array([each.error for each in judged])

    def loss(logarithms: NDArray[np.float64]) -> float:
        expected = given @ np.exp(logarithms)
        return float(np.mean(np.log((expected + FLOOR) / (errors + FLOOR)) ** 2))

    return np.exp(minimize(loss, np.log([0.1, 1.0]), method="Nelder-Mead").x)


def roc_area(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """Share of pairs of a positive and a negative in which the positive has the larger score."""
    above, below = scores[positive][:, None], scores[~positive]
    return float((above > below).mean() + (above == below).mean() / 2)


if __name__ == "__main__":
    sys.exit(main())
