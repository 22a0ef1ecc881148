"""Collaborative matting of finished maps: `gfm.models.glance_focus.fusion` on arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gfm.models.glance_focus.config import SingleRosta


def most_probable(scores: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The class (H, W) with the greatest score of (C, H, W); the first of equal ones.

    Note:
        `argmax` takes several times as long over so few classes.
    """
    best, winner = scores[0], np.zeros(scores.shape[1:], np.uint8)
    for label in range(1, len(scores)):
        winner[scores[label] > best] = label
        best = np.maximum(best, scores[label])
    return winner


def fuse(
    winner: NDArray[np.uint8], focus: NDArray[np.float32], rosta: SingleRosta
) -> NDArray[np.float32]:
    """Fuse by the most probable class (paper, section 3.5).

    Args:
        winner: Classes (H, W), background first.
        focus: Fractional part (H, W) in [0, 1].
        rosta: The representation.

    Returns:
        The matte (H, W) in [0, 1].
    """
    if rosta == "TT":
        alpha = np.where(winner == 1, focus, np.float32(0))
        alpha[winner == 2] = 1
        return alpha
    inside = winner.astype(np.float32)
    return (inside + focus if rosta == "FT" else inside - focus).clip(0, 1)
