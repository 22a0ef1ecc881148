"""Colour hints for a trimap: what F, B and alpha are if the known colours go on smoothly.

A matting network has to bring colours from the known regions to the unknown pixels, over distances
that grow with the band. A pyramid does that in milliseconds and leaves the network the rest: where
colours repeat, mix or mislead.
"""

from __future__ import annotations

import cv2
import numpy as np

from gfm.guidance.bands import Floats, Trimap
from rssn.imaging.images import Uint8Image
from rssn.imaging.resizing import resize

HINTS = 9
"""Channels of the guidance: definite background and foreground, F, B, and alpha."""

MOST = 4_000_000  # px of the maps in which colours are continued
LEAST = 1e-6  # weight of a pixel of a pyramid, so that none divides by 0
DOUBT = 0.05**2  # squared distance of F and B at which their projection counts half
LEVELS = (0, 255)  # of known background and foreground

Area = tuple[slice, slice]


class Hints:
    """Hints for a photograph, made for parts of it from maps of the whole.

    Args:
        image: RGB (H, W, 3), uint8.
        trimap: (H, W), 0 background, 255 foreground, all else unknown.
        most: Px of the maps; those of larger photographs are halved until they have fewer.
    """

    def __init__(self, image: Uint8Image, trimap: Trimap, most: int = MOST) -> None:
        self.image, self.trimap, self.step = image, trimap, 1
        while trimap.size > most * self.step**2:
            self.step *= 2
        self.background, self.foreground = (self._continued(level) for level in LEVELS)

    def guidance(self, area: Area = np.s_[:, :]) -> Floats:
        """The guidance (9, h, w) in [0, 1] of a part of the photograph.

        Args:
            area: Rows and columns.

        Returns:
            Definite background, definite foreground, F, B and alpha.
        """
        colours = np.asarray(self.image[area], np.float32) / np.float32(255)
        known = [self.trimap[area] == level for level in LEVELS]
        background, foreground = (
            np.where(mask[..., None], colours, self._part(maps, area))
            for mask, maps in zip(known, (self.background, self.foreground), strict=True)
        )
        made = np.empty((HINTS, *colours.shape[:2]), np.float32)
        made[:2] = known
        made[2:5], made[5:8] = foreground.transpose(2, 0, 1), background.transpose(2, 0, 1)
        made[8] = projection(colours, foreground, background)
        made[8][known[0]], made[8][known[1]] = 0, 1
        return made

    def _continued(self, level: int) -> Floats:
        """The colours (h, w, 3) of a level of the trimap, at the size of the maps."""
        known = self.trimap == level
        if not known.any():
            return np.full((1, 1, 3), 0.5, np.float32)
        weighted = np.empty((*known.shape, 4), np.float32)
        np.multiply(self.image, known[..., None] / np.float32(255), out=weighted[..., :3])
        weighted[..., 3] = known
        for _ in range(self.step.bit_length() - 1):
            weighted = _halved(weighted)
        return _filled(weighted)[..., :3]

    def _part(self, maps: Floats, area: Area) -> Floats:
        """An area of maps at the size of the photograph; a single pixel stands for all."""
        if self.step == 1 or maps.size == 3:
            return np.asarray(maps[area] if maps.size > 3 else maps)
        rows, columns = (part.indices(n) for part, n in zip(area, self.trimap.shape, strict=True))
        scale = 1 / self.step
        offsets = [(first[0] + 0.5) * scale - 0.5 for first in (columns, rows)]
        matrix = np.array([[scale, 0, offsets[0]], [0, scale, offsets[1]]])
        size = (columns[1] - columns[0], rows[1] - rows[0])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        part = cv2.warpAffine(maps, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(part, np.float32)


def projection(colours: Floats, foreground: Floats, background: Floats) -> Floats:
    """Alpha (H, W) by projecting C on the line from B to F; one half where both are alike."""
    line = foreground - background
    along = _over_channels((colours - background) * line)
    length = _over_channels(line * line)
    alpha: Floats = ((along + DOUBT / 2) / (length + DOUBT)).clip(0, 1)
    return alpha


def _over_channels(values: Floats) -> Floats:
    """Sums (H, W) of (H, W, 3): much faster than `sum(axis=2)`."""
    summed = cv2.transform(values, np.ones((1, 3), np.float32))
    return np.asarray(summed, np.float32).reshape(values.shape[:2])


def _filled(weighted: Floats) -> Floats:
    """Colours (H, W, 4) where the last channel, their weight, is below 1.

    Push-pull (Gortler et al., The Lumigraph, 1996, section 3.4).

    Args:
        weighted: Colours times their weight, and the weight in [0, 1].
    """
    height, width = weighted.shape[:2]
    if min(height, width) <= 2:
        total = weighted.sum(axis=(0, 1), keepdims=True)
        return np.asarray(weighted + (1 - weighted[..., 3:]) * total / total[..., 3:])
    below = resize(_filled(_halved(weighted)), (height, width))
    below *= 1 - weighted[..., 3:]
    below += weighted
    return below


def _halved(weighted: Floats) -> Floats:
    """Weighted colours at half the size; one known pixel in four is enough for all four."""
    height, width = weighted.shape[:2]
    smaller = resize(weighted, ((height + 1) // 2, (width + 1) // 2))
    smaller *= np.minimum(4, 1 / np.maximum(smaller[..., 3:], LEAST))
    return smaller
