"""From photographs to their mattes: the test strategies of the paper (section 5.5, table 6)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from gfm.models.contract import MattingModel, Prediction
from gfm.models.glance_focus.options import PassOptions, pass_options
from gfm.models.glance_focus.passes import (
    FOCUS,
    Maps,
    enlarge,
    finish,
    shrink,
    strategy_maps,
    whole_reduction,
)
from gfm.models.glance_focus.planning import plan_passes
from gfm.models.glance_focus.smoothing import MapMemory
from gfm.models.glance_focus.tiles import TilePlan, tiled_maps
from gfm.models.options import MatteOptions


def predict(
    images: Sequence[NDArray[np.uint8]], models: Sequence[MattingModel], options: MatteOptions
) -> list[Prediction]:
    """Alpha (H, W) and the glance as a trimap 0/1/2 (H, W) of each image.

    Args:
        images: uint8 RGB (H, W, 3), whose passes have the same sizes; one, if memory is limited.
        models: One network, or those of an ensemble.
        options: How.
    """
    height, width = images[0].shape[:2]
    passes = pass_options(options, models, height, width)
    plan = plan_passes(models, height, width, passes)
    ensemble = ensemble_maps(images, models, passes, plan)
    return [
        _finished([_of_image(maps, index) for maps in ensemble], image)
        for index, image in enumerate(images)
    ]


def ensemble_maps(
    images: Sequence[NDArray[np.uint8]],
    models: Sequence[MattingModel],
    options: PassOptions,
    plan: TilePlan | None,
) -> list[Maps]:
    """Maps of images (H, W, 3) by each network, before they are fused at full size.

    Args:
        images: As for `predict`.
        models: As for `predict`.
        options: How.
        plan: Sizes that keep within a memory limit, of `plan_passes`.
    """
    if plan is not None:
        return [tiled_maps(model, images[0], options, plan) for model in models]
    return [strategy_maps(model, images, options) for model in models]


def clip_predictor(
    models: Sequence[MattingModel], options: MatteOptions, height: int, width: int, smoothing: float
) -> Callable[[NDArray[np.uint8]], Prediction]:
    """A function that mattes the frames of a clip in their order; see `System.clip_predictor`."""
    passes = pass_options(options, models, height, width)
    plan = plan_passes(models, height, width, passes)
    memory = MapMemory(smoothing)

    def predict_frame(rgb: NDArray[np.uint8]) -> Prediction:
        return _finished(memory.smooth(ensemble_maps([rgb], models, passes, plan), rgb), rgb)

    return predict_frame


def _of_image(maps: Maps, index: int) -> Maps:
    one = slice(index, index + 1)
    return Maps(maps.glance[one], maps.detail[one], maps.rosta)


def _finished(ensemble: Sequence[Maps], image: NDArray[np.uint8]) -> Prediction:
    alpha, trimap = finish(ensemble, (image.shape[0], image.shape[1]))
    return Prediction(alpha, trimap=trimap, classes=ensemble[0].glance[0])


def focus_map(
    model: MattingModel, photograph: NDArray[np.uint8], options: PassOptions
) -> NDArray[np.float32]:
    """Output of the focus decoder (H, W) in [0, 1], in the pass that `gfm.matte` takes it from.

    An integrating network (RIM) has three; the one of TT is shown.
    """
    rosta = model.config.rosta
    image = shrink(model, photograph, whole_reduction(rosta, options))
    (focus,) = model.run({"image": image}, ("tt_focus",) if rosta == "RIM" else FOCUS)
    enlarged: NDArray[np.float32] = enlarge(focus, photograph.shape[:2])[0, 0]
    return enlarged
