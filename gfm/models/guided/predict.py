"""From a photograph and a trimap to alpha, F and B, whole or in tiles."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from gfm.guidance.bands import Trimap
from gfm.models.guided.hints import Area, Hints
from gfm.models.guided.network import MULTIPLE, Guided
from gfm.models.windows import MARGIN, windows
from rssn.imaging.images import Alpha, Uint8Image


class Prediction(NamedTuple):
    """Alpha (H, W), float32 in [0, 1]; F and B (H, W, 3), uint8."""

    alpha: Alpha
    foreground: Uint8Image
    background: Uint8Image


def predict(
    network: Guided, image: Uint8Image, trimap: Trimap, tile: int | None = None
) -> Prediction:
    """Matte a photograph; the network runs where the trimap is unknown, and around that.

    Args:
        network: In eval mode.
        image: RGB (H, W, 3), uint8.
        trimap: (H, W), 0 background, 255 foreground, all else unknown.
        tile: Side of the tiles in px, a multiple of 32; None makes one pass.

    Returns:
        The matte, which is 0 and 1 where that is known, and F and B, which are the photograph where
        alpha is 1 and 0.
    """
    hints = Hints(image, trimap)
    unknown = (trimap != 0) & (trimap != 255)
    alpha = (trimap == 255).astype(np.float32)
    colours = np.zeros((*trimap.shape, 6), np.float16)
    colours[...] = np.concatenate([image, image], axis=2) / np.float16(255)
    if unknown.any():
        area = _around(unknown)
        made = _tiled(network, hints, area, tile)
        inside = unknown[area]
        alpha[area][inside] = made[..., 0][inside]
        colours[area][inside] = made[..., 1:][inside]
    levels = np.rint(colours * np.float16(255)).astype(np.uint8)
    foreground, background = levels[..., :3], levels[..., 3:]
    foreground[alpha == 1] = image[alpha == 1]
    background[alpha == 0] = image[alpha == 0]
    return Prediction(alpha, foreground, background)


def _tiled(network: Guided, hints: Hints, area: Area, tile: int | None) -> NDArray[np.float32]:
    """Alpha, F and B (h, w, 7) of an area, those of its tiles that hold unknown pixels."""
    top, left = area[0].start, area[1].start
    height, width = area[0].stop - top, area[1].stop - left
    side = tile or -(-max(height, width) // MULTIPLE) * MULTIPLE
    canvas = np.zeros((height, width, 7), np.float32)
    for row in windows(height, side):
        for column in windows(width, side):
            weight = row.weights[:, None] * column.weights
            inner = np.s_[row.start : row.stop, column.start : column.stop]
            outer = np.s_[
                top + row.start : top + row.stop, left + column.start : left + column.stop
            ]
            levels = hints.trimap[outer]
            if ((levels != 0) & (levels != 255) & (weight > 0)).any():
                canvas[inner] += _run(network, hints, outer) * weight[..., None]
    return canvas


def _run(network: Guided, hints: Hints, area: Area) -> NDArray[np.float32]:
    """Alpha, F and B (h, w, 7) of one tile."""
    like = network.mean
    guidance = torch.from_numpy(hints.guidance(area))[None].to(like)
    pixels = torch.from_numpy(np.ascontiguousarray(hints.image[area]))
    image = (pixels.permute(2, 0, 1)[None].to(like)) / 255
    with torch.inference_mode():
        made = torch.cat(network(image, guidance), dim=1)
    return np.asarray(made[0].permute(1, 2, 0).float().cpu().numpy())


def _around(unknown: NDArray[np.bool_]) -> Area:
    """The area around the unknown pixels that bears on them; it begins at multiples of 32."""
    edges = []
    for axis in (1, 0):
        found = np.flatnonzero(unknown.any(axis=axis))
        first = max(int(found[0]) - MARGIN, 0) // MULTIPLE * MULTIPLE
        edges.append(slice(first, min(int(found[-1]) + 1 + MARGIN, unknown.shape[1 - axis])))
    return edges[0], edges[1]
