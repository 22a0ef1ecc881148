"""Scores of a validation or test."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scores:
    """One validation or test.

    Attributes:
        epoch: Epochs begun until then, from 0 on.
        step: Training steps until then.
        photographs: How many photographs were compared.
        metrics: Means over them, by the names of `gfm.metrics.evaluate`, convention `gfm`.
    """

    epoch: int
    step: int
    photographs: int
    metrics: dict[str, float]
