"""Gather what the packaged models are trained on into one file.

Takes a collection whose `list.csv` names every item with its licence: `labelled/SET` and `photos`
with `original/` and `mask/`, `cutouts` and `cutouts_more` of RGBA images, `backgrounds` and
`backgrounds_more`. Share-alike items are left out, and so is what the collection keeps for tests.
`--research` adds the sets whose licence does not allow every use. Binary masks get the edges that
closed-form matting finds near them, kept in `--cache`. Plants, nets, hair and fur, of which there
are few, are drawn (`data_tools.scenes`).
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from data_tools.scenes import draw_object
from rssn.build.sources import Source, find_sources, read_source, shrink
from rssn.foreground.colour_fill import fill_colours
from rssn.foreground.pymatting_parts import function
from rssn.imaging.console import progress, run_command
from rssn.imaging.errors import InputError, one_line
from rssn.imaging.images import Alpha, Uint8Image, image_files
from rssn.imaging.reading import read_alpha, read_rgb
from rssn.imaging.writing import write_alpha
from rssn.shards.material import Kind, Material, Picture, create_material

SHARE_ALIKE = "-SA"  # in the licence
PERMISSIVE = ("ccp", "feral_cat", "cat81")  # of labelled/
RESEARCH = ("caltech_animals", "davis", "ecssd", "human290", "weizmann_horse")
SOFT = ("ccp",)  # masks with soft edges already
KEPT_LAST = {"davis": 60, "ecssd": 50}  # in name order, for measuring clicks
OPAQUE, CLEAR = 249 / 255, 6 / 255  # predicted mattes rarely reach 1 and 0
BAND = 0.015  # of the shorter side, to each side of a mask's edge
VISIBLE = 0.05  # alpha from which on a cut-out's colours are its own
DRAWN = {
    "plant": 240,
    "net": 60,
    "fur": 50,
    "hair": 40,
    "thin": 40,
    "glass": 60,
    "smoke": 30,
    "lattice": 200,
    "crystal": 80,
}
DRAWN_SIDE = 448  # px
DRAWN_LICENCE = "MIT (drawn by data_tools)"
MADE = (  # where photographs stand that get labels of their own, as items and as folders
    ("unlabelled", "unlabelled"),
    ("unlabelled_more/clothing5k", "unlabelled_more/clothing5k"),
    ("unlabelled_more/caltech101", "unlabelled_more/caltech101"),
    ("labelled/caltech_animals", "labelled/caltech_animals/original"),  # without their masks
)
ENDINGS = (".webp", ".jpg", ".png")  # of these photographs
EMOJI = "emoji"  # in the names of three-dimensional icons, a source of their own


@dataclass(frozen=True)
class Item:
    """One picture of the collection: its files, kind, source, and name in `list.csv`."""

    name: str
    kind: Kind
    source: str
    files: Source


def main() -> int:
    """The command; 0 done, 2 usage."""
    parser = argparse.ArgumentParser(prog="lite_material", description=__doc__)
    add = parser.add_argument
    add("--collection", type=Path, required=True, help="folder with list.csv")
    add("--out", type=Path, required=True, help="file to write, .tar")
    add("--side", type=int, default=448, help="shorter side of the pictures in px (default 448)")
    add("--research", action="store_true", help="add the sets that are for research only")
    add("--labelled", type=Path, help="folder of lite_label.py: photographs with made mattes")
    add("--outlined", type=Path, help="another such folder, of lite_label.py --outlines")
    add("--encoding", choices=("jpg", "webp"), default="jpg")
    add("--quality", type=int, default=92)
    add("--levels", type=int, default=256, help="steps of the mattes (default 256)")
    add("--cache", type=Path, default=Path("lite/edges"), help="folder of the edges")
    options = parser.parse_args()
    return run_command(lambda: run(options))


def run(options: argparse.Namespace) -> None:
    """Write the file and say what is in it."""
    form = (options.encoding, options.quality, options.levels)
    with create_material(options.out, *form) as material:
        for made in pictures(options):
            material.add(*made)
    found = Material(options.out).sources()
    print(f"{options.out}: " + ", ".join(f"{source} {n}" for source, _, n in found))


def pictures(options: argparse.Namespace) -> Iterator[tuple[Picture, Uint8Image, Alpha | None]]:
    """All pictures of the material: those of the collection, then drawn ones."""
    licences = read_licences(options.collection / "list.csv")
    items = [i for i in gather(options) if SHARE_ALIKE not in licences.get(i.name, "")]
    for item in progress(items, "pictures"):
        image, alpha = read(item, options)
        size = (image.shape[0], image.shape[1])
        licence = licences.get(item.name, "")
        yield Picture(item.name, item.kind, item.source, licence, size), image, alpha
    for kind, number in progress([(k, n) for k in DRAWN for n in range(DRAWN[k])], "drawings"):
        rng = np.random.default_rng([list(DRAWN).index(kind), number])
        drawn = draw_object(rng, DRAWN_SIDE, DRAWN_SIDE, kind)
        image, alpha = shrink(drawn[0], options.side), shrink(drawn[1], options.side)
        name, size = f"drawn/{kind}_{number:04d}", (image.shape[0], image.shape[1])
        yield Picture(name, "cutout", "drawn", DRAWN_LICENCE, size), image, alpha


def read_licences(table: Path) -> dict[str, str]:
    """The licence of each item of a collection.

    Raises:
        InputError: The table cannot be read.
    """
    try:
        with table.open(encoding="utf-8", newline="") as file:
            return {row["item"]: row["licence"] for row in csv.DictReader(file)}
    except (OSError, KeyError) as error:
        raise InputError(
            f"{table}: cannot be read ({one_line(error)}); give a table with item and licence"
        ) from None


def gather(options: argparse.Namespace) -> Iterator[Item]:
    """Everything that may be used, in a fixed order."""
    collection: Path = options.collection
    made = [
        (kind, find_sources(folder)[0])
        for folder, kind in ((options.labelled, "self_labelled"), (options.outlined, "outlined"))
        if folder is not None
    ]
    with_labels = {source.id for _, sources in made for source in sources}
    for name in PERMISSIVE + (RESEARCH if options.research else ()):
        pairs = find_sources(collection / "labelled" / name)[0]
        for source in pairs[: len(pairs) - KEPT_LAST.get(name, 0)]:
            if source.id not in with_labels:  # which are better than the set's masks
                yield Item(f"labelled/{name}/{source.id}", "photograph", name, source)
    for number, source in enumerate(find_sources(collection / "photos")[0]):
        if number % 3:
            yield Item(f"photos/{source.id}", "photograph", "photos", source)
    for kind, sources in made:
        for source in sources:
            name = found_in(collection, source.id)
            called = "garments" if kind == "self_labelled" and "clothing" in name else kind
            yield Item(name, "photograph", called, source)
    for folder in ("cutouts", "cutouts_more"):
        for number, path in enumerate(image_files(collection / folder)):
            if folder == "cutouts" and number % 4 == 0:
                continue
            drawn_by = EMOJI if path.stem.startswith(EMOJI) else folder
            files = Source(path.stem, path, path, False)
            yield Item(f"{folder}/{path.stem}", "cutout", drawn_by, files)
    for folder in ("backgrounds", "backgrounds_more"):
        for path in image_files(collection / folder):
            files = Source(path.stem, path, path, False)
            yield Item(f"{folder}/{path.stem}", "background", "backgrounds", files)


def found_in(collection: Path, name: str) -> str:
    """The item that a photograph with a label of its own is in the collection's table."""
    for item, folder in MADE:
        if any(collection.joinpath(folder, f"{name}{end}").is_file() for end in ENDINGS):
            return f"{item}/{name}"
    raise InputError(f"{name}: is in no folder of {collection}; label photographs of it")


def read(item: Item, options: argparse.Namespace) -> tuple[Uint8Image, Alpha | None]:
    """Colours and matte of an item, at the size of the material."""
    if item.kind == "background":
        return shrink(read_rgb(item.files.image), options.side), None
    if item.source in (*PERMISSIVE, *RESEARCH) and item.source not in SOFT:
        return soft(item, options)
    pixels = read_source(item.files, options.side)
    if item.kind == "cutout":
        return fill_colours(pixels.image, pixels.alpha, VISIBLE), pixels.alpha
    return pixels.image, stretch(pixels.alpha)


def soft(item: Item, options: argparse.Namespace) -> tuple[Uint8Image, Alpha]:
    """A photograph with a binary mask, whose edges are found once and kept."""
    image = shrink(read_rgb(item.files.image), options.side)
    kept: Path = options.cache / f"{item.source}_{item.files.id}_{options.side}.png"
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_alpha(kept, edges(image, read_alpha(item.files.matte) > 0.5))
    return image, read_alpha(kept)


def edges(image: Uint8Image, mask: np.ndarray) -> Alpha:  # type: ignore[type-arg]
    """The matte of a mask (any size), by closed-form matting in a band around its edge."""
    size = (image.shape[1], image.shape[0])
    solid = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.5
    reach = max(2, round(BAND * min(size)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    inner = cv2.erode(solid.astype(np.uint8), kernel, borderType=cv2.BORDER_REPLICATE)
    outer = cv2.dilate(solid.astype(np.uint8), kernel)
    trimap = np.where(inner > 0, 1.0, np.where(outer > 0, 0.5, 0.0))
    if not (trimap == 1).any() or not (trimap == 0).any():
        return np.asarray(solid, np.float32)
    estimate = function("alpha.estimate_alpha_cf", "estimate_alpha_cf")
    return stretch(np.asarray(estimate(image / 255.0, trimap), np.float32).clip(0, 1))


def stretch(alpha: Alpha) -> Alpha:
    """Make what is all but opaque opaque, and what is all but clear clear."""
    stretched: Alpha = ((alpha - CLEAR) / (OPAQUE - CLEAR)).clip(0, 1).astype(np.float32)
    return stretched


if __name__ == "__main__":
    sys.exit(main())
