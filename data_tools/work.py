"""A function run over many files with a progress bar, and options that commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from rssn.build.executors import make_executor, run_all
from rssn.imaging.errors import InputError, one_line

Task = TypeVar("Task")
Result = TypeVar("Result")


def in_order(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    description: str,
    workers: int | None = None,
    quiet: bool = False,
) -> list[Result]:
    """All results in the order of the tasks.

    With several workers (None takes one per core) the function has to be a module's own.
    """
    with make_executor("local", workers) as executor:
        return run_all(executor, function, tasks, description, quiet)


def failures_of(
    tasks: Sequence[tuple[Path, Callable[[], None]]],
    description: str,
    workers: int | None = None,
    quiet: bool = False,
) -> list[str]:
    """Run tasks, each for a file; a line for each that fails, with the file's name, sorted."""
    lines = in_order(_failure, tasks, description, workers, quiet)
    return sorted(line for line in lines if line is not None)


def _failure(task: tuple[Path, Callable[[], None]]) -> str | None:
    path, run = task
    try:
        run()
    except (InputError, OSError) as error:
        return reason(path, error)
    return None


def reason(path: Path, error: Exception) -> str:
    """Message of an error about a file, with the file's name in front."""
    text = one_line(error)
    return text if isinstance(error, InputError) else f"{path}: {text}"


def add_work_options(parser: argparse.ArgumentParser) -> None:
    """Declare `--workers` and `--quiet`."""
    parser.add_argument("--workers", type=int, metavar="N", help="processes (one per core)")
    parser.add_argument("--quiet", action="store_true", help="show no progress")
