"""Training sets that take turns: an epoch goes through them in their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gfm.data.crops import Cropper, Planes
from gfm.data.licences import joined
from gfm.data.sets import TrainingSet, open_training_set
from gfm.models.contract import Licence
from rssn.imaging.errors import InputError
from rssn.imaging.seeding import generator
from rssn.route.compose import RouteOptions


@dataclass(frozen=True)
class TaskPart:
    """Samples of one of several tasks.

    Attributes:
        task: Name of the task, as the training knows it.
        shards: What `data.shards` takes.
        samples: How many samples an epoch has, drawn anew each time.
        route: For shards of sources, another route than the one they were built for.
    """

    task: str
    shards: str
    samples: int
    route: RouteOptions | None = None

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: It has no sample, or a name with a slash in it.
        """
        if self.samples < 1:
            raise InputError(f"samples={self.samples} of the task {self.task}: wanted 1 or more")
        if not self.task or "/" in self.task:
            raise InputError(f"task={self.task!r}: give a name without a slash")


class TasksInTurn:
    """Training set whose epochs go through the tasks in their order.

    No sample comes twice in an epoch unless a task has too few.

    Args:
        parts: The tasks with their sets.
        seed: Decides the draws.
    """

    ordered = True  # read by `gfm.data.loader`, which else shuffles

    def __init__(self, parts: Sequence[tuple[TaskPart, TrainingSet]], seed: int) -> None:
        self.parts, self.seed = list(parts), seed

    def __len__(self) -> int:
        return sum(part.samples for part, _ in self.parts)

    def key(self, number: int) -> str:
        """The task, and which of its samples in the epoch."""
        part, _, local = self._find(number)
        return f"{part.task}/{local}"

    def crop(
        self, number: int, epoch: int, cropper: Cropper, rng: np.random.Generator
    ) -> tuple[Planes, float]:
        """A crop of a sample that is drawn for the epoch."""
        part, samples, local = self._find(number)
        turn, place = divmod(local, len(samples))
        order = generator(self.seed, "task", part.task, epoch, turn).permutation(len(samples))
        return samples.crop(int(order[place]), epoch, cropper, rng)

    def licences(self) -> list[Licence]:
        """Licences of all tasks, by their shares of an epoch."""
        return joined((samples.licences(), part.samples) for part, samples in self.parts)

    def _find(self, number: int) -> tuple[TaskPart, TrainingSet, int]:
        """The task, its set, and which of its samples in the epoch."""
        for part, samples in self.parts:
            if number < part.samples:
                return part, samples, number
            number -= part.samples
        raise IndexError(number)


def open_tasks(parts: Sequence[TaskPart], seed: int = 0) -> TasksInTurn:
    """Open the sets of all tasks.

    Args:
        parts: At least one.
        seed: What the draws derive from.

    Raises:
        InputError: There is no part, or one does not hold what it has to.
    """
    if not parts:
        raise InputError("data.tasks is empty; give at least one task with its shards")
    sets = [open_training_set(part.shards, part.route, seed) for part in parts]
    return TasksInTurn(list(zip(parts, sets, strict=True)), seed)


def task_of(key: str) -> str:
    """Name of the task that a sample of `TasksInTurn` belongs to, by its key."""
    return key.partition("/")[0]
