"""Steps of a training on one batch, taken as `gfm fit` takes them."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import torch

from gfm.data.samples import Batch
from gfm.training.task import MattingTask


@dataclass(frozen=True)
class Rehearsal:
    """Result of the rehearsed steps.

    Attributes:
        losses: Of each step, before it.
        before: Mean absolute error of the mattes before the first step, as inference makes them.
        after: That after the last one.
    """

    losses: list[float]
    before: float = math.nan
    after: float = math.nan

    @property
    def finite(self) -> bool:
        """Return True if every loss is finite."""
        return all(math.isfinite(loss) for loss in self.losses)

    @property
    def change(self) -> float:
        """Mean loss of the last tenth of the steps relative to that before the first."""
        last = self.losses[-max(1, len(self.losses) // 10) :]
        return sum(last) / len(last) / max(self.losses[0], 1e-12)


def rehearse(
    task: MattingTask,
    batch: Batch,
    *,
    steps: int = 200,
    seconds: float = math.inf,
    bfloat16: bool = False,
    clip: float | None = None,
) -> Rehearsal:
    """Train on one batch with the task's own losses, optimizer, weight decay and schedule.

    The schedule runs over these steps, or these seconds, as it would over the whole run.

    Args:
        task: On the batch's device; its weights are changed.
        batch: With the targets of the task.
        steps: At most so many.
        seconds: At most so long; a step that has begun is finished.
        bfloat16: Let autocast compute in bfloat16.
        clip: Largest norm of the gradients, as `trainer.gradient_clip_val`.
    """
    optimizer = task.make_optimizer()
    rates = [group["lr"] for group in optimizer.param_groups]
    begin, losses, before = time.monotonic(), list[float](), _error(task, batch)
    for step in range(steps):
        done = max(step / steps, (time.monotonic() - begin) / seconds)
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * task.rate_factor(done)
        task.train()
        with torch.autocast(batch.image.device.type, torch.bfloat16, enabled=bfloat16):
            total = task.loss_terms(batch)["total"]
        losses.append(total.item())
        if not math.isfinite(losses[-1]):
            return Rehearsal(losses, before)
        optimizer.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        if clip:
            torch.nn.utils.clip_grad_norm_(task.parameters(), clip)
        optimizer.step()
        if time.monotonic() - begin >= seconds:
            break
    return Rehearsal(losses, before, _error(task, batch))


def _error(task: MattingTask, batch: Batch) -> float:
    with torch.no_grad():
        task.model.eval()
        return float((task.predict_batch(batch) - task.true_alpha(batch)).abs().mean())
