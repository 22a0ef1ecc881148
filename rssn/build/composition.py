"""Composing the samples of a shard from prepared sources; runs in a worker."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rssn.build.preparation import PreparedForeground, Settings, prepared_source
from rssn.build.sources import Source
from rssn.imaging.images import ImageFormat, Uint8Image
from rssn.imaging.locations import Location, told_errors
from rssn.imaging.seeding import generator
from rssn.route.compose import Composite, draw_steps, render
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
class SourceSample:
    """One foreground or background, as a shard of sources holds it."""

    source: Source
    digest: str

    @property
    def key(self) -> str:
        """Its key in the shard."""
        return safe_key(self.source.id)

    def members(self, settings: Settings, image_format: ImageFormat) -> Members:
        """F with alpha, or B, denoised too if the route denoises, and record."""
        prepared, part = prepared_source(settings, self.source, self.digest), self.source.part
        images: dict[str, Uint8Image] = {part: prepared.image}
        if settings.route.denoise_probability:
            images[f"{part}_denoised"] = prepared.denoised()
        record = {**prepared.record(), "size": list(images[part].shape[:2])}
        members = encode_images(images, record, image_format)
        if part == "foreground":
            members = {"alpha.png": prepared.entry("alpha.png"), **members}
        return members


@dataclass(frozen=True)
class SampleTask:
    """One composite: its foreground, its background (None without composition), and k."""

    foreground: SourceSample
    background: SourceSample | None
    k: int
    seed: int

    @property
    def key(self) -> str:
        """Its key in the shard."""
        return sample_key(self.foreground.source.id, self.k)

    def members(self, settings: Settings, image_format: ImageFormat) -> Members:
        """Composite, alpha, F, B and record."""
        source = self.foreground.source
        front = PreparedForeground(settings, source, self.foreground.digest)
        record = {**front.record(), "background": None, "k": self.k, "seed": self.seed}
        if self.background is None:
            made = Composite(front.picture, front.alpha, front.image, front.background)
        else:
            behind = prepared_source(settings, self.background.source, self.background.digest)
            record |= behind.record()
            rng = sample_generator(self.seed, source.id, self.k)
            steps = draw_steps(settings.route, rng)
            f, b = (each.denoised() if steps.denoise else each.image for each in (front, behind))
            made = render(f, front.alpha, b, steps, settings.route, rng)
        record["size"] = list(made.alpha.shape)
        made = replace(made, record={**made.record, **record})
        return encode_sample(made, image_format, front.alpha_png)


Sample = SampleTask | SourceSample


@dataclass(frozen=True)
class ShardTask:
    """A shard to build; `known` is its entry in the manifest of an earlier run."""

    path: Location
    samples: tuple[Sample, ...]
    known: ShardInfo | None


def sample_generator(seed: int, foreground_id: str, k: int) -> np.random.Generator:
    """Source of all draws of a sample, whatever the order of the samples."""
    return generator(seed, "sample", foreground_id, k)


def shard_tasks(
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
        tasks.append(ShardTask(folder / name, part, by_name.get(name)))
    return tasks


def build_shard(settings: Settings, image_format: ImageFormat, task: ShardTask) -> ShardInfo:
    """Compose and write a shard, or describe the one that an interrupted build left."""
    with told_errors(task.path, "continue with --resume"):
        there = describe_shard(task.path, len(task.samples)) if task.path.is_file() else None
    if there is not None:
        keys = [entry.key for entry in there.entries]
        # Without a manifest the file is this build's own: it got its name when it was whole.
        if there == task.known or (not task.known and keys == [s.key for s in task.samples]):
            return there
    samples = ((s.key, s.members(settings, image_format)) for s in task.samples)
    return write_shard(task.path, samples)
