"""Crops with their labels, as a training step takes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gfm.data.crops import Planes
from gfm.models.glance_focus.config import FocusRegion, Rosta, SingleRosta, single_rostas
from gfm.models.glance_focus.rosta import make_labels


class LabelBatch(NamedTuple):
    """Labels of one representation, batched: see `gfm.models.glance_focus.rosta.Labels`.

    Attributes:
        glance: (B, H, W), int64.
        focus: (B, 1, H, W), float32.
        region: (B, 1, H, W), float32, 0 or 1.
    """

    glance: Tensor
    focus: Tensor
    region: Tensor


class Batch(NamedTuple):
    """What a training step takes; the images are RGB (B, 3, H, W), float32 in [0, 1].

    Attributes:
        image: The composite or photograph.
        alpha: Its matte (B, 1, H, W).
        foreground: Its foreground colours; None where they are not known.
        background: Its background colours; None where they are not known.
        labels: The labels of each representation that is trained.
        keys: The samples' names.
        skipped: What could not be used, one line each.
    """

    image: Tensor
    alpha: Tensor
    foreground: Tensor | None
    background: Tensor | None
    labels: dict[SingleRosta, LabelBatch]
    keys: list[str]
    skipped: list[str]


class Crop(NamedTuple):
    """One sample as it leaves a loading process.

    Attributes:
        key: Its name.
        planes: Its images, `CropOptions.size` px wide and high.
        scale: Their size relative to the whole image.
        skipped: What could not be used before it; one line each.
    """

    key: str
    planes: Planes
    scale: float
    skipped: tuple[str, ...] = ()


def collate(
    crops: Sequence[Crop],
    rosta: Rosta,
    kernel: int | None,
    focus_region: FocusRegion = "fusion",
) -> Batch:
    """Batch crops and label them.

    Args:
        crops: All of one size.
        rosta: What to label.
        kernel: Diameter of the label kernel in pixels of the whole image; the paper's when None.
        focus_region: Where the focus decoder is trained: see
            `gfm.models.glance_focus.rosta.make_labels`.
    """
    planes = [crop.planes for crop in crops]
    labels = {}
    for one in single_rostas(rosta):
        made = [
            make_labels(crop.planes.alpha, one, kernel, crop.scale, focus_region) for crop in crops
        ]
        labels[one] = LabelBatch(
            torch.from_numpy(np.stack([m.glance for m in made]).astype(np.int64)),
            torch.from_numpy(np.stack([m.focus for m in made])[:, None]),
            torch.from_numpy(np.stack([m.region for m in made])[:, None].astype(np.float32)),
        )
    return Batch(
        image=_images([p.image for p in planes]),
        alpha=torch.from_numpy(np.stack([p.alpha for p in planes])[:, None]),
        foreground=_optional_images([p.foreground for p in planes]),
        background=_optional_images([p.background for p in planes]),
        labels=labels,
        keys=[crop.key for crop in crops],
        skipped=[line for crop in crops for line in crop.skipped],
    )


def _optional_images(pictures: Sequence[NDArray[np.uint8] | None]) -> Tensor | None:
    known = [picture for picture in pictures if picture is not None]
    return _images(known) if len(known) == len(pictures) else None


def _images(pictures: Sequence[NDArray[np.uint8]]) -> Tensor:
    stacked = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)
    return stacked.to(torch.float32).div_(255)
