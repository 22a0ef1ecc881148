"""Training batches: no sample lost or doubled, in an order that no process decides."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from gfm.data.crops import CropOptions, Cropper, Planes, put_behind
from gfm.data.samples import Crop, Targets, collate, with_targets
from gfm.data.sets import TrainingSet
from rssn.imaging.errors import InputError
from rssn.imaging.seeding import generator

log = logging.getLogger(__name__)


@dataclass
class Turn:
    """Place of one device in the run.

    Attributes:
        rank: Number of this device.
        world: Number of devices.
        epoch: Number of the epoch.
        consumed: Samples of the epoch that all devices together have had already.
    """

    rank: int = 0
    world: int = 1
    epoch: int = 0
    consumed: int = 0


@dataclass
class CropBatches(IterableDataset[list[Crop]]):
    """The crops of one device in batches; every sample comes once an epoch.

    Attributes:
        samples: What to crop.
        options: How.
        batch_size: Crops a step on each device. The last one or two steps of an epoch have fewer,
            so that nothing is left out and all devices take as many steps.
        seed: Decides order and crops, together with the epoch.
        skip_bad: So many samples that cannot be used are replaced by the next in name; one more
            ends the run, as the first does with 0.
        turn: Set by the loader.
        augment: File of an albumentations pipeline; see `gfm.data.crops.Cropper`.
        targets: Maker of each crop's targets; None makes none.
        croppers: One for each size of crops, and one for crops at twice the scale. They are made
            before loading processes are forked, since they import albumentations: W&B watches
            imports, and refuses one of a forked process.
    """

    samples: TrainingSet
    options: CropOptions
    batch_size: int
    seed: int = 0
    skip_bad: int = 0
    turn: Turn = field(default_factory=Turn)
    augment: Path | None = None
    targets: Targets | None = None
    croppers: list[tuple[Cropper, Cropper]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        sized = [replace(self.options, size=size) for size in self.options.sizes]
        self.croppers = [
            (Cropper(each, self.augment), Cropper(each.closer(), self.augment)) for each in sized
        ]

    def __len__(self) -> int:
        """Steps of a whole epoch, the same on each device."""
        return len(self.sizes())

    def __iter__(self) -> Iterator[list[Crop]]:
        worker = get_worker_info()
        index, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        turn, start = self.turn, self.turn.consumed
        order = self.order(turn.epoch)
        for step, sizes in enumerate(self.sizes(start)):
            begin = start + sum(sizes[: turn.rank])
            whole = start // (self.batch_size * turn.world)
            croppers = self.croppers[whole % len(self.croppers)]
            start += sum(sizes)
            if step % workers == index:
                chosen = order[begin : begin + sizes[turn.rank]]
                yield [self._crop(number, closer, croppers) for number, closer in chosen]

    @property
    def count(self) -> int:
        """Crops of an epoch."""
        return len(self.samples) * (2 if self.options.twice else 1)

    def order(self, epoch: int) -> list[tuple[int, bool]]:
        """Samples of an epoch, each with whether it is seen at twice the scale.

        Note:
            With `crop.twice` the samples of one step come again in the next. A run that is resumed
            at another batch size sees some samples of the epoch twice, and others not.
        """
        drawn = list(range(len(self.samples)))
        if not getattr(self.samples, "ordered", False):
            drawn = generator(self.seed, "order", epoch).permutation(len(self.samples)).tolist()
        if not self.options.twice:
            return [(number, False) for number in drawn]
        step = self.batch_size * self.turn.world
        groups = (drawn[start : start + step] for start in range(0, len(drawn), step))
        return [
            (number, closer) for group in groups for closer in (False, True) for number in group
        ]

    def sizes(self, consumed: int = 0) -> list[list[int]]:
        """Sizes of the batches that an epoch still has, for each step those of all devices."""
        left = max(self.count - consumed, 0)
        return batch_sizes(left, self.batch_size, self.turn.world)

    def _crop(self, number: int, closer: bool, croppers: tuple[Cropper, Cropper]) -> Crop:
        skipped: list[str] = []
        while True:
            key = self.samples.key(number)
            try:
                planes, scale = self._planes(number, key, closer, croppers[closer])
                crop = Crop(key, planes, scale, tuple(skipped))
                return with_targets(crop, self.targets, self.options, self.seed, self.turn.epoch)
            except InputError as error:
                skipped.append(str(error))
                if len(skipped) > self.skip_bad:
                    raise
                number = (number + 1) % len(self.samples)

    def _planes(
        self, number: int, key: str, closer: bool, cropper: Cropper
    ) -> tuple[Planes, float]:
        """A crop of a sample, perhaps with the object of another sample behind its own."""
        epoch, second = self.turn.epoch, self.options.second
        rng = generator(self.seed, "closer crop" if closer else "crop", key, epoch)
        planes, scale = self.samples.crop(number, epoch, cropper, rng)
        if second:
            pair = generator(self.seed, "second", key, epoch)
            if pair.random() < second:
                other = int(pair.integers(len(self.samples)))
                planes = put_behind(planes, self.samples.crop(other, epoch, cropper, rng)[0])
        return planes, scale


def batch_sizes(count: int, batch_size: int, world: int) -> list[list[int]]:
    """Sizes of the batches of an epoch, for each step those of all devices.

    Full batches first. A rest of less than half a step shares its samples with the last full
    step, so that no batch is empty and none tiny.
    """
    full, rest = divmod(count, batch_size * world)
    if 0 < rest < max(world, batch_size * world / 2) and full:
        full, rest = full - 1, rest + batch_size * world
    sizes = [[batch_size] * world for _ in range(full)]
    steps = min(math.ceil(rest / (batch_size * world)), max(rest // world, 1))
    if rest:
        share, more = divmod(rest, steps * world)
        even = [share + (turn < more) for turn in range(steps * world)]
        sizes += [even[step * world : (step + 1) * world] for step in range(steps)]
    return sizes


class TrainingLoader(DataLoader[Any]):
    """Batches of one epoch after the other; its state counts the samples consumed in an epoch.

    Lightning keeps the state in its checkpoints, so that a run that was cut off anywhere goes on
    with the sample that came next, also on another batch size or number of devices.

    Args:
        batches: The crops of this device.
        workers: Processes that load; 0 loads in this one.

    Raises:
        InputError: There are fewer samples than devices.
    """

    dataset: CropBatches

    def __init__(self, batches: CropBatches, workers: int = 0) -> None:
        if len(batches.samples) < batches.turn.world:
            raise InputError(
                f"{len(batches.samples)} training samples are fewer than the "
                f"{batches.turn.world} devices; use fewer, or build more samples"
            )
        super().__init__(
            batches,
            batch_size=None,
            num_workers=workers,
            collate_fn=collate,
            worker_init_fn=_one_thread,
        )
        self.epoch, self.consumed = 0, 0
        self.resumes, self.ended = False, False
        self.waited = 0.0  # seconds, for batches
        self.skipped: list[str] = []

    @property
    def done(self) -> int:
        """Batches of the present size that the samples consumed stand for."""
        left = [] if self.ended else self.dataset.sizes(self.consumed)
        return len(self.dataset) - len(left)

    def end_epoch(self) -> None:
        """Leave the rest of an epoch out: `trainer.limit_train_batches` had ended it."""
        self.ended = True

    def state_dict(self) -> dict[str, int]:
        """The epoch, and how many of its samples all devices together have had."""
        return {"epoch": self.epoch, "consumed": self.consumed}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Continue at the position of another loader.

        Raises:
            InputError: Fewer samples of the epoch are left than there are devices.
        """
        self.epoch = state["epoch"]
        if "consumed" in state:
            self.consumed = state["consumed"]
        else:  # older checkpoints count batches, of the size that they are resumed with
            self.consumed = sum(map(sum, self.dataset.sizes()[: state["done"]]))
        left, world = self.dataset.count - self.consumed, self.dataset.turn.world
        if 0 < left < world:
            raise InputError(
                f"ckpt_path: {left} samples of the epoch are left, too few for {world} devices; "
                f"resume on {left} or fewer, or from an earlier checkpoint"
            )
        self.resumes = True

    def __iter__(self) -> Any:  # noqa: ANN401 - torch's iterator types are private
        """The batches of the next epoch, or those that an interrupted one still owes."""
        goes_on = self.resumes and not self.ended and self.consumed < self.dataset.count
        if self.consumed and not goes_on:
            self.epoch, self.consumed = self.epoch + 1, 0
        self.resumes, self.ended = False, False
        turn = self.dataset.turn
        turn.epoch, turn.consumed = self.epoch, self.consumed
        sizes = iter(self.dataset.sizes(self.consumed))
        batches, failure = super().__iter__(), ""
        try:
            while (batch := self._wait(batches)) is not None:
                self.consumed += sum(next(sizes))
                self._count_skipped(batch.skipped)
                yield batch
        except InputError as error:  # a worker's comes with a traceback in its text
            failure = str(error).rpartition("InputError: ")[2].strip()
            error.__traceback__ = None
        # Nothing else holds it now, so it tells the workers to end. Left to the garbage collector,
        # the queues to them close first, and it waits five seconds for each worker.
        del batches
        if failure:
            raise InputError(failure)

    def _wait(self, batches: Iterator[Any]) -> Any:  # noqa: ANN401 - torch's iterator types
        begin = time.monotonic()
        batch = next(batches, None)
        self.waited += time.monotonic() - begin
        return batch

    def _count_skipped(self, lines: list[str]) -> None:
        allowed = self.dataset.skip_bad
        for line in lines:
            if line not in self.skipped:  # a bad sample comes again in every epoch
                self.skipped.append(line)
                log.warning("skipped %d of %d allowed: %s", len(self.skipped), allowed, line)
        if len(self.skipped) > allowed:
            raise InputError(
                f"{len(self.skipped)} bad samples, and data.skip_bad allows {allowed}; the last: "
                f"{self.skipped[-1]}"
            )


def _one_thread(worker: int) -> None:
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
