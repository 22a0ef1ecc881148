"""One object of a kind: its colour everywhere and its alpha."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from data_tools.scenes.kinds import KINDS
from data_tools.scenes.layers import Layer, Plane, divide_alpha
from data_tools.scenes.painter import Light, Painter, draw_light
from data_tools.scenes.palettes import Palette, draw_palette
from rssn.imaging.errors import InputError, check_least

LEAST_SIDE = 16  # px
_LEAST = 0.015  # share of the picture below which an object is drawn anew
_TRIES = 8


def draw_object(
    rng: np.random.Generator, height: int, width: int, kind: str
) -> tuple[NDArray[np.uint8], Plane]:
    """Draw an object alone.

    Args:
        rng: Source of all that is drawn.
        height: Height in pixels, at least 16.
        width: Width in pixels, at least 16.
        kind: One of `KINDS`.

    Returns:
        Foreground uint8 (H, W, 3), its colours continued beyond the object, and alpha float32
        (H, W), a multiple of 1/255.

    Raises:
        InputError: An unknown kind or a size below 16.
    """
    layer = draw_layer(rng, height, width, kind, draw_palette(rng), draw_light(rng))
    colour, alpha = divide_alpha(layer)
    levels = np.rint(alpha * 255).astype(np.float32)
    return np.rint(colour * 255).astype(np.uint8), levels / np.float32(255)


def draw_layer(
    rng: np.random.Generator, height: int, width: int, kind: str, palette: Palette, light: Light
) -> Layer:
    """Draw an object as a premultiplied layer (H, W, 4) in given colours and light."""
    if kind not in KINDS:
        raise InputError(f"kind={kind!r} is not known; choose from {', '.join(KINDS)}")
    check_least(LEAST_SIDE, height=height, width=width)
    forms = KINDS[kind]
    for _ in range(_TRIES):
        painter = Painter(rng, height, width, palette, light)
        forms[rng.integers(len(forms))](painter)
        if painter.layer[..., 3].mean() >= _LEAST:
            break
    return painter.layer
