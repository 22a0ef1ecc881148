"""Measure colours behind soft edges: cut-outs with known F, put on backgrounds, with true mattes.

The error is the mean of |alpha F' - alpha F| over the fringe (0.02 < alpha < 0.98), in levels of
255, for F' = the image itself, for estimates by the true matte, and for the colours of a guided
model (`--model`) with a trimap whose band reaches 10 px beyond the true transition, and for the
multilevel estimate by that model's matte.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

import gfm
from gfm.guidance.bands import eroded_trimap
from gfm.inference.colours import estimate_colours
from rssn.imaging.blending import blend
from rssn.imaging.console import progress, run_command
from rssn.imaging.errors import InputError
from rssn.imaging.images import image_files
from rssn.imaging.reading import read_rgb, read_rgba
from rssn.route.backgrounds import cover_crop

Image = NDArray[np.uint8]
Alpha = NDArray[np.float32]

BAND = 10  # px
METHODS = (
    "image",
    *(f"{name}{way}" for name in ("blur", "multilevel", "closed_form") for way in ("", ", fusion")),
)


def main() -> int:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cutouts", type=Path, required=True, help="folder of RGBA images")
    parser.add_argument("--backgrounds", type=Path, required=True, help="folder of images")
    parser.add_argument("--each", type=int, default=3, help="backgrounds for each cut-out")
    parser.add_argument("--side", type=int, default=512, help="cut-outs are shrunk to, in px")
    parser.add_argument("--limit", type=int, help="cut-outs of each group, at most")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS, metavar="METHOD")
    parser.add_argument("--every", type=int, default=1, help="take each N-th cut-out, by name")
    parser.add_argument("--model", help="guided model to compare as well")
    parser.add_argument("--quiet", action="store_true")
    options = parser.parse_args()
    return run_command(lambda: compare(options))


def compare(options: argparse.Namespace) -> None:
    """Print the errors by group: what the file names begin with, up to the first underscore."""
    cutouts = choose(image_files(options.cutouts)[:: options.every], options.limit)
    model = None if options.model is None else gfm.load_model(options.model, "cpu")
    backgrounds = image_files(options.backgrounds)
    if not 1 <= options.each <= len(backgrounds) or options.side < 32:
        raise InputError(
            f"--each {options.each}: give 1 to {len(backgrounds)}, as many as there are "
            f"backgrounds; --side {options.side}: give 32 or more"
        )
    rng = np.random.default_rng(0)
    errors: dict[str, list[list[float]]] = defaultdict(list)
    facts: dict[str, list[tuple[float, float]]] = defaultdict(list)
    methods = ["image", *(name for name in options.methods if name != "image")]
    for path in progress(cutouts, "Measure", quiet=options.quiet):
        colours, alpha = shrink(*read_rgba(path), options.side)
        group = path.stem.split("_")[0]
        soft = (alpha > 0.02) & (alpha < 0.98)
        if not soft.any():
            continue
        facts[group].append((float(soft.mean()), float((alpha >= 0.98).mean())))
        for index in rng.choice(len(backgrounds), options.each, replace=False):
            behind = cover_crop(
                read_rgb(backgrounds[index]), alpha.shape[0], alpha.shape[1], (0.5, 0.5)
            )
            composite = blend(alpha, colours, behind)
            found = [estimate(name, composite, alpha) for name in methods]
            if model is not None:
                trimap = eroded_trimap(np.where(soft, alpha, alpha > 0.5), BAND, BAND)
                made = gfm.matte(composite, model, trimap=trimap)
                by_its_alpha = estimate_colours(composite, made.alpha, "multilevel", False)[0]
                found += [made.foreground, by_its_alpha]
            errors[group].append([error(each, colours, alpha) for each in found])
    shown = [*methods, *(["guided", "multilevel of it"] if model is not None else [])]
    print(f"{'group':12} {'fringe':>7} {'solid':>7} " + " ".join(f"{m:>17}" for m in shown))
    for group, rows in errors.items():
        means = np.mean(rows, axis=0)
        fringe, solid = np.mean(facts[group], axis=0)
        cells = " ".join(f"{mean:9.2f} ({mean / means[0]:4.0%})" for mean in means)
        print(f"{group:12} {fringe:7.1%} {solid:7.1%} {cells}")


def choose(files: Sequence[Path], limit: int | None) -> list[Path]:
    """At most so many files of each group, spread over it."""
    groups: dict[str, list[Path]] = defaultdict(list)
    for path in files:
        groups[path.stem.split("_")[0]].append(path)
    return [
        group[i]
        for group in groups.values()
        for i in np.unique(
            np.linspace(0, len(group) - 1, min(limit or len(group), len(group))).astype(int)
        )
    ]


def shrink(colours: Image, alpha: Alpha, side: int) -> tuple[Image, Alpha]:
    """A cut-out of at most `side` px; hidden colours do not mix into visible ones."""
    scale = side / max(alpha.shape)
    if scale >= 1:
        return colours, alpha
    size = max(1, round(alpha.shape[1] * scale)), max(1, round(alpha.shape[0] * scale))
    small = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA).clip(0, 1)
    shown = cv2.resize(alpha[..., None] * colours, size, interpolation=cv2.INTER_AREA)
    plain = cv2.resize(colours, size, interpolation=cv2.INTER_AREA)
    known = small[..., None] > 1 / 255
    mixed = np.where(known, shown / np.maximum(small, 1 / 255)[..., None], plain)
    return np.rint(mixed.clip(0, 255)).astype(np.uint8), small


def estimate(method: str, image: Image, alpha: Alpha) -> Image:
    """F by one of `METHODS`."""
    if method == "image":
        return image
    name, _, refined = method.partition(", ")
    return estimate_colours(image, alpha, name, refined == "fusion")[0]  # type: ignore[arg-type]


def error(found: Image, colours: Image, alpha: Alpha) -> float:
    """Mean |alpha F' - alpha F| in the fringe, in levels of 255."""
    soft = (alpha > 0.02) & (alpha < 0.98)
    difference = np.abs(found[soft].astype(np.float32) - colours[soft])
    return float((alpha[soft][:, None] * difference).mean())


if __name__ == "__main__":
    sys.exit(main())
