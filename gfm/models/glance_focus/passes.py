"""Passes of whole images through a network, and what becomes of their maps at full size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from gfm.blocks.classes import most_probable
from gfm.models.glance_focus.config import Rosta, SingleRosta
from gfm.models.glance_focus.fusion import fuse
from gfm.models.glance_focus.model import GFMModel
from gfm.models.glance_focus.network import Matting, RimMatting
from gfm.models.glance_focus.options import PassOptions
from gfm.models.options import Augmentation
from rssn.imaging.resizing import resize

MAX_SIDE = 1600  # of a pass, in pixels (released test script)
MULTIPLE = 32
STRIP = 2**21  # pixels that are finished at a time, so that large images cost little memory

Uint8Image = NDArray[np.uint8]
Size = tuple[int, int]


class Maps(NamedTuple):
    """What passes say of images of one size, each map at the size of its pass.

    Attributes:
        glance: Class probabilities (B, C, h, w).
        detail: The focus (B, 1, h', w'), still to be fused with the glance, or a finished matte.
        rosta: How to fuse; None where `detail` is a finished matte.
    """

    glance: Tensor
    detail: Tensor
    rosta: SingleRosta | None


class View(NamedTuple):
    """One way in which a network is shown an image: mirrored or not, at some scale."""

    mirrored: bool
    scale: float

    def of(self, network: Callable[[Tensor], Tensor], image: Tensor) -> Tensor:
        """The network's map of the image (B, 3, h, w), seen through this view."""
        return network(image.flip(-1)).flip(-1) if self.mirrored else network(image)


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


def shrink(model: GFMModel, rgb: Uint8Image, reduction: float) -> Tensor:
    """The image as the network's input (1, 3, h, w) in [0, 1] at 1/reduction of its size."""
    size = pass_size(rgb.shape[0], rgb.shape[1], reduction, model.config.is_released)
    return network_input(model, [resize(rgb, size)])


def network_input(model: GFMModel, images: Sequence[Uint8Image]) -> Tensor:
    """Images of one size as a batch (B, 3, H, W) in [0, 1]."""
    batch = torch.from_numpy(np.stack(images)).to(model.device).permute(0, 3, 1, 2)
    return batch.to(model.dtype) / 255


def enlarge(maps: Tensor, size: Size) -> Tensor:
    """Resize float maps (B, C, h, w) to (B, C, H, W), bilinear with half-pixel centres."""
    return functional.interpolate(maps, size=size, mode="bilinear", align_corners=False)


def enlarge_rows(maps: Tensor, size: Size, rows: slice) -> Tensor:
    """Only these rows of `enlarge`."""
    if rows == slice(0, size[0]):
        return enlarge(maps, size)
    height = maps.shape[-2]
    row = torch.arange(rows.start, rows.stop, device=maps.device, dtype=torch.float64)
    position = ((row + 0.5) * (height / size[0]) - 0.5).clamp(0, height - 1)
    above = position.long()
    below = (above + 1).clamp(max=height - 1)
    weight = (position - above).to(maps.dtype).unsqueeze(1)
    strip = torch.lerp(maps[..., above, :], maps[..., below, :], weight)
    return enlarge(strip, (len(row), size[1]))


def strategy_maps(model: GFMModel, images: Sequence[Uint8Image], options: PassOptions) -> Maps:
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

    def seen(network: Callable[[Tensor], Tensor], look: Look) -> Tensor:
        image = network_input(model, [resize(each, look.size) for each in images])
        return View(look.mirrored, 1).of(network, image)

    if options.strategy != "hybrid" or rosta == "RIM":
        views, reduction = VIEWS[options.augmentation].focus, whole_reduction(rosta, options)
        looks = _looks(height, width, reduction, views, options)
        both = average([seen(partial(_glance_and_alpha, model), look) for look in looks])
        return Maps(both[:, :-1], both[:, -1:], None)
    glances, focuses = hybrid_looks(height, width, options)
    glance: dict[Look, Tensor] = {}
    focus: dict[Look, Tensor] = {}
    for look in dict.fromkeys([*glances, *focuses]):
        if look in glances and look in focuses:
            both = seen(partial(glance_and_focus, model), look)
            glance[look], focus[look] = both[:, :-1], both[:, -1:]
        elif look in glances:
            glance[look] = seen(model.glance_probabilities, look)
        else:
            focus[look] = seen(model.focus_alpha, look)
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


def average(maps: Sequence[Tensor]) -> Tensor:
    """The mean of maps (B, C, h, w), each resized to the size of the first."""
    if len(maps) == 1:
        return maps[0]
    size = (maps[0].shape[-2], maps[0].shape[-1])
    resized = (m if tuple(m.shape[-2:]) == size else enlarge(m, size) for m in maps)
    return torch.stack(list(resized)).mean(dim=0)


def whole_reduction(rosta: Rosta, options: PassOptions) -> float:
    """The reduction where one pass does it all: d2, or d1 for an integrating network (RIM)."""
    if options.strategy == "full":
        return 1
    return options.d1 if rosta == "RIM" else options.d2


def glance_and_focus(model: GFMModel, image: Tensor) -> Tensor:
    """Class probabilities and focus (B, C + 1, H, W) of one run, for a single representation."""
    output = cast(Matting, model(image))
    return torch.cat([output.glance, output.focus], dim=1)


def _glance_and_alpha(model: GFMModel, image: Tensor) -> Tensor:
    output = model(image)
    glance = (output.tt if isinstance(output, RimMatting) else output).glance
    return torch.cat([glance, output.alpha], dim=1)


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
    glance = enlarge_rows(maps.glance, size, rows)
    detail = enlarge_rows(maps.detail, size, rows)
    alpha = detail if maps.rosta is None else fuse(glance, detail, maps.rosta)
    winner = most_probable(glance)
    trimap = winner if glance.shape[1] == 3 else winner * 2
    values = cast(NDArray[np.float32], alpha[0, 0].float().clamp(0, 1).cpu().numpy())
    return values, cast(NDArray[np.uint8], trimap[0, 0].cpu().numpy())


def _strips(size: Size) -> Iterator[slice]:
    count = -(-size[0] * size[1] // STRIP)
    step = -(-size[0] // count)
    for start in range(0, size[0], step):
        yield slice(start, min(start + step, size[0]))
