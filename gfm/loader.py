"""Training batches: no sample lost or doubled, in an order that no process decides."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import cv2
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from gfm.config import Rosta
from gfm.crops import CropOptions, Cropper
from gfm.samples import Crop, collate
from gfm.training_sets import TrainingSet
from rssn._seeding import generator
from rssn.errors import InputError

log = logging.getLogger(__name__)


@dataclass
class Turn:
    """Whose turn it is: which device this is, which epoch, and from which batch on."""

    rank: int = 0
    world: int = 1
    epoch: int = 0
    first: int = 0


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
        cropper: Made before loading processes are forked, since it imports albumentations: W&B
            watches imports, and refuses one of a forked process.
    """

    samples: TrainingSet
    options: CropOptions
    batch_size: int
    seed: int = 0
    skip_bad: int = 0
    turn: Turn = field(default_factory=Turn)
    cropper: Cropper = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.cropper = Cropper(self.options)

    def __len__(self) -> int:
        """Steps of an epoch, the same on each device."""
        return len(self._sizes())

    def __iter__(self) -> Iterator[list[Crop]]:
        worker = get_worker_info()
        index, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        turn, start = self.turn, 0
        order = generator(self.seed, "order", turn.epoch).permutation(len(self.samples))
        for step, sizes in enumerate(self._sizes()):
            begin = start + sum(sizes[: turn.rank])
            start += sum(sizes)
            if step >= turn.first and (step - turn.first) % workers == index:
                numbers = order[begin : begin + sizes[turn.rank]]
                yield [self._crop(int(number)) for number in numbers]

    def _sizes(self) -> list[list[int]]:
        return batch_sizes(len(self.samples), self.batch_size, self.turn.world)

    def _crop(self, number: int) -> Crop:
        skipped: list[str] = []
        while True:
            key, epoch = self.samples.key(number), self.turn.epoch
            try:
                rng = generator(self.seed, "crop", key, epoch)
                made = self.samples.crop(number, epoch, self.cropper, rng)
                return Crop(key, *made, tuple(skipped))
            except InputError as error:
                skipped.append(str(error))
                if len(skipped) > self.skip_bad:
                    raise
                number = (number + 1) % len(self.samples)


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
    """Batches of one epoch after the other; its state says where in an epoch it stands.

    Lightning keeps the state in its checkpoints, so that a run that was cut off anywhere goes on
    with the very batch that came next.

    Args:
        batches: The crops of this device.
        rosta: What to label.
        workers: Processes that load; 0 loads in this one.

    Raises:
        InputError: There are fewer samples than devices.
    """

    dataset: CropBatches

    def __init__(self, batches: CropBatches, rosta: Rosta, workers: int = 0) -> None:
        if len(batches.samples) < batches.turn.world:
            raise InputError(
                f"{len(batches.samples)} training samples are fewer than the "
                f"{batches.turn.world} devices; use fewer, or build more samples"
            )
        super().__init__(
            batches,
            batch_size=None,
            num_workers=workers,
            collate_fn=partial(collate, rosta=rosta, kernel=batches.options.kernel),
            worker_init_fn=_one_thread,
        )
        self.epoch, self.done = 0, 0
        self.resumes = False
        self.skipped: list[str] = []

    def state_dict(self) -> dict[str, int]:
        """The epoch, and how many of its batches were handed out."""
        return {"epoch": self.epoch, "done": self.done}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on where another loader stood."""
        self.epoch, self.done = state["epoch"], state["done"]
        self.resumes = True

    def __iter__(self) -> Any:  # noqa: ANN401 - torch's iterator types are private
        """The batches of the next epoch, or those that an interrupted one still owes."""
        if self.done and not (self.resumes and self.done < len(self.dataset)):
            self.epoch, self.done = self.epoch + 1, 0
        self.resumes = False
        turn = self.dataset.turn
        turn.epoch, turn.first = self.epoch, self.done
        batches, failure = super().__iter__(), ""
        try:
            for batch in batches:
                self.done += 1
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
