"""Which backgrounds a foreground gets, and how they are fitted behind it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import islice
from pathlib import Path

import cv2

from rssn._seeding import generator
from rssn.errors import InputError
from rssn.images import Uint8Image


class BackgroundSampler:
    """Draws K different backgrounds for each foreground (paper, pipeline 1, line 11).

    What a foreground gets depends on the seed, its id and the backgrounds alone.

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
            k: How many.
            unusable: Indices that cannot be read. The next in this foreground's order takes the
                place of each; all other draws stay.

        Raises:
            InputError: There are fewer than k usable backgrounds.
        """
        usable = self.count - len(unusable)
        if k > usable:
            unread = f", {len(unusable)} of them unreadable" if unusable else ""
            raise InputError(
                f"k={k} different backgrounds for each foreground were asked for, but there are "
                f"{self.count}{unread}; add backgrounds or give --k {usable}"
            )
        order = generator(self.seed, "backgrounds", foreground_id).permutation(self.count)
        return list(islice((i for i in order.tolist() if i not in unusable), k))


def cover_crop(
    background: Uint8Image, height: int, width: int, position: tuple[float, float]
) -> Uint8Image:
    """Cut the largest part of the wanted aspect ratio and resize it: nothing is stretched.

    Args:
        background: Image (H, W, 3), uint8.
        height: Wanted height in px.
        width: Wanted width in px.
        position: Where the part lies between (0, 0), top left, and (1, 1), bottom right.

    Returns:
        Image (height, width, 3). Shrunk by area averaging, enlarged by cubic interpolation.
    """
    there_h, there_w = background.shape[:2]
    scale = max(height / there_h, width / there_w)
    part_h = min(there_h, max(1, round(height / scale)))
    part_w = min(there_w, max(1, round(width / scale)))
    top = round(position[0] * (there_h - part_h))
    left = round(position[1] * (there_w - part_w))
    part = background[top : top + part_h, left : left + part_w]
    if (part_h, part_w) == (height, width):
        return part.copy()
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(part, (width, height), interpolation=how)  # type: ignore[return-value]
