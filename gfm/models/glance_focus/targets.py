"""Labels of crops for the training of GFM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from gfm.data.crops import CropOptions, FocusRegion, Planes
from gfm.data.samples import Batch, Crop, collate
from gfm.models.glance_focus.config import Rosta, SingleRosta, single_rostas
from gfm.models.glance_focus.rosta import make_labels


class LabelPlanes(NamedTuple):
    """Labels of one crop and one representation: arrays; batched, tensors with a dimension more.

    Attributes:
        glance: Classes (H, W), int64.
        focus: (1, H, W), float32.
        region: Where the focus decoder is trained (1, H, W), float32, 0 or 1.
    """

    glance: Any
    focus: Any
    region: Any


@dataclass(frozen=True)
class GFMTargets:
    """Labels of the representations that a network has; nothing in them is random.

    Attributes:
        rosta: The representation, or `RIM` for all three.
    """

    rosta: Rosta = "TT"

    def make(
        self, planes: Planes, scale: float, options: CropOptions, rng: np.random.Generator
    ) -> dict[SingleRosta, LabelPlanes]:
        """Labels of a crop by their representation; see `gfm.data.samples.Targets`."""
        del rng
        made = {}
        for rosta in single_rostas(self.rosta):
            labels = make_labels(planes.alpha, rosta, options.kernel, scale, options.focus_region)
            made[rosta] = LabelPlanes(
                labels.glance.astype(np.int64),
                labels.focus[None],
                labels.region[None].astype(np.float32),
            )
        return made


def labelled(
    crops: Sequence[Crop],
    rosta: Rosta,
    kernel: int | None = None,
    focus_region: FocusRegion = "fusion",
) -> Batch:
    """Batch crops with their labels.

    Args:
        crops: All of one size.
        rosta: As in `GFMTargets`.
        kernel: Diameter of the label kernel in pixels of the whole image; the paper's when None.
        focus_region: As in `CropOptions`.
    """
    options = CropOptions(kernel=kernel, focus_region=focus_region)
    targets, unused = GFMTargets(rosta), np.random.default_rng(0)
    return collate(
        [
            crop._replace(targets=targets.make(crop.planes, crop.scale, options, unused))
            for crop in crops
        ]
    )
