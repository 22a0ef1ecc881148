"""Training losses: the terms, each a pure function with a thin module."""

from gfm.losses.modules import CharbonnierLoss, CompositionLoss, CrossEntropyLoss, LaplacianLoss
from gfm.losses.terms import (
    Reduction,
    charbonnier_loss,
    composition_loss,
    cross_entropy,
    laplacian_loss,
)

__all__ = [
    "CharbonnierLoss",
    "CompositionLoss",
    "CrossEntropyLoss",
    "LaplacianLoss",
    "Reduction",
    "charbonnier_loss",
    "composition_loss",
    "cross_entropy",
    "laplacian_loss",
]
