"""Random crops of training images, all parts of a sample moved together (paper, section 5.2.2)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gfm.rosta import on_grid
from rssn.crops import Box, place_box
from rssn.errors import InputError
from rssn.images import Pixels

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
    """The images of one sample, all (H, W): uint8 RGB, and alpha as float32 in [0, 1].

    Foreground and background are None where only the photograph is known.
    """

    image: NDArray[np.uint8]
    alpha: NDArray[np.float32]
    foreground: NDArray[np.uint8] | None
    background: NDArray[np.uint8] | None


class Cropper:
    """Places crops and finishes them; each process has a copy, since albumentations keeps state.

    Args:
        options: How crops are taken.
    """

    def __init__(self, options: CropOptions) -> None:
        # Importing albumentations asks the network for a newer release otherwise.
        os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
        import albumentations

        self.options = options
        steps: list[albumentations.BasicTransform] = [albumentations.HorizontalFlip(p=options.flip)]
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

    def place(self, levels: Pixels, rng: np.random.Generator) -> Box:
        """Draw where to crop, given the whole matte (H, W), levels as stored."""
        side = int(rng.choice(self.options.sides))
        return place_box(levels, side, bool(rng.random() < self.options.transition), rng)

    def finish(self, planes: Planes, rng: np.random.Generator) -> Planes:
        """Mirror and relight the planes of a crop, all alike, and put alpha on its grid."""
        self.move.set_random_seed(int(rng.integers(2**31)))
        parts = {name: part for name, part in planes._asdict().items() if part is not None}
        parts["mask"] = parts.pop("alpha")
        moved = self.move(**parts)
        alpha = on_grid(moved["mask"], ALPHA_BITS)
        return Planes(moved["image"], alpha, moved.get("foreground"), moved.get("background"))
