"""Classes of pixels and what becomes of them in a matte."""

from __future__ import annotations

import torch
from torch import Tensor


def fuse_transition(scores: Tensor, alpha: Tensor) -> Tensor:
    """A matte (B, 1, H, W): 0 in the background, 1 in the foreground, `alpha` in between.

    Args:
        scores: Of background, transition and foreground (B, 3, H, W); logits or probabilities.
        alpha: (B, 1, H, W) in [0, 1].
    """
    winner = most_probable(scores)
    return (winner == 2).to(alpha.dtype) + (winner == 1).to(alpha.dtype) * alpha


def most_probable(scores: Tensor) -> Tensor:
    """The class with the greatest score, (B, 1, H, W) uint8, of scores (B, C, H, W).

    Note:
        The first of equal ones, as `argmax` has it, which takes ten times longer over so few
        channels.
    """
    best = scores[:, :1]
    winner = torch.zeros_like(best, dtype=torch.uint8)
    for index in range(1, scores.shape[1]):
        score = scores[:, index : index + 1]
        winner = torch.where(score > best, index, winner)
        best = torch.maximum(best, score)
    return winner
