"""Small pictures and mattes drawn with numpy."""

from __future__ import annotations

import numpy as np


def draw_picture(seed: int, height: int = 48, width: int = 64) -> np.ndarray:
    """A uint8 picture: a colour gradient of its own, with waves and a little grain."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / 64
    low, high, frequency = rng.uniform(20, 120, 3), rng.uniform(100, 230, 3), rng.uniform(4, 12)
    waves = 12 * np.sin(frequency * (x + y))[..., None]
    ramp = low + (high - low) * ((x + y) / 2)[..., None]
    return np.rint((ramp + waves + rng.normal(0, 2, (height, width, 3))).clip(0, 255)).astype(
        np.uint8
    )


def draw_disc(height: int = 48, width: int = 64, radius: float = 14, rim: float = 6) -> np.ndarray:
    """A float32 matte: a disc whose edge falls from 1 to 0 over `rim` px, in 8-bit levels."""
    y, x = np.mgrid[0:height, 0:width]
    distance = np.hypot(y - height / 2, x - width / 2)
    alpha = ((radius - distance) / rim + 0.5).clip(0, 1)
    return (np.rint(alpha * 255) / 255).astype(np.float32)
