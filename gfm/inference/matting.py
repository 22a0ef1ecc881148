"""From photographs to their mattes: the test strategies of the paper (section 5.5, table 6)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from gfm.checkpoints.packaged import packaged_model
from gfm.inference.colours import estimate_colours
from gfm.inference.cutout import Matte
from gfm.inference.matting_model import MattingModel
from gfm.inference.options import (
    Augmentation,
    ForegroundMethod,
    MatteOptions,
    PassOptions,
    Refinement,
    Strategy,
)
from gfm.inference.passes import Maps, finish, sizes_of_passes, strategy_maps
from gfm.inference.planning import plan_passes
from gfm.inference.tiles import TilePlan, tiled_maps
from rssn.imaging.errors import InputError
from rssn.imaging.photographs import Photograph, PhotographLike, as_photograph

Models = MattingModel | Sequence[MattingModel] | None


def matte(
    image: PhotographLike,
    model: Models = None,
    *,
    strategy: Strategy = "hybrid",
    d1: float | None = None,
    d2: float | None = None,
    foreground: ForegroundMethod = "multilevel",
    refine: Refinement = "none",
    augmentation: Augmentation | None = None,
    max_memory: str | int | None = None,
) -> Matte:
    """Cut the object out of a photograph.

    Args:
        image: uint8 RGB (H, W, 3), a path, or a PIL image.
        model: A network of `gfm.load_model`, or several, of whose mattes the median is taken
            (paper, section 5.5.1). None takes the small one of the package.
        strategy: `hybrid`, `resize` or `full`; this and the others as in `MatteOptions`.
        d1: Reduction for the glance, 1 or more; the model's own, or 3, when None.
        d2: Reduction for the focus, 1 or more; None is what the model asks for, or 2.
        foreground: How colours behind the soft edges are estimated.
        refine: `fba` lets image, matte and colours correct each other.
        augmentation: What else the network sees: `none`, `glance`, `flip`, `full`, or None for what
            the model asks for.
        max_memory: Most that the process may hold, such as `4GB`; large images are then matted in
            tiles at the full 1/d2.

    Returns:
        The matte at the size of the image.

    Raises:
        InputError: A model in training mode, an unreadable image, an option that is
            not supported, or too small a limit on memory.

    Note:
        Sides of a pass are floored to multiples of 32, as published. The longer one is at most
        1600 pixels, and the aspect stays. The released script limits each side by itself, which
        makes 1600x1600 of a photograph of 6000x4000; converted released checkpoints still do.
        That script runs both decoders in both passes. Here only the needed one runs, and at
        d1 = d2 one pass gives both.
        Threads may share a network.
    """
    options = MatteOptions(strategy, d1, d2, foreground, refine, augmentation, max_memory)
    models = check_models(model)
    photograph = as_photograph(image)
    return with_colours(photograph, *predict([photograph.pixels], models, options)[0], options)


def matte_batch(
    images: Sequence[PhotographLike],
    model: Models = None,
    options: MatteOptions | None = None,
    *,
    batch_size: int = 8,
) -> list[Matte]:
    """Cut the objects out of several photographs; those whose passes have one size go together.

    Args:
        images: Photographs, of any sizes, each as for `matte`; all are in memory at once.
        model: As for `matte`.
        options: As for `matte`; its defaults when None.
        batch_size: Most photographs of a pass. A GPU gains by it, a CPU does not.

    Returns:
        The mattes, in the order of the photographs.

    Raises:
        InputError: As for `matte`, or a batch size below 1.
    """
    if batch_size < 1:
        raise InputError(f"batch_size={batch_size}: give 1 or more photographs")
    options = options or MatteOptions()
    models = check_models(model)
    photographs = [as_photograph(image) for image in images]
    groups: dict[object, list[int]] = {}
    for index, photograph in enumerate(photographs):
        size = (photograph.pixels.shape[0], photograph.pixels.shape[1])
        alone = index if options.max_memory is not None else None
        sizes = sizes_of_passes(*size, options.for_passes(models, *size))
        groups.setdefault((sizes, alone), []).append(index)
    made: dict[int, Matte] = {}
    for group in groups.values():
        for start in range(0, len(group), batch_size):
            chosen = group[start : start + batch_size]
            found = predict([photographs[i].pixels for i in chosen], models, options)
            for index, (alpha, trimap) in zip(chosen, found, strict=True):
                made[index] = with_colours(photographs[index], alpha, trimap, options)
    return [made[index] for index in range(len(photographs))]


def predict(
    images: Sequence[NDArray[np.uint8]], models: Sequence[MattingModel], options: MatteOptions
) -> list[tuple[NDArray[np.float32], NDArray[np.uint8]]]:
    """Alpha (H, W) and the glance as a trimap 0/1/2 (H, W) of each image.

    Args:
        images: uint8 RGB (H, W, 3), whose passes have the same sizes; one, if memory is limited.
        models: One network, or those of an ensemble.
        options: How.
    """
    with torch.inference_mode():
        height, width = images[0].shape[:2]
        passes = options.for_passes(models, height, width)
        plan = plan_passes(models, height, width, passes)
        ensemble = ensemble_maps(images, models, passes, plan)
        return [
            finish(
                [
                    Maps(m.glance[index : index + 1], m.detail[index : index + 1], m.rosta)
                    for m in ensemble
                ],
                (image.shape[0], image.shape[1]),
            )
            for index, image in enumerate(images)
        ]


def ensemble_maps(
    images: Sequence[NDArray[np.uint8]],
    models: Sequence[MattingModel],
    options: PassOptions,
    plan: TilePlan | None,
) -> list[Maps]:
    """What each network says of images (H, W, 3), before it is fused at full size.

    Args:
        images: As for `predict`.
        models: As for `predict`.
        options: How.
        plan: Sizes that keep within a memory limit, of `plan_passes`.
    """
    if plan is not None:
        return [tiled_maps(model, images[0], options, plan) for model in models]
    return [strategy_maps(model, images, options) for model in models]


def with_colours(
    photograph: Photograph,
    alpha: NDArray[np.float32],
    trimap: NDArray[np.uint8],
    options: MatteOptions,
) -> Matte:
    """The matte of a photograph, with the object's colours estimated as the options say."""
    colours = photograph.pixels
    if options.foreground != "none":
        refine = options.refine == "fba"
        colours, alpha = estimate_colours(colours, alpha, options.foreground, refine)
    return Matte(alpha, colours, trimap, photograph.profile)


def check_models(model: Models) -> Sequence[MattingModel]:
    """The networks as a sequence; for None, the small one of the package.

    Raises:
        InputError: The sequence is empty, a network is in training mode, or they are on several
            devices.
    """
    if model is None:
        model = packaged_model()
    models = model if isinstance(model, Sequence) else [model]
    if not models:
        raise InputError("model=[] names no network; give one or more, of gfm.load_model(PATH)")
    if any(each.training for each in models):
        raise InputError("the model is in training mode; call model.eval() first")
    if len(devices := {str(each.device) for each in models}) > 1:
        raise InputError(f"the models are on {', '.join(sorted(devices))}; load all on one device")
    return models
