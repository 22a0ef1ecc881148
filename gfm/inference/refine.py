"""Refinement of an automatic matte by a guided system, at the photograph's own size."""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray

from gfm.guidance.bands import UNKNOWN
from gfm.guidance.refinement import trimap_from_matte
from gfm.models.contract import Guidance, MattingModel, Prediction
from gfm.models.options import MatteOptions
from gfm.models.registry import get_system
from rssn.imaging.errors import InputError

log = logging.getLogger("gfm")


def refine(
    image: NDArray[np.uint8],
    automatic: Prediction,
    model: MattingModel,
    options: MatteOptions | None = None,
) -> Prediction:
    """Refine a matte where it is soft, and near its edges.

    Args:
        image: The photograph, uint8 RGB (H, W, 3).
        automatic: What an automatic system predicted for it.
        model: A network in eval mode whose system takes trimaps.
        options: As for that system; those of the automatic one do not apply.

    Returns:
        The refined matte with its colours, and the regions that the automatic system saw; the
        automatic prediction as it is where that has no edge.

    Raises:
        InputError: The system takes no trimap, or a limit of memory is too small.
    """
    system = get_system(model.system)
    if "trimap" not in system.guidance:
        raise InputError(
            f"refine: a model of the system {system.name} takes no trimap; give one that does, "
            "such as 'guided'"
        )
    trimap = trimap_from_matte(automatic.alpha, automatic.trimap)
    if not (trimap == UNKNOWN).any():
        log.warning("nothing to refine: the automatic matte has no edge")
        return automatic
    limits = MatteOptions(max_memory=None if options is None else options.max_memory)
    made = system.predict([model], [image], [Guidance(trimap=trimap)], limits)[0]
    return made._replace(trimap=automatic.trimap)
