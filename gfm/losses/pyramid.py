"""Laplacian loss on a decimated pyramid (Hou and Liu 2019; FBA matting, table 1)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from gfm.blocks.precision import wide
from gfm.losses.regions import RegionReduction, check_maps, reduce_region
from rssn.imaging.errors import InputError

LEVELS = 5
REACH = 2  # of the 5x5 binomial kernel


def pyramid_loss(
    pred: Tensor,
    target: Tensor,
    region: Tensor | None = None,
    levels: int = LEVELS,
    reduction: RegionReduction = "mean",
) -> Tensor:
    """L1 distance of two Laplacian pyramids, level s weighted by 2^(s-1).

    Args:
        pred: Predicted map (B, C, H, W).
        target: True map, of the same shape.
        region: Where to count, 0 or 1 (B, 1, H, W); everywhere by default. Each level takes every
            second pixel of that before it.
        levels: Number of levels, without a residual.
        reduction: As of `reduce_region`, for each level.

    Raises:
        InputError: Shapes that differ, or sides too short for the levels.

    Note:
        GFM's `laplacian_loss` does not decimate before the difference, does not weight its levels,
        and adds the residual.
    """
    check_maps(pred, target, region)
    # The pyramid is linear: that of the difference is the difference of the two.
    loss = pred.new_zeros((), dtype=torch.promote_types(pred.dtype, torch.float32))
    for number, level in enumerate(laplacian_pyramid(wide(pred) - wide(target), levels)):
        loss = loss + 2**number * reduce_region(level.abs(), region, reduction)
        region = None if region is None else region[..., ::2, ::2]
    return loss


def laplacian_pyramid(maps: Tensor, levels: int = LEVELS) -> list[Tensor]:
    """Levels x - up(down(x)) of maps (B, C, H, W), finest first, without the residual.

    `down` blurs with the 5x5 binomial kernel, borders reflected, and takes every second pixel; `up`
    puts zeros between the pixels and blurs with four times the kernel.

    Raises:
        InputError: Sides too short for the levels.
    """
    least = REACH * 2 ** (levels - 1) + 1
    if min(maps.shape[-2:]) < least:
        raise InputError(
            f"maps have shape {tuple(maps.shape)}; {levels} levels take sides from {least} px on"
        )
    result = []
    for _ in range(levels):
        down = binomial_blur(maps)[..., ::2, ::2]
        spread = torch.zeros_like(maps)
        spread[..., ::2, ::2] = down
        result.append(maps - 4 * binomial_blur(spread))
        maps = down
    return result


def binomial_blur(maps: Tensor) -> Tensor:
    """Maps (B, C, H, W) blurred by [1 4 6 4 1] along both axes, borders reflected.

    Note:
        Sums of shifted maps: on a CPU the backward pass of a convolution of single channels takes
        14 times as long.
    """
    padded = functional.pad(maps, (REACH,) * 4, mode="reflect")
    return _binomial(_binomial(padded, -1), -2)


def _binomial(maps: Tensor, axis: int) -> Tensor:
    length = maps.shape[axis] - 2 * REACH
    parts = [maps.narrow(axis, shift, length) for shift in range(2 * REACH + 1)]
    return (parts[0] + parts[4] + 4 * (parts[1] + parts[3]) + 6 * parts[2]) / 16
