"""Label photographs that have no mattes with a model, for it, or another, to learn from.

Each photograph is matted in several sizes and mirrored; GrabCut, started from the mean of these
mattes, decides again by colours; closed-form matting draws the edge in a band around its mask.
Where model and colours agree (`--agreement`, intersection over union) the matte is usually right,
but not always: the photographs whose names are in `--chosen` were found right on the contact
sheets. Writes `original/` and `mask/` for scripts/lite_material.py, and the sheets.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from lite_material import edges
from numpy.typing import NDArray

import gfm
from gfm.models.glance_focus.network import GFM
from gfm.models.glance_focus.passes import network_input
from rssn.imaging.console import progress, run_command
from rssn.imaging.errors import InputError
from rssn.imaging.images import Alpha, Uint8Image, image_files
from rssn.imaging.reading import read_rgb
from rssn.imaging.resizing import resize
from rssn.imaging.writing import write_alpha, write_rgb

SIDES = (192, 256, 320)  # px, shorter side of the passes
SIDE = 288  # px, shorter side of what GrabCut sees
FINE = 448  # px, shorter side of the matte
SURE, NEVER = 0.9, 0.06  # of the mean matte: object and background that GrabCut has to keep
EXTENT = (0.03, 0.9)  # of the picture; masks of another share are not used
ROUNDS = 3
TILE = 150  # px, height of a picture on a sheet
COLUMNS, ROWS = 7, 9
GREEN = (40, 200, 60)


@dataclass(frozen=True)
class Label:
    """Label of a photograph by model and colours.

    Attributes:
        image: RGB (H, W, 3), its shorter side `SIDE`.
        mask: The object (H, W), bool, after GrabCut.
        agreement: Intersection over union of that mask and the model's.
    """

    image: Uint8Image
    mask: NDArray[np.bool_]
    agreement: float


def main() -> int:
    """The command; 0 done, 2 usage."""
    parser = argparse.ArgumentParser(prog="lite_label", description=__doc__)
    add = parser.add_argument
    add("--photographs", type=Path, nargs="+", required=True, help="folders of images")
    add("--model", type=Path, required=True)
    add("--out", type=Path, required=True)
    add("--agreement", type=float, default=0.8, help="smallest that is used (default 0.8)")
    add("--chosen", type=Path, help="text file with the file names to use, one a line")
    options = parser.parse_args()
    return run_command(lambda: run(options))


def run(options: argparse.Namespace) -> None:
    """Label, and write what is used."""
    model = gfm.load_model(options.model, "cpu")
    if not isinstance(model, GFM):
        raise InputError(f"{options.model} is an exported model; give the one it was made from")
    paths = [path for folder in options.photographs for path in image_files(folder)]
    if options.chosen is not None:
        wanted = set(options.chosen.read_text(encoding="utf-8").split())
        if missing := sorted(wanted - {path.name for path in paths}):
            raise InputError(
                f"{options.chosen} names {missing[0]}, which is in none of the folders"
            )
        paths = [path for path in paths if path.name in wanted]
    for folder in ("original", "mask", "sheets"):
        (options.out / folder).mkdir(parents=True, exist_ok=True)
    used: dict[str, Label] = {}
    for path in progress(paths, "photographs"):
        photograph = read_rgb(path)
        found = label(model, scaled(photograph, SIDE))
        if found.agreement < options.agreement or not EXTENT[0] < found.mask.mean() < EXTENT[1]:
            continue
        used[path.name] = found
        image = options.out / "original" / path.name
        if not image.is_symlink():
            image.symlink_to(path.resolve())
        matte = edges(scaled(photograph, FINE), found.mask)
        whole = resize(matte, (photograph.shape[0], photograph.shape[1]), enlarge="area")
        write_alpha(options.out / "mask" / f"{path.stem}.png", whole)
    names = list(used)
    for start in range(0, len(names), COLUMNS * ROWS):
        page = {name: used[name] for name in names[start : start + COLUMNS * ROWS]}
        number = start // (COLUMNS * ROWS)
        write_rgb(options.out / "sheets" / f"{number:02d}.png", sheet(page))
        names_of_page = "\n".join(page) + "\n"
        (options.out / "sheets" / f"{number:02d}.txt").write_text(names_of_page, encoding="utf-8")
    print(f"labelled {len(used)} of {len(paths)} photographs; look at {options.out / 'sheets'}")


def scaled(image: Uint8Image, side: int) -> Uint8Image:
    """The image with a shorter side of `side` px."""
    factor = side / min(image.shape[:2])
    return resize(image, (round(image.shape[0] * factor), round(image.shape[1] * factor)))


def label(model: GFM, image: Uint8Image) -> Label:
    """Mask of the object: the model's, corrected by colours."""
    matte = mean_matte(model, image)
    mask = np.where(matte > 0.5, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    mask[matte > SURE] = cv2.GC_FGD
    mask[matte < NEVER] = cv2.GC_BGD
    by_model = matte > 0.5
    if by_model.all() or not by_model.any():  # GrabCut needs both
        return Label(image, by_model, 0.0)
    cv2.setRNGSeed(0)
    colours = np.zeros((1, 65)), np.zeros((1, 65))
    rectangle = (0, 0, 1, 1)  # has no meaning beside a mask
    cv2.grabCut(image, mask, rectangle, *colours, ROUNDS, cv2.GC_INIT_WITH_MASK)
    by_colour = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD))
    union = (by_model | by_colour).sum()
    return Label(image, by_colour, float((by_model & by_colour).sum() / union))


def mean_matte(model: GFM, image: Uint8Image) -> Alpha:
    """Mean over sizes and mirroring of the expected matte (H, W)."""
    height, width = image.shape[:2]
    mattes = []
    for side in SIDES:
        small = scaled(image, side)
        both = np.stack([small, small[:, ::-1]])
        with torch.inference_mode():
            made = model(torch.from_numpy(network_input(list(both))))
        expected = (made.glance[:, 2:3] + made.glance[:, 1:2] * made.focus)[:, 0].numpy()
        for matte, step in zip(expected, (1, -1), strict=True):
            mattes.append(cv2.resize(np.ascontiguousarray(matte[:, ::step]), (width, height)))
    return np.asarray(np.mean(mattes, axis=0), np.float32)


def sheet(labels: dict[str, Label]) -> Uint8Image:
    """Photographs with their cut-outs, in numbered rows, with the agreement."""
    page = np.full((ROWS * (TILE + 14), COLUMNS * 2 * TILE, 3), 255, np.uint8)
    for number, found in enumerate(labels.values()):
        pair = np.hstack((found.image, np.where(found.mask[..., None], found.image, GREEN)))
        scale = min(TILE / pair.shape[0], 2 * TILE / pair.shape[1])
        small = cv2.resize(pair.astype(np.uint8), None, fx=scale, fy=scale)
        top, left = number // COLUMNS * (TILE + 14), number % COLUMNS * 2 * TILE
        page[top + 14 : top + 14 + small.shape[0], left : left + small.shape[1]] = small
        text = f"{number}: {found.agreement:.2f}"
        cv2.putText(page, text, (left, top + 11), cv2.FONT_HERSHEY_PLAIN, 0.9, (0, 0, 0))
    return page


if __name__ == "__main__":
    sys.exit(main())
