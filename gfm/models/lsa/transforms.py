"""Albumentations transforms that LSA matting trains with.

Imported where they are used, for they import albumentations.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from gfm.data.augmentation import import_albumentations
from gfm.models.lsa.augmentation import (
    bend,
    blend_colour,
    crop_around,
    enlarge_to,
    reflect_to,
    rotate,
)

albumentations = import_albumentations()
Array = NDArray[Any]


class _Geometry(albumentations.DualTransform):  # type: ignore[misc, name-defined]
    """A transform that moves images and mask alike."""

    @abstractmethod
    def apply(self, image: Array, **parameters: object) -> Array:
        """Move a part (H, W, C) or (H, W)."""

    def apply_to_mask(self, mask: Array, **parameters: object) -> Array:
        """Move alpha as the images, where albumentations would take the nearest pixels."""
        return self.apply(mask, **parameters)

    def get_params_dependent_on_data(
        self, params: dict[str, Any], data: dict[str, Any]
    ) -> dict[str, Any]:
        """Draw, with the generator of the pipeline."""
        del params, data
        return {}


class ReflectTo(_Geometry):
    """Mirror small foregrounds: see `reflect_to`."""

    def __init__(self, side: int, p: float = 1.0) -> None:
        super().__init__(p=p)
        self.side = side

    def apply(self, image: Array, **parameters: object) -> Array:
        """Mirror a part."""
        return reflect_to(image, self.side)


class RotateAboutCentre(_Geometry):
    """Rotate by whole degrees about a point up to `shift` px from the centre, black outside."""

    def __init__(self, shift: int = 10, p: float = 0.5) -> None:
        super().__init__(p=p)
        self.shift = shift

    def get_params_dependent_on_data(
        self, params: dict[str, Any], data: dict[str, Any]
    ) -> dict[str, Any]:
        """Draw the angle and the point."""
        del params, data
        x, y = (self.py_random.randint(-self.shift, self.shift) for _ in range(2))
        return {"degrees": self.py_random.randint(-180, 180), "shift": (x, y)}

    def apply(self, image: Array, **parameters: Any) -> Array:  # noqa: ANN401 - drawn above
        """Rotate a part."""
        return rotate(image, parameters["degrees"], parameters["shift"])


class CropAroundForeground(_Geometry):
    """Crop squares of a random side about random pixels with alpha above 0.

    Args:
        sides: Least and greatest side in px.
    """

    def __init__(self, sides: tuple[int, int], p: float = 1.0) -> None:
        super().__init__(p=p)
        self.sides = sides

    def get_params_dependent_on_data(
        self, params: dict[str, Any], data: dict[str, Any]
    ) -> dict[str, Any]:
        """Draw the side and the place."""
        del params
        side = self.py_random.randint(*self.sides)
        alpha = enlarge_to(data["mask"], side)
        return {"side": side, "corner": crop_around(alpha, side, self.random_generator)}

    def apply(self, image: Array, **parameters: Any) -> Array:  # noqa: ANN401
        """Crop a part."""
        (top, left), side = parameters["corner"], parameters["side"] // 2 * 2
        return enlarge_to(image, parameters["side"])[top : top + side, left : left + side]


class BendAlpha(albumentations.DualTransform):  # type: ignore[misc, name-defined]
    """Change the matte by a power: see `bend`.

    Args:
        ranges: One of these ranges is drawn, then γ from it.
    """

    def __init__(
        self, ranges: tuple[tuple[float, float], ...] = ((0.5, 1), (1, 2)), p: float = 0.3
    ) -> None:
        super().__init__(p=p)
        self.ranges = ranges

    def get_params(self) -> dict[str, Any]:
        """Draw γ and the side from which it bends."""
        gamma = self.py_random.uniform(*self.py_random.choice(self.ranges))
        return {"gamma": gamma, "mirrored": self.py_random.random() < 0.5}

    def apply(self, image: Array, **parameters: object) -> Array:
        """Leave colours."""
        return image

    def apply_to_mask(self, mask: Array, **parameters: Any) -> Array:  # noqa: ANN401
        """Bend alpha."""
        return bend(mask, parameters["gamma"], parameters["mirrored"])


class BlendColour(albumentations.ImageOnlyTransform):  # type: ignore[misc, name-defined]
    """Blend F with one colour: see `blend_colour`.

    Args:
        common: One weight for all channels, as in the paper; the released code has one for each.
    """

    def __init__(self, common: bool = False, p: float = 0.3) -> None:
        super().__init__(p=p)
        self.common = common

    def get_params(self) -> dict[str, Any]:
        """Draw the weights and the colour."""
        weights = self.random_generator.random(1 if self.common else 3)
        return {"weights": weights, "colour": 255 * self.random_generator.random(3)}

    def apply(self, image: Array, **parameters: Any) -> Array:  # noqa: ANN401
        """Blend an image."""
        blended = blend_colour(image, parameters["weights"], parameters["colour"])
        return blended.astype(np.uint8)


class Blur(albumentations.ImageOnlyTransform):  # type: ignore[misc, name-defined]
    """Blur colours with a Gaussian of 3, 5 or 7 px along each axis."""

    def __init__(self, p: float = 0.3) -> None:
        super().__init__(p=p)

    def get_params(self) -> dict[str, Any]:
        """Draw the kernel."""
        return {"kernel": tuple(self.py_random.choice((3, 5, 7)) for _ in range(2))}

    def apply(self, image: Array, **parameters: Any) -> Array:  # noqa: ANN401
        """Blur an image."""
        return np.asarray(cv2.GaussianBlur(image, parameters["kernel"], 0))
