"""Trimaps of training crops, drawn as each paper draws them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gfm.data.crops import CropOptions, Planes
from gfm.guidance.bands import Scheme, random_trimap
from gfm.guidance.trimap import encode_trimap


class TrimapPlanes(NamedTuple):
    """A trimap as a network takes it; batched, each has a leading dimension.

    Attributes:
        masks: Definite background and foreground (2, H, W), float32, 0 or 1.
        distances: Their distance maps (6, H, W), float32.
        unknown: (1, H, W), float32, 0 or 1.
    """

    masks: NDArray[np.float32]
    distances: NDArray[np.float32]
    unknown: NDArray[np.float32]


@dataclass(frozen=True)
class TrimapTargets:
    """Random trimaps of crops.

    Attributes:
        scheme: Of which paper.
    """

    scheme: Scheme = "fba"

    def make(
        self, planes: Planes, scale: float, options: CropOptions, rng: np.random.Generator
    ) -> TrimapPlanes:
        """The trimap of a crop; see `gfm.data.samples.Targets`."""
        del scale, options
        trimap = random_trimap(planes.alpha, rng, self.scheme)
        masks, distances = encode_trimap(trimap)
        return TrimapPlanes(masks, distances, (trimap == 128)[None].astype(np.float32))
