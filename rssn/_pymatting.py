"""pymatting, without what importing it does to the threads of torch."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any


def function(module: str, name: str) -> Callable[..., Any]:
    """A function of a module of pymatting.

    Its compiled code starts numba's threads when it is imported, which sets the OpenMP threads of
    the whole process to the number of cores. A torch that was told to take one thread then takes
    all, and is ten times as slow where other processes have the cores.
    """
    torch = sys.modules.get("torch")
    threads = torch.get_num_threads() if torch else None
    found: Callable[..., Any] = getattr(import_module(f"pymatting.{module}"), name)
    if torch:
        torch.set_num_threads(threads)
    return found
