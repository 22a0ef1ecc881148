"""Training losses: the terms, each a pure function with a thin module, and their totals."""

from gfm.losses.modules import CharbonnierLoss, CompositionLoss, CrossEntropyLoss, LaplacianLoss
from gfm.losses.terms import (
    Reduction,
    charbonnier_loss,
    composition_loss,
    cross_entropy,
    laplacian_loss,
)
from gfm.models.glance_focus.loss import GFMLoss, LossWeights, RIMLoss, Targets

__all__ = [
    "CharbonnierLoss",
    "CompositionLoss",
    "CrossEntropyLoss",
    "GFMLoss",
    "LaplacianLoss",
    "LossWeights",
    "RIMLoss",
    "Reduction",
    "Targets",
    "charbonnier_loss",
    "composition_loss",
    "cross_entropy",
    "laplacian_loss",
]
