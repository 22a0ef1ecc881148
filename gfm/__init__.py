"""GFM: glance-and-focus matting from a single photograph.

    >>> import gfm
    >>> model = gfm.load_model("model.safetensors")  # doctest: +SKIP
    >>> gfm.matte("photo.jpg", model).save("cutout.png")  # doctest: +SKIP

Names are loaded when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gfm import metrics
    from gfm.checkpoints.files import save_model
    from gfm.inference.cutout import Matte
    from gfm.inference.loading import load_model
    from gfm.inference.matting import matte, matte_batch
    from gfm.inference.session import Session
    from gfm.models.glance_focus.config import GFMConfig
    from gfm.models.glance_focus.network import GFM
    from gfm.models.options import MatteOptions

__all__ = [
    "GFM",
    "GFMConfig",
    "Matte",
    "MatteOptions",
    "Session",
    "load_model",
    "matte",
    "matte_batch",
    "metrics",
    "save_model",
]

_HOMES = {
    "GFM": "gfm.models.glance_focus.network",
    "GFMConfig": "gfm.models.glance_focus.config",
    "Matte": "gfm.inference.cutout",
    "MatteOptions": "gfm.models.options",
    "Session": "gfm.inference.session",
    "load_model": "gfm.inference.loading",
    "matte": "gfm.inference.matting",
    "matte_batch": "gfm.inference.matting",
    "save_model": "gfm.checkpoints.files",
}


def __getattr__(name: str) -> object:
    if name == "metrics":
        return importlib.import_module("gfm.metrics")
    if name not in _HOMES:
        raise AttributeError(f"module 'gfm' has no attribute {name!r}")
    from rssn.imaging.extras import named_extras

    with named_extras():
        return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
