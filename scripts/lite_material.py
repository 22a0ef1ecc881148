"""Gather what the `lite` model is trained on: folders of links, stretched mattes, drawn scenes.

Takes a collection whose `list.csv` names every item with its licence, and holds `photos/` with
`original/` and `mask/`, `cutouts/` and `cutouts_more/` of RGBA images, `backgrounds/` and
`backgrounds_more/`. Share-alike items are left out, and every third photograph is kept for the
test. The folders are then built into shards of sources (`python -m rssn.build`), for the loader to
compose anew every epoch. With `--labelled`, so are the photographs to which lite_label.py gave
mattes.
"""

from __future__ import annotations

import argparse
import csv
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from data_tools.scenes.folder import Settings, write_scenes
from rssn import ROUTES
from rssn.build import BuildOptions, build
from rssn.console import progress, run_command
from rssn.errors import InputError, one_line
from rssn.images import Alpha, image_files, read_alpha, write_alpha
from rssn.sources import Source, find_sources

SHARE_ALIKE = "-SA"  # in the licence
OPAQUE, CLEAR = 249 / 255, 6 / 255  # predicted mattes rarely reach 1 and 0
DRAWN = 400  # scenes, and at least as many icons
SIDES = {"photos": 512, "objects": 512, "drawn": 320, "scenes": 320}  # px, shorter side
LABELLED = 512  # px
GARMENTS = "clothing"  # how their names begin: many, all alike, so they are a part of their own
CLEAN = ("drawn", "scenes")  # have no noise to take away


def main() -> int:
    """The command; 0 done, 2 usage."""
    parser = argparse.ArgumentParser(prog="lite_material", description=__doc__)
    parser.add_argument("--collection", type=Path, required=True, help="folder with list.csv")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--route",
        choices=("rssn", "bg20k"),
        default="rssn",
        help="how objects get before backgrounds; bg20k, the plain way, goes to shards-bg20k",
    )
    parser.add_argument(
        "--labelled", type=Path, help="folder that lite_label.py wrote: more photographs"
    )
    options = parser.parse_args()
    return run_command(lambda: run(options))


def run(options: argparse.Namespace) -> None:
    """Gather all that was asked for."""
    gather(options.collection, options.out, options.route)
    if options.labelled is not None:
        gather_labelled(options.labelled, options.out)


def gather(collection: Path, out: Path, route: str) -> None:
    """Make the folders and the shards; what is there already is kept."""
    files = usable(collection)
    photographs(collection, out)
    emoji = sorted(item for item in files if "/emoji" in item)
    parts = {
        "backgrounds": [item for item in files if item.startswith("backgrounds")],
        "objects": [i for i in files if i.startswith("cutouts") and "/emoji" not in i],
        "drawn": emoji[:: max(1, len(emoji) // DRAWN)],
    }
    for name, items in parts.items():
        (out / name).mkdir(parents=True, exist_ok=True)
        for item in items:
            link(out / name / files[item].name, files[item])
    scenes = Settings(count=DRAWN, backgrounds=0, height=SIDES["scenes"], width=SIDES["scenes"])
    write_scenes(out / "scenes", scenes)
    target = out / ("shards" if route == "rssn" else f"shards-{route}")
    for name, side in SIDES.items():
        shards(out, target / name, route, side)
    originals(out, "photos", target / "originals", SIDES["photos"])


def gather_labelled(labelled: Path, out: Path) -> None:
    """Garments and all else, composed on the backgrounds and as they are."""
    for name in ("garments", "labelled"):
        for part in ("original", "mask"):
            (out / name / part).mkdir(parents=True, exist_ok=True)
    for source in progress(find_sources(labelled)[0], "labels"):
        folder = out / ("garments" if source.id.startswith(GARMENTS) else "labelled")
        add_photograph(folder, source)
    for name in ("garments", "labelled"):
        shards(out, out / "shards" / name, "rssn", LABELLED)
        originals(out, name, out / "shards" / f"{name}_originals", LABELLED)


def usable(collection: Path) -> dict[str, Path]:
    """The cut-outs and backgrounds that may be published with a model, by their items' names.

    Raises:
        InputError: The table of the collection cannot be read, or names a file that is not there.
    """
    table = collection / "list.csv"
    try:
        with table.open(encoding="utf-8", newline="") as file:
            licences = {row["item"]: row["licence"] for row in csv.DictReader(file)}
    except (OSError, KeyError) as error:
        raise InputError(
            f"{table}: cannot be read ({one_line(error)}); give a table with item and licence"
        ) from None
    files = {
        f"{folder.name}/{path.stem}": path
        for kind in ("cutouts", "backgrounds")
        for folder in (collection / kind, collection / f"{kind}_more")
        for path in image_files(folder)
    }
    items = [item for item in licences if item.startswith(("cutouts", "backgrounds"))]
    if missing := [item for item in items if item not in files]:
        raise InputError(f"{table}: names {missing[0]}, which is not in {collection}")
    return {item: files[item] for item in items if SHARE_ALIKE not in licences[item]}


def link(target: Path, file: Path) -> None:
    """Make `target` a link to a file, unless it is one."""
    if not target.is_symlink():
        target.symlink_to(file.resolve())


def photographs(collection: Path, out: Path) -> None:
    """The photographs to train on with stretched mattes, and links to those kept for the test."""
    for number, source in enumerate(progress(find_sources(collection / "photos")[0], "mattes")):
        folder = out / ("test" if number % 3 == 0 else "photos")
        for part in ("original", "mask"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        if folder.name == "photos":
            add_photograph(folder, source)
            continue
        for part, path in (("original", source.image), ("mask", source.matte)):
            link(folder / part / f"{source.id}{path.suffix}", path)


def add_photograph(folder: Path, source: Source) -> None:
    """A link to the image, and its matte, stretched."""
    link(folder / "original" / source.image.name, source.image)
    matte = folder / "mask" / f"{source.id}.png"
    if not matte.exists():
        write_alpha(matte, stretch(read_alpha(source.matte)))


def stretch(alpha: Alpha) -> Alpha:
    """Make what is all but opaque opaque, and what is all but clear clear."""
    stretched: Alpha = ((alpha - CLEAR) / (OPAQUE - CLEAR)).clip(0, 1).astype(np.float32)
    return stretched


def shards(out: Path, target: Path, name: str, side: int) -> None:
    """Sources to compose on the fly, in a folder with the name of theirs."""
    route = replace(ROUTES[name], k=1, shorter_side=side, blur_reference=1080)
    if target.name in CLEAN:
        route = replace(route, denoise_probability=0)
    options = BuildOptions(route, content="sources", extend=True)
    folders = (out / target.name, out / "backgrounds", target)
    build(*folders, options, resume=True, cache=out / "cache", quiet=False)


def originals(out: Path, name: str, target: Path, side: int) -> None:
    """The photographs as they are, with their estimated colours."""
    options = BuildOptions(replace(ROUTES["original"], shorter_side=side))
    build(out / name, None, target, options, resume=True, cache=out / "cache", quiet=False)


if __name__ == "__main__":
    sys.exit(main())
