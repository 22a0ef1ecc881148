"""Losses of AdaMatting (paper, equations 2 to 5)."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from gfm.blocks.classes import most_probable
from gfm.blocks.precision import wide

SIGMA = 4.0  # both start at it
LEAST_SIGMA2 = 0.01  # as the alpha loss shrinks, its weight 1 / σ2 would grow without limit
UNKNOWN = 1  # class


class Terms(NamedTuple):
    """Terms of the loss on one batch.

    Attributes:
        total: Their weighted sum, which may be negative.
        trimap: Cross-entropy of the adapted trimap.
        alpha: Mean error of alpha in the unknown region.
    """

    total: Tensor
    trimap: Tensor
    alpha: Tensor


def optimal_trimap(alpha: Tensor) -> Tensor:
    """The class of each pixel (equation 2): 0 background, 1 unknown, 2 foreground.

    Args:
        alpha: True matte (B, 1, H, W) in [0, 1]; taken at 8 bits.

    Returns:
        int64 (B, H, W).

    Example:
        >>> optimal_trimap(torch.tensor([0.0, 0.004, 1.0]).view(1, 1, 1, 3)).tolist()
        [[[0, 1, 2]]]
    """
    levels = (255 * alpha).round()
    return ((levels > 0).long() + (levels >= 255).long()).squeeze(1)


def trimap_loss(logits: Tensor, alpha: Tensor) -> Tensor:
    """Cross-entropy of the adapted trimap, over all pixels.

    Args:
        logits: Class logits (B, 3, H, W).
        alpha: True matte (B, 1, H, W) in [0, 1].
    """
    return functional.cross_entropy(wide(logits), optimal_trimap(alpha))


def predicted_unknown(logits: Tensor) -> Tensor:
    """The region (B, 1, H, W), 0 or 1, that the adapted trimap calls unknown; without gradient."""
    return (most_probable(logits.detach()) == UNKNOWN).to(logits.dtype)


def alpha_loss(alphas: tuple[Tensor, ...], alpha: Tensor, region: Tensor) -> Tensor:
    """Mean absolute error of alpha in a region (equation 4), averaged over the mattes.

    Args:
        alphas: Predicted mattes (B, 1, H, W): those of the propagation steps.
        alpha: True matte (B, 1, H, W) in [0, 1].
        region: Where to count, 0 or 1 (B, 1, H, W); 0 is returned if it is empty.
    """
    area = region.sum().clamp(min=1)
    errors = [((wide(each) - alpha).abs() * region).sum() / area for each in alphas]
    return torch.stack(errors).mean()


def weighted_loss(trimap: Tensor, alpha: Tensor, s1: Tensor, s2: Tensor) -> Tensor:
    """The task-uncertainty loss (equation 3): L_T / 2σ1² + L_α / σ2 + log 2σ1σ2.

    Args:
        trimap: Loss of the trimap.
        alpha: Loss of alpha.
        s1: log σ1².
        s2: log σ2.

    Note:
        L_α / σ2 + log 2σ2 is the negative logarithm of a Laplace distribution. The loss is
        stationary at σ1² = L_T and σ2 = L_α.
    """
    return trimap * torch.exp(-s1) / 2 + alpha * torch.exp(-s2) + s1 / 2 + s2 + math.log(2)


def fixed_loss(trimap: Tensor, alpha: Tensor, sigma: float) -> Tensor:
    """The loss with fixed weights (equation 5): (1 - σ) L_T + σ L_α."""
    return (1 - sigma) * trimap + sigma * alpha


class TaskWeights(nn.Module):
    """The learned weights of the two tasks.

    Attributes:
        s1: log σ1², a scalar.
        s2: log σ2, a scalar.
    """

    def __init__(self) -> None:
        super().__init__()
        self.s1 = nn.Parameter(torch.tensor(2 * math.log(SIGMA)))
        self.s2 = nn.Parameter(torch.tensor(math.log(SIGMA)))

    def forward(self, trimap: Tensor, alpha: Tensor) -> Tensor:
        """The weighted sum of both losses; σ2 stays at 0.01 or above."""
        with torch.no_grad():
            self.s2.clamp_(min=math.log(LEAST_SIGMA2))
        return weighted_loss(trimap, alpha, self.s1, self.s2)


def matting_loss(
    logits: Tensor,
    alphas: tuple[Tensor, ...],
    alpha: Tensor,
    weights: TaskWeights | float,
    *,
    intermediate: float = 0.0,
    with_true_unknown: bool = False,
) -> Terms:
    """The loss of a network on one batch.

    Args:
        logits: Class logits (B, 3, H, W) of the adapted trimap.
        alphas: The alpha decoder's matte (B, 1, H, W), then that of each propagation step.
        alpha: True matte (B, 1, H, W) in [0, 1].
        weights: Learned weights, or the fixed one of alpha.
        intermediate: Factor on the error of the alpha decoder's matte, beside the steps' one.
        with_true_unknown: Let the alpha loss also cover the true unknown region, without which an
            adapted trimap that calls nothing unknown would teach alpha nothing.
    """
    region = predicted_unknown(logits)
    if with_true_unknown:
        true = (optimal_trimap(alpha) == UNKNOWN)[:, None]
        region = torch.maximum(region, true.to(region.dtype))
    error = alpha_loss(alphas[1:] or alphas, alpha, region)
    if intermediate:
        error = error + intermediate * alpha_loss(alphas[:1], alpha, region)
    trimap = trimap_loss(logits, alpha)
    if isinstance(weights, TaskWeights):
        return Terms(weights(trimap, error), trimap, error)
    return Terms(fixed_loss(trimap, error, weights), trimap, error)
