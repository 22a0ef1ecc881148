"""Training targets of LSA matting: the whole sample, made anew from F, alpha and B of a crop."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gfm.data.crops import CropOptions, Planes
from gfm.models.lsa.pipeline import Augmentation, AugmentationOptions
from rssn.imaging.errors import InputError


@dataclass
class LSATargets:
    """Samples of LSA matting, augmented as it augments whole foregrounds.

    Attributes:
        options: How.
    """

    options: AugmentationOptions
    _made: list[Augmentation] = field(default_factory=list, repr=False)  # one per process

    def make(
        self, planes: Planes, scale: float, options: CropOptions, rng: np.random.Generator
    ) -> dict[str, NDArray[np.float32]]:
        """Image (3, s, s), alpha and trimap (1, s, s), float32 in [0, 1].

        Args:
            planes: The crop, in which the sample is cut out; its side should be 5/4 of the
                sample's, the longest that is cut.
            scale: Of the crop.
            options: Of the crop.
            rng: Decides everything.

        Raises:
            InputError: F or B is not known.
        """
        del scale, options
        if planes.foreground is None or planes.background is None:
            raise InputError(
                "LSA matting blends its own samples and needs F and B; train on shards of "
                "rssn.build, not on photographs or material"
            )
        if not self._made:
            self._made.append(Augmentation(self.options))
        alpha = np.rint(255 * planes.alpha).astype(np.uint8)
        sample = self._made[0](planes.foreground, alpha, planes.background, rng)
        return {
            "image": np.ascontiguousarray(sample.blend().transpose(2, 0, 1)),
            "alpha": (sample.alpha[None] / 255).astype(np.float32),
            "trimap": (sample.trimap[None] / 255).astype(np.float32),
        }

    def __getstate__(self) -> dict[str, object]:
        """Leave the transforms behind, which each process makes for itself."""
        return {"options": self.options, "_made": []}
