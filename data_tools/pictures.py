"""Contact sheets and histograms as plain images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from rssn.imaging.images import Uint8Image
from rssn.imaging.resizing import resize

PAPER, INK, FAINT, BAR = (255, 255, 255), (40, 40, 40), (200, 200, 200), (58, 124, 165)
MARK = (190, 64, 50)
MARGIN, LINE = 8, 18  # px
FONT, FONT_SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.4
VIEW_SIDE = 256  # px of the longer side of the views that images are measured on

Array = TypeVar("Array", bound=NDArray[Any])


@dataclass(frozen=True)
class Tile:
    """A picture of a contact sheet, uint8 RGB (H, W, 3), and the line below it."""

    image: Uint8Image
    caption: str


def contact_sheet(tiles: Sequence[Tile], columns: int = 6, side: int = 192) -> Uint8Image:
    """All tiles in rows, each fitted into a square of `side` px."""
    cell_height, cell_width = side + LINE + MARGIN, side + MARGIN
    rows = max(1, -(-len(tiles) // columns))
    sheet = _paper(rows * cell_height + MARGIN, columns * cell_width + MARGIN)
    for number, tile in enumerate(tiles):
        top = number // columns * cell_height + MARGIN
        left = number % columns * cell_width + MARGIN
        picture = fit(tile.image, side)
        height, width = picture.shape[:2]
        y, x = top + (side - height) // 2, left + (side - width) // 2
        sheet[y : y + height, x : x + width] = picture
        _write(sheet, _shorten(tile.caption, side), left, top + side + LINE - 5)
    return sheet


def histogram(
    values: Sequence[float], title: str, size: tuple[int, int] = (190, 392), bins: int = 24
) -> Uint8Image:
    """Bars of how often values occur, with the median as a line.

    Args:
        values: What to count; may be empty.
        title: Written above, with the unit.
        size: Height and width in px.
        bins: Number of bars.
    """
    chart = _paper(*size)
    height, width = size
    _write(chart, title, MARGIN, LINE)
    bottom, top, left, right = height - LINE - 4, LINE + MARGIN, MARGIN, width - MARGIN
    cv2.line(chart, (left, bottom), (right, bottom), FAINT, 1)
    if not len(values):
        _write(chart, "none", left, (top + bottom) // 2)
        return chart
    low, high = float(np.min(values)), float(np.max(values))
    if low == high:  # one bar in the middle
        low, high = low - 0.5, high + 0.5
    counts, _ = np.histogram(values, bins, (low, high))
    edges = np.linspace(left, right, bins + 1).astype(int)
    for count, (begin, end) in zip(counts, pairwise(edges), strict=True):
        bar = round((bottom - top) * count / counts.max())
        if bar:
            cv2.rectangle(chart, (int(begin), bottom - bar), (int(end) - 2, bottom - 1), BAR, -1)
    median = float(np.median(values))
    x = round(left + (right - left) * (median - low) / (high - low))
    cv2.line(chart, (x, top), (x, bottom), MARK, 1)
    labels = (_number(low), f"median {_number(median)}", _number(high))
    for label, place in zip(labels, (left, (left + right) // 2, right), strict=True):
        length = _length(label)
        _write(chart, label, int(np.clip(place - length // 2, left, right - length)), height - 6)
    return chart


def stack(pictures: Sequence[Uint8Image]) -> Uint8Image:
    """Pictures below one another, on paper as wide as the widest."""
    width = max(picture.shape[1] for picture in pictures)
    sheet = _paper(sum(picture.shape[0] for picture in pictures), width)
    top = 0
    for picture in pictures:
        sheet[top : top + picture.shape[0], : picture.shape[1]] = picture
        top += picture.shape[0]
    return sheet


def beside(pictures: Sequence[Uint8Image], columns: int) -> Uint8Image:
    """Pictures of one size in rows."""
    missing = -len(pictures) % columns
    padded = [*pictures, *[np.full_like(pictures[0], 255)] * missing]
    rows = [np.hstack(padded[i : i + columns]) for i in range(0, len(padded), columns)]
    return np.vstack(rows)


def fit(image: Array, side: int) -> Array:
    """An image or a matte, shrunk (never enlarged) to at most `side` px on its longer side."""
    scale = side / max(image.shape[:2])
    if scale >= 1:
        return image
    return resize(image, (max(1, int(image.shape[0] * scale)), max(1, int(image.shape[1] * scale))))


def _paper(height: int, width: int) -> NDArray[np.uint8]:
    return np.full((height, width, 3), PAPER, np.uint8)


def _write(sheet: Uint8Image, text: str, x: int, y: int) -> None:
    # Hershey fonts draw a question mark for each byte that is not ASCII.
    plain = text.encode("ascii", "replace").decode()
    cv2.putText(sheet, plain, (x, y), FONT, FONT_SCALE, INK, 1, cv2.LINE_AA)


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _length(text: str) -> int:
    return int(cv2.getTextSize(text, FONT, FONT_SCALE, 1)[0][0])


def _shorten(text: str, width: int) -> str:
    while len(text) > 4 and _length(text) > width:
        text = text[:-4] + "..."
    return text
