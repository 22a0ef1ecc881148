"""Progress bars and exit codes, the same for every command of the three packages."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from rssn.errors import FailedInputs, InputError, one_line

T = TypeVar("T")

DONE, SOME_FAILED, USAGE = 0, 1, 2


class _RateColumn(ProgressColumn):
    """Items a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.2f}/s", style="progress.data.speed")


def progress(
    items: Iterable[T], description: str, total: int | None = None, quiet: bool = False
) -> Iterator[T]:
    """Yield the items and show a bar with count, rate and remaining time on stderr.

    Args:
        items: What to go through.
        description: What is being done, shown before the bar.
        total: Number of items; taken from `len(items)` where it has one.
        quiet: Show nothing.

    Yields:
        The items, unchanged.
    """
    if total is None and isinstance(items, Sized):
        total = len(items)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _RateColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as bar:
        yield from bar.track(items, total=total, description=description)


def run_command(command: Callable[[], None]) -> int:
    """Run a command's body and turn its errors into a message on stderr and an exit code.

    Returns:
        0 done; 1 some inputs failed (each named on stderr, the rest is done); 2 usage.
    """
    try:
        command()
    except FailedInputs as failed:
        for line in failed.failures:
            sys.stderr.write(f"failed: {line}\n")
        return SOME_FAILED
    except InputError as error:
        sys.stderr.write(f"error: {one_line(error)}\n")
        return USAGE
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; what was finished is kept\n")
        return 130
    return DONE
