"""The losses as modules, for configurations that choose and set them up by name."""

from __future__ import annotations

from torch import Tensor, nn

from gfm.losses.terms import (
    LEVELS,
    Reduction,
    charbonnier_loss,
    composition_loss,
    cross_entropy,
    laplacian_loss,
)


class CrossEntropyLoss(nn.Module):
    """`cross_entropy` as a module."""

    def __init__(self, reduction: Reduction = "mean") -> None:
        super().__init__()
        self.reduction: Reduction = reduction

    def forward(self, logits: Tensor, target: Tensor, region: Tensor | None = None) -> Tensor:
        """See `cross_entropy`."""
        return cross_entropy(logits, target, region, self.reduction)


class CharbonnierLoss(nn.Module):
    """`charbonnier_loss` as a module."""

    def __init__(self, reduction: Reduction = "mean") -> None:
        super().__init__()
        self.reduction: Reduction = reduction

    def forward(self, pred: Tensor, target: Tensor, region: Tensor | None = None) -> Tensor:
        """See `charbonnier_loss`."""
        return charbonnier_loss(pred, target, region, self.reduction)


class LaplacianLoss(nn.Module):
    """`laplacian_loss` as a module."""

    def __init__(self, levels: int = LEVELS, reduction: Reduction = "mean") -> None:
        super().__init__()
        self.levels = levels
        self.reduction: Reduction = reduction

    def forward(self, pred: Tensor, target: Tensor, region: Tensor | None = None) -> Tensor:
        """See `laplacian_loss`."""
        return laplacian_loss(pred, target, region, self.levels, self.reduction)


class CompositionLoss(nn.Module):
    """`composition_loss` as a module."""

    def __init__(self, reduction: Reduction = "mean") -> None:
        super().__init__()
        self.reduction: Reduction = reduction

    def forward(
        self,
        alpha: Tensor,
        image: Tensor,
        foreground: Tensor,
        background: Tensor,
        region: Tensor | None = None,
    ) -> Tensor:
        """See `composition_loss`."""
        return composition_loss(alpha, image, foreground, background, region, self.reduction)
