"""Baselines of `bench_rssn.py`: composites made the plain way, and the least possible time."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path
from statistics import mean

import numpy as np

from rssn.build.composition import sample_generator
from rssn.build.sources import Source, SourcePixels, find_backgrounds, read_source, shrink
from rssn.denoising.denoise import denoise
from rssn.foreground.estimate import estimate_foreground
from rssn.imaging.blending import blend
from rssn.imaging.images import Alpha, Uint8Image
from rssn.imaging.reading import read_rgb
from rssn.route.backgrounds import BackgroundSampler, cover_crop
from rssn.route.compose import Composite, RouteOptions, Steps, draw_steps, render
from rssn.route.noise import add_noise
from rssn.route.sharpness import blur
from rssn.shards.tars import encode_sample

_DENOISED_SIDE = 512  # px: the package takes minutes for a whole photograph on one thread
_COPIED_BYTES = 2**28
_MEASURED_SECONDS = 0.5


class Clock:
    """Seconds of every run of each step: passed, and of cores.

    On a shared machine only the seconds of cores can be compared.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, list[tuple[float, float]]] = defaultdict(list)

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        """Time the block as a run of `step`; child processes count once they ended."""
        passed, cores = time.perf_counter(), core_seconds()
        yield
        self.seconds[step].append((time.perf_counter() - passed, core_seconds() - cores))

    def mean(self, step: str) -> tuple[float, float]:
        """Mean seconds of a step, 0 if it was never run."""
        passed, cores = zip(*self.seconds[step] or [(0.0, 0.0)], strict=True)
        return mean(passed), mean(cores)


def core_seconds() -> float:
    """Seconds of cores of this process and its children that ended."""
    return sum(os.times()[:4])


@dataclass(frozen=True)
class Meeting:
    """A composite to be made: foreground, background and steps."""

    source: Source
    background: Path
    k: int
    steps: Steps


def warm_up() -> None:
    """Load and compile everything, outside the clocks."""
    grey, alpha = np.full((64, 64, 3), 128, np.uint8), np.full((64, 64), 0.5, np.float32)
    for estimate in (_closed_form_by_package, estimate_foreground):
        estimate(grey, alpha)
    denoise(grey, 10, "fast", device="cpu")
    denoise(grey, 10, "bm3d")


def find_meetings(
    sources: Sequence[Source], backgrounds: Path, route: RouteOptions, seed: int = 0
) -> list[Meeting]:
    """The composites that a build of these sources makes, if every file can be read."""
    files = [background.image for background in find_backgrounds(backgrounds)]
    sampler = BackgroundSampler(files, seed)
    return [
        Meeting(source, files[n], k, draw_steps(route, sample_generator(seed, source.id, k)))
        for source in sources
        for k, n in enumerate(sampler.draw(source.id, route.k))
    ]


def choose(meetings: Sequence[Meeting], count: int) -> list[Meeting]:
    """The first `count` composites, denoised and not denoised in turn."""
    denoised = [meeting for meeting in meetings if meeting.steps.denoise]
    others = [meeting for meeting in meetings if not meeting.steps.denoise]
    in_turn = chain.from_iterable(zip_longest(denoised, others))
    return [meeting for meeting in in_turn if meeting][:count]


def make_plainly(meeting: Meeting, route: RouteOptions, clock: Clock, seed: int = 0) -> Composite:
    """Make a composite by itself: pymatting's closed form, the bm3d package, nothing kept."""
    rng = sample_generator(seed, meeting.source.id, meeting.k)
    steps = draw_steps(route, rng)
    with clock("read"):
        pixels = read_source(meeting.source, route.shorter_side)
        background = shrink(read_rgb(meeting.background), route.shorter_side)
    foreground = pixels.image
    if meeting.source.is_photograph:
        with clock("estimate F"):
            foreground = _closed_form_by_package(pixels.image, pixels.alpha)
    if steps.denoise:
        with clock("denoise"):
            foreground = denoise(foreground, route.denoise_sigma, "bm3d")
        with clock("denoise"):
            background = denoise(background, route.denoise_sigma, "bm3d")
    with clock("crop, blur, blend, noise"):
        made = render(foreground, pixels.alpha, background, steps, route, rng)
    with clock("encode"):
        encode_sample(made)
    return made


def times_needed(meetings: Sequence[Meeting]) -> dict[str, int]:
    """Runs of each step that the plain way needs for these composites."""
    return {
        "read": len(meetings),
        "estimate F": sum(meeting.source.is_photograph for meeting in meetings),
        "denoise": 2 * sum(meeting.steps.denoise for meeting in meetings),
        "crop, blur, blend, noise": len(meetings),
        "encode": len(meetings),
    }


def measure_steps(source: SourcePixels, background: Uint8Image) -> dict[str, tuple[float, float]]:
    """Seconds of a core per step: the plain way, and ours.

    Args:
        source: A photograph with its matte, shrunk.
        background: A background of about its size.

    Returns:
        The two by the name of the step; they are one where both ways make the same call.
    """
    image, alpha = source.image, source.alpha
    rng = np.random.default_rng(0)
    middle = _centre(image, _DENOISED_SIDE)
    height, width = alpha.shape
    fitted = cover_crop(background, height, width, (0.5, 0.5))
    made = Composite(image, alpha, image, fitted)
    crop = _seconds(lambda: cover_crop(background, height, width, (0.5, 0.5)))
    blurred, encoded = _seconds(lambda: blur(fitted, 40)), _seconds(lambda: encode_sample(made))
    return {
        "estimate F": (
            _seconds(lambda: _closed_form_by_package(image, alpha)),
            _seconds(lambda: estimate_foreground(image, alpha)),
        ),
        f"denoise {middle.shape[1]}x{middle.shape[0]} px": (
            _seconds(lambda: denoise(middle, 10, "bm3d", threads=1)),
            _seconds(lambda: denoise(middle, 10, threads=1, device="cpu")),
        ),
        "cover crop": (crop, crop),
        "blur": (blurred, blurred),
        "blend": (
            _seconds(lambda: _blend_plainly(alpha, image, fitted)),
            _seconds(lambda: blend(alpha, image, fitted)),
        ),
        "noise on C, F, B": (
            _seconds(lambda: _add_noise_plainly([image, image, fitted], 10, rng)),
            _seconds(lambda: add_noise([image, image, fitted], 10, rng)),
        ),
        "encode": (encoded, encoded),
    }


def copied_bytes_per_second() -> float:
    """Memory traffic of a core: bytes read and written per second."""
    there = np.ones(_COPIED_BYTES, np.uint8)  # untouched zeros would be one page, read again
    here = np.ones_like(there)
    return 2 * _COPIED_BYTES / _seconds(lambda: np.copyto(here, there))


def _seconds(work: Callable[[], object]) -> float:
    """Mean seconds of a core over many runs, or over one of a long task."""
    runs, began = 0, time.process_time()  # which the other processes of the machine leave be
    while (taken := time.process_time() - began) < _MEASURED_SECONDS:
        work()
        runs += 1
    return taken / runs


def _closed_form_by_package(image: Uint8Image, alpha: Alpha) -> Uint8Image:
    from pymatting import estimate_foreground_cf

    foreground = estimate_foreground_cf(image / 255.0, alpha.astype(np.float64))
    return np.rint(foreground.clip(0, 1) * 255).astype(np.uint8)  # type: ignore[no-any-return]


def _blend_plainly(alpha: Alpha, foreground: Uint8Image, background: Uint8Image) -> Uint8Image:
    weight = alpha.astype(np.float64)[..., None]
    return np.rint(weight * foreground + (1 - weight) * background).astype(np.uint8)


def _add_noise_plainly(
    images: Sequence[Uint8Image], sigma: float, rng: np.random.Generator
) -> list[Uint8Image]:
    noise = rng.normal(0, sigma, images[0].shape)
    return [np.rint(np.clip(image + noise, 0, 255)).astype(np.uint8) for image in images]


def _centre(image: Uint8Image, side: int) -> Uint8Image:
    top, left = (max(0, length - side) // 2 for length in image.shape[:2])
    return np.ascontiguousarray(image[top : top + side, left : left + side])
