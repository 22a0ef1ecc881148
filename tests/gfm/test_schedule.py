"""Learning rates over a run."""

from __future__ import annotations

import math
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from pytorch_lightning.callbacks import Timer

from gfm.training.schedule import cosine_factor, share_done, steps_in_all


@pytest.mark.parametrize(
    ("done", "factor"), [(0, 0.04), (0.025, 0.52), (0.05, 1), (0.525, 0.5), (1, 0), (1.2, 0)]
)
def test_cosine_rises_and_falls(done: float, factor: float) -> None:
    assert cosine_factor(done) == pytest.approx(factor, abs=1e-12)


def trainer(
    step: int = 0,
    max_steps: int = -1,
    elapsed: float | None = None,
    *,
    max_epochs: int = -1,
    epoch: int = 0,
    batches: int = 0,
) -> Any:
    """A run at a step; ten batches are an epoch, two a step."""
    callbacks: list[Any] = []
    if elapsed is not None:
        timer = Timer(duration=timedelta(seconds=100))
        timer.time_elapsed = lambda stage=None: elapsed  # type: ignore[method-assign,assignment]
        callbacks.append(timer)
    progress = SimpleNamespace(current=SimpleNamespace(ready=batches), is_last_batch=False)
    return SimpleNamespace(
        global_step=step,
        max_steps=max_steps,
        max_epochs=max_epochs,
        current_epoch=epoch,
        num_training_batches=10,
        accumulate_grad_batches=2,
        callbacks=callbacks,
        lightning_module=SimpleNamespace(automatic_optimization=True),
        fit_loop=SimpleNamespace(epoch_loop=SimpleNamespace(batch_progress=progress)),
    )


@pytest.mark.parametrize(
    ("run", "share"),
    [
        (trainer(25, 100), 0.25),
        (trainer(25, 100, elapsed=60), 0.6),  # time ends the run sooner
        (trainer(25, 100, elapsed=10), 0.25),
        (trainer(25, elapsed=10), 0.1),
        (trainer(25), 0.0),
        (trainer(25, max_epochs=10, epoch=5), 0.5),
        (trainer(25, max_epochs=10, epoch=5, batches=4), 0.54),
        (trainer(50, max_epochs=10, epoch=5, batches=4), 0.54),  # begun at half the batch size
        (trainer(90, 100, max_epochs=10, epoch=5), 0.9),
    ],
)
def test_share_done_is_the_nearer_end(run: Any, share: float) -> None:
    assert share_done(run) == pytest.approx(share)


@pytest.mark.parametrize(
    ("run", "steps"),
    [
        (trainer(), math.inf),
        (trainer(max_steps=70), 70),
        (trainer(max_epochs=10), 50),
        (trainer(27, max_epochs=10, epoch=5, batches=4), 50),
        (trainer(52, max_epochs=10, epoch=5, batches=4), 75),  # begun at half the batch size
        (trainer(27, 40, max_epochs=10, epoch=5, batches=4), 40),
    ],
)
def test_steps_in_all_count_those_that_were_taken(run: Any, steps: float) -> None:
    assert steps_in_all(run) == steps
