"""Losses of the light click network."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from gfm.losses.clicks import soft_iou_loss

CLICKED = 4.0  # further weight of the error at the clicks
LEAST = 1e-4


def losses(logits: Tensor, alpha: Tensor, near: Tensor) -> dict[str, Tensor]:
    """The terms on a batch, and `total`.

    Args:
        logits: (B, 1, H, W), float32.
        alpha: True matte (B, 1, H, W).
        near: 1 at the clicks, less around them (B, 1, H, W).
    """
    made = logits.sigmoid()
    error = (made - alpha).abs()
    crossed = functional.binary_cross_entropy_with_logits(logits, alpha, reduction="none")
    hard = error.detach() + LEAST  # normalised focal loss (Sofiiuk et al. 2019, section 3.4)
    focal = (crossed * hard).flatten(1).sum(1) / hard.flatten(1).sum(1)
    terms = {
        "iou": soft_iou_loss(made, alpha),
        "focal": focal.mean(),
        "alpha": (error * (1 + CLICKED * near)).mean(),
    }
    terms["total"] = torch.stack([terms["iou"], 0.5 * terms["focal"], terms["alpha"]]).sum()
    return terms
