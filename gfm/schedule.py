"""Learning rates over a run."""

from __future__ import annotations

import math

import pytorch_lightning as lightning
from pytorch_lightning.callbacks import Timer

WARM_UP = 0.05  # of the run


def cosine_factor(done: float) -> float:
    """Factor on the learning rate: a short linear rise from 4 %, then half a cosine down to 0.

    Args:
        done: Share of the run that is over, 0 to 1.
    """
    if done < WARM_UP:
        return 0.04 + 0.96 * done / WARM_UP
    return (1 + math.cos(math.pi * min((done - WARM_UP) / (1 - WARM_UP), 1))) / 2


def share_done(trainer: lightning.Trainer) -> float:
    """Share of a run that is over, by steps, or by `trainer.max_time` where that ends it sooner.

    A run that its time limit ends is annealed like one that reaches its last step.
    """
    steps = trainer.estimated_stepping_batches
    shares = [trainer.global_step / steps if 0 < steps < math.inf else 0.0]
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if isinstance(callback, Timer) and (left := callback.time_remaining()) is not None:
            elapsed = callback.time_elapsed()
            shares.append(elapsed / max(elapsed + left, 1e-9))
    return min(max(shares), 1.0)
