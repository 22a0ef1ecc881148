"""Colours of objects and backgrounds, drawn from one distribution."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Palette = NDArray[np.float32]  # (K, 3) RGB in [0, 1]
Family = Literal["sky", "leaf", "earth", "stone", "skin", "vivid", "night", "pale", "any"]

# Ranges of hue in degrees, saturation and value.
_FAMILIES: dict[Family, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "sky": ((195, 230), (0.1, 0.6), (0.6, 1.0)),
    "leaf": ((65, 150), (0.25, 0.8), (0.12, 0.7)),
    "earth": ((15, 50), (0.2, 0.65), (0.15, 0.75)),
    "stone": ((0, 360), (0.0, 0.15), (0.15, 0.85)),
    "skin": ((8, 32), (0.2, 0.6), (0.3, 0.95)),
    "vivid": ((0, 360), (0.5, 0.95), (0.35, 0.95)),
    "night": ((200, 400), (0.1, 0.6), (0.02, 0.3)),
    "pale": ((0, 360), (0.02, 0.25), (0.7, 0.98)),
    "any": ((0, 360), (0.0, 0.9), (0.08, 0.98)),
}


def draw_palette(rng: np.random.Generator, family: Family | None = None, count: int = 4) -> Palette:
    """Draw `count` colours (count, 3) of a family; without one, of one or two by chance."""
    if family is None:
        first, second = (list(_FAMILIES)[i] for i in rng.integers(len(_FAMILIES), size=2))
        if count < 2 or rng.random() < 0.4:
            return draw_palette(rng, first, count)
        halves = draw_palette(rng, first, count // 2), draw_palette(rng, second, -(-count // 2))
        return np.concatenate(halves)
    hue, saturation, value = _FAMILIES[family]
    # The colours of one thing are near in hue whatever the family allows.
    centre = rng.uniform(*hue)
    spread = min(hue[1] - hue[0], 50.0) / 2
    hues = np.clip(centre + rng.uniform(-spread, spread, count), *hue) % 360
    hsv = np.stack([hues, rng.uniform(*saturation, count), rng.uniform(*value, count)], axis=-1)
    pixels = cv2.cvtColor(hsv[None].astype(np.float32), cv2.COLOR_HSV2RGB)
    return np.asarray(pixels[0], np.float32)


def palette_of(rng: np.random.Generator, image: NDArray[np.uint8]) -> Palette:
    """Take four colours (4, 3) from a picture (H, W, 3), each a little off."""
    pixels = image.reshape(-1, 3)
    chosen = pixels[rng.integers(len(pixels), size=4)] / np.float32(255)
    off = rng.normal(0, 0.03, (4, 3)).astype(np.float32)
    return np.clip(chosen + off, 0, 1)
