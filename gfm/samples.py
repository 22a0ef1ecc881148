"""One training sample: a random crop of a composite or photograph, with its labels."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gfm.config import Rosta, SingleRosta, single_rostas
from gfm.rosta import make_labels, on_grid
from rssn.errors import InputError

ALPHA_BITS = 16  # of a resized matte; as many as a matte on disk has at most


@dataclass(frozen=True)
class CropOptions:
    """How crops are taken from training images (paper, section 5.2.2).

    Attributes:
        sides: Sides of the square crops, in pixels of the image; one is drawn for each sample. A
            side that the image does not have is cut down to the image.
        size: What a crop is resized to, in pixels; a multiple of 32.
        transition: Share of the crops that are centred on a pixel of the transition region.
        flip: Share of the crops that are mirrored.
        jitter: Largest relative change of brightness and contrast; 0 leaves the colours alone, as
            the paper does.
        kernel: Diameter of the label kernel in pixels of the image; the paper's when None.
    """

    sides: tuple[int, ...] = (640, 960, 1280)
    size: int = 320
    transition: float = 0.5
    flip: float = 0.5
    jitter: float = 0.0
    kernel: int | None = None

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: A value that is not possible.
        """
        if not self.sides or min(self.sides) < 32:
            raise InputError(f"sides={self.sides}: give at least one, each 32 pixels or more")
        if self.size < 32 or self.size % 32:
            raise InputError(f"size={self.size}: give a multiple of 32")
        for name in ("transition", "flip"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name}={getattr(self, name)}: a share is between 0 and 1")
        if self.kernel is not None and self.kernel < 1:
            raise InputError(f"kernel={self.kernel}: wanted 1 pixel or more")
        if not 0 <= self.jitter < 1:
            raise InputError(f"jitter={self.jitter}: wanted 0 or more and below 1")


class Planes(NamedTuple):
    """The images of one sample, all (H, W): uint8 RGB, and alpha as float32 in [0, 1]."""

    image: NDArray[np.uint8]
    alpha: NDArray[np.float32]
    foreground: NDArray[np.uint8]
    background: NDArray[np.uint8]


class LabelBatch(NamedTuple):
    """Labels of one representation, batched: see `gfm.rosta.Labels`.

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
        foreground: Its foreground colours.
        background: Its background colours.
        labels: The labels of each representation that is trained.
        keys: The samples' names in their shards.
    """

    image: Tensor
    alpha: Tensor
    foreground: Tensor
    background: Tensor
    labels: dict[SingleRosta, LabelBatch]
    keys: list[str]


class Cropper:
    """Takes crops; one for each process, since albumentations keeps random state of its own.

    Args:
        options: How crops are taken.
    """

    def __init__(self, options: CropOptions) -> None:
        # Importing albumentations asks the network for a newer release otherwise.
        os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
        import albumentations

        self.options = options
        steps: list[albumentations.BasicTransform] = [
            albumentations.Resize(
                options.size,
                options.size,
                interpolation=cv2.INTER_LINEAR,
                mask_interpolation=cv2.INTER_LINEAR,  # alpha is a fraction, not a class
                area_for_downscale="image_mask",
            ),
            albumentations.HorizontalFlip(p=options.flip),
        ]
        if options.jitter:
            limit = (-options.jitter, options.jitter)
            steps.append(
                albumentations.RandomBrightnessContrast(
                    brightness_limit=limit, contrast_limit=limit, p=1
                )
            )
        self.move = albumentations.Compose(
            steps, additional_targets={"foreground": "image", "background": "image"}
        )

    def __call__(self, planes: Planes, rng: np.random.Generator) -> tuple[Planes, float]:
        """Crop, resize, mirror and relight all planes alike.

        Args:
            planes: The whole images.
            rng: Decides all of it.

        Returns:
            Planes of `options.size`, and their size relative to the whole images.
        """
        height, width = planes.alpha.shape
        side = min(int(rng.choice(self.options.sides)), height, width)
        top, left = _corner(planes.alpha, side, self.options.transition, rng)
        cut = [plane[top : top + side, left : left + side] for plane in planes]
        self.move.set_random_seed(int(rng.integers(2**31)))
        moved = self.move(image=cut[0], mask=cut[1], foreground=cut[2], background=cut[3])
        alpha = on_grid(moved["mask"], ALPHA_BITS)
        cropped = Planes(moved["image"], alpha, moved["foreground"], moved["background"])
        return cropped, self.options.size / side


def collate(
    samples: Sequence[tuple[str, Planes, float]], rosta: Rosta, kernel: int | None
) -> Batch:
    """Batch crops and label them.

    Args:
        samples: Key, planes and scale of each crop.
        rosta: What to label.
        kernel: Diameter of the label kernel in pixels of the whole image; the paper's when None.
    """
    keys, planes, scales = zip(*samples, strict=True)
    labels = {}
    for one in single_rostas(rosta):
        made = [
            make_labels(p.alpha, one, kernel, scale)
            for p, scale in zip(planes, scales, strict=True)
        ]
        labels[one] = LabelBatch(
            torch.from_numpy(np.stack([m.glance for m in made]).astype(np.int64)),
            torch.from_numpy(np.stack([m.focus for m in made])[:, None]),
            torch.from_numpy(np.stack([m.region for m in made])[:, None].astype(np.float32)),
        )
    return Batch(
        image=_images([p.image for p in planes]),
        alpha=torch.from_numpy(np.stack([p.alpha for p in planes])[:, None]),
        foreground=_images([p.foreground for p in planes]),
        background=_images([p.background for p in planes]),
        labels=labels,
        keys=list(keys),
    )


def _images(pictures: Sequence[NDArray[np.uint8]]) -> Tensor:
    stacked = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)
    return stacked.to(torch.float32) / 255


def _corner(
    alpha: NDArray[np.float32], side: int, transition: float, rng: np.random.Generator
) -> tuple[int, int]:
    """Upper left corner of a crop: centred on a fractional pixel where it fits, or anywhere."""
    height, width = alpha.shape
    if rng.random() < transition:
        rows, columns = np.nonzero((alpha > 0) & (alpha < 1))
        if len(rows):
            chosen = int(rng.integers(len(rows)))
            top = int(np.clip(rows[chosen] - side // 2, 0, height - side))
            return top, int(np.clip(columns[chosen] - side // 2, 0, width - side))
    return int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
