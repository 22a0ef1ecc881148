"""The numba decorator of this package."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from numba import njit

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile to machine code that runs without the interpreter lock and is cached on disk.

    If numba can write neither beside the file nor below the home folder, as in a container with
    read-only disks, nothing is cached and every process compiles anew.

    Arithmetic is strict IEEE (no `fastmath`), so that results do not depend on the width of a
    machine's vectors. The numpy error model drops the check for a zero divisor, which would prevent
    vectorisation.

    Note:
        The cache checks the file of the function alone: delete `__pycache__` after a change to a
        function or constant that it imports.
    """
    try:
        return cast(Callable[P, R], njit(cache=True, nogil=True, error_model="numpy")(function))
    except RuntimeError:  # "no locator available": there is no folder for the cache
        return cast(Callable[P, R], njit(nogil=True, error_model="numpy")(function))
