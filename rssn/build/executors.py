"""Executors: this process, processes on all cores, or a Ray cluster."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Literal, Self, TypeAlias, TypeVar, get_args

import cv2

from rssn.imaging.console import Bar
from rssn.imaging.cores import available_cores
from rssn.imaging.errors import InputError, check_choice, check_least

if TYPE_CHECKING:
    from rssn.build.ray_executor import RayExecutor

Task = TypeVar("Task")
Result = TypeVar("Result")
Executor: TypeAlias = "LocalExecutor | RayExecutor"
ExecutorName = Literal["local", "ray"]


def make_executor(name: ExecutorName, workers: int | None = None) -> Executor:
    """The executor of that name.

    Args:
        name: 'local' or 'ray'.
        workers: Processes; None takes one per core (of the cluster, for 'ray').

    Raises:
        InputError: `workers` is below 1, the name is unknown, or its package is missing.
    """
    check_least(1, workers=workers)
    if name == "local":
        return LocalExecutor(workers or available_cores())
    check_choice("executor", name, get_args(ExecutorName))
    from rssn.build.ray_executor import RayExecutor

    return RayExecutor(workers)


class LocalExecutor:
    """Processes on this machine; one worker means this process itself."""

    def __init__(self, workers: int) -> None:
        self._pool = None
        if workers > 1:
            self._pool = ProcessPoolExecutor(
                workers,
                # Forked children would inherit the threads' locks of OpenCV and numba, and hang.
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_begin_worker,
            )

    def run(
        self, function: Callable[[Task], Result], tasks: Sequence[Task]
    ) -> Iterator[tuple[int, Result]]:
        """Yield (task number, result) in the order of completion."""
        if self._pool is None:
            for number, task in enumerate(tasks):
                yield number, function(task)
            return
        numbers = {self._pool.submit(function, task): number for number, task in enumerate(tasks)}
        try:
            for future in as_completed(numbers):
                yield numbers[future], future.result()
        except BrokenProcessPool as error:
            raise InputError(
                "a worker process was killed, mostly because memory ran out; give fewer --workers "
                "and continue with --resume"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


def run_all(
    executor: Executor,
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    name: str,
    quiet: bool,
    size: Callable[[Task], int] = lambda task: 1,
) -> list[Result]:
    """Run a function over tasks with a progress bar, which counts the `size` of each.

    Returns:
        The results in the order of the tasks.
    """
    results: dict[int, Result] = {}
    if tasks:
        with Bar(name, sum(map(size, tasks)), quiet) as bar:
            for number, result in executor.run(function, tasks):
                results[number] = result
                bar.advance(size(tasks[number]))
    return [results[number] for number in range(len(tasks))]


def _begin_worker() -> None:
    """Limit the process to one core, and end it with its parent."""
    cv2.setNumThreads(1)
    os.environ["OMP_NUM_THREADS"] = os.environ["NUMBA_NUM_THREADS"] = "1"
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # silently; the parent reports it
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
