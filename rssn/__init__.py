"""RSSN: training composites without traces of composition."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rssn.denoising.denoise import denoise as denoise
    from rssn.foreground.estimate import estimate_foreground as estimate_foreground
    from rssn.foreground.estimate import extend_foreground as extend_foreground
    from rssn.imaging.blending import blend as blend
    from rssn.route.backgrounds import BackgroundSampler as BackgroundSampler
    from rssn.route.backgrounds import cover_crop as cover_crop
    from rssn.route.compose import ROUTES as ROUTES
    from rssn.route.compose import Composite as Composite
    from rssn.route.compose import RouteOptions as RouteOptions
    from rssn.route.compose import compose as compose
    from rssn.route.noise import add_noise as add_noise
    from rssn.route.sharpness import blur as blur
    from rssn.shards.manifest import Manifest as Manifest
    from rssn.shards.tars import decode_sample as decode_sample
    from rssn.shards.tars import read_shard as read_shard

# PEP 562: `import rssn` loads nothing; a name loads its module when it is first used.
_MODULES = {
    "denoising.denoise": ("denoise",),
    "foreground.estimate": ("estimate_foreground", "extend_foreground"),
    "imaging.blending": ("blend",),
    "route.backgrounds": ("BackgroundSampler", "cover_crop"),
    "route.compose": ("ROUTES", "Composite", "RouteOptions", "compose"),
    "route.noise": ("add_noise",),
    "route.sharpness": ("blur",),
    "shards.manifest": ("Manifest",),
    "shards.tars": ("decode_sample", "read_shard"),
}
__all__ = sorted(name for names in _MODULES.values() for name in names)


def __getattr__(name: str) -> object:
    for module, names in _MODULES.items():
        if name in names:
            from rssn.imaging.extras import named_extras

            with named_extras():
                return getattr(import_module(f"rssn.{module}"), name)
    raise AttributeError(f"module 'rssn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
