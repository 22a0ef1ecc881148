"""Overfit a trimap-guided system at its published width on a few crops.

    python scripts/overfit_system.py --task gfm.models.lsa.task.LSATask --state lsa.pt

Trains by the system's own task, with its targets and losses, from random weights, or goes on from
the state that the last report left.
Ends when alpha in the unknown region of the crops' trimaps is right within 0.01 on average, and
prints one line per report.
"""

from __future__ import annotations

import argparse
import sys
import time
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from data_tools.scenes.scene import draw_scene
from gfm.commands.fit import task_class
from gfm.data.crops import CropOptions, Planes
from gfm.data.samples import Batch, Crop, collate, with_targets
from gfm.guidance.bands import dilated_trimap
from gfm.training.overfitting import keep_state, take_state
from gfm.training.task import MattingTask
from rssn.imaging.blending import blend
from rssn.imaging.console import run_command
from rssn.imaging.errors import FailedInputs

ENOUGH = 0.01  # mean error of alpha in the unknown region
RISE = 20  # steps over which the learning rate rises
FALL = 0.7  # share of the steps after which it falls
BAND = 10  # px around fractional alpha in which the error is measured


def main() -> int:
    """Train, and report the error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", required=True, help="class path of the system's task")
    parser.add_argument("--backbone", help="another encoder than the published one")
    parser.add_argument("--crops", type=int, default=8)
    parser.add_argument("--side", type=int, default=128, help="of the crops, in px")
    parser.add_argument(
        "--batch",
        type=int,
        default=8,
        help="crops per step, in turn (8: all, so that the statistics of batch norms, which are "
        "means over the steps, fit them)",
    )
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--report", type=int, default=50, help="steps between reports")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--state", type=Path, required=True, metavar="FILE", help="to go on from")
    return run_command(partial(overfit, parser.parse_args()))


def overfit(options: argparse.Namespace) -> None:
    """Train until it is enough.

    Raises:
        FailedInputs: The error is too large in the end.
    """
    torch.manual_seed(options.seed)
    kind = task_class(options.task)
    given: dict[str, Any] = {} if options.backbone is None else {"backbone": options.backbone}
    if "size" in signature(kind).parameters:  # of LSA's samples, which it cuts out of the crops
        given["size"] = options.side
    task = kind(**given)
    crops = [draw_crop(task, options.side, options.seed + n) for n in range(options.crops)]
    parts = [crops[start : start + options.batch] for start in range(0, len(crops), options.batch)]
    batches = [collate(part) for part in parts]
    optimizer = torch.optim.Adam(task.model.parameters(), options.learning_rate)
    begin, start = time.monotonic(), take_state(options.state, task.model, optimizer)
    found = error(task, batches)
    sys.stdout.write(f"step {start}: {found:.4f}\n")
    for step in range(start + 1, options.steps + 1):
        left = (options.steps - step) / (options.steps * (1 - FALL))
        for group in optimizer.param_groups:
            group["lr"] = options.learning_rate * min(1, step / RISE, max(left, 0.01))
        task.model.train()
        loss = task.loss_terms(batches[step % len(batches)])["total"]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        if step % options.report == 0 or step == options.steps:
            found, spent = error(task, batches), time.monotonic() - begin
            sys.stdout.write(f"step {step}: loss {loss:.4f}, error {found:.4f}, {spent:.0f} s\n")
            sys.stdout.flush()
            keep_state(options.state, step, task.model, optimizer)
            if found < ENOUGH:
                return
    raise FailedInputs([f"error {found:.4f} after {options.steps} steps; wanted {ENOUGH}"])


def draw_crop(task: MattingTask, side: int, seed: int) -> Crop:
    """A drawn scene with its exact parts, and the task's targets for it."""
    scene = draw_scene(np.random.default_rng(seed), side, side)
    image = blend(scene.alpha, scene.foreground, scene.background)
    planes = Planes(image, scene.alpha, scene.foreground, scene.background)
    crop = Crop(f"scene{seed}", planes, 1.0)
    return with_targets(crop, task.targets(), CropOptions(size=side), seed, 0)


def error(task: MattingTask, batches: list[Batch]) -> float:
    """Mean absolute error of alpha over the unknown pixels of all crops."""
    task.model.eval()
    errors, counts = [], []
    with torch.no_grad():
        for batch in batches:
            alpha = task.true_alpha(batch)
            unknown = unknown_of(alpha)
            errors.append(((task.predict_batch(batch) - alpha).abs() * unknown).sum())
            counts.append(unknown.sum())
    return float(sum(errors) / sum(counts))


def unknown_of(alpha: Tensor) -> Tensor:
    """The band (B, 1, H, W), 0 or 1, around fractional alpha."""
    trimaps = [dilated_trimap(each[0].numpy(), BAND) == 128 for each in alpha]
    return torch.from_numpy(np.stack(trimaps)[:, None]).float()


if __name__ == "__main__":
    sys.exit(main())
