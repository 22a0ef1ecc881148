"""Steps of composing that the paper does not have; a route lists them in `more_steps`.

A step is a function in `MORE_STEPS`. It changes F and B after denoising, cropping and blurring,
before they are blended, so that the composite stays αF + (1 - α)B.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rssn.imaging.errors import InputError
from rssn.imaging.images import Alpha, Uint8Image

Options = Mapping[str, float]
Changed = tuple[Uint8Image, Uint8Image, dict[str, Any]]
# Takes F, alpha, B, a generator of its own, and options from 0 to 1 that have defaults. Returns F,
# B (new arrays where they change) and a record in the types of JSON.
Step = Callable[..., Changed]

_CONTRAST = (0.5, 2.0)  # range of the change of a channel's standard deviation


def harmonise(
    foreground: Uint8Image,
    alpha: Alpha,
    background: Uint8Image,
    rng: np.random.Generator,
    strength: float = 0.5,
) -> Changed:
    """Move the colours of F towards those of B, as if both stood in one light.

    After Reinhard, Ashikhmin, Gooch and Shirley, *Color transfer between images* (2001): mean and
    standard deviation of each channel of F become those of B, part of the way.

    Args:
        foreground: F, uint8 (H, W, 3).
        alpha: Matte, float32 (H, W) in [0, 1].
        background: B, uint8 (H, W, 3); not changed.
        rng: Source of the part of the way.
        strength: Largest part of the way; each sample draws from 0 to this.

    Note:
        In CIELAB, not in their color space. Standard deviations change by a factor of 2 at most;
        otherwise a plain background would take all contrast from F.
    """
    share = float(rng.uniform(0, strength))
    lab = _to_lab(foreground)
    mean, deviation = _moments(lab, alpha)
    aim, spread = _moments(_to_lab(background), 1 - alpha)
    contrast = (spread / np.maximum(deviation, 1e-3)).clip(*_CONTRAST)
    moved = (lab - mean) * (1 + share * (contrast - 1)) + mean + share * (aim - mean)
    rgb = cv2.cvtColor(moved.astype(np.float32), cv2.COLOR_LAB2RGB)
    return np.rint((rgb * 255).clip(0, 255)).astype(np.uint8), background, {"share": share}


MORE_STEPS: dict[str, Step] = {
    # In this order, and each draws from the stream of its place: append others at the end, or
    # builds change their bytes.
    "harmonise": harmonise,
}


def complete_options(more_steps: object) -> dict[str, dict[str, float]]:
    """Options of the steps of a route, checked, with defaults for those not given."""
    if not isinstance(more_steps, dict) or not more_steps.keys() <= MORE_STEPS.keys():
        raise InputError(
            f"more_steps={more_steps!r} is not allowed; give a mapping of options by the name of "
            f"the step, of {sorted(MORE_STEPS)}"
        )
    completed = {}
    for name in (name for name in MORE_STEPS if name in more_steps):
        options = {"probability": 0.5}
        options |= {
            parameter.name: parameter.default
            for parameter in signature(MORE_STEPS[name]).parameters.values()
            if parameter.default is not parameter.empty
        }
        given = {} if more_steps[name] is None else more_steps[name]  # a YAML key without a value
        if not isinstance(given, dict) or not given.keys() <= options.keys():
            raise InputError(
                f"more_steps.{name}={given!r} is not allowed; its options are {list(options)}"
            )
        for option, value in given.items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
                raise InputError(
                    f"more_steps.{name}.{option}={value!r} is not allowed; give 0 to 1"
                )
        completed[name] = {**options, **given}
    return completed


def apply_steps(
    foreground: Uint8Image,
    alpha: Alpha,
    background: Uint8Image,
    more_steps: Mapping[str, Options],
    rng: np.random.Generator,
) -> Changed:
    """Apply the steps of a route to F, alpha and B, each with its probability.

    Nothing is drawn from `rng`, the parent of the generator of each step. Returns F, B, and the
    records of the applied steps by name.
    """
    record: dict[str, Any] = {}
    # One for each step there is, so that a step draws the same whatever others a route has.
    generators = rng.spawn(len(MORE_STEPS)) if more_steps else ()
    for (name, step), own in zip(MORE_STEPS.items(), generators, strict=False):
        if name in more_steps:
            options = dict(more_steps[name])
            if own.random() < options.pop("probability"):
                foreground, background, record[name] = step(
                    foreground, alpha, background, own, **options
                )
    return foreground, background, record


def _moments(lab: NDArray[Any], weight: Alpha) -> tuple[NDArray[Any], NDArray[Any]]:
    """Mean and standard deviation of each channel of (H, W, 3), weighted by (H, W)."""
    share = (weight if weight.any() else np.ones_like(weight)).astype(np.float64)
    share /= share.sum()
    mean = np.tensordot(share, lab, 2)
    return mean, np.sqrt(np.tensordot(share, (lab - mean) ** 2, 2))


def _to_lab(image: Uint8Image) -> NDArray[Any]:
    return cv2.cvtColor(np.float32(1 / 255) * image, cv2.COLOR_RGB2LAB)
