"""Training losses: the terms, each a pure function with a thin module.

The objectives of GFM (`GFMLoss`, `RIMLoss`, `LossWeights`) are loaded from their system when they
are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from gfm.losses.modules import CharbonnierLoss, CompositionLoss, CrossEntropyLoss, LaplacianLoss
from gfm.losses.terms import (
    Reduction,
    charbonnier_loss,
    composition_loss,
    cross_entropy,
    laplacian_loss,
)

if TYPE_CHECKING:
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


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'gfm.losses' has no attribute {name!r}")
    return getattr(importlib.import_module("gfm.models.glance_focus.loss"), name)
