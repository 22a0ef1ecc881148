"""Label photographs that have no mattes with a model, for it, or another, to learn from.

Each photograph is matted in several sizes and mirrored; GrabCut, started from the mean of these
mattes, decides again by colours; closed-form matting draws the edge in a band around its mask.
Where model and colours agree (`--agreement`, intersection over union) the matte is usually right,
but not always: the photographs whose names are in `--chosen` were found right on the contact
sheets. Writes `original/` and `mask/` for `python -m rssn.build`, and the sheets.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

import gfm
from gfm.inference.options import PassOptions
from gfm.inference.passes import strategy_maps
from gfm.network import GFM
from rssn._pymatting import function
from rssn.console import progress, run_command
from rssn.errors import InputError
from rssn.images import Alpha, Uint8Image, image_files, read_rgb, write_alpha, write_rgb

GLANCES = (80, 96, 112)  # px, shorter side
FOCUS = 256  # px, shorter side
SIDE = 320  # px, shorter side of what GrabCut sees
FINE = 384  # px, shorter side of the matte
BAND = 0.02  # of the shorter side, to each side of the mask's edge
SURE, NEVER = 0.9, 0.06  # of the mean matte: object and background that GrabCut has to keep
EXTENT = (0.03, 0.9)  # of the picture; masks of another share are not used
ROUNDS = 4
TILE = 216  # px, height of a picture on a sheet
COLUMNS, ROWS = 6, 8
GREEN = (40, 200, 60)


@dataclass(frozen=True)
class Label:
    """What model and colours say of a photograph.

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
    add("--photographs", type=Path, required=True, help="folder of images")
    add("--model", type=Path, required=True)
    add("--out", type=Path, required=True)
    add("--agreement", type=float, default=0.75, help="smallest that is used (default 0.75)")
    add("--chosen", type=Path, help="text file with the file names to use, one a line")
    options = parser.parse_args()
    return run_command(lambda: run(options))


def run(options: argparse.Namespace) -> None:
    """Label, and write what is used."""
    model = gfm.load_model(options.model, "cpu")
    if not isinstance(model, GFM):
        raise InputError(f"{options.model} is an exported model; give the one it was made from")
    paths = image_files(options.photographs)
    if options.chosen is not None:
        wanted = set(options.chosen.read_text(encoding="utf-8").split())
        if missing := sorted(wanted - {path.name for path in paths}):
            raise InputError(f"{options.chosen} names {missing[0]}, not in {options.photographs}")
        paths = [path for path in paths if path.name in wanted]
    for folder in ("original", "mask", "sheets"):
        (options.out / folder).mkdir(parents=True, exist_ok=True)
    used: dict[str, Label] = {}
    for path in progress(paths, "photographs"):
        photograph = read_rgb(path)
        found = label(model, shrunk(photograph, SIDE))
        if found.agreement < options.agreement or not EXTENT[0] < found.mask.mean() < EXTENT[1]:
            continue
        used[path.name] = found
        image = options.out / "original" / path.name
        if not image.is_symlink():
            image.symlink_to(path.resolve())
        matte = edges(shrunk(photograph, FINE), found.mask)
        size = (photograph.shape[1], photograph.shape[0])
        write_alpha(
            options.out / "mask" / f"{path.stem}.png",
            cv2.resize(matte, size, interpolation=cv2.INTER_LINEAR),
        )
    names = list(used)
    for start in range(0, len(names), COLUMNS * ROWS):
        page = {name: used[name] for name in names[start : start + COLUMNS * ROWS]}
        write_rgb(options.out / "sheets" / f"{start:04d}.png", sheet(page))
    print(f"labelled {len(used)} of {len(paths)} photographs; look at {options.out / 'sheets'}")


def shrunk(image: Uint8Image, side: int) -> Uint8Image:
    """The image with a shorter side of `side` px."""
    factor = side / min(image.shape[:2])
    size = (round(image.shape[1] * factor), round(image.shape[0] * factor))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


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
    cv2.grabCut(image, mask, None, *colours, ROUNDS, cv2.GC_INIT_WITH_MASK)
    by_colour = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD))
    union = (by_model | by_colour).sum()
    return Label(image, by_colour, float((by_model & by_colour).sum() / union))


def mean_matte(model: GFM, image: Uint8Image) -> Alpha:
    """Mean over sizes of the glance and mirroring of the expected matte (H, W)."""
    height, width = image.shape[:2]
    short = min(height, width)
    mattes = []
    for side in GLANCES:
        passes = PassOptions(d1=short / side, d2=short / FOCUS)
        for step in (1, -1):
            view = np.ascontiguousarray(image[:, ::step])
            with torch.inference_mode():
                maps = strategy_maps(model, [view], passes)
            glance, focus = (
                cv2.resize(each[0].permute(1, 2, 0).numpy(), (width, height))
                for each in (maps.glance, maps.detail)
            )
            mattes.append((glance[..., 2] + glance[..., 1] * focus)[:, ::step])
    return np.asarray(np.mean(mattes, axis=0), np.float32)


def edges(image: Uint8Image, mask: NDArray[np.bool_]) -> Alpha:
    """The matte of a mask (any size), by closed-form matting in a band around its edge."""
    size = (image.shape[1], image.shape[0])
    solid = cv2.resize(mask.astype(np.float32), size) > 0.5
    reach = round(BAND * min(size))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    inner = cv2.erode(solid.astype(np.uint8), kernel, borderType=cv2.BORDER_REPLICATE)
    outer = cv2.dilate(solid.astype(np.uint8), kernel)
    trimap = np.where(inner > 0, 1.0, np.where(outer > 0, 0.5, 0.0))
    if not (trimap == 1).any() or not (trimap == 0).any():
        return np.asarray(solid, np.float32)
    estimate = function("alpha.estimate_alpha_cf", "estimate_alpha_cf")
    return np.asarray(estimate(image / 255.0, trimap), np.float32).clip(0, 1)


def sheet(labels: dict[str, Label]) -> Uint8Image:
    """Photographs with their cut-outs, in rows, with the agreement."""
    page = np.full((ROWS * (TILE + 14), COLUMNS * 2 * TILE, 3), 255, np.uint8)
    for number, (name, found) in enumerate(labels.items()):
        pair = np.hstack((found.image, np.where(found.mask[..., None], found.image, GREEN)))
        scale = min(TILE / pair.shape[0], 2 * TILE / pair.shape[1])
        small = cv2.resize(pair.astype(np.uint8), None, fx=scale, fy=scale)
        top, left = number // COLUMNS * (TILE + 14), number % COLUMNS * 2 * TILE
        page[top + 14 : top + 14 + small.shape[0], left : left + small.shape[1]] = small
        text = f"{found.agreement:.2f} {name[-48:]}"
        cv2.putText(page, text, (left, top + 10), cv2.FONT_HERSHEY_PLAIN, 0.7, (0, 0, 0))
    return page


if __name__ == "__main__":
    sys.exit(main())
