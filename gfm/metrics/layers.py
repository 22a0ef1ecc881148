"""Errors of the colours of a matte."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gfm.metrics.inputs import Floats
from rssn.imaging.errors import InputError


def layer_errors(
    pred: tuple[NDArray[Any], NDArray[Any]],
    true: tuple[NDArray[Any], NDArray[Any]],
    region: NDArray[np.bool_] | None = None,
) -> dict[str, float]:
    """Errors of alpha F and of F (FBA matting, section 4.3).

    Args:
        pred: Predicted alpha (H, W) and F (H, W, 3), floats in [0, 1] or uint8.
        true: The true ones, likewise.
        region: Where to count (H, W), e.g. the unknown pixels of a trimap; everywhere by default.

    Returns:
        `sad_alpha_f` and `sad_f` in thousands, `mse_alpha_f` and `mse_f`, means over the pixels of
        the region; 0 where it is empty. Errors are summed over the colours. F counts only where the
        true alpha is above 0, for it shows nowhere else.

    Raises:
        InputError: Shapes that differ.
    """
    alpha, front = (_unit(each) for each in pred)
    true_alpha, true_front = (_unit(each) for each in true)
    shape = true_alpha.shape
    for name, array in (("pred", front), ("true", true_front)):
        if alpha.shape != shape or array.shape != (*shape, 3):
            raise InputError(
                f"{name} has F of shape {array.shape}, and the mattes have {alpha.shape} and "
                f"{shape}; give F as (H, W, 3) and mattes as (H, W)"
            )
    inside = np.ones(shape, bool) if region is None else region
    composed = alpha[..., None] * front - true_alpha[..., None] * true_front
    return _errors(composed[inside], "alpha_f") | _errors(
        (front - true_front)[inside & (true_alpha > 0)], "f"
    )


def _errors(difference: Floats, name: str) -> dict[str, float]:
    """SAD in thousands and MSE of differences (pixels, 3)."""
    count = max(len(difference), 1)
    return {
        f"sad_{name}": float(np.abs(difference).sum()) / 1000,
        f"mse_{name}": float(np.square(difference).sum()) / count,
    }


def _unit(values: NDArray[Any]) -> Floats:
    array = np.asarray(values)
    scale = 255 if array.dtype == np.uint8 else 1
    return np.asarray(array, np.float64) / scale
