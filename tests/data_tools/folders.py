"""Small data sets on disk, drawn by the package's own scenes."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
from trimaps import write_trimap

from data_tools.layouts import Folders, Layout, Split
from data_tools.scenes import draw_background, draw_scene
from rssn.imaging.writing import write_alpha, write_rgb


@functools.cache
def scene(seed: int, height: int = 48, width: int = 64):
    """A drawn photograph, uint8 RGB, and its exact matte."""
    drawn = draw_scene(np.random.default_rng(seed), height, width)
    return drawn.image, drawn.alpha


@functools.cache
def background(seed: int, height: int = 48, width: int = 64):
    """A drawn picture without a subject, uint8 RGB."""
    return draw_background(np.random.default_rng(seed), height, width)


def stems(part: Folders, count: int) -> list[str]:
    """Stems that the layout takes for images."""
    names = [f"item{number}" for number in range(count)]
    return [name if part.partners(name) else f"{name}_0" for name in names]


def write_part(root: Path, part: Folders, count: int = 2, first: int = 0) -> None:
    """Write the images of a part, with mattes and trimaps where it has them."""
    for folder in (part.images, part.mattes, part.trimaps):
        if folder is not None:
            (root / folder).mkdir(parents=True, exist_ok=True)
    for number, stem in enumerate(stems(part, count), first):
        image, alpha = scene(number)
        write_rgb(root / part.images / f"{stem}.jpg", image)
        matte, trimap = part.partners(stem)
        if part.mattes is not None:
            write_alpha(root / part.mattes / f"{matte}.png", alpha)
        if part.trimaps is not None:
            regions = np.where(alpha == 0, 0, np.where(alpha == 1, 2, 1)).astype(np.uint8)
            write_trimap(root / part.trimaps / f"{trimap}.png", regions)


def write_split(root: Path, layout: Layout, split: Split) -> int:
    """Write all parts of a split with names of their own; returns the number of images."""
    for number, part in enumerate(split.parts):
        write_part(root, part, 2, 2 * number)
        if number:  # as in the real data sets, no name is in two parts
            for stem in stems(part, 2):
                for folder, old, new in zip(
                    (part.images, part.mattes),
                    (stem, part.partners(stem)[0]),
                    (f"more_{stem}", part.partners(f"more_{stem}")[0]),
                    strict=True,
                ):
                    for path in (root / folder).glob(f"{old}.*"):
                        path.rename(path.with_name(new + path.suffix))
    return 2 * len(split.parts)
