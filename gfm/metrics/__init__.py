"""Matting metrics in three conventions of the literature, which must not be mixed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gfm.metrics.connectivity import connectivity_error
from gfm.metrics.gradient import gradient_error
from gfm.metrics.inputs import (
    BACKGROUND,
    FOREGROUND,
    TRANSITION,
    Convention,
    Floats,
    as_mattes,
    as_trimap,
)
from rssn.imaging.errors import InputError

__all__ = [
    "METRICS",
    "Convention",
    "Metric",
    "connectivity_error",
    "evaluate",
    "gradient_error",
]


def evaluate(
    pred: NDArray[Any],
    alpha: NDArray[Any],
    trimap: NDArray[Any] | None = None,
    convention: Convention = "gfm",
) -> dict[str, float]:
    """Compare a predicted matte with the true one.

    `gfm` is the released evaluation of GFM (paper, section 5.2.1): every metric on the
    whole image, and the absolute errors on the three regions of the trimap as well. `dim` is the
    MATLAB evaluation of Deep Image Matting (Xu et al., 2017): both mattes rounded to 8 bits, each
    metric in the transition region and on the whole image. Grad differs between the two by a
    constant of about 1.04, Conn by the region and by the 8 bits. `lsa` is the released evaluation
    of LSA matting: known pixels are right by definition, the squared error is a mean over the
    unknown ones, and the kernel of Grad is smaller.

    Args:
        pred: Predicted matte (H, W), float in [0, 1] or uint8.
        alpha: True matte (H, W), float in [0, 1] or uint8.
        trimap: Integers (H, W): 0 background, 1 transition, 2 foreground; or 0, 128 and 255. `lsa`
            needs one.
        convention: `gfm`, `dim` or `lsa`.

    Returns:
        `sad` (thousands), `mse` and `mad` (means, of values in [0, 1]), `grad` and `conn`
        (thousands) on the whole image. With a trimap `gfm` adds `sad_transition`,
        `mse_transition`, `mad_transition`, `sad_fg` and `sad_bg`; `dim` adds `sad_transition`,
        `mse_transition`, `grad_transition` and `conn_transition`. `lsa` has `sad`, `mse`, `grad`
        and `conn` alone, the last two over the transition region. In a region without a pixel sums
        and means are 0.

    Raises:
        InputError: An unknown convention, a missing trimap, or arrays whose kind, shape or values
            do not fit.

    Example:
        >>> alpha = np.zeros((10, 10))
        >>> errors = evaluate(alpha + 0.5, alpha)
        >>> errors["sad"], errors["mse"]  # thousands of pixels, and a mean
        (0.05, 0.25)
    """
    pred, alpha = as_mattes(pred, alpha, convention)
    regions = None if trimap is None else as_trimap(trimap, alpha.shape)
    if convention == "lsa":
        return _evaluate_unknown(pred, alpha, regions)
    maps = {name: metric.errors(pred, alpha, convention) for name, metric in METRICS.items()}
    metrics = {name: METRICS[name].reduce(errors) for name, errors in maps.items()}
    if regions is not None:
        for key, name, label in _REGION_KEYS[convention]:
            metrics[key] = METRICS[name].reduce(maps[name][regions == label])
    return metrics


def _evaluate_unknown(
    pred: Floats, alpha: Floats, regions: NDArray[np.integer] | None
) -> dict[str, float]:
    """The metrics of `lsa`."""
    if regions is None:
        raise InputError("convention='lsa' measures where the trimap is unknown; give a trimap")
    pred = np.select([regions == BACKGROUND, regions == FOREGROUND], [0.0, 1.0], pred)
    unknown = regions == TRANSITION
    squared = float(np.square(pred - alpha).sum())
    return {
        "sad": _thousands(np.abs(pred - alpha)),
        "mse": squared / max(int(unknown.sum()), 1),
        "grad": _thousands(gradient_error(pred, alpha, "lsa")[unknown]),
        "conn": _thousands(connectivity_error(pred, alpha, "lsa")[unknown]),
    }


@dataclass(frozen=True)
class Metric:
    """One figure of how far a matte is from the true one.

    Attributes:
        errors: From the predicted and the true matte (H, W) and the convention, the error of each
            pixel, (H, W).
        reduce: From the errors of any region to the figure.
    """

    errors: Callable[[Floats, Floats, Convention], Floats]
    reduce: Callable[[Floats], float]


def _absolute(pred: Floats, alpha: Floats, convention: Convention) -> Floats:
    return np.abs(pred - alpha)


def _squared(pred: Floats, alpha: Floats, convention: Convention) -> Floats:
    return np.square(pred - alpha)


def _thousands(values: Floats) -> float:
    return float(values.sum()) / 1000


def _mean(values: Floats) -> float:
    return float(values.mean()) if values.size else 0.0


METRICS: dict[str, Metric] = {
    "sad": Metric(_absolute, _thousands),
    "mse": Metric(_squared, _mean),
    "mad": Metric(_absolute, _mean),
    "grad": Metric(gradient_error, _thousands),
    "conn": Metric(connectivity_error, _thousands),
}
# Further keys of a convention: the key, the metric, the label of the region.
_REGION_KEYS: dict[str, tuple[tuple[str, str, int], ...]] = {
    "gfm": (
        ("sad_transition", "sad", TRANSITION),
        ("mse_transition", "mse", TRANSITION),
        ("mad_transition", "mad", TRANSITION),
        ("sad_fg", "sad", FOREGROUND),
        ("sad_bg", "sad", BACKGROUND),
    ),
    "dim": (
        ("sad_transition", "sad", TRANSITION),
        ("mse_transition", "mse", TRANSITION),
        ("grad_transition", "grad", TRANSITION),
        ("conn_transition", "conn", TRANSITION),
    ),
}
