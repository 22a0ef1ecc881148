"""Pictures put side by side with captions, for contact sheets and figures."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from rssn.imaging.blending import blend
from rssn.imaging.images import Alpha, Uint8Image
from rssn.imaging.resizing import resize

PAPER, INK = (255, 255, 255), (30, 30, 30)
GAP, CAPTION, TEXT = 8, 30, 10  # px: between tiles, for the line below them, height of a capital
Colour = tuple[int, int, int]

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_FINER = 4  # text is drawn so many times larger, then shrunk: OpenCV's own small text is coarse


def sheet(height: int, width: int) -> Uint8Image:
    """An empty sheet, uint8 (height, width, 3)."""
    return np.full((height, width, 3), PAPER, np.uint8)


def grey(alpha: Alpha) -> Uint8Image:
    """A matte (H, W) in [0, 1] as a picture (H, W, 3)."""
    levels = np.rint(alpha * 255).astype(np.uint8)
    return np.repeat(levels[..., None], 3, axis=2)


def fitted(image: Uint8Image, height: int, width: int) -> Uint8Image:
    """A picture shrunk (never enlarged) to lie inside height x width px, its shape kept."""
    scale = min(height / image.shape[0], width / image.shape[1], 1)
    return resize(
        image, (max(1, round(image.shape[0] * scale)), max(1, round(image.shape[1] * scale)))
    )


def paste(onto: Uint8Image, image: Uint8Image, top: int, left: int) -> None:
    """Put a picture onto a sheet, which has to have room for it."""
    onto[top : top + image.shape[0], left : left + image.shape[1]] = image


def tiles(
    pictures: Sequence[tuple[Uint8Image, str]], columns: int, height: int, width: int
) -> Uint8Image:
    """Draw pictures in rows, each shrunk into height x width px, with its caption below."""
    row, column = height + CAPTION, width + GAP
    drawn = sheet(GAP + max(1, -(-len(pictures) // columns)) * row, GAP + columns * column)
    for number, (picture, caption) in enumerate(pictures):
        top, left = GAP + number // columns * row, GAP + number % columns * column
        small = fitted(picture, height, width)
        above, before = (
            (side - own) // 2 for side, own in zip((height, width), small.shape[:2], strict=True)
        )
        paste(drawn, small, top + above, left + before)
        write(drawn[:, : left + width], caption, top + height + GAP + TEXT, left)
    return drawn


def frame(onto: Uint8Image, box: Sequence[int], colour: Colour, thickness: int = 1) -> None:
    """Draw a frame around the inside of a box (top, left, height, width) in px."""
    top, left, height, width = box
    for inward in range(thickness):
        start = (left + inward, top + inward)
        end = (left + width - 1 - inward, top + height - 1 - inward)
        cv2.rectangle(onto, start, end, colour)


def write(
    onto: Uint8Image, text: str, baseline: int, left: int, size: int = TEXT, colour: Colour = INK
) -> int:
    """Write a line of text, cut at the edge of the sheet; '?' replaces what OpenCV cannot write.

    `size` is the height of a capital letter in px. Returns the column behind the text.
    """
    text = text.encode("ascii", "replace").decode()
    thickness = max(1, round(size * _FINER / 8))
    scale = cv2.getFontScaleFromHeight(_FONT, size * _FINER, thickness)
    (width, _), depth = cv2.getTextSize(text, _FONT, scale, thickness)
    above, below = size + 4, depth // _FINER + 2
    wide = min(int(width) // _FINER + 4, int(onto.shape[1]) - left)
    if wide > 0:
        fine = np.zeros(((above + below) * _FINER, wide * _FINER), np.uint8)
        start = (_FINER, above * _FINER)
        cv2.putText(fine, text, start, _FONT, scale, 255, thickness, cv2.LINE_AA)
        cover = resize(fine, (above + below, wide)) / 255
        part = onto[baseline - above : baseline + below, left : left + wide]
        part[:] = blend(cover, np.full(part.shape, colour, np.uint8), part)
    return left + wide
