"""Outputs of a network for one frame, steadied by the frames before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from gfm.models.glance_focus.passes import Maps
from rssn.imaging.resizing import resize

TOLERANCE = 0.1  # of the range of a colour; a pixel that changed by this shows something else
SPREAD = 5  # px of a glance over which changes are averaged, against grain


class Seen(NamedTuple):
    """A map of a frame (1, C, h, w), and the frame at its size (h, w, 3)."""

    map: NDArray[np.float32]
    picture: NDArray[np.float32]


class MapMemory:
    """Mixes into the maps of a frame what was seen before, where the picture stands still.

    A network that looks at frames one by one wavers where it is undecided, under nothing but the
    camera's noise. What moved, and what comes after a cut, is left to the new frame alone.

    Args:
        part: Of the earlier frames in the mixture where nothing changed, 0 or more, below 1.
    """

    def __init__(self, part: float) -> None:
        self.part = part
        self._before: list[Seen] = []

    def smooth(self, ensemble: Sequence[Maps], rgb: NDArray[np.uint8]) -> list[Maps]:
        """Mix the maps of a frame with the earlier ones.

        Args:
            ensemble: Maps of the frame, by each network; of every frame at the same sizes.
            rgb: The frame (H, W, 3).
        """
        if self.part == 0:
            return list(ensemble)
        maps = [each for found in ensemble for each in (found.glance, found.detail)]
        seen = [Seen(each, _shrunk(rgb, each)) for each in maps]
        if self._before:
            seen = [self._mix(*pair) for pair in zip(seen, self._before, strict=True)]
        self._before = seen
        mixed = [each.map for each in seen]
        return [
            found._replace(glance=glance, detail=detail)
            for found, glance, detail in zip(ensemble, mixed[::2], mixed[1::2], strict=True)
        ]

    def _mix(self, now: Seen, before: Seen) -> Seen:
        change = np.abs(now.picture - before.picture).max(axis=2) / (255 * TOLERANCE)
        weight = self.part * (1 - cv2.blur(change, (SPREAD, SPREAD))).clip(0, 1)
        return now._replace(map=now.map + weight * (before.map - now.map))


def _shrunk(rgb: NDArray[np.uint8], like: NDArray[np.float32]) -> NDArray[np.float32]:
    return resize(rgb, (like.shape[-2], like.shape[-1])).astype(np.float32)
