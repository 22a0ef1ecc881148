"""A method whose process dies; apart from tests, so that the process loads little."""

from __future__ import annotations

import os
import signal

from gfm.bench import child
from gfm.bench.methods import Method
from gfm.bench.removers import Loaded


def load(method: Method, device: str) -> Loaded:
    """A method that ends its process at p1 and raises on p2."""

    def run(name, pixels):
        if name == "p1":
            os.kill(os.getpid(), signal.SIGKILL)
        if name == "p2":
            raise ValueError("two\nlines")
        return pixels.alpha, None

    return Loaded(run)


def work(*arguments: object) -> None:
    """`gfm.bench.child.work` with this method."""
    child.load = load
    child.work(*arguments)
