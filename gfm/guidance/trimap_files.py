"""Trimaps as people give them: read, checked, and refused with a remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rssn.imaging.errors import InputError, some
from rssn.imaging.reading import read_pixels

Trimap = NDArray[np.uint8]
LEVELS = (0, 128, 255)
MOST_NAMED = 4  # other levels
# An inverted trimap: of 1,130 trimaps of true masks and mattes none, of their negatives 96 %.
SURROUNDED = 0.1  # by which foreground has a larger share of the border than background
BRIGHTER = 0.05  # by which the border is brighter than the whole, in parts of 255


def read_trimap(path: Path, size: tuple[int, int] | None = None) -> Trimap:
    """Read a trimap (H, W) of 0 background, 128 unknown and 255 foreground.

    Args:
        path: A grey image, or one with three equal channels.
        size: Height and width that it must have, in px.

    Raises:
        InputError: The file cannot be read, or `check_trimap` refuses it.
    """
    return check_trimap(read_pixels(path), size, str(path))


def check_trimap(
    trimap: NDArray[Any], size: tuple[int, int] | None = None, name: str = "trimap"
) -> Trimap:
    """A trimap as uint8 (H, W), seen to be one.

    Args:
        trimap: (H, W), or (H, W, 3) of equal channels: 0 background, 128 unknown, 255 foreground.
        size: Height and width that it must have, in px.
        name: Stands in the error.

    Raises:
        InputError: An alpha channel, colours, another size, other levels, no known pixel, or
            foreground and background swapped.

    Note:
        A trimap without unknown pixels passes: it is the matte itself.
    """
    grey = _grey(np.asarray(trimap), name)
    if size is not None and grey.shape != tuple(size):
        raise InputError(
            f"{name}: is {grey.shape[1]}x{grey.shape[0]} px and the photograph {size[1]}x{size[0]};"
            " give it at the photograph's size, resized without smoothing (nearest neighbour)"
        )
    if _looks_inverted(grey):
        raise InputError(
            f"{name}: looks inverted, with foreground (255) around background (0); swap the two "
            "(255 - trimap), or, if it is right, mark the photograph's border unknown (128)"
        )
    found = np.unique(grey)
    if others := [level for level in found.tolist() if level not in LEVELS]:
        listed = some([f"{level:g}" for level in others], MOST_NAMED)
        raise InputError(
            f"{name}: holds the levels {listed}; a trimap has 0 background, 128 unknown and "
            "255 foreground: save it as PNG without smoothing, or give a soft mask as the mask"
        )
    checked = grey.astype(np.uint8)
    if (checked == 128).all():
        raise InputError(
            f"{name}: has no known pixel; mark some background (0) and some foreground (255)"
        )
    return checked


def has_unknown(trimap: Trimap) -> bool:
    """Return True if any pixel is unknown; without one the trimap is the matte."""
    return bool(((trimap != 0) & (trimap != 255)).any())


def _grey(pixels: NDArray[Any], name: str) -> NDArray[Any]:
    if pixels.ndim == 3 and pixels.shape[2] in (2, 4):
        raise InputError(
            f"{name}: has an alpha channel; a trimap is grey: save it without, or give the alpha "
            "channel as the mask"
        )
    if pixels.ndim == 3 and pixels.shape[2] == 3:
        if (pixels != pixels[..., :1]).any():
            raise InputError(
                f"{name}: has colours; a trimap is grey: 0 background, 128 unknown, 255 foreground"
            )
        pixels = pixels[..., 0]
    if pixels.ndim != 2 or pixels.size == 0:
        raise InputError(f"{name}: has shape {pixels.shape}; give grey levels (H, W)")
    return pixels


def _looks_inverted(trimap: NDArray[Any]) -> bool:
    """Foreground rather along the border than inside, and background nearer to the centre."""
    border = np.concatenate([trimap[0], trimap[-1], trimap[1:-1, 0], trimap[1:-1, -1]])
    if (border == 255).mean() - (border == 0).mean() < SURROUNDED or not (trimap == 0).any():
        return False
    if border.mean() - trimap.mean() < 255 * BRIGHTER:
        return False
    y, x = (np.linspace(-1, 1, side) for side in trimap.shape)
    distance = np.hypot(y[:, None], x[None])
    return bool(distance[trimap == 0].mean() < distance[trimap == 255].mean())
