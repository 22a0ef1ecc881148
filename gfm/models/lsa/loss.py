"""Loss of LSA matting: Charbonnier's over a pyramid of averages (paper, section 3)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

LEVELS = 5
SMOOTHING = 1e-6  # ε²; the paper gives none, the released code this


def pyramid_loss(raw: Tensor, alpha: Tensor, unknown: Tensor) -> Tensor:
    """Σ_l 2^-l Σ w_l sqrt(P_l(d)² + ε²) / (Σ w_l + 1), over the whole batch.

    Args:
        raw: Predicted alpha (B, 1, H, W), not clamped, H and W at least 16.
        alpha: True alpha, likewise, in [0, 1].
        unknown: The weights w_0: 1 where the trimap is unknown, 0 elsewhere.

    Returns:
        A scalar.

    Note:
        A prediction beyond an extreme true value has no error of its own (released code; the paper
        does not mention it). At coarser levels the errors of its neighbours still reach it.
    """
    over = ((alpha > 0.999) & (raw > 1)) | ((alpha < 0.001) & (raw < 0))
    difference = raw - torch.where(over, raw.detach(), alpha)
    weights, loss = unknown, raw.new_zeros(())
    for level in range(LEVELS):
        if level:
            difference = functional.avg_pool2d(difference, 2)
            weights = functional.avg_pool2d(weights, 2)
        errors = torch.sqrt(difference.square() + SMOOTHING)
        loss = loss + 0.5**level * (weights * errors).sum() / (weights.sum() + 1)
    return loss
