"""A finished matte, with the colours that go with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from rssn.blending import blend
from rssn.errors import InputError
from rssn.images import write_rgba


@dataclass(frozen=True)
class Matte:
    """What was cut out of a photograph of height H and width W.

    Attributes:
        alpha: Opacity (H, W), float32 in [0, 1].
        foreground: Colours of the object (H, W, 3), uint8 RGB, continued behind the soft edges.
        trimap: What the glance decoder saw (H, W), uint8: 0 background, 1 transition, 2 foreground.
    """

    alpha: NDArray[np.float32]
    foreground: NDArray[np.uint8]
    trimap: NDArray[np.uint8]

    @property
    def rgba(self) -> NDArray[np.uint8]:
        """The cut-out (H, W, 4), uint8, colours not multiplied by alpha."""
        opacity = np.rint(self.alpha * 255).astype(np.uint8)
        return np.dstack([self.foreground, opacity])

    def on(self, background: NDArray[np.uint8] | tuple[int, int, int]) -> NDArray[np.uint8]:
        """Put the object before another background.

        Args:
            background: uint8 RGB picture, resized to the matte's size if it has another, or one
                colour.

        Returns:
            The composite (H, W, 3), uint8 RGB.

        Raises:
            InputError: Neither a picture nor a colour.
        """
        height, width = self.alpha.shape
        picture = np.asarray(background, dtype=np.uint8)
        if picture.shape == (3,):
            picture = np.broadcast_to(picture, (height, width, 3))
        elif picture.ndim != 3 or picture.shape[2] != 3:
            raise InputError(
                f"background has shape {picture.shape}; give uint8 RGB (H, W, 3) or one colour"
            )
        elif picture.shape[:2] != (height, width):
            picture = np.asarray(
                cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8
            )
        return blend(self.alpha, self.foreground, picture)

    def save(self, path: str | Path) -> None:
        """Write the cut-out as an RGBA PNG.

        Raises:
            InputError: The path does not end in `.png`.
        """
        path = Path(path)
        if path.suffix.lower() != ".png":
            raise InputError(f"{path}: a cut-out with alpha is saved as .png; change the ending")
        write_rgba(path, self.foreground, self.alpha)
