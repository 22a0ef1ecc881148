"""Checking of what the metrics are given, and its conversion to one form."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from rssn.imaging.errors import InputError, check_choice

Convention = Literal["gfm", "dim", "lsa"]
Floats = NDArray[np.float64]

BACKGROUND, TRANSITION, FOREGROUND = 0, 1, 2
LEVELS = (0, 128, 255)  # of these in files


def as_mattes(
    pred: NDArray[Any], alpha: NDArray[Any], convention: Convention
) -> tuple[Floats, Floats]:
    """The prediction and the true matte as float64 (H, W) in [0, 1], as the convention takes them.

    Args:
        pred: Predicted matte (H, W), float in [0, 1] or uint8.
        alpha: True matte, likewise.
        convention: `dim` rounds both to the nearest 8-bit level.

    Raises:
        InputError: An unknown convention, or arrays whose kind, shape or values do not fit.
    """
    check_choice("convention", convention, get_args(Convention))
    mattes = _unit("pred", pred), _unit("alpha", alpha)
    if mattes[0].shape != mattes[1].shape:
        raise InputError(
            f"pred is {_size(mattes[0])} and alpha {_size(mattes[1])} pixels; "
            "resize the prediction to the matte"
        )
    if convention == "dim":
        return _nearest_level(mattes[0]), _nearest_level(mattes[1])
    return mattes


def as_trimap(
    trimap: NDArray[Any], shape: tuple[int, ...], name: str = "trimap"
) -> NDArray[np.integer]:
    """The trimap as integers 0, 1 and 2, given as those or as the levels 0, 128 and 255 of a file.

    Raises:
        InputError: Another kind of number, shape or value.
    """
    labels = np.asarray(trimap)
    if labels.dtype.kind not in "iu":
        raise InputError(
            f"{name} holds {labels.dtype}; give integers 0 background, 1 transition, 2 foreground"
        )
    if labels.shape != shape:
        raise InputError(
            f"{name} has shape {labels.shape}, not {shape}; give one label for each pixel"
        )
    if labels.min() >= BACKGROUND and labels.max() <= FOREGROUND:
        return labels
    if not np.isin(labels, LEVELS).all():
        raise InputError(
            f"{name} holds values from {labels.min()} to {labels.max()}; wanted 0 background, "
            "1 transition, 2 foreground, or the levels 0, 128, 255"
        )
    return np.searchsorted(LEVELS, labels)


def _unit(name: str, values: NDArray[Any]) -> Floats:
    """A matte as float64 in [0, 1]; levels of an 8-bit file are restored to the exact k / 255.

    Rounded to float32, a level is off by 1e-8: enough to fall on the other side of a threshold.
    """
    matte = np.asarray(values)
    if matte.ndim != 2 or matte.size == 0:
        raise InputError(
            f"{name} has shape {matte.shape}; give one matte (H, W) of at least a pixel"
        )
    if matte.dtype == np.uint8:
        return _from_levels(matte)
    if matte.dtype.kind != "f":
        raise InputError(f"{name} holds {matte.dtype}; give floats in [0, 1] or uint8")
    low, high = matte.min(), matte.max()
    if not (low >= 0 and high <= 1):  # a NaN fails both
        raise InputError(
            f"{name} holds values from {low:g} to {high:g}; give floats in [0, 1] or uint8 "
            "(clip what a network overshoots)"
        )
    unit: Floats = matte.astype(np.float64)
    nearest = _nearest_level(unit)
    return np.where(np.abs(unit - nearest) < 1e-6, nearest, unit)


def _nearest_level(matte: Floats) -> Floats:
    return _from_levels(np.rint(matte * 255))


def _from_levels(levels: NDArray[Any]) -> Floats:
    unit: Floats = levels.astype(np.float64) / 255
    return unit


def _size(matte: Floats) -> str:
    return f"{matte.shape[1]}x{matte.shape[0]}"
