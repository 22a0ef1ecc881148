"""Backgrounds of a foreground: drawing them, and fitting them behind it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import islice
from pathlib import Path

from rssn.imaging.crops import Box, reduction
from rssn.imaging.errors import InputError
from rssn.imaging.images import Uint8Image
from rssn.imaging.jpeg_parts import Area
from rssn.imaging.reading import decode_rgb_part
from rssn.imaging.resizing import resize
from rssn.imaging.seeding import generator


class BackgroundSampler:
    """Draw of k different backgrounds for each foreground (paper, pipeline 1, line 11).

    The draw depends on the seed, the foreground's id and the number of backgrounds alone.

    Args:
        backgrounds: The files to draw from, or only their number.
        seed: The seed of the build.
    """

    def __init__(self, backgrounds: Sequence[Path] | int, seed: int = 0) -> None:
        self.count = backgrounds if isinstance(backgrounds, int) else len(backgrounds)
        self.seed = seed

    def draw(self, foreground_id: str, k: int, unusable: Collection[int] = ()) -> list[int]:
        """Indices of k different backgrounds.

        Args:
            foreground_id: Name of the foreground.
            k: Number of backgrounds.
            unusable: Indices that cannot be read. Each is replaced by the next in this foreground's
                order; all other draws stay.

        Raises:
            InputError: Fewer than k usable backgrounds.
        """
        usable = self.count - len(unusable)
        if k > usable:
            unread = f", {len(unusable)} of them unreadable" if unusable else ""
            raise InputError(
                f"k={k} needs {k} different backgrounds, but there are {self.count}{unread}; add "
                f"backgrounds or give --k {usable}"
            )
        order = generator(self.seed, "backgrounds", foreground_id).permutation(self.count)
        return list(islice((i for i in order.tolist() if i not in unusable), k))


def cover_crop(
    background: Uint8Image, height: int, width: int, position: tuple[float, float]
) -> Uint8Image:
    """Cut the largest part of an aspect ratio and resize it without stretching.

    Args:
        background: Image (H, W, 3), uint8.
        height: Of the result in px.
        width: Of the result in px.
        position: Of the part, from (0, 0), top left, to (1, 1), bottom right.

    Returns:
        Image (height, width, 3). Shrunk by area averaging, enlarged by cubic interpolation.

    Example:
        >>> cover_crop(np.zeros((100, 300, 3), np.uint8), 50, 50, (0.5, 0.5)).shape
        (50, 50, 3)
    """
    part = covering_part(background.shape[:2], (height, width), position)
    return _fitted(background, part, (height, width))


def covering_part(
    there: tuple[int, ...], wanted: tuple[int, int], position: tuple[float, float]
) -> Area:
    """The part of a background, of size `there`, that `cover_crop` cuts for the size `wanted`."""
    scale = max(wanted[0] / there[0], wanted[1] / there[1])
    height = min(there[0], max(1, round(wanted[0] / scale)))
    width = min(there[1], max(1, round(wanted[1] / scale)))
    top = round(position[0] * (there[0] - height))
    left = round(position[1] * (there[1] - width))
    return Area(top, left, height, width)


def decode_covering_box(
    data: bytes,
    there: tuple[int, int],
    wanted: tuple[int, int],
    position: tuple[float, float],
    box: Box,
    size: int,
    name: str,
) -> Uint8Image:
    """Decode the background behind a box of the foreground, no larger than necessary.

    Args:
        data: The encoded background.
        there: Its height and width in px.
        wanted: Height and width of the whole foreground.
        position: As in `cover_crop`.
        box: A part of the foreground.
        size: Side of the result in px.
        name: Stands in the error.

    Returns:
        Image (size, size, 3): the box of `cover_crop`'s result, resized, except for rounding to
        whole pixels of the background.
    """
    top, left, height, width = covering_part(there, wanted, position)
    scale = height / wanted[0]  # background px per foreground px
    side = max(1, min(round(box.side * scale), height, width))
    reduced = reduction(side, size)
    area = Area(
        top + min(round(box.top * scale), height - side),
        left + min(round(box.left * scale), width - side),
        side,
        side,
    )
    image, first, _ = decode_rgb_part(data, area, name, reduced)
    decoded_side = max(1, side // reduced)
    part = Area(
        (area.top - first[0]) // reduced,
        (area.left - first[1]) // reduced,
        decoded_side,
        decoded_side,
    )
    return _fitted(image, part, (size, size))


def _fitted(image: Uint8Image, part: Area, wanted: tuple[int, int]) -> Uint8Image:
    top, left, height, width = part
    cut = image[top : top + height, left : left + width]
    if (height, width) == wanted:
        return cut.copy()
    # Average, too, if rounding leaves one side a pixel too long and the other too short.
    shrinks = height > wanted[0] or width > wanted[1]
    return resize(cut, wanted, enlarge="area" if shrinks else "cubic")
