"""`python -m gfm sanity`: a look over data, model and machine before a long run, in two minutes.

It takes the options of `gfm fit` and trains with the task that they make: what is looked at is
what will run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from gfm.data.crops import CropOptions
from gfm.data.module import GFMData
from gfm.data.samples import Batch, Crop, collate, with_targets
from gfm.data.sets import TrainingSet
from gfm.training.rehearsal import Rehearsal, rehearse
from gfm.training.sanity_data import (
    Finding,
    check_reading,
    check_recomposition,
    check_transition,
    check_validation,
    read_crops,
)
from gfm.training.sanity_run import (
    check_disk,
    check_learning,
    check_memory,
    check_speed,
    measure_step,
    move,
    training_memory,
)
from gfm.training.task import MattingTask
from rssn.imaging.console import Bar
from rssn.imaging.errors import FailedInputs, InputError

LEARNED = 8  # crops of the batch that steps are taken on
READING = 10  # seconds to read them
MEASURED = 2  # crops of the step that is measured, on a CPU
SMALL = 64  # px; side of the crops that are learned, on a CPU


def run(arguments: Sequence[str]) -> None:
    """Print one line for each thing that was looked at.

    Args:
        arguments: Options of this command, and any of `gfm fit`.

    Raises:
        InputError: An option, or data, that cannot be used at all.
        FailedInputs: Something is wrong.
    """
    own, passed = _parser().parse_known_args(list(arguments))
    for name in ("shards", "validation"):
        if getattr(own, name) is not None:
            passed += [f"--data.{name}", getattr(own, name)]
    if not own.seconds > 0:
        raise InputError(f"--seconds {own.seconds}: wanted more than 0; the default is 120")
    from gfm.commands.fit import command_line

    made = command_line([*passed, *(["--quiet"] if own.quiet else [])], is_run=False)
    folder = Path(made.trainer.default_root_dir)
    device = made.trainer.strategy.root_device
    bfloat16 = str(made.trainer.precision).startswith("bf16")
    findings = look_over(
        made.model,
        made.datamodule,
        folder,
        device,
        own.seconds,
        bfloat16,
        own.quiet,
        made.trainer.gradient_clip_val,
    )
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        sys.stdout.write(f"{finding.verdict:13} {finding.name:{width}}  {finding.text}\n")
    if wrong := [f"{name}: {text}" for verdict, name, text in findings if verdict == "wrong"]:
        raise FailedInputs(wrong)


def look_over(
    task: MattingTask,
    data: GFMData,
    folder: Path,
    device: torch.device,
    seconds: float = 120,
    bfloat16: bool = False,
    quiet: bool = True,
    clip: float | None = None,
) -> list[Finding]:
    """Look at everything that a long run would stumble over.

    Args:
        task: The model and how it is trained; its weights are changed.
        data: What it is trained on.
        folder: Where the run will write.
        device: Where it will compute.
        seconds: About how long this may take.
        bfloat16: Whether autocast will compute in bfloat16.
        quiet: Show no progress.
        clip: Largest norm of the gradients, as `trainer.gradient_clip_val`.

    Returns:
        What was found; without crops, only as far as that goes.

    Raises:
        InputError: The training data cannot be opened.
    """
    if not data.places:
        raise InputError("data.shards is not set; give --shards, the folder of rssn.build")
    samples = data.samples()
    if not len(samples):
        raise InputError(f"{', '.join(data.places)}: holds no samples; build them first")
    with Bar("looking", total=3, quiet=quiet) as bar:
        reading = read_crops(samples, data.crop, data.seed, seconds / 4, augment=data.augment)
        findings = [check_reading(reading, len(samples), data.skip_bad)]
        keys = [samples.key(number) for number in range(len(samples))]
        findings.append(check_validation(data.validation, data.validation_side, keys))
        findings.append(check_disk(task.model, folder))
        bar.advance()
        if not reading.crops:
            return findings
        findings += [
            check_transition(reading.crops),
            check_recomposition(reading.crops),
        ]
        task = task.to(device).train()
        count = data.batch_size if device.type == "cuda" else min(MEASURED, data.batch_size)
        crops = (reading.crops * count)[:count]
        batch = _batch(crops, data, data.crop, device)
        cost = measure_step(task, batch, seconds / 4, bfloat16=bfloat16)
        step_seconds = cost.seconds * data.batch_size / len(crops)
        findings += [
            check_speed(reading.seconds, step_seconds, data.batch_size, data.workers),
            check_memory(cost, data.batch_size, *training_memory(device)),
        ]
        bar.advance()
        steps = partial(rehearse, seconds=seconds / 3, bfloat16=bfloat16, clip=clip)
        findings.append(_learn(task, data, samples, device, steps))
        bar.advance()
    return findings


def _learn(
    task: MattingTask,
    data: GFMData,
    samples: TrainingSet,
    device: torch.device,
    steps: Callable[[MattingTask, Batch], Rehearsal],
) -> Finding:
    """Train on one batch; on a CPU with small crops, which take less time."""
    side = data.crop.size if device.type == "cuda" else min(SMALL, data.crop.size)
    options = replace(data.crop, size=side)
    crops = read_crops(samples, options, data.seed, READING, min(LEARNED, len(samples))).crops
    if not crops:
        return Finding("wrong", "learning", "none of the samples to learn can be read")
    crops = crops * 2 if len(crops) == 1 else crops  # batch norm learns nothing from one
    batch = _batch(crops, data, options, device)
    return check_learning(steps(task, batch), len(crops), task.hparams["learning_rate"])


def _batch(
    crops: Sequence[Crop], data: GFMData, options: CropOptions, device: torch.device
) -> Batch:
    made = [with_targets(crop, data.targets, options, data.seed, 0) for crop in crops]
    return move(collate(made), device)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gfm sanity",
        description="Look over data, model and machine before a long run.",
        epilog="All other options are those of `gfm fit`, such as --config and --model.backbone.",
        allow_abbrev=False,
    )
    parser.add_argument("--shards", help="short for --data.shards")
    parser.add_argument("--validation", help="short for --data.validation")
    parser.add_argument("--seconds", type=float, default=120, help="about how long it may take")
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    return parser
