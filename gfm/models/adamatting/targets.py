"""Trimaps of crops for the training of AdaMatting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gfm.data.crops import CropOptions, Planes
from gfm.guidance.bands import random_trimap
from gfm.models.adamatting.config import Encoding
from gfm.models.adamatting.guide import guide_of


@dataclass(frozen=True)
class AdaMattingTargets:
    """Random trimaps by the scheme of Deep Image Matting.

    Attributes:
        encoding: As in `AdaMattingConfig.trimap_encoding`.
    """

    encoding: Encoding = "levels"

    def make(
        self, planes: Planes, scale: float, options: CropOptions, rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Channels (C, H, W) of a crop's trimap; see `gfm.data.samples.Targets`."""
        del scale, options
        return guide_of(random_trimap(planes.alpha, rng, "dim"), self.encoding)
