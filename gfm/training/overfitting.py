"""Learning one batch by heart: what a network, its labels and its losses must be able to do."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.optim import Optimizer

from gfm.data.samples import Batch
from gfm.training.task import MattingTask
from rssn.imaging.files import whole_file

ENOUGH = 0.01  # mean error of the matte
LEARNING_RATE = 3e-3  # of Adam
RISE = 20  # steps over which it rises


@dataclass(frozen=True)
class Overfit:
    """Result of training on one batch.

    Attributes:
        before: Mean absolute error of the untrained mattes, as inference makes them.
        after: That of the trained ones.
        steps: Steps that were taken.
        finite: No loss was NaN or infinite.
    """

    before: float
    after: float
    steps: int
    finite: bool = True


def overfit(
    task: MattingTask, batch: Batch, *, steps: int = 400, seconds: float = math.inf
) -> Overfit:
    """Train a network on one batch again and again, until its mattes are right within 1 %.

    Args:
        task: On the batch's device; its network is changed, and left in eval mode.
        batch: With the targets of the task.
        steps: At most so many.
        seconds: At most so long; a step that has begun is finished.
    """
    optimizer = torch.optim.Adam(task.model.parameters(), LEARNING_RATE)
    before = _error(task, batch)
    end, after = time.monotonic() + seconds, math.inf
    for step in range(1, steps + 1):
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * min(1, step / RISE)
        task.model.train()
        terms = task.loss_terms(batch)
        if not torch.isfinite(terms["total"]):
            return Overfit(before, math.inf, step, finite=False)
        optimizer.zero_grad(set_to_none=True)
        terms["total"].backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        is_last = step == steps or time.monotonic() >= end
        # The term is the mean error of the mattes before this step, but for a soft corner at 0.
        if is_last or terms["alpha"].item() < ENOUGH:
            after = _error(task, batch)
            if is_last or after < ENOUGH:
                break
    return Overfit(before, after, step)


def keep_state(path: Path, step: int, network: nn.Module, optimizer: Optimizer) -> None:
    """Write what a training goes on from; the file appears only when it is whole."""
    state = {"network": network.state_dict(), "optimizer": optimizer.state_dict()}
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as part:
        torch.save({"step": step, **state}, part)


def take_state(path: Path, network: nn.Module, optimizer: Optimizer) -> int:
    """Take over what `keep_state` wrote; the step that it was written after, 0 without a file."""
    if not path.is_file():
        return 0
    state = torch.load(path, weights_only=True)
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    step: int = state["step"]
    return step


def _error(task: MattingTask, batch: Batch) -> float:
    task.model.eval()
    with torch.no_grad():
        return float((task.predict_batch(batch) - task.true_alpha(batch)).abs().mean())
