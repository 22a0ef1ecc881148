"""Coverage of outlines and strokes to a fraction of a pixel."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from data_tools.scenes.layers import Plane
from rssn.imaging.resizing import resize

Points = NDArray[np.float64]  # (..., 2): x, y in pixels; the upper left corner of the image is 0, 0

_SCALE = 4  # drawn at four times the resolution, so a stroke can be a quarter of a pixel wide
SHIFT = 4  # bits of the fraction in OpenCV's fixed-point coordinates
_FAR = 2.0**24  # fixed-point coordinates beyond this overflow inside OpenCV


class Canvas:
    """A mask (height, width) at four times the resolution, reduced by averaging.

    OpenCV draws the rim of a filled shape as well, so that shapes are about a sixth of a pixel
    larger than their outline on each side.
    """

    def __init__(self, height: int, width: int) -> None:
        self.height, self.width = height, width
        self._mask = np.zeros((height * _SCALE, width * _SCALE), np.uint8)

    def fill(self, outlines: Points) -> None:
        """Cover the inside of a closed outline (N, 2), or of each of several (M, N, 2)."""
        for outline in fixed_point(_SCALE * outlines.reshape(-1, *outlines.shape[-2:])):
            cv2.fillPoly(self._mask, [outline], 255, cv2.LINE_AA, SHIFT)

    def cut(self, outline: Points) -> None:
        """Uncover the inside of a closed outline (N, 2)."""
        cv2.fillPoly(self._mask, [fixed_point(_SCALE * outline)], 0, cv2.LINE_AA, SHIFT)

    def stroke(
        self,
        lines: Sequence[Points] | Points,
        width: float,
        closed: bool = False,
        line_type: int = cv2.LINE_AA,
    ) -> None:
        """Cover lines (N, 2) each, one width in pixels for all, to the nearest of ¼, ¾, 1¼, ..."""
        if len(lines) == 0:
            return
        ends = np.cumsum([0, *(len(line) for line in lines)])
        together = fixed_point(_SCALE * np.concatenate(list(lines)))
        fixed = [together[start:end] for start, end in pairwise(ends)]
        # OpenCV makes odd widths only: 1 for thickness 1, then 3 for 2, 5 for 4 and so on.
        thickness = max(1, 2 * round((width * _SCALE - 1) / 2))
        cv2.polylines(self._mask, fixed, closed, 255, thickness, line_type, SHIFT)

    def strands(self, lines: Points, width: float) -> None:
        """Cover tapered lines (N, K, 2): `width` pixels at the root, a quarter at the tip."""
        pieces = 3
        ends = np.linspace(0, lines.shape[1] - 1, pieces + 1).astype(int)
        for piece, (start, end) in enumerate(pairwise(ends)):
            # Among thousands the 16 levels of the reduction do, and are drawn four times as fast.
            part, share = lines[:, start : end + 1], 1 - piece / pieces
            self.stroke(part, width * share, line_type=cv2.LINE_8)

    def coverage(self) -> Plane:
        """The covered part so far, (H, W) in [0, 1]."""
        mean = np.asarray(resize(self._mask, (self.height, self.width)), np.float32)
        return mean / np.float32(255)


def fixed_point(points: Points) -> NDArray[np.int32]:
    """Points (..., 2) in OpenCV's fixed-point coordinates, of `SHIFT` bits of fraction."""
    # OpenCV counts from the centre of a pixel, hence the half.
    scaled = (points - 0.5) * (1 << SHIFT)
    return np.rint(np.clip(scaled, -_FAR, _FAR)).astype(np.int32)
