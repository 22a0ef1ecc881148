"""Progress of a run by steps and epochs, and the learning rate that follows it."""

from __future__ import annotations

import math

import pytorch_lightning as lightning
from pytorch_lightning.callbacks import Timer

WARM_UP = 0.05  # of the run
BRIEF = 0.015  # of the run; the rise of a trapezoid


def cosine_factor(done: float) -> float:
    """Factor on the learning rate: a short linear rise from 4 %, then half a cosine down to 0.

    Args:
        done: Share of the run that is over, 0 to 1.
    """
    if done < WARM_UP:
        return 0.04 + 0.96 * done / WARM_UP
    return (1 + math.cos(math.pi * min((done - WARM_UP) / (1 - WARM_UP), 1))) / 2


def poly_factor(done: float, power: float = 0.9) -> float:
    """Factor on the learning rate: (1 - done)^power (Chen et al. 2018, "poly").

    Args:
        done: Share of the run that is over, 0 to 1.
        power: 1 falls linearly.
    """
    return float((1 - min(done, 1)) ** power)


def trapezoid_factor(done: float, decay: float) -> float:
    """Factor on the learning rate: a short linear rise from 4 %, then 1, then a line down to 0.

    A run can be prolonged while the factor is 1.

    Args:
        done: Share of the run that is over, 0 to 1.
        decay: Share of the run at its end in which the factor falls.
    """
    return max(0.0, min(1.0, 0.04 + 0.96 * done / BRIEF, (1 - done) / decay))


def share_done(trainer: lightning.Trainer) -> float:
    """Share of a run that is over, by whichever of its limits ends it first.

    They are `trainer.max_steps`, `max_epochs` and `max_time`. Epochs count samples, so that a run
    that is resumed at another batch size stays where it was.
    """
    batches = trainer.fit_loop.epoch_loop.batch_progress
    shares = [0.0]
    if trainer.max_steps > 0:
        shares.append(trainer.global_step / trainer.max_steps)
    if trainer.max_epochs is not None and trainer.max_epochs > 0:
        part = batches.current.ready / trainer.num_training_batches
        shares.append((trainer.current_epoch + part) / trainer.max_epochs)
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if isinstance(callback, Timer) and (left := callback.time_remaining()) is not None:
            elapsed = callback.time_elapsed()
            shares.append(elapsed / max(elapsed + left, 1e-9))
    return min(max(shares), 1.0)


def steps_done(trainer: lightning.Trainer) -> int:
    """Steps of a run so far: updates, or batches where a task makes several updates of one."""
    if trainer.lightning_module.automatic_optimization:
        return trainer.global_step
    return trainer.fit_loop.epoch_loop.batch_progress.total.ready


def steps_in_all(trainer: lightning.Trainer) -> float:
    """Steps of a whole run, those of the runs that it goes on from included; perhaps infinite."""
    counts_updates = trainer.lightning_module.automatic_optimization
    steps = trainer.max_steps if trainer.max_steps > 0 and counts_updates else math.inf
    if trainer.max_epochs is not None and trainer.max_epochs > 0:
        batches = trainer.fit_loop.epoch_loop.batch_progress
        ready = 0 if batches.is_last_batch else batches.current.ready
        each = math.ceil(trainer.num_training_batches / trainer.accumulate_grad_batches)
        left = each * (trainer.max_epochs - trainer.current_epoch)
        steps = min(steps, steps_done(trainer) + left - ready // trainer.accumulate_grad_batches)
    return steps


def count_next_epoch(trainer: lightning.Trainer) -> None:
    """Count the epoch that begins a run which was resumed at the end of an epoch.

    Lightning does not, and a run that goes on from that one would train an epoch too many.
    """
    epochs = trainer.fit_loop.epoch_progress
    if trainer.fit_loop.restarted_mid_epoch and trainer.current_epoch == epochs.current.ready:
        epochs.increment_ready()
        epochs.increment_started()
