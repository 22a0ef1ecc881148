"""Executor on a Ray cluster (the `ray` extra)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self, TypeVar

from rssn.imaging.errors import InputError, how_to_install

Task = TypeVar("Task")
Result = TypeVar("Result")

_WAITING_TASKS = 1000  # enough to keep a cluster busy, few enough for its scheduler


class RayExecutor:
    """Tasks of one core each on the cluster of RAY_ADDRESS, or on one of `workers` cores here.

    All machines need the folders of inputs, cache and output under the same paths.
    """

    def __init__(self, workers: int | None) -> None:
        try:
            import ray
        except ImportError as error:
            raise InputError(
                f"executor='ray' needs the package ray; {how_to_install('ray')}, or choose 'local'"
            ) from error
        self._ray: Any = ray
        self._started = not ray.is_initialized()
        if self._started:
            # A running cluster has its number of cores and refuses to be given another.
            cores = None if "RAY_ADDRESS" in os.environ else workers
            ray.init(num_cpus=cores, include_dashboard=False, log_to_driver=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._started:
            self._ray.shutdown()

    def run(
        self, function: Callable[[Task], Result], tasks: Sequence[Task]
    ) -> Iterator[tuple[int, Result]]:
        """Yield (task number, result) in the order of completion."""
        remote = self._ray.remote(num_cpus=1)(function)
        numbers: dict[Any, int] = {}
        for number, task in enumerate(tasks):
            if len(numbers) >= _WAITING_TASKS:
                yield self._next(numbers)
            numbers[remote.remote(task)] = number
        while numbers:
            yield self._next(numbers)

    def _next(self, numbers: dict[Any, int]) -> tuple[int, Any]:
        done, _ = self._ray.wait(list(numbers), num_returns=1)
        return numbers.pop(done[0]), self._ray.get(done[0])
