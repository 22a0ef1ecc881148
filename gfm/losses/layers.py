"""Losses of alpha, foreground and background (FBA matting, table 1).

All sum over the channels, and take the same region and reduction as `reduce_region`.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional

from gfm.blocks.precision import wide
from gfm.losses.regions import RegionReduction, check_maps, reduce_region
from rssn.imaging.errors import check_choice

Exclusion = Literal["elementwise", "norms"]


def l1_loss(
    pred: Tensor,
    target: Tensor,
    region: Tensor | None = None,
    reduction: RegionReduction = "mean",
) -> Tensor:
    """Absolute difference: of alpha L1, of the colours their part of LFB1.

    Args:
        pred: Predicted map (B, C, H, W).
        target: True map, of the same shape.
        region: Where to count, 0 or 1 (B, 1, H, W); everywhere by default.
        reduction: `mean` or `sum`.
    """
    check_maps(pred, target, region)
    return reduce_region((wide(pred) - wide(target)).abs(), region, reduction)


def recomposition_loss(
    image: Tensor,
    alpha: Tensor,
    foreground: Tensor,
    background: Tensor,
    region: Tensor | None = None,
    reduction: RegionReduction = "mean",
) -> Tensor:
    """Absolute residual C - alpha F - (1 - alpha) B.

    Of the predicted alpha and the true colours it is Lc of alpha, of the true alpha and the
    predicted colours LFBc.

    Args:
        image: C, RGB (B, 3, H, W) in [0, 1].
        alpha: Matte (B, 1, H, W).
        foreground: F (B, 3, H, W).
        background: B (B, 3, H, W).
        region: Where to count, 0 or 1 (B, 1, H, W); everywhere by default.
        reduction: `mean` or `sum`.
    """
    alpha = wide(alpha)
    composite = alpha * wide(foreground) + (1 - alpha) * wide(background)
    return l1_loss(composite, image, region, reduction)


def gradient_loss(
    pred: Tensor,
    target: Tensor,
    region: Tensor | None = None,
    reduction: RegionReduction = "mean",
) -> Tensor:
    """L1 distance of the gradients of two maps.

    Args:
        pred: Predicted map (B, C, H, W).
        target: True map, of the same shape.
        region: Where to count, 0 or 1 (B, 1, H, W); everywhere by default.
        reduction: `mean` or `sum`.

    Note:
        The paper does not say which differences; these are forward ones.
    """
    check_maps(pred, target, region)
    across, down = differences(wide(pred) - wide(target))
    return reduce_region(across.abs() + down.abs(), region, reduction)


def exclusion_loss(
    foreground: Tensor,
    background: Tensor,
    region: Tensor | None = None,
    reduction: RegionReduction = "mean",
    form: Exclusion = "elementwise",
) -> Tensor:
    """Edges that appear in both F and B.

    Args:
        foreground: Predicted F (B, 3, H, W).
        background: Predicted B, likewise.
        region: Where to count, 0 or 1 (B, 1, H, W); everywhere by default.
        reduction: `mean` or `sum`.
        form: `elementwise` is `|dx F| |dx B| + |dy F| |dy B|`, channel by channel, which the author
            prefers; `norms` multiplies the L1 norms of both gradients, as printed.
    """
    check_choice("form", form, get_args(Exclusion))
    check_maps(foreground, background, region)
    front = [each.abs() for each in differences(wide(foreground))]
    back = [each.abs() for each in differences(wide(background))]
    if form == "elementwise":
        return reduce_region(front[0] * back[0] + front[1] * back[1], region, reduction)
    norms = [(across + down).sum(dim=1, keepdim=True) for across, down in (front, back)]
    return reduce_region(norms[0] * norms[1], region, reduction)


def differences(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Forward differences along x and y (B, C, H, W); 0 in the last column or row."""
    across = functional.pad(torch.diff(maps, dim=-1), (0, 1, 0, 0))
    down = functional.pad(torch.diff(maps, dim=-2), (0, 0, 0, 1))
    return across, down
