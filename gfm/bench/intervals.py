"""Means with bootstrap intervals, also of paired differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

RESAMPLES = 2000
LEVEL = 0.95
SEED = 0


class Mean(NamedTuple):
    """A mean over photographs, with the ends of its 95 % interval, over `n` photographs."""

    value: float
    low: float
    high: float
    n: int


def mean_of(values: Sequence[float]) -> Mean | None:
    """The mean, with its interval by resampling the photographs; None of nothing."""
    if not values:
        return None
    given = np.asarray(values, np.float64)
    rng = np.random.default_rng(SEED)
    means = rng.choice(given, (RESAMPLES, len(given))).mean(axis=1)
    low, high = np.quantile(means, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return Mean(float(given.mean()), float(low), float(high), len(given))


def difference(ours: Mapping[str, float], theirs: Mapping[str, float]) -> Mean | None:
    """The mean of ours - theirs over the photographs of both: each is compared with itself."""
    return mean_of([ours[name] - theirs[name] for name in ours if name in theirs])
