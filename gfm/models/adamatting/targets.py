"""Training samples of AdaMatting: crops, turned, with their trimaps (section 4.1)."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians, sin

import cv2
import numpy as np
from numpy.typing import NDArray

from gfm.data.crops import ALPHA_BITS, CropOptions, Planes, on_grid
from gfm.guidance.bands import random_trimap
from gfm.models.adamatting.config import Encoding
from gfm.models.adamatting.guide import guide_of
from rssn.imaging.errors import InputError

Floats = NDArray[np.float32]
MULTIPLE = 32


@dataclass(frozen=True)
class AdaMattingTargets:
    """Maker of samples.

    Attributes:
        encoding: As in `AdaMattingConfig.trimap_encoding`.
        rotation: Largest rotation in degrees, to either side. The sample is the largest square in
            the middle of the crop that is filled at any such angle, its side a multiple of 32.
    """

    encoding: Encoding = "levels"
    rotation: float = 0.0

    def make(
        self, planes: Planes, scale: float, options: CropOptions, rng: np.random.Generator
    ) -> dict[str, Floats]:
        """Image (3, s, s), alpha (1, s, s) and the channels (C, s, s) of a random trimap.

        Args:
            planes: The crop.
            scale: Without effect.
            options: Without effect.
            rng: Draws rotation and trimap.

        Raises:
            InputError: The crop is too small.
        """
        del scale, options
        image, alpha = planes.image, planes.alpha
        if self.rotation:
            image, alpha = self._turned(image, alpha, rng.uniform(-1, 1) * self.rotation)
        pixels = np.ascontiguousarray(image.transpose(2, 0, 1), np.float32)
        pixels /= 255
        return {
            "image": pixels,
            "alpha": alpha[None],
            "guide": guide_of(random_trimap(alpha, rng, "dim"), self.encoding),
        }

    def _turned(
        self, image: NDArray[np.uint8], alpha: Floats, angle: float
    ) -> tuple[NDArray[np.uint8], Floats]:
        side, most = len(alpha), radians(min(self.rotation, 45))
        size = int(side / (cos(most) + sin(most))) // MULTIPLE * MULTIPLE
        if not size:
            raise InputError(
                f"data.crop.size={side}: leaves no room to turn samples by up to {self.rotation:g} "
                "degrees; give 64 or more"
            )
        middle = ((side - 1) / 2,) * 2
        matrix = np.asarray(cv2.getRotationMatrix2D(middle, angle, 1), np.float64)
        matrix[:, 2] -= (side - size) / 2
        pixels, matte = (
            cv2.warpAffine(plane, matrix, (size, size), flags=cv2.INTER_LINEAR)
            for plane in (image, alpha)
        )
        levels = np.asarray(matte, np.float32)
        return np.asarray(pixels, np.uint8), on_grid(levels, ALPHA_BITS)
