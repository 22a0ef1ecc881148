"""Measure the foreground refining of LSA matting on composites of cut-outs with known colours.

The first table refines the cut-outs' own F: energy before and after, for each visible pixel, the
mean |alpha F' - alpha F| over the fringe (0.02 < alpha < 0.98) in levels of 255, and the CPU time
relative to closed form. The second estimates F from the composite.
"""

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from bench_foreground import error, shrink
from numpy.typing import NDArray

from rssn import estimate_foreground
from rssn.foreground.local_smoothness import energy, refine, simple_refine
from rssn.imaging.blending import blend
from rssn.imaging.console import progress, run_command
from rssn.imaging.images import image_files
from rssn.imaging.reading import read_rgb, read_rgba
from rssn.route.backgrounds import cover_crop

Floats = NDArray[np.float32]
Result = TypeVar("Result")


def main() -> int:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cutouts", type=Path, required=True, help="folder of RGBA images")
    parser.add_argument("--backgrounds", type=Path, required=True, help="folder of images")
    parser.add_argument("--every", type=int, default=4, help="take every so manyth cut-out")
    parser.add_argument("--side", type=int, default=512, help="cut-outs are shrunk to, in px")
    parser.add_argument("--quiet", action="store_true")
    options = parser.parse_args()
    return run_command(lambda: compare(options))


def compare(options: argparse.Namespace) -> None:
    """Print the tables."""
    cutouts, backgrounds = image_files(options.cutouts), image_files(options.backgrounds)
    rng = np.random.default_rng(0)
    refined: dict[str, list[tuple[float, ...]]] = defaultdict(list)
    estimated: dict[str, list[tuple[float, ...]]] = defaultdict(list)
    warm_up()
    for path in progress(cutouts[:: options.every], "Measure", quiet=options.quiet):
        colours, alpha = shrink(*read_rgba(path), options.side)
        if not ((alpha > 0.02) & (alpha < 0.98)).any():
            continue
        behind = read_rgb(backgrounds[rng.integers(len(backgrounds))])
        height, width = alpha.shape[:2]
        composite = blend(alpha, colours, cover_crop(behind, height, width, (0.5, 0.5)))
        given, visible = (colours / 255).astype(np.float32), (alpha > 0).sum()
        levin, by_levin = timed(partial(estimate_foreground, composite, alpha))
        for name, run in refinings(given, alpha).items():
            made, seconds = timed(run)
            shift = error(levels(made), colours, alpha)
            refined[name].append((energy(made, given, alpha) / visible, shift, seconds / by_levin))
        for name, found, seconds in estimates(composite, alpha, np.asarray(levin), by_levin):
            estimated[name].append((error(found, colours, alpha), seconds / by_levin))
    print(f"\n{len(refined['as given'])} cut-outs of at most {options.side} px\n")
    show("refined F of the cut-out | energy | error | time", refined)
    show("F estimated from the composite | error | time", estimated)


def refinings(given: Floats, alpha: Floats) -> dict[str, Callable[[], Floats]]:
    """The cut-out's F as it is, and refined."""
    weighted = alpha[..., None] * given
    return {
        "as given": lambda: given,
        "algorithm 1": lambda: simple_refine(weighted, alpha, given, 1.0, 20),
        "algorithm 2": lambda: refine(given, alpha),
        "algorithm 2, mirrored border": lambda: refine(given, alpha, border="mirrored"),
    }


def estimates(
    composite: NDArray[np.uint8], alpha: Floats, levin: NDArray[np.uint8], by_levin: float
) -> list[tuple[str, NDArray[np.uint8], float]]:
    """F by several methods, with their times."""
    coarse, by_levels = timed(lambda: estimate_foreground(composite, alpha, "multilevel"))
    smooth, by_scales = timed(lambda: estimate_foreground(composite, alpha, "local_smoothness"))
    given = (coarse / 255).astype(np.float32)
    one, seconds = timed(lambda: simple_refine(alpha[..., None] * given, alpha, given, 1.0, 20))
    return [
        ("none: the composite itself", composite, 0.0),
        ("closed form", levin, by_levin),
        ("multilevel", coarse, by_levels),
        ("multilevel, then algorithm 1", levels(one), by_levels + seconds),
        ("multilevel, then algorithm 2", smooth, by_scales),
    ]


def levels(colours: Floats) -> NDArray[np.uint8]:
    """Colours in [0, 1] as levels."""
    return np.rint(255 * colours.clip(0, 1)).astype(np.uint8)


def timed(run: Callable[[], Result]) -> tuple[Result, float]:
    """A result and the CPU seconds that it took."""
    start = time.process_time()
    return run(), time.process_time() - start


def warm_up() -> None:
    """Compile everything."""
    image, alpha = np.zeros((64, 64, 3), np.uint8), np.full((64, 64), 0.5, np.float32)
    levin = estimate_foreground(image, alpha, "closed_form")
    estimates(image, alpha, levin, 1.0)


def show(title: str, rows: dict[str, list[tuple[float, ...]]]) -> None:
    """Print means as a table."""
    print(f"| {title} |\n|{'---|' * (title.count('|') + 1)}")
    for name, values in rows.items():
        print(f"| {name} | " + " | ".join(f"{mean:.4g}" for mean in np.mean(values, axis=0)) + " |")
    print()


if __name__ == "__main__":
    sys.exit(main())
