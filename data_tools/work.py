"""Running a function over many files with a progress bar, in this process or in several."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from rssn.build.executors import make_executor
from rssn.imaging.console import Bar
from rssn.imaging.errors import InputError, one_line

Task = TypeVar("Task")
Result = TypeVar("Result")


def as_done(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    description: str,
    workers: int | None = None,
    quiet: bool = False,
) -> Iterator[tuple[int, Result]]:
    """Yield (task number, result) in the order in which the tasks finish.

    Args:
        function: Called with each task; with several workers it has to be a module's own.
        tasks: What to do.
        description: Shown before the progress bar.
        workers: Processes; None takes one for each core.
        quiet: Show no progress.

    Raises:
        InputError: `workers` is below 1.
    """
    with make_executor("local", workers) as executor, Bar(description, len(tasks), quiet) as bar:
        for number, result in executor.run(function, tasks):
            yield number, result
            bar.advance()


def in_order(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    description: str,
    workers: int | None = None,
    quiet: bool = False,
) -> list[Result]:
    """All results of `as_done`, in the order of the tasks."""
    results = dict(as_done(function, tasks, description, workers, quiet))
    return [results[number] for number in range(len(tasks))]


def reason(path: Path, error: Exception) -> str:
    """Why a file could not be used, with a file's name in front as an `InputError` has it."""
    text = one_line(error)
    return text if isinstance(error, InputError) else f"{path}: {text}"
