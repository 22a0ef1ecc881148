"""A whole picture: an object on a background through one camera, with its exact parts."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from data_tools.scenes.backgrounds import draw_place
from data_tools.scenes.kinds import DEFAULT_KINDS
from data_tools.scenes.layers import Colour, Plane, disc_blur, divide_alpha
from data_tools.scenes.objects import draw_layer
from data_tools.scenes.painter import draw_light
from data_tools.scenes.palettes import draw_palette, palette_of
from data_tools.scenes.textures import fractal
from rssn.imaging.blending import blend
from rssn.imaging.images import Uint8Image

_APART = 0.1  # least difference between an object and what it covers, where that is even


@dataclass(frozen=True)
class Scene:
    """A composite and what it is made of: `image = round(alpha * F + (1 - alpha) * B)` exactly.

    Attributes:
        image: Composite, uint8 (H, W, 3) RGB.
        alpha: Matte, float32 (H, W), multiples of 1/255 in [0, 1].
        foreground: F, uint8 (H, W, 3), its colours continued where alpha is 0.
        background: B, uint8 (H, W, 3), whole behind the object, the object's shadow in it.
        kind: Kind of the object, one of `KINDS`.
    """

    image: Uint8Image
    alpha: Plane
    foreground: Uint8Image
    background: Uint8Image
    kind: str


def draw_scene(rng: np.random.Generator, height: int, width: int, kind: str | None = None) -> Scene:
    """Draw a scene with one main object.

    Args:
        rng: Source of all that is drawn.
        height: Height in pixels, at least 16.
        width: Width in pixels, at least 16.
        kind: Kind of the object, one of `KINDS`; by chance one of `DEFAULT_KINDS` without.

    Raises:
        InputError: An unknown kind or a size below 16.
    """
    if kind is None:
        kind = str(rng.choice(DEFAULT_KINDS))
    light = draw_light(rng)
    background = draw_place(rng, height, width, light)
    if rng.random() < 0.4:
        palette = palette_of(rng, np.rint(background * 255).astype(np.uint8))
    else:
        palette = draw_palette(rng)
    layer = draw_layer(rng, height, width, kind, palette, light)
    foreground, alpha = divide_alpha(layer)
    foreground = told_apart(foreground, background, alpha)
    if rng.random() < 0.4:
        background = _shadowed(rng, background, alpha, light)
    colour, back = _photographed(rng, foreground, background)
    alpha = np.rint(alpha * 255).astype(np.float32) / np.float32(255)
    return Scene(blend(alpha, colour, back), alpha, colour, back, kind)


def told_apart(foreground: Colour, background: Colour, alpha: Plane) -> Colour:
    """Lighten or darken an object whose mean colour is that of the background behind it.

    Objects often have the background's colours; otherwise some would be invisible.
    """
    share = alpha / max(float(alpha.sum()), 1.0)
    front, behind = _mean(foreground, share), _mean(background, share)
    spread = np.sqrt(np.maximum(_mean(background**2, share) - behind**2, 0))
    if (np.abs(front - behind) >= _APART + spread / 2).any():
        return foreground
    choices = [foreground ** np.float32(power) for power in (0.4, 1.6)]
    gains = [abs(float((_mean(choice, share) - behind).mean())) for choice in choices]
    return choices[int(np.argmax(gains))]


def _mean(colour: Colour, share: Plane) -> NDArray[np.float32]:
    # Not a matrix product: how BLAS rounds depends on its threads, and this decides a branch.
    return np.asarray(np.einsum("hw,hwc->c", share, colour), np.float32)


def _shadowed(
    rng: np.random.Generator, background: Colour, alpha: Plane, light: NDArray[np.float32]
) -> Colour:
    """Darken a background (H, W, 3) where a soft shadow of the matte (H, W) falls."""
    height, width = alpha.shape
    unit = min(height, width)
    far = unit * rng.uniform(0.02, 0.12) / max(float(light[2]), 0.3)
    move = np.array([[1, 0, -light[0] * far], [0, 1, -light[1] * far]], np.float64)
    moved = np.asarray(cv2.warpAffine(alpha, move, (width, height)), np.float32)
    shadow = disc_blur(moved, unit * rng.uniform(0.01, 0.05)) * np.float32(rng.uniform(0.2, 0.6))
    return background * (1 - shadow[..., None])


def _photographed(
    rng: np.random.Generator, foreground: Colour, background: Colour
) -> tuple[Uint8Image, Uint8Image]:
    """Take F and B through one camera: light falloff and grain, the same at the same pixel."""
    height, width = foreground.shape[:2]
    gain = np.ones((height, width), np.float32)
    if rng.random() < 0.3:
        y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        gain = gain - (x * x + y * y).astype(np.float32) * np.float32(rng.uniform(0.05, 0.25))
    if rng.random() < 0.4:
        soft = fractal(rng, height, width, min(height, width) * 0.6, octaves=2)
        gain = gain * (0.75 + 0.5 * soft)
    grain = np.zeros((height, width, 3), np.float32)
    if rng.random() < 0.5:
        rng.standard_normal(dtype=np.float32, out=grain)
        grain *= np.float32(rng.uniform(0.003, 0.02))
    return _exposed(foreground, gain, grain), _exposed(background, gain, grain)


def _exposed(colour: Colour, gain: Plane, grain: Colour) -> Uint8Image:
    levels = np.clip((colour * gain[..., None] + grain) * np.float32(255), 0, 255)
    return np.asarray(np.rint(levels), np.uint8)
