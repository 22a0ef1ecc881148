"""Crops with their targets, as a training step takes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import default_collate

from gfm.data.crops import CropOptions, Planes
from rssn.imaging.seeding import generator


class Batch(NamedTuple):
    """Input of a training step; the images are RGB (B, 3, H, W), float32 in [0, 1].

    Attributes:
        image: The composite or photograph.
        alpha: Its matte (B, 1, H, W).
        foreground: Its foreground colours; None where they are not known.
        background: Its background colours; None where they are not known.
        targets: Those that the system makes, batched.
        keys: The samples' names.
        skipped: What could not be used, one line each.
    """

    image: Tensor
    alpha: Tensor
    foreground: Tensor | None
    background: Tensor | None
    targets: Any
    keys: list[str]
    skipped: list[str]


class Crop(NamedTuple):
    """One sample as it leaves a loading process.

    Attributes:
        key: Its name.
        planes: Its images, `CropOptions.size` px wide and high.
        scale: Their size relative to the whole image.
        skipped: What could not be used before it; one line each.
        targets: Those that the system makes of the crop.
    """

    key: str
    planes: Planes
    scale: float
    skipped: tuple[str, ...] = ()
    targets: Any = None


class Targets(Protocol):
    """Maker of the targets of a system (labels, trimaps, clicks); runs in a loading process."""

    def make(
        self, planes: Planes, scale: float, options: CropOptions, rng: np.random.Generator
    ) -> Any:  # noqa: ANN401 - each system has its own
        """Targets of one crop: arrays in dicts, tuples or named tuples, which can be batched.

        Args:
            planes: The crop.
            scale: Its size relative to the whole image.
            options: How it was taken.
            rng: Of this sample in this epoch, for this purpose alone: whatever is drawn, a run that
                is resumed draws it again.
        """


def with_targets(
    crop: Crop, targets: Targets | None, options: CropOptions, seed: int, epoch: int
) -> Crop:
    """A crop with its targets.

    Args:
        crop: The crop.
        targets: Their maker; None makes none.
        options: How the crop was taken.
        seed: Of the run.
        epoch: Of the run.
    """
    if targets is None:
        return crop
    rng = generator(seed, "targets", crop.key, epoch)
    return crop._replace(targets=targets.make(crop.planes, crop.scale, options, rng))


def collate(crops: Sequence[Crop]) -> Batch:
    """Batch crops and their targets.

    Args:
        crops: All of one size.
    """
    planes = [crop.planes for crop in crops]
    made = [crop.targets for crop in crops]
    return Batch(
        image=_images([p.image for p in planes]),
        alpha=torch.from_numpy(np.stack([p.alpha for p in planes])[:, None]),
        foreground=_optional_images([p.foreground for p in planes]),
        background=_optional_images([p.background for p in planes]),
        targets=None if any(each is None for each in made) else default_collate(made),
        keys=[crop.key for crop in crops],
        skipped=[line for crop in crops for line in crop.skipped],
    )


def _optional_images(pictures: Sequence[NDArray[np.uint8] | None]) -> Tensor | None:
    known = [picture for picture in pictures if picture is not None]
    return _images(known) if len(known) == len(pictures) else None


def _images(pictures: Sequence[NDArray[np.uint8]]) -> Tensor:
    stacked = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)
    return stacked.to(torch.float32).div_(255)
