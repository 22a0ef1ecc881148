"""A method in a process of its own, so that its memory and its crashes are its own."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gfm.bench.cases import Case
from gfm.bench.methods import Method
from gfm.bench.removers import Loaded, load
from rssn.imaging.errors import one_line
from rssn.imaging.writing import write_alpha, write_rgba

if TYPE_CHECKING:
    from gfm.models.contract import Licence

STATUS = Path("/proc/self/status")
PEAK = "VmHWM:"


@dataclass(frozen=True)
class Ready:
    """A method was loaded; its parts as in `gfm.bench.removers.Loaded`."""

    needs_trimap: bool
    licences: tuple[Licence, ...] | str | None
    hashes: Mapping[str, NDArray[np.uint64]]


@dataclass(frozen=True)
class Done:
    """Result of the next photograph.

    Attributes:
        seconds: That it took, without reading and writing; None where it was not matted.
        failure: Why it was not; None where it has no trimap and the method needs one.
        peak: Most bytes that the process has held.
    """

    seconds: float | None
    failure: str | None
    peak: int


@dataclass(frozen=True)
class Unusable:
    """Reason why a method could not be loaded, in one line."""

    reason: str


@dataclass(frozen=True)
class Ended:
    """The process ended, with an exit code or the negative number of a signal."""

    code: int


Message = Ready | Done | Unusable | Ended


@dataclass
class Outcome:
    """Results of the photographs by one method.

    Attributes:
        ready: Of its process; None where it could not be loaded.
        unusable: Why it could not.
        seconds: By photograph that was matted.
        failures: Why a photograph was not, in one line.
        peak: Most bytes that a process of it held.
    """

    ready: Ready | None = None
    unusable: str | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    peak: int = 0


def run_method(
    method: Method,
    cases: Sequence[Case],
    out: Path,
    device: str = "auto",
    advance: Callable[[], None] = lambda: None,
) -> Outcome:
    """Matte photographs by a method; after a crash another process goes on with the next.

    Args:
        method: The method.
        cases: The photographs.
        out: Folder that gets `NAME.png` of each: grey, or RGBA where true colours are known.
        device: Of models of this project.
        advance: Called after each photograph.

    Note:
        Processes are started afresh, so a script that calls this must keep its body under
        `if __name__ == "__main__"`.
    """
    out.mkdir(parents=True, exist_ok=True)
    outcome, waiting = Outcome(), list(cases)
    while waiting and outcome.unusable is None:
        outcome.ready = None
        for message in _messages(method, waiting, out, device):
            if isinstance(message, Ready):
                outcome.ready = message
            elif isinstance(message, Unusable):
                outcome.unusable = message.reason
            elif isinstance(message, Done):
                _note(message, waiting.pop(0).name, outcome)
                advance()
            elif waiting and outcome.unusable is None:
                reason = f"its process ended with {_in_words(message.code)}"
                if outcome.ready is None:
                    outcome.unusable = reason
                else:
                    outcome.failures[waiting.pop(0).name] = reason
                    advance()
    for _ in waiting:
        advance()
    return outcome


def _note(done: Done, name: str, outcome: Outcome) -> None:
    outcome.peak = max(outcome.peak, done.peak)
    if done.seconds is not None:
        outcome.seconds[name] = done.seconds
    elif done.failure is not None:
        outcome.failures[name] = done.failure


def _messages(method: Method, cases: list[Case], out: Path, device: str) -> Iterator[Message]:
    """Yield a process's messages about the photographs, in their order, and its end."""
    context = get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(there, method, list(cases), out, device))
    process.start()
    there.close()
    try:
        with suppress(EOFError, ConnectionError):
            while True:
                yield here.recv()
    except BaseException:
        process.kill()
        raise
    finally:
        here.close()
        process.join()
    yield Ended(process.exitcode or 0)


def work(pipe: Connection, method: Method, cases: Sequence[Case], out: Path, device: str) -> None:
    """The process: load the method, matte the photographs, and tell of each.

    It ends with the process that reads.
    """
    with suppress(BrokenPipeError):
        _work(pipe, method, cases, out, device)


def _work(pipe: Connection, method: Method, cases: Sequence[Case], out: Path, device: str) -> None:
    try:
        loaded = load(method, device)
    except Exception as error:  # of any library
        pipe.send(Unusable(one_line(error)))
        return
    pipe.send(Ready(loaded.needs_trimap, loaded.licences, loaded.hashes))
    for case in cases:
        seconds, failure = None, None
        try:
            seconds = _matte(loaded, case, out / f"{case.name}.png")
        except Exception as error:  # of any library; the next photograph may be fine
            failure = one_line(error)
        pipe.send(Done(seconds, failure, peak_memory()))


def _matte(loaded: Loaded, case: Case, path: Path) -> float | None:
    """Seconds for a photograph; None where it lacks the trimap that the method needs."""
    if loaded.needs_trimap and case.trimap is None:
        return None
    pixels = case.read()
    start = time.perf_counter()
    alpha, colours = loaded.matte(case.name, pixels)
    seconds = time.perf_counter() - start
    if pixels.colours is None:
        write_alpha(path, alpha)
    else:
        write_rgba(path, pixels.image if colours is None else colours, alpha)
    return seconds


def peak_memory() -> int:
    """Most bytes that this process, or one of those that it started, has held at a time."""
    import resource  # not on Windows

    unit = 1 if sys.platform == "darwin" else 1024
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit
    try:
        # Not ru_maxrss, which begins with what the process had that started this one.
        own = int(STATUS.read_text().partition(PEAK)[2].split()[0]) * 1024
    except (OSError, IndexError):  # no Linux
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return max(own, children)


def _in_words(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    name = signal.Signals(-code).name
    return f"{name}, perhaps for want of memory" if name == "SIGKILL" else name
