"""Reduction of the maps of a loss over a region."""

from __future__ import annotations

from typing import Literal, get_args

from torch import Tensor

from rssn.imaging.errors import InputError, check_choice

RegionReduction = Literal["mean", "sum"]


def reduce_region(
    values: Tensor, region: Tensor | None = None, reduction: RegionReduction = "mean"
) -> Tensor:
    """Sum over channels and a region, or this sum per pixel of the region.

    Args:
        values: (B, C, H, W).
        region: Where to count, 0 or 1 (B, 1, H, W); everywhere by default.
        reduction: `mean` divides by the number of pixels of the region in the whole batch; `sum`
            does not. An empty region gives 0.
    """
    check_choice("reduction", reduction, get_args(RegionReduction))
    if region is None:
        total, count = values.sum(), values[:, 0].numel()
        return total / count if reduction == "mean" else total
    total = (values * region).sum()
    return total / region.sum(dtype=total.dtype).clamp(min=1) if reduction == "mean" else total


def check_maps(pred: Tensor, target: Tensor, region: Tensor | None = None) -> None:
    """Raise `InputError` unless both maps are (B, C, H, W) and the region (B, 1, H, W)."""
    if pred.ndim != 4 or pred.shape != target.shape:
        raise InputError(
            f"pred has shape {tuple(pred.shape)} and target {tuple(target.shape)}; give both as "
            "(B, C, H, W)"
        )
    wanted = (pred.shape[0], 1, *pred.shape[2:])
    if region is not None and tuple(region.shape) != wanted:
        raise InputError(f"region has shape {tuple(region.shape)}; wanted {wanted}")
