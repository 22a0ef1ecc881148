"""Gather what the guided model is trained on into one file.

The collection and its licences are those of `lite_material.py`; pictures keep more of their size.
A photograph comes twice: as it is, and as a cut-out whose colours are estimated, since the matte
that closed-form matting finds in a band is exact once it is composed over another background.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from lite_material import (
    DRAWN_LICENCE,
    PERMISSIVE,
    SHARE_ALIKE,
    SOFT,
    VISIBLE,
    Item,
    gather,
    read_licences,
    stretch,
)

from data_tools.scenes import draw_object
from rssn.build.sources import read_source, shrink
from rssn.foreground.colour_fill import fill_colours
from rssn.foreground.pymatting_parts import function
from rssn.imaging.console import progress, run_command
from rssn.imaging.images import Alpha, Uint8Image
from rssn.imaging.reading import read_alpha, read_rgb
from rssn.imaging.writing import write_alpha
from rssn.shards.material import Kind, Material, Picture, create_material

DRAWN = {"plant": 120, "net": 150, "fur": 150, "hair": 240, "thin": 60, "glass": 20, "smoke": 60}
DRAWN_SIDE = 800  # px
LABELS = ("self_labelled", "garments")  # mattes that a network predicted
BAND = 0.015  # of the shorter side, to each side of a mask's edge
SOFT_BAND = 0.006  # around the soft pixels of a predicted matte
SURE = 0.04  # alpha that close to 0 or 1 is taken as such in a predicted matte


def main() -> int:
    """The command; 0 done, 2 usage."""
    parser = argparse.ArgumentParser(prog="guided_material", description=__doc__)
    add = parser.add_argument
    add("--collection", type=Path, required=True, help="folder with list.csv")
    add("--out", type=Path, required=True, help="file to write, .tar")
    add("--side", type=int, default=800, help="shorter side of the pictures in px (default 800)")
    add("--labelled", type=Path, help="folder of lite_label.py: photographs with made mattes")
    add("--cache", type=Path, default=Path("guided/edges"), help="folder of the edges")
    add("--research", action="store_true", help="add the sets that are for research only")
    options = parser.parse_args()
    return run_command(lambda: run(options))


def run(options: argparse.Namespace) -> None:
    """Write the file and report what is in it."""
    with create_material(options.out) as material:
        for made in pictures(options):
            material.add(*made)
    found = Material(options.out).sources()
    print(f"{options.out}: " + ", ".join(f"{source} {n}" for source, _, n in found))


def pictures(options: argparse.Namespace) -> Iterator[tuple[Picture, Uint8Image, Alpha | None]]:
    """All pictures of the material: those of the collection, then drawn ones."""
    licences = read_licences(options.collection / "list.csv")
    items = [i for i in gather(options) if SHARE_ALIKE not in licences.get(i.name, "")]
    for item in progress(items, "pictures"):
        licence = licences.get(item.name, "")
        for kind, name, image, alpha in read(item, options):
            size = (image.shape[0], image.shape[1])
            yield Picture(name, kind, item.source, licence, size), image, alpha
    for what, number in progress([(k, n) for k in DRAWN for n in range(DRAWN[k])], "drawings"):
        rng = np.random.default_rng([list(DRAWN).index(what), number, DRAWN_SIDE])
        colours, alpha = draw_object(rng, DRAWN_SIDE, DRAWN_SIDE, what)
        name, size = f"drawn/{what}_{number:04d}", (colours.shape[0], colours.shape[1])
        yield Picture(name, "cutout", f"drawn_{what}", DRAWN_LICENCE, size), colours, alpha


def read(
    item: Item, options: argparse.Namespace
) -> Iterator[tuple[Kind, str, Uint8Image, Alpha | None]]:
    """Kind, name, colours and matte of what an item gives."""
    if item.kind == "background":
        yield "background", item.name, shrink(read_rgb(item.files.image), options.side), None
        return
    if item.kind == "cutout":
        pixels = read_source(item.files, options.side)
        yield "cutout", item.name, fill_colours(pixels.image, pixels.alpha, VISIBLE), pixels.alpha
        return
    image = shrink(read_rgb(item.files.image), options.side)
    alpha = matte(item, image, options)
    yield "photograph", item.name, image, alpha
    estimate = function("foreground.estimate_foreground_ml", "estimate_foreground_ml")
    colours = np.asarray(estimate(image / 255.0, alpha.astype(np.float64)))
    colours = np.rint(colours.clip(0, 1) * 255).astype(np.uint8)
    yield "cutout", f"{item.name}/cut", fill_colours(colours, alpha, VISIBLE), alpha


def matte(item: Item, image: Uint8Image, options: argparse.Namespace) -> Alpha:
    """The matte of a photograph; made once and kept but where the collection has a good one."""
    size = (image.shape[1], image.shape[0])
    if item.source in SOFT:
        return stretch(resized(read_alpha(item.files.matte), size))
    kept: Path = options.cache / f"{item.source}_{item.files.id}_{options.side}.png"
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        alpha = resized(read_alpha(item.files.matte), size)
        is_mask = item.source in PERMISSIVE
        trimap = band(alpha > 0.5, BAND) if is_mask else soft_band(alpha, item.source in LABELS)
        has_both = (trimap == 0).any() and (trimap == 1).any()
        write_alpha(kept, closed_form(image, trimap) if has_both else stretch(alpha))
    return read_alpha(kept)


def resized(alpha: Alpha, size: tuple[int, int]) -> Alpha:
    """A matte at a width and height in px."""
    return np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), np.float32)


def band(solid: np.ndarray, share: float) -> np.ndarray:  # type: ignore[type-arg]
    """A trimap in [0, 1] with a band around the edge of a mask."""
    reach = max(2, round(share * min(solid.shape)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    inner = cv2.erode(solid.astype(np.uint8), kernel, borderType=cv2.BORDER_REPLICATE)
    outer = cv2.dilate(solid.astype(np.uint8), kernel)
    return np.where(inner > 0, 1.0, np.where(outer > 0, 0.5, 0.0))


def soft_band(alpha: Alpha, coarse: bool) -> np.ndarray:  # type: ignore[type-arg]
    """A trimap in [0, 1] whose unknown pixels are the soft ones of a matte and those near them."""
    trimap = band(alpha > 0.5, BAND if coarse else SOFT_BAND)
    soft = ((alpha > SURE) & (alpha < 1 - SURE)).astype(np.uint8)
    reach = max(1, round(SOFT_BAND * min(alpha.shape)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return np.where(cv2.dilate(soft, kernel) > 0, 0.5, trimap)


def closed_form(image: Uint8Image, trimap: np.ndarray) -> Alpha:  # type: ignore[type-arg]
    """The matte of a photograph and a trimap in [0, 1]."""
    estimate = function("alpha.estimate_alpha_cf", "estimate_alpha_cf")
    return stretch(np.asarray(estimate(image / 255.0, trimap), np.float32).clip(0, 1))


if __name__ == "__main__":
    sys.exit(main())
