"""Sessions of the server: bounded in number and memory, ended by time, nothing on disk."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gfm.serve.correcting import Correction
from gfm.serve.edits import History
from gfm.serve.limits import Limits, Refused

BYTES_PER_PIXEL = 30  # photograph 3, first, newest and shown matte 8 each, unrefined alpha 1
BYTES_OF_CLICKS = 60_000_000  # parts of earlier mattes, and what the encoder found
SPARE_SECONDS = 60  # a session idle for longer makes room for a new one
MOST_WAITING = 8  # requests of a session
REMEMBERED = 1000  # ended sessions


@dataclass
class Held:
    """A session.

    Attributes:
        id: Unguessable name.
        correction: Photograph and mattes; for the worker alone.
        size: Bytes that it is counted for.
        history: Its corrections; for the event loop alone.
        used: Time of its last request, on the clock of the store.
        waiting: Requests that are not answered yet.
    """

    id: str
    correction: Correction
    size: int
    history: History
    used: float
    waiting: int = 0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold a place among the requests of the session.

        Raises:
            Refused: 429, too many wait.
        """
        if self.waiting >= MOST_WAITING:
            raise Refused(429, f"{self.waiting} requests of the session wait; ask again shortly", 1)
        self.waiting += 1
        try:
            yield
        finally:
            self.waiting -= 1


class Sessions:
    """All sessions. It belongs to the event loop.

    Args:
        limits: How many, how large, how long.
        clock: In seconds.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits, self._clock = limits, clock
        self._held: OrderedDict[str, Held] = OrderedDict()  # the one idle longest first
        self._ended: OrderedDict[str, str] = OrderedDict()

    def __len__(self) -> int:
        return len(self._held)

    def make_room(self, pixels: int) -> int:
        """End what has to go for a photograph of so many pixels.

        Returns:
            Bytes that its session is counted for.

        Raises:
            Refused: 413, it never fits; 429, others are in use.
        """
        size, limits = session_bytes(pixels), self.limits
        if size > limits.session_memory or not limits.sessions:
            raise Refused(
                413,
                f"correcting a photograph of {pixels / 1e6:.1f} megapixels takes {size / 1e9:.1f} "
                f"GB and sessions have {limits.session_memory / 1e9:.1f} GB here; send a smaller "
                "one",
            )
        self.sweep()
        while (
            len(self) >= limits.sessions
            or sum(held.size for held in self._held.values()) + size > limits.session_memory
        ):
            idle = self._idle(SPARE_SECONDS)
            if not idle:
                raise Refused(
                    429,
                    f"{len(self)} photographs are being corrected here, as many as fit; try again "
                    "in a minute",
                    SPARE_SECONDS,
                )
            self.end(idle[0].id, "made room for another one")
        return size

    def add(self, correction: Correction, history: History, size: int) -> Held:
        """Keep a session under a new id."""
        held = Held(secrets.token_urlsafe(24), correction, size, history, self._clock())
        self._held[held.id] = held
        return held

    def find(self, name: str) -> Held:
        """The session of that id, which begins to be idle anew.

        Raises:
            Refused: 404, there was none; 410, it has ended.
        """
        self.sweep()
        if name in self._ended:
            raise Refused(410, f"the session {self._ended[name]}; send the photograph again")
        if name not in self._held:
            raise Refused(
                404,
                "there is no such session, perhaps since the server was started anew; send the "
                "photograph again",
            )
        held = self._held[name]
        held.used = self._clock()
        self._held.move_to_end(name)
        return held

    def end(self, name: str, reason: str = "was deleted") -> None:
        """Let a session go."""
        self._held.pop(name, None)
        self._ended[name] = reason
        while len(self._ended) > REMEMBERED:
            self._ended.popitem(last=False)

    def sweep(self) -> None:
        """End what was idle for too long."""
        seconds = self.limits.idle
        for held in self._idle(seconds):
            self.end(held.id, f"ended after {seconds / 60:g} minutes without use")

    def _idle(self, seconds: float) -> list[Held]:
        """Sessions without a request for so long, the one idle longest first."""
        now = self._clock()
        return [h for h in self._held.values() if not h.waiting and now - h.used > seconds]


def session_bytes(pixels: int) -> int:
    """Bytes that a session of a photograph with so many pixels is counted for."""
    return BYTES_PER_PIXEL * pixels + BYTES_OF_CLICKS
