"""From photographs to their mattes, by any system."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gfm.checkpoints.packaged import CLICKS, GUIDED
from gfm.guidance.clicks import Clicks
from gfm.guidance.guidance import Guidance
from gfm.guidance.trimap_files import has_unknown
from gfm.inference.colours import estimate_colours
from gfm.inference.correcting import LocalCorrector
from gfm.inference.cutout import Matte
from gfm.inference.guidance import NO_GUIDANCE, check_guidance, read_guidance
from gfm.inference.loading import packaged_model
from gfm.inference.refine import check_refine, refine_edges, refiner
from gfm.inference.refine import refine as refine_matte
from gfm.models.contract import ClickEngine, MattingModel, Prediction, System
from gfm.models.options import (
    Augmentation,
    ForegroundMethod,
    MatteOptions,
    Strategy,
)
from gfm.models.registry import SYSTEMS, get_system
from gfm.runtimes.model import ExportedModel
from rssn.imaging.errors import InputError
from rssn.imaging.images import Alpha
from rssn.imaging.photographs import Photograph, PhotographLike, as_photograph

if TYPE_CHECKING:
    from gfm.inference.guidance import ClicksLike, MaskLike

log = logging.getLogger("gfm")

Models = MattingModel | Sequence[MattingModel] | None


def matte(
    image: PhotographLike,
    model: Models = None,
    *,
    trimap: MaskLike | None = None,
    mask: MaskLike | None = None,
    clicks: ClicksLike | None = None,
    strategy: Strategy | None = None,
    d1: float | None = None,
    d2: float | None = None,
    foreground: ForegroundMethod | None = None,
    refine: str = "auto",
    augmentation: Augmentation | None = None,
    max_memory: str | int | None = None,
    backpropagate: int = 0,
) -> Matte:
    """Cut the object out of a photograph.

    Args:
        image: uint8 RGB (H, W, 3), a path, or a PIL image.
        model: A network of `gfm.load_model`, or several of GFM, of whose mattes the median is taken
            (paper, section 5.5.1). None takes one of the package: `clicks-lite` with clicks,
            `guided` with a trimap or a mask, else `lite`.
        trimap: uint8 (H, W), 0 background, 128 unknown, 255 foreground, or a path; for models that
            take one.
        mask: A coarse matte (H, W) to put right, float in [0, 1], uint8 or bool, or a path; for
            models that take one.
        clicks: `[(x, y, True), ...]` in px, True on the object, False on its background, or a
            `gfm.guidance.clicks.Clicks`; for models that take them. They correct the mask, or where
            none is given, with the light click model, the automatic matte: see `gfm.Session`.
        strategy: `hybrid`, `resize` or `full`, of GFM; this and the others as in `MatteOptions`.
        d1: Reduction for the glance, 1 or more; the model's own, or 3, when None.
        d2: Reduction for the focus, 1 or more; None is what the model asks for, or 2.
        foreground: How colours behind the soft edges are estimated; None takes those that the model
            predicts, and `blur` where it predicts none.
        refine: `auto`: the packaged guided model refines the edges of an automatic matte that gains
            by it; `none`: nothing does; `fusion`: image, matte and colours correct each other; or
            the file or name of a guided model.
        augmentation: Views to average over: `none`, `glance`, `flip`, `full`, or None for what the
            model asks for.
        max_memory: Most that the process may hold, such as `4GB`; large images are then matted in
            tiles at the full 1/d2.
        backpropagate: Gradient steps that fit the matte to its trimap; for models whose decoder
            can be refined.

    Returns:
        The matte at the size of the image.

    Raises:
        InputError: A model in training mode, an unreadable image, guidance that the model does not
            take or that does not fit, an option that is not supported, or too small a limit on
            memory.

    Note:
        Sides of a pass of GFM are floored to multiples of 32, as published. The longer one is at
        most 1600 pixels, and the aspect stays. The released script limits each side by itself,
        which makes 1600x1600 of a photograph of 6000x4000; converted released checkpoints still do.
        That script runs both decoders in both passes. Here only the needed one runs, and at
        d1 = d2 one pass gives both.
        Threads may share a network.

    Example:
        >>> photograph = np.full((48, 64, 3), 255, np.uint8)
        >>> cutout = matte(photograph, foreground="none")
        >>> cutout.alpha.shape, cutout.rgba.shape
        ((48, 64), (48, 64, 4))
    """
    options = MatteOptions(
        strategy, d1, d2, foreground, refine, augmentation, max_memory, backpropagate
    )
    photograph = as_photograph(image)
    guidance = read_guidance(photograph.pixels, trimap, mask, clicks)
    system, models = check_models(model, options, guidance)
    made = predict(system, models, photograph, guidance, options)
    return with_colours(photograph, made, options)


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
    system, models = check_models(model, options)
    check_guidance(system, NO_GUIDANCE)
    photographs = [as_photograph(image) for image in images]
    groups: dict[object, list[int]] = {}
    for index, photograph in enumerate(photographs):
        height, width = photograph.pixels.shape[:2]
        key = system.batch_key(models, height, width, options)
        groups.setdefault(("alone", index) if key is None else key, []).append(index)
    made: dict[int, Matte] = {}
    for group in groups.values():
        for start in range(0, len(group), batch_size):
            chosen = group[start : start + batch_size]
            pixels = [photographs[index].pixels for index in chosen]
            found = system.predict(models, pixels, [NO_GUIDANCE] * len(pixels), options)
            for index, prediction in zip(chosen, found, strict=True):
                photograph = photographs[index]
                better = refined(system, models, photograph, prediction, options)
                made[index] = with_colours(photograph, better, options)
    return [made[index] for index in range(len(photographs))]


def predict(
    system: System,
    models: Sequence[MattingModel],
    photograph: Photograph,
    guidance: Guidance,
    options: MatteOptions,
) -> Prediction:
    """Prediction of a system for one photograph.

    Args:
        system: Of the models.
        models: As `check_models` returns them.
        photograph: The photograph.
        guidance: As `read_guidance` returns it.
        options: How.

    Raises:
        InputError: Guidance that the system does not take, or lacks.

    Note:
        A trimap without unknown pixels is the matte itself; a warning in the log says so.
    """
    check_guidance(system, guidance)
    check_refine(guidance, options)
    if guidance.trimap is not None and not has_unknown(guidance.trimap):
        log.warning(
            "the trimap has no unknown pixel, so that it is the matte itself; mark hair and other "
            "soft edges with 128"
        )
        known = (guidance.trimap == 255).astype(np.float32)
        return Prediction(known, trimap=np.where(known == 1, 2, 0).astype(np.uint8))
    if guidance.clicks is not None and (engine := system.click_engine(models)) is not None:
        return _clicked(engine, photograph, guidance.clicks, guidance.mask)
    made = system.predict(models, [photograph.pixels], [guidance], options)[0]
    return made if guidance.given else refined(system, models, photograph, made, options)


def _clicked(
    engine: ClickEngine, photograph: Photograph, clicks: Clicks, mask: Alpha | None
) -> Prediction:
    """The matte after the clicks of a session that begins with a mask, or the automatic matte."""
    if mask is None:
        first = matte(photograph.pixels)
        alpha, colours = first.alpha.copy(), first.foreground.copy()
    else:
        alpha, colours = mask.copy(), photograph.pixels.copy()
    corrector = LocalCorrector(engine, photograph.pixels, refine_edges)
    count = 0
    for points in clicks.by_step():
        count += len(points)
        area, changed, behind = corrector.correct(alpha, clicks.first(count), points)
        alpha[area] = changed
        if behind is not None:
            colours[area] = behind
    return Prediction(alpha, colours)


def refined(
    system: System,
    models: Sequence[MattingModel],
    photograph: Photograph,
    made: Prediction,
    options: MatteOptions,
) -> Prediction:
    """An automatic prediction, refined as the options ask for."""
    model = refiner(system, models, options)
    return made if model is None else refine_matte(photograph.pixels, made, model, options)


def with_colours(photograph: Photograph, made: Prediction, options: MatteOptions) -> Matte:
    """The matte of a photograph, with the object's colours: predicted, or estimated."""
    colours, alpha = photograph.pixels, made.alpha
    if options.foreground is None and made.foreground is not None and options.refine != "fusion":
        colours = made.foreground
    elif options.foreground != "none":
        refine = options.refine == "fusion"
        colours, alpha = estimate_colours(colours, alpha, options.foreground or "blur", refine)
    trimap = regions(alpha) if made.trimap is None else made.trimap
    return Matte(alpha, colours, trimap, photograph.profile)


def regions(alpha: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Trimap (H, W) of an alpha: 0 where it is 0, 2 where it is 1, 1 in between."""
    return np.where(alpha <= 0, 0, np.where(alpha >= 1, 2, 1)).astype(np.uint8)


def check_models(
    model: Models, options: MatteOptions | None = None, guidance: Guidance = NO_GUIDANCE
) -> tuple[System, Sequence[MattingModel]]:
    """System and networks; for None, one of the package that takes the guidance.

    Raises:
        InputError: The sequence is empty, a network is in training mode, or they are of several
            systems or on several devices; or an option has no effect on the system.
    """
    if model is None:
        name = CLICKS if guidance.clicks is not None else GUIDED if guidance.given else None
        model = packaged_model(name)
    models: Sequence[MattingModel] = model if isinstance(model, Sequence) else [model]
    if not models:
        raise InputError("model=[] names no network; give one or more, of gfm.load_model(PATH)")
    if any(each.training for each in models):
        raise InputError("the model is in training mode; call model.eval() first")
    if len(devices := {str(each.device) for each in models}) > 1:
        raise InputError(f"the models are on {', '.join(sorted(devices))}; load all on one device")
    if len(names := {each.system for each in models}) > 1:
        raise InputError(f"the models are of the systems {', '.join(sorted(names))}; give one kind")
    system = get_system(models[0].system)
    system.check_models(models)
    if options is not None:
        system.check_options(options)
        if options.backpropagate:
            check_refinable(system, models)
    return system, models


def check_refinable(system: System, models: Sequence[MattingModel]) -> None:
    """Refuse backpropagating refinement of what has no decoder for it.

    Raises:
        InputError: With the systems whose networks have one.
    """
    if not system.refinable or any(isinstance(model, ExportedModel) for model in models):
        able = [name for name in SYSTEMS if get_system(name).refinable]
        what = f"a model of the system {system.name}" if not system.refinable else "an export"
        raise InputError(
            f"backpropagate: {what} has no decoder that can be refined; networks in PyTorch of "
            f"{', '.join(able)} have one"
        )
