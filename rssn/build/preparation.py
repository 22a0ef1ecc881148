"""What a build does once for each source image, and how the composites read it back."""

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
    """What the work on one image depends on, besides the image."""

    route: RouteOptions
    method: ForegroundMethod
    cache: Path
    device: str = "cpu"  # that denoises, as `rssn.denoising.denoise.resolve_device` gives it
    extend: bool = False  # continue the colours of cut-outs behind their mattes


@dataclass(frozen=True)
class ForegroundTask:
    """A foreground to prepare; `denoised` where one of its composites will ask for it."""

    settings: Settings
    source: Source
    denoised: bool


@dataclass(frozen=True)
class BackgroundTask:
    """A background to check; `denoised` where a composite will ask for it."""

    settings: Settings
    path: Path
    denoised: bool


@dataclass(frozen=True)
class Prepared:
    """The digest of an input's content, or why it cannot be used."""

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
        """The matte as it stands in a shard."""
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
        self._cache = Cache(settings.cache)
        self._key = cache_key("background", digest, settings.route.shorter_side)

    @property
    def image(self) -> Uint8Image:
        """The picture, shrunk as the route says."""
        return shrink(read_rgb(self._path), self._settings.route.shorter_side)

    @property
    def file_size(self) -> list[int]:
        """Height and width of the picture's file in px."""

        def compute() -> dict[str, bytes]:
            return {"size.json": json.dumps(read_rgb(self._path).shape[:2]).encode()}

        return _size(self._cache.get(self._key, "size.json", compute))

    def denoised(self) -> Uint8Image:
        """The picture denoised."""
        return read_denoised(self._settings, self._key, lambda: self.image)


def prepare_foreground(task: ForegroundTask) -> Prepared:
    """Estimate, and where asked for denoise, a foreground into the cache; errors are returned."""

    def work() -> str:
        digest = content_digest(task.source.image, task.source.matte)
        prepared = PreparedForeground(task.settings, task.source, digest)
        # Reading proves that the entries are whole; what is not is computed again.
        _ = prepared.alpha_png, prepared.foreground, prepared.file_size
        if task.denoised:
            prepared.denoised()
        return digest

    return try_to_prepare((task.source.image, task.source.matte), work)


def prepare_background(task: BackgroundTask) -> Prepared:
    """Read, and where asked for denoise, a background; errors are returned."""

    def work() -> str:
        digest = content_digest(task.path)
        prepared = PreparedBackground(task.settings, task.path, digest)
        _ = prepared.file_size  # which proves that content of this digest can be read
        if task.denoised:
            prepared.denoised()
        return digest

    return try_to_prepare((task.path,), work)


def _size(data: bytes) -> list[int]:
    height, width = json.loads(data)
    return [height, width]


def try_to_prepare(paths: tuple[Path, ...], work: Callable[[], str]) -> Prepared:
    """Do the work on some files; what is wrong with them becomes a line that names one."""
    try:
        return Prepared(digest=work())
    except (OSError, denoising.DeviceMemoryError):
        raise  # of the cache's disk or the GPU: an input that cannot be read is an InputError
    except Exception as error:  # whatever is wrong with one file must not end a night's build
        message = one_line(error)
        is_named = any(str(path) in message for path in paths)
        return Prepared(failure=message if is_named else f"{paths[0]}: {message}")


def read_denoised(settings: Settings, key: str, image: Callable[[], Uint8Image]) -> Uint8Image:
    """An image denoised as the route has it, from the cache or computed and put there."""
    sigma, backend = settings.route.denoise_sigma, settings.route.denoise_backend
    device = settings.device

    def compute() -> dict[str, bytes]:
        quiet = denoising.denoise(image(), sigma, backend, threads=1, device=device)
        return {"denoised.png": encode_rgb(quiet, "png")}

    # A CPU's results are not those of a GPU.
    key = cache_key("denoised", key, sigma, backend, *(() if device == "cpu" else (device,)))
    entry = Cache(settings.cache).get(key, "denoised.png", compute)
    return decode_rgb(entry, "denoised image")
