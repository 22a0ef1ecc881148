"""Mattes of the frames of a clip."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gfm.inference.guidance import NO_GUIDANCE, check_guidance
from gfm.inference.matting import check_models
from gfm.models.contract import MattingModel, Prediction
from gfm.models.options import MatteOptions
from gfm.video import SMOOTHING
from rssn.imaging.errors import InputError


class FrameMatte(NamedTuple):
    """A frame and its matte.

    Attributes:
        pixels: The frame (H, W, 3), uint8 RGB.
        made: The prediction for it.
    """

    pixels: NDArray[np.uint8]
    made: Prediction

    @property
    def alpha(self) -> NDArray[np.float32]:
        """Opacity (H, W), float32 in [0, 1]."""
        return self.made.alpha

    @property
    def trimap(self) -> NDArray[np.uint8] | None:
        """The system's trimap: background (0), transition (1) and foreground (2)."""
        return self.made.trimap


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
    system, models = check_models(model, options)
    check_guidance(system, NO_GUIDANCE)
    check_smoothing(smoothing)

    def predictor(height: int, width: int) -> Callable[[NDArray[np.uint8]], Prediction]:
        return system.clip_predictor(models, options, height, width, smoothing)

    return _matte_each(frames, predictor)


def check_smoothing(smoothing: float) -> None:
    """Raise unless the smoothing is in range.

    Raises:
        InputError: It is not.
    """
    if not 0 <= smoothing < 1:
        raise InputError(f"smoothing={smoothing}: 0 (none) or more, and below 1, is allowed")


def _matte_each(
    frames: Iterable[NDArray[np.uint8]],
    predictor: Callable[[int, int], Callable[[NDArray[np.uint8]], Prediction]],
) -> Iterator[FrameMatte]:
    rest = iter(frames)
    first = next(rest, None)
    if first is None:
        return
    size = (first.shape[0], first.shape[1])
    predict = predictor(*size)
    for rgb in chain([first], rest):
        if rgb.shape[:2] != size:
            raise InputError(
                f"a frame has {rgb.shape[1]}x{rgb.shape[0]} pixels, those before it "
                f"{size[1]}x{size[0]}; give frames of one size"
            )
        yield FrameMatte(rgb, predict(rgb))
