"""Trimaps, hints and colours of training crops."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gfm.data.crops import CropOptions, Planes
from gfm.guidance.bands import UNKNOWN
from gfm.models.guided.hints import Hints
from gfm.models.guided.trimaps import random_trimap


class GuidedPlanes(NamedTuple):
    """Targets of one crop; batched, each has a leading dimension.

    Attributes:
        guidance: (9, H, W), float32, as `Hints.guidance` makes it.
        unknown: (1, H, W), float32, 1 where the trimap is unknown, else 0.
        colours: F and B (2, 3, H, W), uint8; the photograph where they are not known.
        composed: 1 where F and B are known, else 0.
    """

    guidance: NDArray[np.float32]
    unknown: NDArray[np.float32]
    colours: NDArray[np.uint8]
    composed: np.float32


class GuidedTargets:
    """Random trimaps with their hints, and true colours."""

    def make(
        self, planes: Planes, scale: float, options: CropOptions, rng: np.random.Generator
    ) -> GuidedPlanes:
        """The targets of a crop; see `gfm.data.samples.Targets`."""
        del scale, options
        trimap = random_trimap(planes.alpha, rng)
        if planes.unseen is not None:
            trimap[planes.unseen] = UNKNOWN
        colours = [
            planes.image if known is None else known
            for known in (planes.foreground, planes.background)
        ]
        return GuidedPlanes(
            Hints(planes.image, trimap).guidance(),
            (trimap == UNKNOWN)[None].astype(np.float32),
            np.stack(colours).transpose(0, 3, 1, 2),
            np.float32(planes.foreground is not None and planes.background is not None),
        )
