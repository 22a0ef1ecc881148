"""The focus of a large image in overlapping tiles, only where the glance sees transition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from gfm.models.contract import MattingModel
from gfm.models.glance_focus.fused import most_probable
from gfm.models.glance_focus.options import PassOptions
from gfm.models.glance_focus.passes import (
    FOCUS,
    GLANCE,
    VIEWS,
    Floats,
    Maps,
    Outputs,
    Size,
    Uint8Image,
    View,
    average,
    network_input,
)
from gfm.models.windows import Window, windows
from rssn.imaging.resizing import resize

COARSE_FOCUS = 0.02  # more is looked at in detail, under representations without a transition class


@dataclass(frozen=True)
class TilePlan:
    """Sizes of the passes over a large image.

    Attributes:
        glance: Height and width at which the glance decoder sees the whole image.
        focus: Height and width of the image that the tiles are cut from.
        tile: Side of a tile in pixels, a multiple of 32.
    """

    glance: Size
    focus: Size
    tile: int


def tiled_maps(model: MattingModel, rgb: Uint8Image, options: PassOptions, plan: TilePlan) -> Maps:
    """Glance of the whole image, and the focus in tiles.

    Note:
        Under FT and BT there is no transition class, and the fusion reads the focus everywhere:
        tiles are taken where a focus pass at the glance's size is not 0; elsewhere that one stands.
    """
    rosta = model.config.rostas[0]
    views = VIEWS[options.augmentation]
    small = resize(rgb, plan.glance)
    coarse: NDArray[np.float32] | None = None
    if rosta == "TT":
        glance = _seen(model, GLANCE, small, views.glance)
        wanted = most_probable(glance[0]) == 1
    else:
        both = _seen(model, GLANCE + FOCUS, small, views.glance)
        glance, coarse = both[:, :-1], both[0, -1]
        wanted = coarse > COARSE_FOCUS
    # One pixel more for the interpolation of the glance, one for that of the focus.
    wanted = cv2.dilate(wanted.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    focus = focus_canvas(model, resize(rgb, plan.focus), views.focus, plan.tile, wanted, coarse)
    return Maps(glance, focus[None, None], rosta)


def _seen(model: MattingModel, outputs: Outputs, rgb: Uint8Image, views: Sequence[View]) -> Floats:
    """The mean of a network's maps (1, C, h, w) of an image (h, w, 3) over the views."""

    def of(view: View) -> Floats:
        size = tuple(max(1, round(side * view.scale)) for side in rgb.shape[:2])
        return view.of(model, network_input([resize(rgb, (size[0], size[1]))]), outputs)

    return average([of(view) for view in views])


def focus_canvas(
    model: MattingModel,
    rgb: Uint8Image,
    views: Sequence[View],
    tile: int,
    wanted: NDArray[np.bool_],
    coarse: NDArray[np.float32] | None,
) -> NDArray[np.float32]:
    """The focus (H, W) of an image (H, W, 3), in tiles where `wanted` (h, w), else `coarse`.

    Note:
        An encoder that looks at the whole of what it is given (squeeze and excitation) sees every
        tile by itself, and its tiles differ from one pass by ten times more.
    """
    height, width = rgb.shape[:2]
    canvas = np.zeros((height, width), np.float32)
    elsewhere = None if coarse is None else resize(coarse, (height, width), shrink="linear")
    for row in windows(height, tile):
        for column in windows(width, tile):
            area = np.s_[row.start : row.stop, column.start : column.stop]
            if _any_wanted(wanted, row, column, (height, width)):
                part = _seen(model, FOCUS, rgb[area], views)[0, 0]
            elif elsewhere is not None:
                part = elsewhere[area]
            else:
                continue
            canvas[area] += part * row.weights[:, None] * column.weights
    return canvas


def _any_wanted(wanted: NDArray[np.bool_], row: Window, column: Window, size: Size) -> bool:
    """Return True if a pixel that the tile has a part in is wanted."""

    def reach(window: Window, length: int, coarse: int) -> slice:
        inside = np.flatnonzero(window.weights) + window.start
        return slice(inside[0] * coarse // length, -(-(inside[-1] + 1) * coarse // length))

    rows = reach(row, size[0], wanted.shape[0])
    columns = reach(column, size[1], wanted.shape[1])
    return bool(wanted[rows, columns].any())
