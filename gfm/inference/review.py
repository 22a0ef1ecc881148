"""Automatic mattes with the doubt about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gfm.guidance.guidance import Guidance
from gfm.inference.doubt import Doubt, doubt_of
from gfm.inference.guidance import NO_GUIDANCE, check_guidance
from gfm.inference.matting import refined
from gfm.models.contract import MattingModel, Prediction, System
from gfm.models.options import MatteOptions
from rssn.imaging.errors import InputError
from rssn.imaging.photographs import Photograph


def predict_reviewed(
    system: System,
    models: Sequence[MattingModel],
    photograph: Photograph,
    guidance: Guidance,
    options: MatteOptions,
) -> tuple[Prediction, Doubt]:
    """The prediction for a photograph as `gfm.inference.matting.predict` makes it, and its doubt.

    The network sees the mirror image once more, which costs less than a second matte: in one view,
    and without refinement.

    Args:
        system: Of the models.
        models: As `check_models` returns them.
        photograph: The photograph.
        guidance: None may be given.
        options: How.

    Raises:
        InputError: Guidance is given, or the system does not tell how sure it is.
    """
    if guidance.given:
        raise InputError(
            f"a matte by {guidance.given[0]} is not reviewed; leave the review or the guidance out"
        )
    check_guidance(system, guidance)
    (automatic,) = system.predict(models, [photograph.pixels], [NO_GUIDANCE], options)
    if automatic.classes is None:
        raise InputError(
            f"a model of the system {system.name} does not tell how sure it is; review mattes of "
            "glance_focus"
        )
    turned = np.ascontiguousarray(photograph.pixels[:, ::-1])
    once = replace(options, augmentation="none")
    (mirrored,) = system.predict(models, [turned], [NO_GUIDANCE], once)
    made = refined(system, models, photograph, automatic, options)
    return made, doubt_of(made.alpha, automatic, mirrored.alpha[:, ::-1])
