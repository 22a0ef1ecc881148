"""Learning rates over a run."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from pytorch_lightning.callbacks import Timer

from gfm.schedule import cosine_factor, share_done


@pytest.mark.parametrize(
    ("done", "factor"), [(0, 0.04), (0.025, 0.52), (0.05, 1), (0.525, 0.5), (1, 0), (1.2, 0)]
)
def test_cosine_rises_and_falls(done: float, factor: float) -> None:
    assert cosine_factor(done) == pytest.approx(factor, abs=1e-12)


def trainer(step: int, steps: float, elapsed: float | None = None) -> Any:
    callbacks: list[Any] = []
    if elapsed is not None:
        timer = Timer(duration=timedelta(seconds=100))
        timer.time_elapsed = lambda stage=None: elapsed  # type: ignore[method-assign,assignment]
        callbacks.append(timer)
    return SimpleNamespace(global_step=step, estimated_stepping_batches=steps, callbacks=callbacks)


@pytest.mark.parametrize(
    ("run", "share"),
    [
        (trainer(25, 100), 0.25),
        (trainer(25, 100, elapsed=60), 0.6),  # time ends the run sooner
        (trainer(25, 100, elapsed=10), 0.25),
        (trainer(25, float("inf"), elapsed=10), 0.1),
        (trainer(25, float("inf")), 0.0),
    ],
)
def test_share_done_is_the_nearer_end(run: Any, share: float) -> None:
    assert share_done(run) == pytest.approx(share)
