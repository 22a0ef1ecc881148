"""Refinement of an automatic matte by a guided system, at the photograph's own size."""

from __future__ import annotations

import functools
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gfm.checkpoints.packaged import GUIDED, is_packaged
from gfm.guidance.bands import UNKNOWN, Trimap
from gfm.guidance.guidance import Guidance
from gfm.guidance.refinement import keep_extent, trimap_from_matte
from gfm.inference.loading import load_model, packaged_model
from gfm.models.contract import MattingModel, Prediction, System
from gfm.models.options import REFINEMENTS, MatteOptions
from gfm.models.registry import get_system
from gfm.runtimes.model import RUNTIMES
from rssn.imaging.errors import InputError

log = logging.getLogger("gfm")


def refiner(
    system: System, models: Sequence[MattingModel], options: MatteOptions
) -> MattingModel | None:
    """The guided model that refines what automatic models predict; None where none does.

    Args:
        system: Of the models.
        models: Those that predict.
        options: Of the call, whose `refine` decides.

    Raises:
        InputError: `refine` names no model, or one that takes no trimap.
    """
    if options.refine in ("none", "fusion"):
        return None
    name = options.refine
    if name == "auto":
        if not system.wants_refinement(models) or not is_packaged(GUIDED):
            return None
        name = GUIDED
    model = _loaded(name, _changed(name), str(models[0].device))
    if "trimap" not in get_system(model.system).guidance:
        raise InputError(
            f"refine={options.refine!r}: is a model of the system {model.system}, which takes no "
            "trimap; give 'guided' or the file of a model that does"
        )
    return model


def check_refine(guidance: Guidance, options: MatteOptions) -> None:
    """Refuse a model to refine with where the matte is not automatic.

    Raises:
        InputError: Guidance is given, and a model to refine with is named.
    """
    if guidance.given and options.refine not in REFINEMENTS:
        raise InputError(
            f"refine={options.refine!r} has no effect beside {guidance.given[0]}=, which is "
            "followed as it is; leave one of the two out"
        )


@functools.lru_cache(maxsize=2)
def _loaded(name: str, changed: float, device: str) -> MattingModel:
    del changed  # a file that is written again is read again
    return load_model(name, "auto" if Path(name).suffix in RUNTIMES else device)


def _changed(name: str) -> float:
    """Time of the last change of a file, in s; 0 if there is none."""
    path = Path(name)
    return path.stat().st_mtime if path.is_file() else 0.0


def refine(
    image: NDArray[np.uint8],
    automatic: Prediction,
    model: MattingModel,
    options: MatteOptions,
) -> Prediction:
    """Refine a matte where it is soft, and near its edges; whole parts stay as they are.

    Args:
        image: The photograph, uint8 RGB (H, W, 3).
        automatic: What an automatic system predicted for it.
        model: A network in eval mode whose system takes trimaps.
        options: Of the call; only its limit of memory applies.

    Returns:
        The refined matte with its colours, and the regions that the automatic system saw; the
        automatic prediction as it is where that has no edge.

    Raises:
        InputError: A limit of memory is too small.
    """
    system = get_system(model.system)
    trimap = trimap_from_matte(automatic.alpha, automatic.trimap)
    if not (trimap == UNKNOWN).any():
        log.warning("nothing to refine: the automatic matte has no edge")
        return automatic
    limits = MatteOptions(max_memory=options.max_memory)
    made = system.predict([model], [image], [Guidance(trimap=trimap)], limits)[0]
    keep_extent(automatic.alpha, made.alpha)
    return made._replace(trimap=automatic.trimap, classes=automatic.classes)


def refine_edges(image: NDArray[np.uint8], trimap: Trimap) -> Prediction:
    """The matte of a photograph or a part of one by the packaged guided model; known pixels stay.

    Args:
        image: uint8 RGB (H, W, 3).
        trimap: (H, W), 0 background, 255 foreground, all else unknown.
    """
    if not (trimap == UNKNOWN).any():
        return Prediction((trimap == 255).astype(np.float32))
    model = packaged_model(GUIDED)
    system = get_system(model.system)
    return system.predict([model], [image], [Guidance(trimap=trimap)], MatteOptions())[0]
