"""From a route's `more_steps` to what they do to a sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from rssn.imaging.errors import InputError
from rssn.imaging.images import Alpha, Uint8Image
from rssn.route.steps import MORE_STEPS, Step


def make_steps(more_steps: object) -> dict[str, Step]:
    """Steps from their names and options.

    Raises:
        InputError: There is no such step, or an option or a value that it does not have.
    """
    if not isinstance(more_steps, dict) or not more_steps.keys() <= MORE_STEPS.keys():
        raise InputError(
            f"more_steps={more_steps!r} is not allowed; give a mapping of options by the name of "
            f"the step, of {sorted(MORE_STEPS)}"
        )
    return {name: _make_step(name, more_steps[name]) for name in MORE_STEPS if name in more_steps}


def _make_step(name: str, given: object) -> Step:
    kind = MORE_STEPS[name]
    allowed = [option.name for option in fields(kind)]
    options = {} if given is None else given  # as YAML gives a name that nothing follows
    if not isinstance(options, dict) or not options.keys() <= set(allowed):
        raise InputError(f"more_steps.{name}={given!r} is not allowed; its options are {allowed}")
    try:
        return kind(**options)
    except InputError as error:
        raise InputError(f"more_steps.{name}.{error}") from None


def apply_steps(
    foreground: Uint8Image,
    alpha: Alpha,
    background: Uint8Image,
    more_steps: Mapping[str, Mapping[str, Any]],
    rng: np.random.Generator,
) -> tuple[Uint8Image, Uint8Image, dict[str, Any]]:
    """Let the steps happen that a route has beside the paper's, each with its probability.

    Args:
        foreground: F, uint8 (H, W, 3).
        alpha: Matte, float32 (H, W) in [0, 1].
        background: B, uint8 (H, W, 3).
        more_steps: The steps' options by their names.
        rng: Where the generator of each step comes from; nothing is drawn from it.

    Returns:
        F, B, and the records of the steps that happened, by their names.
    """
    steps = make_steps(more_steps)
    record: dict[str, Any] = {}
    # One for each step there is, so that a step draws the same whatever others a route has.
    generators = rng.spawn(len(MORE_STEPS)) if steps else ()
    for name, own in zip(MORE_STEPS, generators, strict=False):
        if name in steps and own.random() < steps[name].probability:
            foreground, background, record[name] = steps[name].apply(
                foreground, alpha, background, own
            )
    return foreground, background, record
