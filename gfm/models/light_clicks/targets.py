"""Seeds for practice with clicks, drawn where crops are loaded."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gfm.data.crops import CropOptions, Planes


class PracticeSeed:
    """Seeds of the scenes and users of a crop; see `gfm.data.samples.Targets`."""

    def make(
        self, planes: Planes, scale: float, options: CropOptions, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """A number that decides all that is drawn for the crop."""
        del planes, scale, options
        return np.array(rng.integers(2**62), np.int64)
