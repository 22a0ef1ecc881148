"""Work on each source image that a build does once, and its results for the composites."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from rssn.build.cache import cache_key, cached, content_digest
from rssn.build.sources import Source, read_source, shrink
from rssn.denoising import denoise as denoising
from rssn.foreground.estimate import ForegroundMethod, estimate_foreground, extend_foreground
from rssn.imaging.errors import one_line
from rssn.imaging.images import Alpha, Uint8Image
from rssn.imaging.reading import decode_alpha, decode_rgb, read_rgb
from rssn.imaging.writing import encode_alpha, encode_rgb
from rssn.route.compose import Record, RouteOptions


@dataclass(frozen=True)
class Settings:
    """Settings of the work on one image."""

    route: RouteOptions
    method: ForegroundMethod
    cache: Path
    device: str = "cpu"  # that denoises, as `rssn.denoising.denoise.resolve_device` gives it
    extend: bool = False  # continue the colours of cut-outs behind their mattes


@dataclass(frozen=True)
class Prepared:
    """Digest of an input's content, or the reason why it cannot be used."""

    digest: str = ""
    failure: str = ""


class PreparedSource:
    """Images of one foreground or background, read from the cache or computed.

    Here those of a background.
    """

    entries: tuple[str, ...] = ("size.json",)  # in the cache, beside the denoised image

    def __init__(
        self, settings: Settings, source: Source, digest: str, *work: str | int | None
    ) -> None:
        self.settings, self.source, self.digest = settings, source, digest
        self._key = cache_key(source.part, digest, *work)

    @property
    def picture(self) -> Uint8Image:
        """The file's own picture in the size of the route, uint8 (H, W, 3)."""
        return shrink(read_rgb(self.source.files[0]), self.settings.route.shorter_side)

    @property
    def image(self) -> Uint8Image:
        """F or B, uint8 (H, W, 3)."""
        return self.picture

    def compute(self) -> dict[str, bytes]:
        """Compute all entries."""
        return {"size.json": json.dumps(read_rgb(self.source.files[0]).shape[:2]).encode()}

    def entry(self, name: str) -> bytes:
        """An entry of the cache; if it is missing or damaged, all are computed."""
        return cached(self.settings.cache, self._key, name, self.compute)

    def denoised(self) -> Uint8Image:
        """The image denoised as the route requires."""
        route, device = self.settings.route, self.settings.device
        sigma, backend = route.denoise_sigma, route.denoise_backend

        def compute() -> dict[str, bytes]:
            quiet = denoising.denoise(self.image, sigma, backend, threads=1, device=device)
            return {"denoised.png": encode_rgb(quiet, "png")}

        # The results of CPU and GPU differ.
        more = () if device == "cpu" else (device,)
        key = cache_key("denoised", self._key, sigma, backend, *more)
        entry = cached(self.settings.cache, key, "denoised.png", compute)
        return decode_rgb(entry, "denoised image")

    def record(self) -> Record:
        """Record of the source; nothing in it depends on the place of its files."""
        part = self.source.part
        size = "source_size" if part == "foreground" else "background_size"
        return {
            part: self.source.id,
            f"{part}_digest": self.digest,
            f"{part}_licence": self.source.licence,
            size: json.loads(self.entry("size.json")),  # height and width of its files in px
        }


class PreparedForeground(PreparedSource):
    """F, alpha and, for the original route, B of one source."""

    entries = ("alpha.png", "size.json", "foreground.png")

    def __init__(self, settings: Settings, source: Source, digest: str) -> None:
        route = settings.route
        self._is_extended = settings.extend and not source.is_photograph
        work = (source.is_photograph, settings.method, route.shorter_side, route.composition)
        more = ("extended",) if self._is_extended else ()
        super().__init__(settings, source, digest, *work, *more)

    @cached_property
    def alpha_png(self) -> bytes:
        """The matte as a shard stores it."""
        return self.entry("alpha.png")

    @property
    def alpha(self) -> Alpha:
        """The matte, float32 (H, W) of 8-bit levels."""
        return decode_alpha(self.alpha_png, self.source.id)

    @property
    def image(self) -> Uint8Image:
        """F, uint8 (H, W, 3)."""
        return decode_rgb(self.entry("foreground.png"), self.source.id)

    @property
    def background(self) -> Uint8Image:
        """B of the photograph, uint8 (H, W, 3); only without composition."""
        return decode_rgb(self.entry("background.png"), self.source.id)

    def compute(self) -> dict[str, bytes]:
        """Estimate F, and B without composition, or take the colours of a cut-out."""
        pixels = read_source(self.source, self.settings.route.shorter_side)
        image, alpha, method = pixels.image, pixels.alpha, self.settings.method
        entries = {
            "alpha.png": encode_alpha(alpha),
            "size.json": json.dumps(pixels.file_size).encode(),
        }
        if not self.settings.route.composition:
            foreground, background = estimate_foreground(image, alpha, method, background=True)
            entries["background.png"] = encode_rgb(background, "png")
        elif self.source.is_photograph:
            foreground = estimate_foreground(image, alpha, method)
        else:
            foreground = extend_foreground(image, alpha) if self._is_extended else image
        entries["foreground.png"] = encode_rgb(foreground, "png")
        return entries


def prepared_source(settings: Settings, source: Source, digest: str) -> PreparedSource:
    """Images of a source with this digest of its files."""
    if source.part == "foreground":
        return PreparedForeground(settings, source, digest)
    return PreparedSource(settings, source, digest, settings.route.shorter_side)


def prepare(settings: Settings, task: tuple[Source, bool]) -> Prepared:
    """Fill the cache with the work on one input; an error of its files is returned as a line.

    The task is a foreground or background, and True if one of its composites needs it denoised.
    """
    source, is_denoised = task
    files = source.files
    try:
        digest = content_digest(*files)
        prepared = prepared_source(settings, source, digest)
        for name in prepared.entries:
            prepared.entry(name)  # reading proves that it is whole
        if is_denoised:
            prepared.denoised()
        return Prepared(digest=digest)
    except (OSError, denoising.DeviceMemoryError):
        raise  # of the cache's disk or the GPU: an input that cannot be read is an InputError
    except Exception as error:  # whatever is wrong with one file must not end a night's build
        message = one_line(error)
        is_named = any(str(path) in message for path in files)
        return Prepared(failure=message if is_named else f"{files[0]}: {message}")
