"""Label photographs that have no mattes, for a model to learn from.

Three ways, of which each command takes one:

- `--model FILE` mattes each photograph in several sizes and mirrored; GrabCut, started from the
  mean of these mattes, decides again by colours; closed-form matting draws the edge in a band
  around its mask. For a model that does not know much yet.
- `--refined` takes the mean of the refined mattes, by the packaged model or another, of the
  photograph and its mirror image.
- `--outlines FILE` starts GrabCut from outlines that were drawn by hand: for photographs that the
  model cannot do. Outlines marked `exact`, as of white things before white, stand as they are.

Where both views, or model and colours, agree (`--agreement`, intersection over union), the matte is
usually right, but not always: the photographs whose names are in `--chosen` were found right on the
contact sheets. Writes `original/` and `mask/` for scripts/lite_material.py, and the sheets.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from lite_material import edges
from numpy.typing import NDArray

import gfm
from gfm.models.contract import MattingModel
from gfm.models.glance_focus.network import GFM
from gfm.models.glance_focus.passes import network_input
from rssn.imaging.console import progress, run_command
from rssn.imaging.errors import InputError, one_line
from rssn.imaging.images import Alpha, Uint8Image, image_files
from rssn.imaging.reading import read_rgb
from rssn.imaging.resizing import resize
from rssn.imaging.writing import write_alpha, write_rgb

SIDES = (192, 256, 320)  # px, shorter side of the passes
SIDE = 288  # px, shorter side of what GrabCut sees after a model
FINE = 448  # px, shorter side of the matte
REFINED = 640  # px, shorter side of what is refined, at most
SURE, NEVER = 0.9, 0.06  # of the mean matte: object and background that GrabCut has to keep
EXTENT = (0.03, 0.9)  # of the picture; masks of another share are not used
ROUNDS, OUTLINE_ROUNDS = 3, 4  # of GrabCut, after a model and an outline
ENLARGED = 2.0  # times, at most, for an outline
NEAR = 0.018  # of an outlined picture's geometric mean side: how far an outline may be off
SPECK = 0.01  # of an outlined object: parts that are smaller go
TILE = 150  # px, height of a picture on a sheet
COLUMNS, ROWS = 7, 9
GREEN = (40, 200, 60)

Mask = NDArray[np.bool_]
Points = list[list[float]]


@dataclass(frozen=True)
class Label:
    """Matte of a photograph.

    Attributes:
        image: RGB (H, W, 3).
        matte: Opacity (H, W), of the same size or another.
        agreement: Intersection over union of what was found in two ways; 1 for outlines.
    """

    image: Uint8Image
    matte: Alpha
    agreement: float


def main() -> int:
    """The command; 0 done, 2 usage."""
    parser = argparse.ArgumentParser(
        prog="lite_label", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add = parser.add_argument
    add("--photographs", type=Path, nargs="+", required=True, help="folders of images")
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument("--model", type=Path, help="weights of a training run")
    way.add_argument("--refined", nargs="?", const="lite", help="a model (the packaged one)")
    way.add_argument("--outlines", type=Path, help="JSON of areas and lines by file name")
    add("--out", type=Path, required=True)
    add("--agreement", type=float, default=0.8, help="smallest that is used (default 0.8)")
    add("--chosen", type=Path, help="text file with the file names to use, one a line")
    options = parser.parse_args()
    return run_command(lambda: run(options))


def run(options: argparse.Namespace) -> None:
    """Label, and write what is used."""
    outlines = read_outlines(options.outlines) if options.outlines is not None else {}
    paths = find_photographs(options, outlines)
    label = labeller(options, outlines)
    for folder in ("original", "mask", "sheets"):
        (options.out / folder).mkdir(parents=True, exist_ok=True)
    used: dict[str, Label] = {}
    for path in progress(paths, "photographs"):
        photograph = read_rgb(path)
        found = label(path, photograph)
        if not outlines and not is_usable(found, options.agreement):
            continue
        used[path.name] = found
        image = options.out / "original" / path.name
        if not image.is_symlink():
            image.symlink_to(path.resolve())
        whole = resize(found.matte, (photograph.shape[0], photograph.shape[1]), enlarge="area")
        write_alpha(options.out / "mask" / f"{path.stem}.png", whole)
    write_sheets(options.out / "sheets", used)
    print(f"labelled {len(used)} of {len(paths)} photographs; look at {options.out / 'sheets'}")


def is_usable(found: Label, least: float) -> bool:
    """Return True if a label that nobody drew agrees enough and its object is of a usual size."""
    extent = float((found.matte > 0.5).mean())
    return found.agreement >= least and EXTENT[0] < extent < EXTENT[1]


def read_outlines(file: Path) -> dict[str, dict[str, Any]]:
    """Outlines by file name: `areas` of the object, `lines` along what is thin, and `exact`.

    Points are [x, y] in parts of width and height.
    """
    try:
        outlines: dict[str, dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: cannot be read as JSON ({one_line(error)})") from None
    return outlines


def find_photographs(options: argparse.Namespace, outlines: Mapping[str, object]) -> list[Path]:
    """The photographs to label, of which those with names that were asked for."""
    paths = [path for folder in options.photographs for path in image_files(folder)]
    wanted = set(outlines)
    if options.chosen is not None:
        wanted |= set(options.chosen.read_text(encoding="utf-8").split())
    if missing := sorted(wanted - {path.name for path in paths}):
        raise InputError(f"{missing[0]} is in none of the folders {options.photographs}")
    return [path for path in paths if path.name in wanted] if wanted else paths


def labeller(
    options: argparse.Namespace, outlines: Mapping[str, dict[str, Any]]
) -> Callable[[Path, Uint8Image], Label]:
    """The way that the options ask for."""
    if options.outlines is not None:
        return lambda path, photograph: outlined(photograph, **outlines[path.name])
    if options.refined is not None:
        good = gfm.load_model(options.refined)
        return lambda path, photograph: refined(good, photograph)
    model = gfm.load_model(options.model, "cpu")
    if not isinstance(model, GFM):
        raise InputError(f"{options.model} is an exported model; give the one it was made from")
    return lambda path, photograph: by_colours(model, photograph)


def by_colours(model: GFM, photograph: Uint8Image) -> Label:
    """The model's mask, corrected by colours."""
    image = scaled(photograph, SIDE)
    matte = mean_matte(model, image)
    by_model = matte > 0.5
    if by_model.all() or not by_model.any():  # GrabCut needs both
        return Label(image, by_model.astype(np.float32), 0.0)
    start = np.where(by_model, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    start[matte > SURE] = cv2.GC_FGD
    start[matte < NEVER] = cv2.GC_BGD
    by_colour = grab_cut(image, start, ROUNDS)
    fine = scaled(photograph, FINE)
    return Label(fine, edges(fine, by_colour), agreement(by_model, by_colour))


def refined(model: MattingModel, photograph: Uint8Image) -> Label:
    """Mean of the model's refined mattes of the photograph and its mirror image."""
    image = scaled(photograph, min(REFINED, *photograph.shape[:2]))
    cut = partial(gfm.matte, model=model, foreground="none")
    plain = cut(image).alpha
    mirrored = cut(np.ascontiguousarray(image[:, ::-1])).alpha[:, ::-1]
    mean = ((plain + mirrored) / 2).astype(np.float32)
    return Label(image, mean, agreement(plain > 0.5, mirrored > 0.5))


def outlined(
    photograph: Uint8Image,
    areas: list[Points],
    lines: list[Points] | None = None,
    exact: bool = False,
) -> Label:
    """The object inside an outline; colours decide its course near there, unless it is exact."""
    shorter = min(photograph.shape[:2])
    image = scaled(photograph, min(FINE, round(ENLARGED * shorter)))
    size = image.shape[1], image.shape[0]
    near = NEAR * (size[0] * size[1]) ** 0.5
    inside = np.zeros(image.shape[:2], np.uint8)
    for area in areas:
        cv2.fillPoly(inside, [in_pixels(area, size)], 1)
    if exact:
        soft = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 1.0)
        return Label(image, np.asarray(soft, np.float32), 1.0)
    inner = cv2.erode(inside, disc(near))
    start = np.full(inside.shape, cv2.GC_BGD, np.uint8)
    start[cv2.dilate(inside, disc(near)) > 0] = cv2.GC_PR_BGD
    start[inside > 0] = cv2.GC_PR_FGD
    start[inner > 0] = cv2.GC_FGD
    for line in lines or ():
        drawn = np.zeros_like(inside)
        cv2.polylines(drawn, [in_pixels(line, size)], False, 1, max(2, round(near / 2)))
        start[(cv2.dilate(drawn, disc(near / 2)) > 0) & (start == cv2.GC_BGD)] = cv2.GC_PR_BGD
        start[drawn > 0] = cv2.GC_FGD
    found = grab_cut(image, start, OUTLINE_ROUNDS).astype(np.uint8)
    mask = np.maximum(cv2.morphologyEx(found, cv2.MORPH_OPEN, disc(1)), inner)
    count, parts, statistics, _ = cv2.connectedComponentsWithStats(mask)
    for part in range(1, count):
        if statistics[part, cv2.CC_STAT_AREA] < SPECK * mask.sum():
            mask[parts == part] = 0
    return Label(image, edges(image, mask > 0), 1.0)


def in_pixels(points: Points, size: tuple[int, int]) -> NDArray[np.int32]:
    """Points in parts of width and height as pixels (N, 2)."""
    return np.rint(np.array(points) * size).astype(np.int32)


def disc(radius: float) -> NDArray[np.uint8]:
    """A disc as a kernel, of a radius of at least 1 px."""
    side = 2 * max(1, round(radius)) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)


def grab_cut(image: Uint8Image, start: NDArray[np.uint8], rounds: int) -> Mask:
    """The object (H, W) by colours; `start` holds OpenCV's four classes, and is changed."""
    cv2.setRNGSeed(0)
    colours = np.zeros((1, 65)), np.zeros((1, 65))
    rectangle = (0, 0, 1, 1)  # has no meaning beside a mask
    cv2.grabCut(image, start, rectangle, *colours, rounds, cv2.GC_INIT_WITH_MASK)
    return np.isin(start, (cv2.GC_FGD, cv2.GC_PR_FGD))


def agreement(one: Mask, other: Mask) -> float:
    """Intersection over union; 0 for two empty masks."""
    union = int((one | other).sum())
    return float((one & other).sum() / union) if union else 0.0


def scaled(image: Uint8Image, side: int) -> Uint8Image:
    """The image with a shorter side of `side` px."""
    factor = side / min(image.shape[:2])
    return resize(image, (round(image.shape[0] * factor), round(image.shape[1] * factor)))


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


def write_sheets(folder: Path, labels: Mapping[str, Label]) -> None:
    """Write contact sheets, and beside each the names that are on it."""
    names = list(labels)
    for number, start in enumerate(range(0, len(names), COLUMNS * ROWS)):
        page = names[start : start + COLUMNS * ROWS]
        write_rgb(folder / f"{number:02d}.png", sheet([labels[name] for name in page]))
        (folder / f"{number:02d}.txt").write_text("\n".join(page) + "\n", encoding="utf-8")


def sheet(labels: list[Label]) -> Uint8Image:
    """Photographs with their cut-outs, in numbered rows, with the agreement."""
    page = np.full((ROWS * (TILE + 14), COLUMNS * 2 * TILE, 3), 255, np.uint8)
    for number, found in enumerate(labels):
        height, width = found.image.shape[:2]
        opacity = cv2.resize(found.matte, (width, height))[..., None]
        pair = np.hstack((found.image, found.image * opacity + np.array(GREEN) * (1 - opacity)))
        scale = min(TILE / height, TILE / width)
        small = cv2.resize(pair.astype(np.uint8), None, fx=scale, fy=scale)
        top, left = number // COLUMNS * (TILE + 14), number % COLUMNS * 2 * TILE
        page[top + 14 : top + 14 + small.shape[0], left : left + small.shape[1]] = small
        text = f"{number}: {found.agreement:.2f}"
        cv2.putText(page, text, (left, top + 11), cv2.FONT_HERSHEY_PLAIN, 0.9, (0, 0, 0))
    return page


if __name__ == "__main__":
    sys.exit(main())
