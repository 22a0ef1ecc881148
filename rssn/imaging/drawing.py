"""Pictures put side by side with captions, for contact sheets and figures."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from rssn.imaging.images import Alpha, Uint8Image
from rssn.imaging.resizing import resize

PAPER, INK = (255, 255, 255), (30, 30, 30)
GAP, CAPTION, TEXT = 8, 30, 10  # px: between tiles, for the line below them, height of a capital
Colour = tuple[int, int, int]

_CAPITAL = 0.7  # height of a capital of Pillow's font, relative to its size


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
    """Write a line of text, cut at the edge of the sheet.

    `size` is the height of a capital letter in px. Returns the column behind the text.
    """
    font = ImageFont.load_default(size / _CAPITAL)
    top = max(0, baseline - 2 * size)
    strip = onto[top : baseline + size, left:]
    drawn = Image.fromarray(strip)
    ImageDraw.Draw(drawn).text((0, baseline - top), text, colour, font, anchor="ls")
    strip[:] = np.asarray(drawn)
    return left + ceil(font.getlength(text))
