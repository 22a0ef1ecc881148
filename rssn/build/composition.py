"""Composing the samples of a shard from prepared sources; runs in a worker."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rssn.build.preparation import PreparedBackground, PreparedForeground, Settings
from rssn.build.sources import Background, Source
from rssn.imaging.images import ImageFormat
from rssn.imaging.locations import Location, told_errors
from rssn.imaging.seeding import generator
from rssn.route.compose import Composite, Record, draw_steps, render
from rssn.shards.tars import (
    Members,
    ShardInfo,
    describe_shard,
    encode_images,
    encode_sample,
    safe_key,
    sample_key,
    write_shard,
)

# A shard of 256 samples of 1080 px is about half a gigabyte; below 16 shards a loader's workers
# would have too few to share.
_MOST_SAMPLES, _FEWEST_SHARDS = 256, 16


@dataclass(frozen=True)
class SampleTask:
    """One composite: its foreground, its background (None without composition), and k."""

    source: Source
    source_digest: str
    background: Background | None
    background_digest: str
    k: int
    seed: int

    @property
    def key(self) -> str:
        """Its key in the shard."""
        return sample_key(self.source.id, self.k)

    @property
    def pictures(self) -> tuple[Source | Background, ...]:
        """Foreground, and background where there is one."""
        return (self.source,) if self.background is None else (self.source, self.background)

    def members(self, settings: Settings, image_format: ImageFormat) -> Members:
        """Composite, alpha, F, B and record."""
        foreground = PreparedForeground(settings, self.source, self.source_digest)
        composite = _compose(settings, self, foreground)
        return encode_sample(composite, image_format, foreground.alpha_png)


@dataclass(frozen=True)
class ForegroundSample:
    """One foreground of a shard of sources."""

    source: Source
    digest: str

    @property
    def key(self) -> str:
        """Its key in the shard."""
        return safe_key(self.source.id)

    @property
    def pictures(self) -> tuple[Source | Background, ...]:
        """The foreground."""
        return (self.source,)

    def members(self, settings: Settings, image_format: ImageFormat) -> Members:
        """Alpha, F, F denoised if the route denoises, and record."""
        prepared = PreparedForeground(settings, self.source, self.digest)
        images = {"foreground": prepared.foreground}
        if settings.route.denoise_probability:
            images["foreground_denoised"] = prepared.denoised()
        record = _foreground_record(self.source, self.digest, prepared)
        record["size"] = list(prepared.alpha.shape)
        members = encode_images(images, record, image_format)
        return {"alpha.png": prepared.alpha_png, **members}


@dataclass(frozen=True)
class BackgroundSample:
    """One background of a shard of sources."""

    background: Background
    digest: str

    @property
    def key(self) -> str:
        """Its key in the shard."""
        return safe_key(self.background.path.name)

    @property
    def pictures(self) -> tuple[Source | Background, ...]:
        """The background."""
        return (self.background,)

    def members(self, settings: Settings, image_format: ImageFormat) -> Members:
        """B, B denoised if the route denoises, and record."""
        prepared = PreparedBackground(settings, self.background.path, self.digest)
        images = {"background": prepared.image}
        if settings.route.denoise_probability:
            images["background_denoised"] = prepared.denoised()
        record = _background_record(self.background, self.digest, prepared)
        record["size"] = list(images["background"].shape[:2])
        return encode_images(images, record, image_format)


Sample = SampleTask | ForegroundSample | BackgroundSample


@dataclass(frozen=True)
class ShardTask:
    """A shard to build; `known` is its entry in the manifest of an earlier run."""

    settings: Settings
    image_format: ImageFormat
    path: Location
    samples: tuple[Sample, ...]
    known: ShardInfo | None


def sample_generator(seed: int, foreground_id: str, k: int) -> np.random.Generator:
    """Source of all draws of a sample, whatever the order of the samples."""
    return generator(seed, "sample", foreground_id, k)


def shard_tasks(
    settings: Settings,
    image_format: ImageFormat,
    folder: Location,
    samples: Sequence[Sample],
    samples_per_shard: int | None,
    known: Sequence[ShardInfo],
    prefix: str,
) -> list[ShardTask]:
    """Divide the samples into shards; `known` are the shards of the manifest, if there is one."""
    size = samples_per_shard or min(_MOST_SAMPLES, max(1, math.ceil(len(samples) / _FEWEST_SHARDS)))
    by_name = {shard.name: shard for shard in known}
    tasks = []
    for number, start in enumerate(range(0, len(samples), size)):
        name = f"{prefix}-{number:05d}.tar"
        part = tuple(samples[start : start + size])
        tasks.append(ShardTask(settings, image_format, folder / name, part, by_name.get(name)))
    return tasks


def build_shard(task: ShardTask) -> ShardInfo:
    """Compose and write a shard, or describe the one that an interrupted build left."""
    with told_errors(task.path, "continue with --resume"):
        there = describe_shard(task.path, len(task.samples)) if task.path.is_file() else None
    if there is not None:
        keys = [entry.key for entry in there.entries]
        # Without a manifest the file is this build's own: it got its name when it was whole.
        if there == task.known or (not task.known and keys == [s.key for s in task.samples]):
            return there
    samples = ((s.key, s.members(task.settings, task.image_format)) for s in task.samples)
    return write_shard(task.path, samples)


def _compose(settings: Settings, sample: SampleTask, foreground: PreparedForeground) -> Composite:
    record = _foreground_record(sample.source, sample.source_digest, foreground)
    record.update({"background": None, "k": sample.k, "seed": sample.seed})
    if sample.background is None:
        made = Composite(
            foreground.photograph, foreground.alpha, foreground.foreground, foreground.background
        )
    else:
        background = PreparedBackground(settings, sample.background.path, sample.background_digest)
        record.update(_background_record(sample.background, sample.background_digest, background))
        rng = sample_generator(sample.seed, sample.source.id, sample.k)
        steps = draw_steps(settings.route, rng)
        front = foreground.denoised() if steps.denoise else foreground.foreground
        behind = background.denoised() if steps.denoise else background.image
        made = render(front, foreground.alpha, behind, steps, settings.route, rng)
    record["size"] = list(made.alpha.shape)
    return replace(made, record={**made.record, **record})


def _foreground_record(source: Source, digest: str, prepared: PreparedForeground) -> Record:
    """Record of a foreground; nothing in it depends on the place of its files."""
    return {
        "foreground": source.id,
        "foreground_digest": digest,
        "foreground_licence": source.licence,
        "source_size": prepared.file_size,
    }


def _background_record(background: Background, digest: str, prepared: PreparedBackground) -> Record:
    return {
        "background": background.path.name,
        "background_digest": digest,
        "background_licence": background.licence,
        "background_size": prepared.file_size,
    }
