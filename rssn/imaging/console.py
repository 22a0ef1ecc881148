"""Progress bars and exit codes, the same for every command of the three packages."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import Self, TypeVar

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

from rssn.imaging.errors import BelowThreshold, FailedInputs, InputError, one_line
from rssn.imaging.extras import missing_package

T = TypeVar("T")

DONE, SOME_FAILED, USAGE, BELOW, INTERRUPTED, UNREAD = 0, 1, 2, 3, 130, 141
LINE_SECONDS = 10.0


class Bar:
    """A progress bar on stderr: count, rate and remaining time.

    If stderr is not a terminal (a log, CI), a line is written every ten seconds instead.
    """

    def __init__(self, description: str, total: int | None = None, quiet: bool = False) -> None:
        console = Console(stderr=True)
        self.description, self.total = description, total
        self.lines = not quiet and not console.is_terminal
        self.done, self.note = 0, ""
        self.began = self.last_line = time.monotonic()
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _RateColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=console,
            disable=quiet or not console.is_terminal,
        )
        self.task = self.bar.add_task(description, total=total, note="")

    def advance(self, count: int = 1, note: str = "") -> None:
        """Count finished items and show a short note behind the bar."""
        self.done += count
        self.note = note
        self.bar.update(self.task, advance=count, note=note)
        if self.lines and time.monotonic() - self.last_line >= LINE_SECONDS:
            self._write_line()

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        self.bar.stop()
        if self.lines and kind is None:
            self._write_line()

    def _write_line(self) -> None:
        self.last_line = time.monotonic()
        rate = self.done / max(self.last_line - self.began, 1e-9)
        text = f"{self.description}: {self.done}"
        if self.total is not None:
            remaining = self.total - self.done
            left = remaining and (remaining / rate if rate else float("inf"))
            text += f"/{self.total}, {rate:.2f}/s, {left:.0f} s left"
        sys.stderr.write(f"{text} {self.note}".rstrip() + "\n")
        sys.stderr.flush()


class _RateColumn(ProgressColumn):
    """Items per second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.2f}/s", style="progress.data.speed")


def progress(
    items: Iterable[T], description: str, total: int | None = None, quiet: bool = False
) -> Iterator[T]:
    """Yield the items and show a `Bar` that counts them; `len(items)` is the default total."""
    if total is None and isinstance(items, Sized):
        total = len(items)
    with Bar(description, total, quiet) as bar:
        for item in items:
            yield item
            bar.advance()


def run_command(command: Callable[[], None]) -> int:
    """Run a command's body and turn its errors into a message on stderr and an exit code.

    Returns 0 done; 1 some inputs failed (named on stderr, the others are done); 2 usage; 3 done,
    but below a threshold of the user; 130 interrupted; 141 nobody reads the output any more.
    """
    try:
        command()
    except FailedInputs as failed:
        for line in failed.failures:
            sys.stderr.write(f"failed: {line}\n")
        return SOME_FAILED
    except BelowThreshold as found:
        sys.stderr.write(f"{found}\n")
        return BELOW
    except InputError as error:
        sys.stderr.write(f"error: {one_line(error)}\n")
        return USAGE
    except ModuleNotFoundError as error:
        if (missing := missing_package(error)) is None:
            raise
        sys.stderr.write(f"error: {missing}\n")
        return USAGE
    except BrokenPipeError:  # of `gfm ... | head`; what is still buffered goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD
    except OSError as error:  # that no command handles itself
        told = f"{one_line(error)}; give files that can be read, and a disk with room to write to"
        sys.stderr.write(f"error: {told}\n")
        return USAGE
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; what was finished is kept\n")
        return INTERRUPTED
    return DONE
