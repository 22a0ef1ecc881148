"""Passes of whole images through a network, and what becomes of their maps at full size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gfm.models.contract import MattingModel
from gfm.models.glance_focus.config import Rosta, SingleRosta
from gfm.models.glance_focus.fused import fuse, most_probable
from gfm.models.glance_focus.options import PassOptions
from gfm.models.options import Augmentation
from rssn.imaging import resizing
from rssn.imaging.resizing import resize

MAX_SIDE = 1600  # of a pass, in pixels (released test script)
MULTIPLE = 32
STRIP = 2**21  # pixels that are finished at a time, so that large images cost little memory

Uint8Image = NDArray[np.uint8]
Floats = NDArray[np.float32]
Size = tuple[int, int]
Outputs = tuple[str, ...]

GLANCE: Outputs = ("glance",)
FOCUS: Outputs = ("focus",)


class Maps(NamedTuple):
    """Outputs of the passes for images of one size, each map at the size of its pass.

    Attributes:
        glance: Class probabilities (B, C, h, w).
        detail: The focus (B, 1, h', w'), still to be fused with the glance, or a finished matte.
        rosta: How to fuse; None where `detail` is a finished matte.
    """

    glance: Floats
    detail: Floats
    rosta: SingleRosta | None


class View(NamedTuple):
    """One way in which a network is shown an image: mirrored or not, at some scale."""

    mirrored: bool
    scale: float

    def of(self, model: MattingModel, image: Floats, outputs: Outputs) -> Floats:
        """The network's maps of the image (B, 3, h, w), seen through this view, in a row."""
        seen = image[..., ::-1].copy() if self.mirrored else image
        maps = np.concatenate(model.run({"image": seen}, outputs), axis=1)
        return maps[..., ::-1] if self.mirrored else maps


class Look(NamedTuple):
    """One run of a network: the size at which it sees an image, and whether mirrored."""

    size: Size
    mirrored: bool


class Views(NamedTuple):
    """The views to average over, by pass; a strategy of one pass takes those of the focus."""

    glance: tuple[View, ...]
    focus: tuple[View, ...]


_PLAIN = (View(False, 1),)
_FLIP = (View(False, 1), View(True, 1))
_SMALLER = tuple(View(mirrored, scale) for scale in (1, 0.875, 0.75) for mirrored in (False, True))
_FULL = tuple(View(mirrored, scale) for scale in (1, 0.8, 1.25) for mirrored in (False, True))

VIEWS: dict[Augmentation, Views] = {
    "none": Views(_PLAIN, _PLAIN),
    "glance": Views(_SMALLER, _PLAIN),
    "flip": Views(_FLIP, _FLIP),
    "full": Views(_FULL, _FULL),
}


def pass_size(height: int, width: int, reduction: float, squeeze: bool = False) -> Size:
    """Height and width of a pass: multiples of 32, from 32 to 1600 px.

    Args:
        height: Of the photograph in px.
        width: Of the photograph in px.
        reduction: Of the pass, 1 or more; raised where the longer side would exceed 1600 px.
        squeeze: Limit each side by itself instead, which distorts photographs above 1600 px times
            the reduction, as the released test script does.
    """
    longest = max(height, width)

    def side(length: int) -> int:
        scaled = int(length / reduction)
        if not squeeze and longest / reduction > MAX_SIDE:
            scaled = length * MAX_SIDE // longest
        return min(MAX_SIDE, max(MULTIPLE, scaled // MULTIPLE * MULTIPLE))

    return side(height), side(width)


def shrink(model: MattingModel, rgb: Uint8Image, reduction: float) -> Floats:
    """The image as the network's input (1, 3, h, w) in [0, 1] at 1/reduction of its size."""
    size = pass_size(rgb.shape[0], rgb.shape[1], reduction, model.config.is_released)
    return network_input([resize(rgb, size)])


def network_input(images: Sequence[Uint8Image]) -> Floats:
    """Images of one size as a batch (B, 3, H, W) in [0, 1]; its channels lie side by side."""
    batch: Floats = np.divide(np.stack(images), 255, dtype=np.float32).transpose(0, 3, 1, 2)
    return batch


def enlarge(maps: Floats, size: Size) -> Floats:
    """Resize maps (B, C, h, w) to (B, C, H, W), bilinear with half-pixel centres."""
    if maps.shape[-2:] == size:
        return maps
    made = np.empty((*maps.shape[:2], *size), np.float32)
    for index in np.ndindex(maps.shape[:2]):
        made[index] = resize(np.ascontiguousarray(maps[index]), size, "linear", "linear")
    return made


def enlarge_rows(maps: Floats, size: Size, rows: slice) -> Floats:
    """Only these rows of `enlarge`."""
    if rows == slice(0, size[0]):
        return enlarge(maps, size)
    made = np.empty((*maps.shape[:2], rows.stop - rows.start, size[1]), np.float32)
    for index in np.ndindex(maps.shape[:2]):
        made[index] = resizing.enlarge_rows(maps[index], size, rows)
    return made


def strategy_maps(model: MattingModel, images: Sequence[Uint8Image], options: PassOptions) -> Maps:
    """Run the passes of a strategy.

    Args:
        model: The network.
        images: uint8 RGB (H, W, 3), of heights and widths that have the same `sizes_of_passes`.
        options: How.

    Note:
        The mean over the views is taken before the fusion, at the sizes of the plain passes.
        Where glance and focus see the images alike, as at d1 = d2, one run gives both.
    """
    height, width = images[0].shape[:2]
    rosta = model.config.rosta

    def seen(look: Look, outputs: Outputs) -> Floats:
        image = network_input([resize(each, look.size) for each in images])
        return View(look.mirrored, 1).of(model, image, outputs)

    if options.strategy != "hybrid" or rosta == "RIM":
        views, reduction = VIEWS[options.augmentation].focus, whole_reduction(rosta, options)
        looks = _looks(height, width, reduction, views, options)
        both = average([seen(look, whole_outputs(rosta)) for look in looks])
        return Maps(both[:, :-1], both[:, -1:], None)
    glances, focuses = hybrid_looks(height, width, options)
    glance: dict[Look, Floats] = {}
    focus: dict[Look, Floats] = {}
    for look in dict.fromkeys([*glances, *focuses]):
        if look in glances and look in focuses:
            both = seen(look, GLANCE + FOCUS)
            glance[look], focus[look] = both[:, :-1], both[:, -1:]
        elif look in glances:
            glance[look] = seen(look, GLANCE)
        else:
            focus[look] = seen(look, FOCUS)
    return Maps(average([glance[x] for x in glances]), average([focus[x] for x in focuses]), rosta)


def hybrid_looks(height: int, width: int, options: PassOptions) -> tuple[list[Look], list[Look]]:
    """Reductions of an image for the glance and the focus of the hybrid strategy."""
    views = VIEWS[options.augmentation]
    return (
        _looks(height, width, options.d1, views.glance, options),
        _looks(height, width, options.d2, views.focus, options),
    )


def _looks(
    height: int, width: int, reduction: float, views: Sequence[View], options: PassOptions
) -> list[Look]:
    return [
        Look(view_size(height, width, reduction, view, options.squeeze), view.mirrored)
        for view in views
    ]


def view_size(height: int, width: int, reduction: float, view: View, squeeze: bool = False) -> Size:
    """Size of a pass at 1/reduction through a view, as of `pass_size`; at most the image's."""
    return pass_size(height, width, max(reduction / view.scale, 1), squeeze)


def sizes_of_passes(height: int, width: int, options: PassOptions) -> tuple[Size, ...]:
    """The sizes of all passes that a network may make of an image, whatever its representation."""
    views = VIEWS[options.augmentation]
    whole = (1.0,) if options.strategy == "full" else (options.d1, options.d2)
    passes = [(options.d1, view) for view in views.glance]
    passes += [(reduction, view) for reduction in whole for view in views.focus]
    return tuple(view_size(height, width, *each, options.squeeze) for each in passes)


def average(maps: Sequence[Floats]) -> Floats:
    """The mean of maps (B, C, h, w), each resized to the size of the first."""
    if len(maps) == 1:
        return maps[0]
    size = (maps[0].shape[-2], maps[0].shape[-1])
    mean: Floats = np.mean([enlarge(each, size) for each in maps], axis=0)
    return mean


def whole_reduction(rosta: Rosta, options: PassOptions) -> float:
    """The reduction where one pass does it all: d2, or d1 for an integrating network (RIM)."""
    if options.strategy == "full":
        return 1
    return options.d1 if rosta == "RIM" else options.d2


def whole_outputs(rosta: Rosta) -> Outputs:
    """Class probabilities and matte of one pass; of an integrating network those of TT."""
    return ("tt_glance" if rosta == "RIM" else "glance", "alpha")


def finish(ensemble: Sequence[Maps], size: Size) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Fuse the maps of one image, by each network of an ensemble, at full size.

    Args:
        ensemble: Maps of a batch of one, by network.
        size: Height and width of the image.

    Returns:
        Alpha (H, W) and the glance as a trimap 0/1/2 (H, W); of several networks the median
        (paper, section 5.5.1), where two medians of a trimap disagree the transition.
    """
    alpha = np.empty(size, np.float32)
    trimap = np.empty(size, np.uint8)
    for rows in _strips(size):
        parts = [_finish_rows(maps, size, rows) for maps in ensemble]
        if len(parts) == 1:
            alpha[rows], trimap[rows] = parts[0]
        else:
            alpha[rows] = np.median([part[0] for part in parts], axis=0)
            median = np.median([part[1] for part in parts], axis=0)
            trimap[rows] = np.where(median % 1 > 0, 1, median)
    return alpha, trimap


def _finish_rows(
    maps: Maps, size: Size, rows: slice
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    glance = enlarge_rows(maps.glance, size, rows)[0]
    detail = enlarge_rows(maps.detail, size, rows)[0, 0]
    winner = most_probable(glance)
    alpha = detail if maps.rosta is None else fuse(winner, detail, maps.rosta)
    return alpha.clip(0, 1), winner if len(glance) == 3 else winner * np.uint8(2)


def _strips(size: Size) -> Iterator[slice]:
    count = -(-size[0] * size[1] // STRIP)
    step = -(-size[0] // count)
    for start in range(0, size[0], step):
        yield slice(start, min(start + step, size[0]))
