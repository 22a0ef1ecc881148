"""The single losses (paper, equations 2 to 7).

They reduce alike, but for the Laplacian loss, which says how it differs. `mean` divides the sum by
the number of pixels, or, with a region, by the number of its pixels in the whole batch plus 1, as
released, so that an empty region gives nearly 0; `none` does the same for each sample, (B,); `sum`
does not divide. All compute in float32 at least, also under autocast.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional

from gfm.blocks.precision import wide
from gfm.losses.blur import blur
from rssn.imaging.errors import InputError, check_choice

Reduction = Literal["mean", "sum", "none"]

EPSILON = 1e-6
LEVELS = 5


def cross_entropy(
    logits: Tensor, target: Tensor, region: Tensor | None = None, reduction: Reduction = "mean"
) -> Tensor:
    """Cross-entropy of the glance (equation 2), taken from its logits.

    Args:
        logits: Class logits (B, C, H, W), before softmax or sigmoid.
        target: Class of each pixel (B, H, W), int64 in 0..C-1.
        region: Where to count, 0 or 1 (B, 1, H, W); everywhere by default.
        reduction: `mean`, `sum`, or `none` for one value a sample.

    Raises:
        InputError: Shapes that differ, or a target of another type than int64.

    Note:
        The released code passes probabilities in place of logits, which bounds the loss from below
        by 0.551 for three classes and 0.313 for two.
    """
    batch, _, height, width = _shape("logits", logits)
    _check_shape("target", target, (batch, height, width))
    if target.dtype != torch.int64:
        raise InputError(f"target holds {target.dtype}; give class indices: target.long()")
    loss = functional.cross_entropy(wide(logits), target, reduction="none")[:, None]
    _check_region(region, logits)
    return _reduce(loss if region is None else loss * region, region, reduction)


def charbonnier_loss(
    pred: Tensor, target: Tensor, region: Tensor | None = None, reduction: Reduction = "mean"
) -> Tensor:
    """Alpha-prediction loss (equation 4): sqrt(d^2 + 1e-12) of the difference d.

    Args:
        pred: Predicted matte (B, 1, H, W) in [0, 1], or a map of several channels.
        target: True matte, of the same shape.
        region: Where to count, 0 or 1 (B, 1, H, W); everywhere by default.
        reduction: `mean`, `sum`, or `none` for one value a sample.

    Raises:
        InputError: Shapes that differ.
    """
    difference = _difference(pred, target, region)
    return _reduce(_smooth_magnitude(difference, EPSILON), region, reduction)


def laplacian_loss(
    pred: Tensor,
    target: Tensor,
    region: Tensor | None = None,
    levels: int = LEVELS,
    reduction: Reduction = "mean",
) -> Tensor:
    """Laplacian loss (equation 5): L1 distance of two Laplacian pyramids.

    Each level, and the residual under the last, counts with its own mean; the means are added.

    Args:
        pred: Predicted matte (B, 1, H, W) in [0, 1], or a map of several channels.
        target: True matte, of the same shape.
        region: What both are multiplied by first, 0 or 1 (B, 1, H, W); the means stay those over
            the whole map, as released. Nothing by default.
        levels: Number of levels above the residual, at least 1.
        reduction: `mean`, `sum` of the distances, or `none` for one value a sample.

    Raises:
        InputError: Shapes that differ, or fewer levels than 1.

    Note:
        Halving drops the last row or column of an odd side, as released. A side of 1 stays 1, so
        that maps of any size have all their levels.
    """
    check_choice("reduction", reduction, get_args(Reduction))
    if levels < 1:
        raise InputError(f"levels={levels} leaves no pyramid; give at least 1, the paper has 5")
    # The pyramid is linear: that of the difference is the difference of the two.
    rest = _difference(pred, target, region)
    batch = rest.shape[0]
    rest = rest.flatten(0, 1)[:, None]
    loss = rest.new_zeros(batch)
    with torch.autocast(rest.device.type, enabled=False):
        for _ in range(levels):
            blurred = blur(rest)
            loss = loss + _distance(rest - blurred, batch, reduction)
            rest = functional.avg_pool2d(blurred, (min(2, rest.shape[-2]), min(2, rest.shape[-1])))
    loss = loss + _distance(rest, batch, reduction)
    if reduction == "none":
        return loss
    return loss.sum() if reduction == "sum" else loss.mean()


def composition_loss(
    alpha: Tensor,
    image: Tensor,
    foreground: Tensor,
    background: Tensor,
    region: Tensor | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """Composition loss (equation 7): how far the predicted matte composes from the image.

    The distance is summed over the colours and divided by the number of pixels.

    Args:
        alpha: Predicted matte (B, 1, H, W) in [0, 1].
        image: The photograph or composite, RGB (B, 3, H, W) in [0, 1].
        foreground: Its foreground colours, likewise.
        background: Its background colours, likewise.
        region: Where to count, 0 or 1 (B, 1, H, W); everywhere by default.
        reduction: `mean`, `sum`, or `none` for one value a sample.

    Raises:
        InputError: Shapes that differ.

    Note:
        The released code composes in grey levels and divides the result by 255, so that its ε is
        1e-6 grey levels; so it is here.
    """
    batch, _, height, width = _shape("alpha", alpha)
    _check_shape("alpha", alpha, (batch, 1, height, width))
    colours = {"image": image, "foreground": foreground, "background": background}
    for name, values in colours.items():
        _check_shape(name, values, (batch, 3, height, width))
    alpha, foreground, background = wide(alpha), wide(foreground), wide(background)
    composite = background + alpha * (foreground - background)
    distance = _smooth_magnitude(_difference(composite, image, region), EPSILON / 255)
    return _reduce(distance.sum(dim=1, keepdim=True), region, reduction)


def _difference(pred: Tensor, target: Tensor, region: Tensor | None) -> Tensor:
    _check_shape("target", target, _shape("pred", pred))
    _check_region(region, pred)
    difference = wide(pred) - wide(target)
    return difference if region is None else difference * region


def _smooth_magnitude(difference: Tensor, epsilon: float) -> Tensor:
    return torch.sqrt(difference.square() + epsilon**2)


def _distance(level: Tensor, batch: int, reduction: Reduction) -> Tensor:
    """L1 distance of each sample (B,): the sum for `sum`, else the mean."""
    magnitude = level.abs().reshape(batch, -1)
    return magnitude.sum(dim=1) if reduction == "sum" else magnitude.mean(dim=1)


def _reduce(values: Tensor, region: Tensor | None, reduction: Reduction) -> Tensor:
    check_choice("reduction", reduction, get_args(Reduction))
    sums = values.flatten(1).sum(dim=1)
    if reduction == "sum":
        return sums.sum()
    if region is None:
        means = sums / values[0].numel()
        return means.mean() if reduction == "mean" else means
    counts = region.expand_as(values).flatten(1).sum(dim=1, dtype=values.dtype)
    if reduction == "mean":
        return sums.sum() / (counts.sum() + 1)
    return sums / (counts + 1)


def _shape(name: str, tensor: Tensor) -> tuple[int, ...]:
    if tensor.ndim != 4 or tensor.numel() == 0:
        raise InputError(
            f"{name} has shape {tuple(tensor.shape)}; wanted (B, C, H, W), each at least 1"
        )
    return tuple(tensor.shape)


def _check_shape(name: str, tensor: Tensor, wanted: tuple[int, ...]) -> None:
    if tuple(tensor.shape) != wanted:
        raise InputError(f"{name} has shape {tuple(tensor.shape)}; wanted {wanted}")


def _check_region(region: Tensor | None, like: Tensor) -> None:
    if region is not None:
        batch, _, height, width = like.shape
        _check_shape("region", region, (batch, 1, height, width))
