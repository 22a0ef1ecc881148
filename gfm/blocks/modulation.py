"""Modulation: what a caller does to the features between the blocks of a decoder."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

# Given the power of two of a block's stride and its output (B, C, H, W), what the next block sees.
Modulate = Callable[[int, Tensor], Tensor]
FINEST = 2  # power of the finest block that is modulated, at stride 4


def modulated(modulate: Modulate | None, power: int, features: Tensor) -> Tensor:
    """The features that follow a block at stride 2^power."""
    if modulate is None or power < FINEST:
        return features
    return modulate(power, features)
