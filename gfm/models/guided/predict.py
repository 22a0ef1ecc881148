"""From a photograph and a trimap to alpha, F and B, whole or in tiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gfm.guidance.bands import Floats, Trimap
from gfm.models.contract import MattingModel
from gfm.models.guided.hints import Area, Hints
from gfm.models.windows import MARGIN, MULTIPLE, windows
from rssn.imaging.images import Alpha, Uint8Image

OUTPUTS = ("alpha", "foreground", "background")
FINE = 255  # steps of a level in which tiles are added up


Change = Callable[[Floats], Floats]  # of (..., H, W)
# Further views of a photograph, and the way back from them: mirrored, and turned by a quarter.
VIEWS: tuple[tuple[Change, Change], ...] = (
    (lambda view: view[..., ::-1], lambda view: view[..., ::-1]),
    (lambda view: np.rot90(view, 1, (-2, -1)), lambda view: np.rot90(view, -1, (-2, -1))),
)


class Colours(NamedTuple):
    """Alpha (H, W), float32 in [0, 1]; F and B (H, W, 3), uint8."""

    alpha: Alpha
    foreground: Uint8Image
    background: Uint8Image


def predict(
    network: MattingModel,
    image: Uint8Image,
    trimap: Trimap,
    tile: int | None = None,
    views: int = 1,
) -> Colours:
    """Matte a photograph; the network runs where the trimap is unknown, and around that.

    Args:
        network: In eval mode.
        image: RGB (H, W, 3), uint8.
        trimap: (H, W), 0 background, 255 foreground, all else unknown.
        tile: Side of the tiles in px, a multiple of 32; None makes one pass.
        views: Of the photograph to average over, up to 3: as it is, mirrored, turned by a quarter.

    Returns:
        The matte, which is 0 and 1 where that is known, and F and B, which are the photograph where
        alpha is 1 and 0.
    """
    unknown = (trimap != 0) & (trimap != 255)
    alpha = (trimap == 255).astype(np.float32)
    foreground, background = image.copy(), image.copy()
    if unknown.any():
        area = _around(unknown)
        inside = unknown[area]
        made, colours = _tiled(network, Hints(image, trimap), area, inside, tile, views)
        alpha[area][inside] = made[inside]
        levels = ((colours[inside].astype(np.uint32) + FINE // 2) // FINE).astype(np.uint8)
        foreground[area][inside], background[area][inside] = levels[:, :3], levels[:, 3:]
        foreground[alpha == 1], background[alpha == 0] = image[alpha == 1], image[alpha == 0]
    return Colours(alpha, foreground, background)


def _tiled(
    network: MattingModel,
    hints: Hints,
    area: Area,
    unknown: NDArray[np.bool_],
    tile: int | None,
    views: int,
) -> tuple[NDArray[np.float32], NDArray[np.uint16]]:
    """Alpha (h, w) and F and B (h, w, 6) of an area, from the tiles that hold unknown pixels.

    F and B are in `FINE` steps of a level.
    """
    height, width = unknown.shape
    top, left = area[0].start, area[1].start
    side = tile or -(-max(height, width) // MULTIPLE) * MULTIPLE
    alpha = np.zeros((height, width), np.float32)
    colours = np.zeros((height, width, 6), np.uint16)
    for row in windows(height, side):
        for column in windows(width, side):
            weight = row.weights[:, None] * column.weights
            inner = np.s_[row.start : row.stop, column.start : column.stop]
            if not (unknown[inner] & (weight > 0)).any():
                continue
            rows = slice(top + row.start, top + row.stop)
            columns = slice(left + column.start, left + column.stop)
            made = _run(network, hints, (rows, columns), views)
            alpha[inner] += made[..., 0] * weight
            scaled = made[..., 1:] * (weight * (255 * FINE))[..., None]
            colours[inner] += np.rint(scaled).astype(np.uint16)
    return alpha, colours


def _run(network: MattingModel, hints: Hints, area: Area, views: int) -> Floats:
    """Alpha, F and B (h, w, 7) of one tile."""
    image: Floats = np.divide(hints.image[area], 255, dtype=np.float32).transpose(2, 0, 1)[None]
    guidance = hints.guidance(area)[None]
    made: Floats = _view(network, image, guidance)
    for change, back in VIEWS[: views - 1]:
        made += back(_view(network, change(image), change(guidance)))
    return np.moveaxis(made[0] / views, 0, -1)


def _view(network: MattingModel, image: Floats, guidance: Floats) -> Floats:
    """The outputs in a row, (1, 7, h, w)."""
    height, width = image.shape[-2:]
    edges = ((0, 0), (0, 0), (0, -height % MULTIPLE), (0, -width % MULTIPLE))
    padded = (np.pad(each, edges, "edge") for each in (image, guidance))
    made = network.run(dict(zip(("image", "guidance"), padded, strict=True)), OUTPUTS)
    return np.concatenate(made, axis=1)[..., :height, :width]


def _around(unknown: NDArray[np.bool_]) -> Area:
    """The area around the unknown pixels that bears on them; it begins at multiples of 32."""
    edges = []
    for axis in (1, 0):
        found = np.flatnonzero(unknown.any(axis=axis))
        first = max(int(found[0]) - MARGIN, 0) // MULTIPLE * MULTIPLE
        edges.append(slice(first, min(int(found[-1]) + 1 + MARGIN, unknown.shape[1 - axis])))
    return edges[0], edges[1]
