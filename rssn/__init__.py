"""RSSN: training composites that do not betray themselves."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rssn.denoising.denoise import denoise
    from rssn.foreground.estimate import estimate_foreground, extend_foreground
    from rssn.imaging.blending import blend
    from rssn.route.backgrounds import BackgroundSampler, cover_crop
    from rssn.route.compose import ROUTES, Composite, RouteOptions, compose
    from rssn.route.noise import add_noise
    from rssn.route.sharpness import blur
    from rssn.shards.manifest import Manifest
    from rssn.shards.tars import decode_sample, read_shard

# PEP 562: `import rssn` loads nothing; a name loads its module when it is first used.
_MODULES = {
    "BackgroundSampler": "route.backgrounds",
    "cover_crop": "route.backgrounds",
    "blend": "imaging.blending",
    "denoise": "denoising.denoise",
    "estimate_foreground": "foreground.estimate",
    "extend_foreground": "foreground.estimate",
    "Manifest": "shards.manifest",
    "add_noise": "route.noise",
    "ROUTES": "route.compose",
    "Composite": "route.compose",
    "RouteOptions": "route.compose",
    "compose": "route.compose",
    "decode_sample": "shards.tars",
    "read_shard": "shards.tars",
    "blur": "route.sharpness",
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
    from rssn.imaging.extras import named_extras

    with named_extras():
        return getattr(import_module(f"rssn.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
