"""Square crops: placing, decoding, cutting and resizing them without the rest of an image."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from rssn.imaging.errors import InputError
from rssn.imaging.images import Alpha, Pixels, Uint8Image, unit
from rssn.imaging.jpeg_parts import Area
from rssn.imaging.reading import Reduction, decode_rgb_part
from rssn.imaging.resizing import resize

Image = TypeVar("Image", bound=NDArray[Any])

GRID = 8  # px; a JPEG decoded at 1/2, 1/4 or 1/8 has whole pixels at these places


class Box(NamedTuple):
    """A square of an image, in px: its upper left corner, on the grid of 8 px, and its side."""

    top: int
    left: int
    side: int


def place_box(levels: Pixels, side: int, on_transition: bool, rng: np.random.Generator) -> Box:
    """Place a box anywhere in an image, or around a pixel of its transition region.

    Args:
        levels: The matte (H, W), integer levels or float in [0, 1].
        side: In px; cut down to the image and, from 8 px on, to a multiple of 8.
        on_transition: Centre the box on a fractional pixel, if there is one.
        rng: Source of the place.

    Note:
        If the sides are not multiples of 8, up to 7 last rows and columns are in no box.
    """
    height, width = levels.shape
    side = min(side, height, width)
    side -= side % GRID if side >= GRID else 0
    if on_transition:
        whole = np.iinfo(levels.dtype).max if levels.dtype.kind == "u" else 1.0
        step = 1 if levels.dtype.kind == "u" else float(np.finfo(np.float32).eps) / 2
        fractional = cv2.inRange(levels, step, whole - step)
        if count := cv2.countNonZero(fractional):
            row, column = _nth_place(fractional, int(rng.integers(count)))
            top = _on_grid(row - side // 2, height - side)
            return Box(top, _on_grid(column - side // 2, width - side), side)
    rows, columns = (height - side) // GRID, (width - side) // GRID
    top, left = (int(rng.integers(places + 1)) * GRID for places in (rows, columns))
    return Box(top, left, side)


def reduction(side: int, size: int) -> Reduction:
    """Largest reduction while decoding an image of which `side` px become `size` px."""
    return max((r for r in get_args(Reduction) if side >= r * size), default=1)


def cut(image: Image, box: Box, size: int, reduced: int = 1) -> Image:
    """Cut a box out of an image decoded at 1/`reduced`, and resize it to (size, size).

    It is averaged where it shrinks, interpolated linearly where it grows.
    """
    top, left, side = (value // reduced for value in box)
    part = image[top : top + side, left : left + side]
    if part.shape[:2] == (size, size):
        return part.copy()  # type: ignore[return-value]
    return resize(part, (size, size))  # type: ignore[return-value]


def cut_alpha(levels: Pixels, box: Box, size: int) -> Alpha:
    """Cut a box out of a matte's levels and resize it as float32 in [0, 1].

    First it is averaged over as many pixels as `decode_cut` reduces colours by, then resized as
    they are, so that a composite still equals the blend of its parts.
    """
    top, left, side = box
    part = levels[top : top + side, left : left + side]
    plane = unit(part) if part.dtype.kind == "f" else part.astype(np.float32)
    reduced = reduction(side, size)
    if reduced > 1 and side % reduced == 0:
        plane = resize(plane, (side // reduced, side // reduced))
    resized = cut(plane, Box(0, 0, len(plane)), size)
    return resized if part.dtype.kind == "f" else resized / np.float32(np.iinfo(part.dtype).max)


def decode_cut(data: bytes, box: Box, size: int, shape: tuple[int, int], name: str) -> Uint8Image:
    """Decode a box of a picture to uint8 RGB (size, size, 3), reduced if the result is small.

    An `InputError` if the picture cannot be decoded, or does not have the size `shape`.
    """
    reduced = reduction(box.side, size)
    image, (top, left), whole = decode_rgb_part(data, Area(*box, box.side), name, reduced)
    if any(abs(found - wanted) >= reduced for found, wanted in zip(whole, shape, strict=True)):
        raise InputError(
            f"{name}: is about {whole[1]}x{whole[0]} px, the matte {shape[1]}x{shape[0]}; build "
            "the shards again"
        )
    return cut(image, Box(box.top - top, box.left - left, box.side), size, reduced)


def _nth_place(mask: NDArray[Any], number: int) -> tuple[int, int]:
    """Row and column of a place of a mask of 0 and 255, counted from 0 row by row."""
    before = np.cumsum(cv2.reduce(mask, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S)[:, 0] // 255)
    row = int(np.searchsorted(before, number, side="right"))
    skipped = int(before[row - 1]) if row else 0
    return row, int(np.flatnonzero(mask[row])[number - skipped])


def _on_grid(start: int, last: int) -> int:
    start = min(max(start, 0), last)
    return start - start % GRID
