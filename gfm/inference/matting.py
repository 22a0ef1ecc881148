"""From photographs to their mattes: the test strategies of the paper (section 5.5, table 6)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from gfm.colours import estimate_colours
from gfm.cutout import Matte
from gfm.inference.options import (
    Augmentation,
    ForegroundMethod,
    MatteOptions,
    Refinement,
    Strategy,
)
from gfm.inference.passes import VIEWS, Maps, finish, pass_size, strategy_maps
from gfm.inference.planning import plan_passes
from gfm.inference.tiles import tiled_maps
from gfm.matting_model import MattingModel
from rssn.errors import InputError
from rssn.images import read_rgb

if TYPE_CHECKING:
    from PIL.Image import Image

Models = MattingModel | Sequence[MattingModel] | None


def matte(
    image: NDArray[np.uint8] | str | Path | Image,
    model: Models = None,
    *,
    strategy: Strategy = "hybrid",
    d1: float = 3,
    d2: float = 2,
    foreground: ForegroundMethod = "multilevel",
    refine: Refinement = "none",
    augmentation: Augmentation = "none",
    max_memory: str | int | None = None,
) -> Matte:
    """Cut the object out of a photograph.

    Args:
        image: uint8 RGB (H, W, 3), a path, or a PIL image.
        model: A network of `gfm.load_model`, or several, of whose mattes the median is taken
            (paper, section 5.5.1).
        strategy: `hybrid`, `resize` or `full`; this and the others as in `MatteOptions`.
        d1: Reduction for the glance, 1 or more.
        d2: Reduction for the focus, 1 or more.
        foreground: How colours behind the soft edges are estimated.
        refine: `fba` lets image, matte and colours correct each other.
        augmentation: What else the network sees: `none`, `flip` or `full`.
        max_memory: Most that the process may hold, such as `4GB`; large images are then matted in
            tiles at the full 1/d2.

    Returns:
        The matte at the size of the image.

    Raises:
        InputError: No model or one in training mode, an unreadable image, an option that is
            not supported, or too small a limit on memory.

    Note:
        Sides of a pass are floored to multiples of 32 and are at most 1600 pixels, as published.
        The published script runs both decoders in both passes; here only the needed one runs.
        Threads may share a network.
    """
    options = MatteOptions(strategy, d1, d2, foreground, refine, augmentation, max_memory)
    models = check_models(model)
    rgb = as_rgb(image)
    return with_colours(rgb, *predict([rgb], models, options)[0], options)


def matte_batch(
    images: Sequence[NDArray[np.uint8] | str | Path | Image],
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
    pictures = [as_rgb(image) for image in images]
    groups: dict[object, list[int]] = {}
    for index, rgb in enumerate(pictures):
        size = (rgb.shape[0], rgb.shape[1])
        alone = index if options.max_memory is not None else None
        groups.setdefault((_sizes_of_passes(size, options), alone), []).append(index)
    made: dict[int, Matte] = {}
    for group in groups.values():
        for start in range(0, len(group), batch_size):
            chosen = group[start : start + batch_size]
            found = predict([pictures[i] for i in chosen], models, options)
            for index, (alpha, trimap) in zip(chosen, found, strict=True):
                made[index] = with_colours(pictures[index], alpha, trimap, options)
    return [made[index] for index in range(len(pictures))]


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
        plan = plan_passes(models, height, width, options)
        ensemble: list[Maps] = []
        for model in models:
            if plan is None:
                ensemble.append(
                    strategy_maps(
                        model,
                        images,
                        options.strategy,
                        options.d1,
                        options.d2,
                        options.augmentation,
                    )
                )
            else:
                ensemble.append(tiled_maps(model, images[0], options, plan))
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


def with_colours(
    rgb: NDArray[np.uint8],
    alpha: NDArray[np.float32],
    trimap: NDArray[np.uint8],
    options: MatteOptions,
) -> Matte:
    """The matte of a photograph, with the object's colours estimated as the options say."""
    if options.foreground == "none":
        return Matte(alpha, rgb, trimap)
    refine = options.refine == "fba"
    colours, alpha = estimate_colours(rgb, alpha, options.foreground, refine)
    return Matte(alpha, colours, trimap)


def check_models(model: Models) -> Sequence[MattingModel]:
    """The networks as a sequence.

    Raises:
        InputError: None is given, one is in training mode, or they are on several devices.
    """
    models = model if isinstance(model, Sequence) else [] if model is None else [model]
    if not models:
        raise InputError(
            "model=None: no weights are shipped yet; load some with gfm.load_model(PATH), made by "
            "`python -m gfm fit` or by `python -m gfm convert` from a released checkpoint"
        )
    if any(each.training for each in models):
        raise InputError("the model is in training mode; call model.eval() first")
    if len(devices := {str(each.device) for each in models}) > 1:
        raise InputError(f"the models are on {', '.join(sorted(devices))}; load all on one device")
    return models


def as_rgb(image: NDArray[np.uint8] | str | Path | Image) -> NDArray[np.uint8]:
    """The image as uint8 RGB (H, W, 3).

    Raises:
        InputError: Another type or shape, or a file that cannot be read.
    """
    if isinstance(image, str | Path):
        return read_rgb(Path(image))
    if not isinstance(image, np.ndarray):
        from PIL import ImageOps
        from PIL.Image import Image as PillowImage

        if not isinstance(image, PillowImage):
            raise InputError(
                f"image is a {type(image).__name__}; give a uint8 RGB array, a path or a PIL image"
            )
        image = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise InputError(
            f"image has shape {image.shape} and type {image.dtype}; wanted uint8 RGB (H, W, 3)"
        )
    return image


def _sizes_of_passes(size: tuple[int, int], options: MatteOptions) -> tuple[tuple[int, int], ...]:
    reductions = [
        max(d / view.scale, 1)
        for view in VIEWS[options.augmentation]
        for d in (options.d1, options.d2, 1)
    ]
    return tuple(pass_size(*size, reduction) for reduction in reductions)
