"""From photographs to their mattes.

Names are loaded when they are first used: the options of a command need no network.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gfm.inference.matting import matte, matte_batch, predict, with_colours
    from gfm.inference.options import (
        Augmentation,
        ForegroundMethod,
        MatteOptions,
        Refinement,
        Strategy,
    )
    from gfm.inference.passes import enlarge, pass_size, shrink

__all__ = [
    "Augmentation",
    "ForegroundMethod",
    "MatteOptions",
    "Refinement",
    "Strategy",
    "enlarge",
    "matte",
    "matte_batch",
    "pass_size",
    "predict",
    "shrink",
    "with_colours",
]

_MODULES = {
    "Augmentation": "options",
    "ForegroundMethod": "options",
    "MatteOptions": "options",
    "Refinement": "options",
    "Strategy": "options",
    "enlarge": "passes",
    "matte": "matting",
    "matte_batch": "matting",
    "pass_size": "passes",
    "predict": "matting",
    "shrink": "passes",
    "with_colours": "matting",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'gfm.inference' has no attribute {name!r}")
    return getattr(importlib.import_module(f"gfm.inference.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
