"""Clicks that are drawn all at once for a crop, for the baseline of the ablation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gfm.data.crops import CropOptions, Planes
from gfm.guidance.bundled import draw_bundle


@dataclass(frozen=True)
class ClickTargets:
    """Clicked pixels of crops; those of training click by click are placed as it goes.

    Attributes:
        bundled: Draw clicks; else there are none.
    """

    bundled: bool = False

    def make(
        self, planes: Planes, scale: float, options: CropOptions, rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Clicked pixels (2, H, W), 0 or 1; see `gfm.data.samples.Targets`."""
        del scale, options
        mask = planes.alpha > 0.5
        if not self.bundled or not mask.any():
            return np.zeros((2, *mask.shape), np.float32)
        return draw_bundle(mask, rng).masks.astype(np.float32)
