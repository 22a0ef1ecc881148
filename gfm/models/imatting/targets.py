"""Targets of the three tasks of iMatting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gfm.data.crops import CropOptions, Planes
from gfm.guidance.bands import random_trimap
from gfm.guidance.trimap import known_masks

LEAST_CLICKS, MOST_CLICKS = 5, 8


class TaskTargets(NamedTuple):
    """Targets of a crop; batched, each has a leading dimension.

    Attributes:
        clicks: Number of clicks of interactive matting, 5 to 8.
        known: Definite background and foreground of a trimap (2, H, W), float32, 0 or 1.
    """

    clicks: int
    known: NDArray[np.float32]


@dataclass(frozen=True)
class IMattingTargets:
    """Numbers of clicks, and trimaps as FBA's training draws them."""

    def make(
        self, planes: Planes, scale: float, options: CropOptions, rng: np.random.Generator
    ) -> TaskTargets:
        """Targets of a crop; see `gfm.data.samples.Targets`."""
        del scale, options
        clicks = int(rng.integers(LEAST_CLICKS, MOST_CLICKS + 1))
        return TaskTargets(clicks, known_masks(random_trimap(planes.alpha, rng)).astype(np.float32))
