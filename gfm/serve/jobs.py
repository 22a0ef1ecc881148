"""The network takes one photograph at a time; a bounded number of others wait in line."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from gfm.serve.limits import Limits, Refused

T = TypeVar("T")


class Jobs:
    """The line before the network. It belongs to the event loop in which it is made.

    One thread works, since one photograph occupies every core; so at most one photograph is in
    memory as pixels, and `queue` others as the files that were sent.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.busy = 0
        self.usual_seconds = 1.0
        self._free = asyncio.Lock()  # first come, first served
        self._thread = ThreadPoolExecutor(1, "matte")

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place in the line, to be taken before the upload is read.

        Raises:
            Refused: 503, all places are taken.
        """
        if self.busy > self.limits.queue:
            raise Refused(
                503,
                f"the server is busy with {self.busy} photographs; try again shortly",
                self._retry_after(),
            )
        self.busy += 1
        try:
            yield
        finally:
            self.busy -= 1

    async def run(self, job: Callable[[], T]) -> T:
        """Run a job in the thread when its turn comes; one cancelled before that leaves the line.

        Raises:
            Refused: 503, it took too long. The thread ends what it began before it takes the next.
        """
        try:
            async with asyncio.timeout(self.limits.seconds):
                await self._free.acquire()
                work = asyncio.get_running_loop().run_in_executor(self._thread, self._timed, job)
                work.add_done_callback(self._finished)
                return await asyncio.shield(work)
        except TimeoutError:
            raise Refused(
                503,
                f"the photograph was not done within {self.limits.seconds:g} s; try again later, "
                "send a smaller one, or start gfm serve with a longer --timeout",
            ) from None

    def close(self) -> None:
        """Take no more work."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _timed(self, job: Callable[[], T]) -> T:
        began = time.monotonic()
        try:
            return job()
        finally:
            self.usual_seconds += 0.2 * (time.monotonic() - began - self.usual_seconds)

    def _finished(self, work: asyncio.Future[T]) -> None:
        self._free.release()
        if not work.cancelled():
            work.exception()  # or asyncio complains where nobody waits for it any more

    def _retry_after(self) -> int:
        return max(1, math.ceil(self.usual_seconds * self.busy / 2))
