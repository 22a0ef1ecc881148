"""Losses of segmentation by clicks (Forte's thesis, equation 3.1)."""

from __future__ import annotations

from torch import Tensor

from gfm.blocks.precision import wide
from rssn.imaging.errors import InputError

EPSILON = 1e-6


def soft_iou_loss(pred: Tensor, target: Tensor) -> Tensor:
    """One minus the soft intersection over union: 1 - Σ α·α̂ / Σ max(α, α̂), mean over the batch.

    Args:
        pred: Predicted matte (B, 1, H, W) in [0, 1].
        target: True matte, of the same shape.

    Raises:
        InputError: Shapes that differ.
    """
    _check_shape(pred, target)
    pred, target = wide(pred).flatten(1), wide(target).flatten(1)
    union = pred.maximum(target).sum(dim=1).clamp(min=EPSILON)
    return 1 - ((pred * target).sum(dim=1) / union).mean()


def click_loss(pred: Tensor, masks: Tensor) -> Tensor:
    """Squared errors at the clicked pixels, summed over the clicks; mean over the batch.

    Args:
        pred: Predicted matte (B, 1, H, W) in [0, 1].
        masks: Clicked pixels (B, 2, H, W), 0 or 1: background, object.

    Raises:
        InputError: Shapes that differ.
    """
    _check_shape(pred.expand(-1, 2, -1, -1), masks)
    pred, masks = wide(pred), wide(masks)
    background, foreground = masks[:, :1], masks[:, 1:]
    errors = background * pred.square() + foreground * (1 - pred).square()
    return errors.flatten(1).sum(dim=1).mean()


def _check_shape(pred: Tensor, target: Tensor) -> None:
    if pred.shape != target.shape:
        raise InputError(f"target has shape {tuple(target.shape)}; wanted {tuple(pred.shape)}")
