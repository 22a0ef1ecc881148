"""RSSN: training composites that do not betray themselves."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rssn.backgrounds import BackgroundSampler, cover_crop
    from rssn.blending import blend
    from rssn.denoising import denoise
    from rssn.foreground import estimate_foreground, extend_foreground
    from rssn.manifest import Manifest
    from rssn.noise import add_noise
    from rssn.route import ROUTES, Composite, RouteOptions, compose
    from rssn.shards import decode_sample, read_shard
    from rssn.sharpness import blur

# PEP 562: `import rssn` loads nothing; a name loads its module when it is first used.
_MODULES = {
    "BackgroundSampler": "backgrounds",
    "cover_crop": "backgrounds",
    "blend": "blending",
    "denoise": "denoising",
    "estimate_foreground": "foreground",
    "extend_foreground": "foreground",
    "Manifest": "manifest",
    "add_noise": "noise",
    "ROUTES": "route",
    "Composite": "route",
    "RouteOptions": "route",
    "compose": "route",
    "decode_sample": "shards",
    "read_shard": "shards",
    "blur": "sharpness",
}

__all__ = [
    "ROUTES",
    "BackgroundSampler",
    "Composite",
    "Manifest",
    "RouteOptions",
    "add_noise",
    "blend",
    "blur",
    "compose",
    "cover_crop",
    "decode_sample",
    "denoise",
    "estimate_foreground",
    "extend_foreground",
    "read_shard",
]


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'rssn' has no attribute {name!r}")
    return getattr(import_module(f"rssn.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
