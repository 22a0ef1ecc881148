"""Mattes of the frames of a clip."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from gfm.inference.matting import check_models, ensemble_maps
from gfm.inference.matting_model import MattingModel
from gfm.inference.options import MatteOptions
from gfm.inference.passes import finish
from gfm.inference.planning import plan_passes
from gfm.video import SMOOTHING
from gfm.video.smoothing import MapMemory
from rssn.imaging.errors import InputError


class FrameMatte(NamedTuple):
    """A frame and what was found in it.

    Attributes:
        pixels: The frame (H, W, 3), uint8 RGB.
        alpha: Opacity (H, W), float32 in [0, 1].
        trimap: The glance (H, W), uint8: 0 background, 1 transition, 2 foreground.
    """

    pixels: NDArray[np.uint8]
    alpha: NDArray[np.float32]
    trimap: NDArray[np.uint8]


def matte_frames(
    frames: Iterable[NDArray[np.uint8]],
    model: MattingModel | Sequence[MattingModel],
    options: MatteOptions | None = None,
    smoothing: float = SMOOTHING,
) -> Iterator[FrameMatte]:
    """Matte frames in their order, one at a time.

    Args:
        frames: uint8 RGB (H, W, 3), all of one size.
        model: A network of `gfm.load_model`, or several, of whose mattes the median is taken.
        options: How; the defaults when None.
        smoothing: Part of the earlier frames in what the decoders say of each, where nothing moved;
            0 or more, below 1.

    Raises:
        InputError: As for `gfm.matte`; a smoothing out of range; or frames of several sizes.
    """
    options = options or MatteOptions()
    models = check_models(model)
    check_smoothing(smoothing)
    return _matte_each(frames, models, options, MapMemory(smoothing))


def check_smoothing(smoothing: float) -> None:
    """Raise unless the smoothing is in range.

    Raises:
        InputError: It is not.
    """
    if not 0 <= smoothing < 1:
        raise InputError(f"smoothing={smoothing}: 0 (none) or more, and below 1, is allowed")


def _matte_each(
    frames: Iterable[NDArray[np.uint8]],
    models: Sequence[MattingModel],
    options: MatteOptions,
    memory: MapMemory,
) -> Iterator[FrameMatte]:
    rest = iter(frames)
    first = next(rest, None)
    if first is None:
        return
    size = (first.shape[0], first.shape[1])
    passes = options.for_passes(models, *size)
    plan = plan_passes(models, *size, passes)
    for rgb in chain([first], rest):
        if rgb.shape[:2] != size:
            raise InputError(
                f"a frame has {rgb.shape[1]}x{rgb.shape[0]} pixels, those before it "
                f"{size[1]}x{size[0]}; give frames of one size"
            )
        with torch.inference_mode():
            maps = memory.smooth(ensemble_maps([rgb], models, passes, plan), rgb)
            found = finish(maps, size)
        yield FrameMatte(rgb, *found)
