"""Checks of the run by `gfm sanity`: learning, speed, memory and disk."""

from __future__ import annotations

import math
import os
import resource
import shutil
import sys
import time
from pathlib import Path
from typing import NamedTuple

import psutil
import torch
from lightning_fabric.utilities import move_data_to_device

from gfm.data.samples import Batch
from gfm.models.network import MattingNetwork
from gfm.training.rehearsal import Rehearsal
from gfm.training.sanity_data import Finding
from gfm.training.task import MattingTask

GIB = 2**30
COPIES = 4  # of the weights in a checkpoint: two moments of Adam, and the model file beside it
CHECKPOINTS = 2  # best and last
LITTLE = 0.99  # of the loss; what is left of it after steps that learn little
FEW = 10  # steps that say nothing of learning


class StepCost(NamedTuple):
    """Cost of a training step: seconds, and bytes at its peak and besides its crops."""

    seconds: float
    peak: int
    fixed: int
    crops: int


def measure_step(
    task: MattingTask, batch: Batch, seconds: float, *, bfloat16: bool = False
) -> StepCost:
    """Measure one or two steps on the batch; the weights do not change.

    Args:
        task: On the device to measure.
        batch: Likewise.
        seconds: A second step is only taken if it ends within them.
        bfloat16: Let autocast compute in bfloat16.
    """
    device = batch.image.device
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)  # to what is in use now
    fixed = _peak_memory(device) + 2 * _bytes(task.model)  # Adam's moments come on top
    times = []
    task.train()
    for _ in range(2):
        start = time.monotonic()
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            loss = task.loss_terms(batch)["total"]
        loss.backward()  # type: ignore[no-untyped-call]
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.monotonic() - start)
        task.zero_grad(set_to_none=True)
        if 2 * times[0] > seconds:
            break
    peak = _peak_memory(device) + 2 * _bytes(task.model)
    return StepCost(min(times), max(peak, fixed), fixed, len(batch.keys))


def check_learning(result: Rehearsal, crops: int, learning_rate: float) -> Finding:
    """Rehearsal of a run: its own optimizer on its own loss, on one batch.

    Args:
        result: Of its steps.
        crops: In the batch.
        learning_rate: Of the run.
    """
    name, steps = "learning", len(result.losses)
    if not result.finite:
        text = f"the loss is not finite at step {steps}; lower model.learning_rate="
        return Finding("wrong", name, f"{text}{learning_rate:g}")
    text = (
        f"{steps} steps of this run on one batch of {crops} crops changed its loss by "
        f"{result.change - 1:+.1%}, the error of its mattes from {result.before:.1%} to "
        f"{result.after:.1%}"
    )
    if steps < FEW:
        return Finding("look at this", name, f"{text}: give more time with --seconds")
    if result.change > 1:
        text += f": lower model.learning_rate={learning_rate:g}, or see whether labels fit images"
        return Finding("wrong", name, text)
    if result.change > LITTLE:
        text += f": model.learning_rate={learning_rate:g} is small; give more time with --seconds"
        return Finding("look at this", name, text)
    return Finding("OK", name, text)


def check_speed(
    sample_seconds: float, step_seconds: float, batch_size: int, workers: int
) -> Finding:
    """Compare the speed of the loader with that of the training step.

    Args:
        sample_seconds: Of one process for one crop.
        step_seconds: Of a step on `batch_size` crops.
        batch_size: Crops a step.
        workers: Processes that load; 0 loads between the steps.
    """
    needed = max(1, math.ceil(1.2 * sample_seconds * batch_size / step_seconds))
    loading, training = max(workers, 1) / sample_seconds, batch_size / step_seconds
    text = (
        f"{workers} workers load {loading:.3g} crops a second, a step takes {training:.3g}"
        f" ({step_seconds:.2f} s a step)"
    )
    if workers >= needed:
        return Finding("OK", "speed", f"{text}: the loader keeps up")
    cores = os.cpu_count() or 1
    text += f": the step would wait; set data.workers={min(needed, cores)}"
    if needed > cores:
        text += f" ({needed} would be needed, and there are {cores} cores)"
    return Finding("look at this", "speed", text)


def check_memory(cost: StepCost, batch_size: int, free: int, where: str) -> Finding:
    """Check that a step of the wanted batch fits into memory.

    Args:
        cost: Of a step, perhaps with fewer crops.
        batch_size: What is wanted.
        free: Bytes that are there for training, those in use by it included.
        where: The device, in words.
    """
    each = (cost.peak - cost.fixed) / cost.crops
    wanted = cost.fixed + each * batch_size
    text = f"a step of {batch_size} crops takes about {wanted / GIB:.1f} of {free / GIB:.1f} GiB"
    if wanted <= 0.9 * free:
        return Finding("OK", "memory", f"{text} {where}")
    fits = max(1, int((0.8 * free - cost.fixed) / max(each, 1)))
    text += f" {where}; set data.batch_size={fits} and trainer.accumulate_grad_batches="
    return Finding("wrong", "memory", f"{text}{math.ceil(batch_size / fits)}")


def check_disk(model: MattingNetwork, folder: Path) -> Finding:
    """Check that the checkpoints of a run fit on the disk."""
    needed = CHECKPOINTS * COPIES * _bytes(model)
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(there).free
    text = f"checkpoints take {needed / GIB:.2f} GiB below {folder}, {free / GIB:.1f} GiB are free"
    if needed < 0.9 * free:
        return Finding("OK", "disk", text)
    return Finding("wrong", "disk", f"{text}; set trainer.default_root_dir to another disk")


def training_memory(device: torch.device) -> tuple[int, str]:
    """Bytes that a training run can use on a device, and where they are."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory, "of GPU memory"
    return psutil.virtual_memory().available + _peak_memory(device), "of memory"


def move(batch: Batch, device: torch.device) -> Batch:
    """The batch on another device."""
    moved: Batch = move_data_to_device(batch, device)
    return moved


def _bytes(model: MattingNetwork) -> int:
    return sum(values.numel() * values.element_size() for values in model.state_dict().values())


def _peak_memory(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux KiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
