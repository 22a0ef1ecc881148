"""Work on each source image that a build does once, and its results for the composites."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from rssn.build.cache import Cache, cache_key, content_digest
from rssn.build.sources import Source, read_source, shrink
from rssn.denoising import denoise as denoising
from rssn.foreground.estimate import ForegroundMethod, estimate_foreground, extend_foreground
from rssn.imaging.errors import one_line
from rssn.imaging.images import Alpha, Uint8Image
from rssn.imaging.reading import decode_alpha, decode_rgb, read_rgb
from rssn.imaging.writing import encode_alpha, encode_rgb
from rssn.route.compose import RouteOptions


@dataclass(frozen=True)
class Settings:
    """Settings of the work on one image."""

    route: RouteOptions
    method: ForegroundMethod
    cache: Path
    device: str = "cpu"  # that denoises, as `rssn.denoising.denoise.resolve_device` gives it
    extend: bool = False  # continue the colours of cut-outs behind their mattes


@dataclass(frozen=True)
class Task:
    """A foreground or background to prepare; `denoised` if one of its composites needs it."""

    settings: Settings
    source: Source | Path
    denoised: bool


@dataclass(frozen=True)
class Prepared:
    """Digest of an input's content, or the reason why it cannot be used."""

    digest: str = ""
    failure: str = ""


class PreparedForeground:
    """F, alpha and, for the original route, B of one source, read from the cache or computed."""

    def __init__(self, settings: Settings, source: Source, digest: str) -> None:
        self._settings, self._source = settings, source
        self._cache = Cache(settings.cache)
        self._is_extended = settings.extend and not source.is_photograph
        self._key = cache_key(
            *("foreground", digest, source.is_photograph),
            *(settings.method, settings.route.shorter_side, settings.route.composition),
            *(("extended",) if self._is_extended else ()),
        )

    @cached_property
    def alpha_png(self) -> bytes:
        """The matte as a shard stores it."""
        return self._cache.get(self._key, "alpha.png", self._compute)

    @property
    def file_size(self) -> list[int]:
        """Height and width of the source's files in px."""
        return _size(self._cache.get(self._key, "size.json", self._compute))

    @property
    def alpha(self) -> Alpha:
        """The matte, float32 (H, W) of 8-bit levels."""
        return decode_alpha(self.alpha_png, self._source.id)

    @property
    def photograph(self) -> Uint8Image:
        """The source's picture itself."""
        return read_source(self._source, self._settings.route.shorter_side).image

    @property
    def foreground(self) -> Uint8Image:
        """F, uint8 (H, W, 3)."""
        return self._image("foreground.png")

    @property
    def background(self) -> Uint8Image:
        """B of the photograph, uint8 (H, W, 3); only without composition."""
        return self._image("background.png")

    def denoised(self) -> Uint8Image:
        """F denoised."""
        return read_denoised(self._settings, self._key, lambda: self.foreground)

    def _image(self, name: str) -> Uint8Image:
        return decode_rgb(self._cache.get(self._key, name, self._compute), self._source.id)

    def _compute(self) -> dict[str, bytes]:
        pixels = read_source(self._source, self._settings.route.shorter_side)
        image, alpha, method = pixels.image, pixels.alpha, self._settings.method
        entries = {
            "alpha.png": encode_alpha(alpha),
            "size.json": json.dumps(pixels.file_size).encode(),
        }
        if not self._settings.route.composition:
            foreground, background = estimate_foreground(image, alpha, method, background=True)
            entries["background.png"] = encode_rgb(background, "png")
        elif self._source.is_photograph:
            foreground = estimate_foreground(image, alpha, method)
        else:
            foreground = extend_foreground(image, alpha) if self._is_extended else image
        entries["foreground.png"] = encode_rgb(foreground, "png")
        return entries


class PreparedBackground:
    """One background picture and its denoised version, from the cache or computed."""

    def __init__(self, settings: Settings, path: Path, digest: str) -> None:
        self._settings, self._path = settings, path
        self._key = cache_key("background", digest, settings.route.shorter_side)

    @property
    def image(self) -> Uint8Image:
        """The picture, shrunk to the size of the route."""
        return shrink(read_rgb(self._path), self._settings.route.shorter_side)

    @property
    def file_size(self) -> list[int]:
        """Height and width of the picture's file in px."""

        def compute() -> dict[str, bytes]:
            return {"size.json": json.dumps(read_rgb(self._path).shape[:2]).encode()}

        return _size(Cache(self._settings.cache).get(self._key, "size.json", compute))

    def denoised(self) -> Uint8Image:
        """The picture denoised."""
        return read_denoised(self._settings, self._key, lambda: self.image)


def prepare(task: Task) -> Prepared:
    """Fill the cache with the work on one input; errors are returned."""
    source = task.source
    paths = (source,) if isinstance(source, Path) else (source.image, source.matte)

    def work() -> str:
        digest = content_digest(*paths)
        # Reading proves that the entries are whole; damaged ones are computed again.
        if isinstance(source, Path):
            background = PreparedBackground(task.settings, source, digest)
            _ = background.file_size, task.denoised and background.denoised()
        else:
            foreground = PreparedForeground(task.settings, source, digest)
            _ = foreground.alpha_png, foreground.foreground, foreground.file_size
            _ = task.denoised and foreground.denoised()
        return digest

    return try_to_prepare(paths, work)


def _size(data: bytes) -> list[int]:
    height, width = json.loads(data)
    return [height, width]


def try_to_prepare(paths: tuple[Path, ...], work: Callable[[], str]) -> Prepared:
    """Do the work on some files; an error of theirs becomes a line that names one of them."""
    try:
        return Prepared(digest=work())
    except (OSError, denoising.DeviceMemoryError):
        raise  # of the cache's disk or the GPU: an input that cannot be read is an InputError
    except Exception as error:  # whatever is wrong with one file must not end a night's build
        message = one_line(error)
        is_named = any(str(path) in message for path in paths)
        return Prepared(failure=message if is_named else f"{paths[0]}: {message}")


def read_denoised(settings: Settings, key: str, image: Callable[[], Uint8Image]) -> Uint8Image:
    """An image denoised as the route requires, from the cache or computed and put there."""
    sigma, backend = settings.route.denoise_sigma, settings.route.denoise_backend
    device = settings.device

    def compute() -> dict[str, bytes]:
        quiet = denoising.denoise(image(), sigma, backend, threads=1, device=device)
        return {"denoised.png": encode_rgb(quiet, "png")}

    # The results of CPU and GPU differ.
    key = cache_key("denoised", key, sigma, backend, *(() if device == "cpu" else (device,)))
    entry = Cache(settings.cache).get(key, "denoised.png", compute)
    return decode_rgb(entry, "denoised image")
