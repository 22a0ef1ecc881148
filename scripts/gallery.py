"""A picture of photographs, their mattes and cut-outs, in rows."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

import gfm
from rssn.imaging.console import progress, run_command
from rssn.imaging.images import Uint8Image
from rssn.imaging.reading import read_rgb
from rssn.imaging.resizing import resize
from rssn.imaging.writing import encode_rgb

BACKGROUND = (236, 236, 232)


def main() -> int:
    """The command; 0 done, 2 usage."""
    parser = argparse.ArgumentParser(prog="gallery", description=__doc__)
    add = parser.add_argument
    add("photographs", type=Path, nargs="+", help="files, in the order of the picture")
    add("--model", default="lite")
    add("--columns", type=int, default=3)
    add("--height", type=int, default=150, help="px, of a photograph")
    add("--out", type=Path, required=True, help="JPEG to write")
    options = parser.parse_args()
    return run_command(lambda: run(options))


def run(options: argparse.Namespace) -> None:
    """Matte, and write the picture."""
    model = gfm.load_model(options.model, "cpu")
    tiles = []
    for path in progress(options.photographs, "photographs"):
        photograph = read_rgb(path)
        matte = gfm.matte(photograph, model)
        grey = np.repeat(np.rint(matte.alpha * 255).astype(np.uint8)[..., None], 3, 2)
        parts = (photograph, grey, matte.on(BACKGROUND))
        tiles.append(np.hstack([fitted(each, options.height) for each in parts]))
    columns = [tiles[start :: options.columns] for start in range(options.columns)]
    shown = [stacked(column, -(-len(tiles) // options.columns)) for column in columns if column]
    options.out.write_bytes(encode_rgb(np.hstack(shown)))


def stacked(tiles: list[Uint8Image], rows: int) -> Uint8Image:
    """Tiles of one height below each other, on white, as wide as the widest."""
    width, height = max(tile.shape[1] for tile in tiles), tiles[0].shape[0]
    column = np.full((rows * (height + 4), width + 10, 3), 255, np.uint8)
    for row, tile in enumerate(tiles):
        column[row * (height + 4) :][:height, : tile.shape[1]] = tile
    return column


def fitted(picture: Uint8Image, height: int) -> Uint8Image:
    """The picture at a height; wide ones are cut to 4:3 around their middle."""
    most = round(picture.shape[0] * 4 / 3)
    left = max(0, (picture.shape[1] - most) // 2)
    cut = picture[:, left : left + most]
    return resize(cut, (height, round(cut.shape[1] * height / cut.shape[0])), enlarge="area")


if __name__ == "__main__":
    sys.exit(main())
