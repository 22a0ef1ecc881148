"""A function run over many files with a progress bar, and options that commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from rssn.build.executors import make_executor, run_all
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
    """Yield (task number, result) in the order of completion.

    With several workers (None takes one per core) the function has to be a module's own.
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
    with make_executor("local", workers) as executor:
        return run_all(executor, function, tasks, description, quiet)


def failures_of(
    function: Callable[[Task], str | None],
    tasks: Sequence[Task],
    description: str,
    workers: int | None = None,
    quiet: bool = False,
) -> list[str]:
    """The lines that `function` returns for failed tasks, sorted."""
    results = as_done(function, tasks, description, workers, quiet)
    return sorted(line for _, line in results if line is not None)


def reason(path: Path, error: Exception) -> str:
    """Message of an error about a file, with the file's name in front."""
    text = one_line(error)
    return text if isinstance(error, InputError) else f"{path}: {text}"


def add_work_options(parser: argparse.ArgumentParser) -> None:
    """Declare `--workers` and `--quiet`."""
    parser.add_argument("--workers", type=int, metavar="N", help="processes (one per core)")
    parser.add_argument("--quiet", action="store_true", help="show no progress")
