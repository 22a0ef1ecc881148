"""A finished matte, with the colours that go with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rssn.imaging.blending import blend
from rssn.imaging.errors import InputError
from rssn.imaging.files import whole_file, write_errors
from rssn.imaging.photographs import encode_picture
from rssn.imaging.resizing import resize


@dataclass(frozen=True)
class Matte:
    """Opacity and colours of an object, cut out of a photograph of height H and width W.

    Attributes:
        alpha: Opacity (H, W), float32 in [0, 1].
        foreground: Colours of the object (H, W, 3), uint8 RGB, continued behind the soft edges.
        trimap: What the glance decoder saw (H, W), uint8: 0 background, 1 transition, 2 foreground.
        profile: ICC profile of the colours; None is sRGB.

    Example:
        >>> red = np.full((1, 2, 3), (200, 0, 0), np.uint8)
        >>> cutout = Matte(np.float32([[1, 0.5]]), red, np.uint8([[2, 1]]))
        >>> cutout.on((0, 0, 100)).tolist()
        [[[200, 0, 0], [100, 0, 50]]]
    """

    alpha: NDArray[np.float32]
    foreground: NDArray[np.uint8]
    trimap: NDArray[np.uint8]
    profile: bytes | None = None

    @property
    def rgba(self) -> NDArray[np.uint8]:
        """The cut-out (H, W, 4), uint8, colours not multiplied by alpha."""
        opacity = np.rint(self.alpha * 255).astype(np.uint8)
        return np.dstack([self.foreground, opacity])

    def on(
        self, background: NDArray[np.uint8] | tuple[int, int, int], linear: bool = False
    ) -> NDArray[np.uint8]:
        """Put the object before another background.

        Args:
            background: uint8 RGB picture, resized to the matte's size if it has another, or one
                colour.
            linear: Mix light, not sRGB values: soft edges before a much brighter or darker
                background look as a camera would see them. Mattes of composites that were mixed
                in sRGB values, as in all public data sets, come back exactly without it.

        Returns:
            The composite (H, W, 3), uint8 RGB.

        Raises:
            InputError: Neither a picture nor a colour.
        """
        height, width = self.alpha.shape
        given = np.asarray(background)
        whole = given.dtype.kind in "iu" and given.size and 0 <= given.min() <= given.max() <= 255
        if whole and given.shape == (3,):
            picture = np.broadcast_to(given.astype(np.uint8), (height, width, 3))
        elif whole and given.dtype == np.uint8 and given.ndim == 3 and given.shape[2] == 3:
            picture = given
        else:
            raise InputError(
                f"background has shape {given.shape} and type {given.dtype}; give uint8 RGB "
                "(H, W, 3), or one colour of three whole numbers from 0 to 255"
            )
        picture = resize(picture, (height, width))
        if not linear:
            return blend(self.alpha, self.foreground, picture)
        light = _light_of_levels()
        return _levels_of_light(blend(self.alpha, light[self.foreground], light[picture]))

    def save(self, path: str | Path) -> None:
        """Write the cut-out as an RGBA PNG; the file appears under its name when it is whole.

        Raises:
            InputError: The path does not end in `.png`, or cannot be written to.
        """
        path = Path(path)
        if path.suffix.lower() != ".png":
            raise InputError(f"{path}: a cut-out with alpha is saved as .png; change the ending")
        with write_errors(path, "choose a folder that is there"), whole_file(path) as part:
            part.write_bytes(encode_picture(self.rgba, "png", self.profile))


def _light_of_levels() -> NDArray[np.float32]:
    """The light of each of the 256 sRGB levels (IEC 61966-2-1), from 0 to 1."""
    level = np.arange(256) / 255
    light = np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)
    return light.astype(np.float32)


def _levels_of_light(light: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The sRGB levels of light from 0 to 1, the inverse of `_light_of_levels`."""
    level = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    rounded: NDArray[np.uint8] = np.rint(level * 255).astype(np.uint8)
    return rounded
