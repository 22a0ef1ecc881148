"""Composing the samples of a shard from prepared sources; runs in a worker."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rssn._preparation import PreparedBackground, PreparedForeground, Settings
from rssn._seeding import generator
from rssn.errors import InputError
from rssn.images import ImageFormat
from rssn.route import Composite, Record, draw_steps, render
from rssn.shards import (
    Members,
    ShardInfo,
    describe_shard,
    encode_sample,
    sample_key,
    shard_keys,
    write_shard,
)
from rssn.sources import Source

# A shard of 256 samples of 1080 px is about half a gigabyte; below 16 shards a loader's workers
# would have too few to share.
_MOST_SAMPLES, _FEWEST_SHARDS = 256, 16


@dataclass(frozen=True)
class SampleTask:
    """One sample: its foreground, its background (None without composition), and k."""

    source: Source
    source_digest: str
    background: Path | None
    background_digest: str
    k: int
    seed: int

    @property
    def key(self) -> str:
        """Its key in the shard."""
        return sample_key(self.source.id, self.k)


@dataclass(frozen=True)
class ShardTask:
    """A shard to build; `known` is what the manifest of an earlier run says of it."""

    settings: Settings
    image_format: ImageFormat
    path: Path
    samples: tuple[SampleTask, ...]
    known: ShardInfo | None


def sample_generator(seed: int, foreground_id: str, k: int) -> np.random.Generator:
    """Where all draws of a sample come from, in whatever order samples are made."""
    return generator(seed, "sample", foreground_id, k)


def shard_tasks(
    settings: Settings,
    image_format: ImageFormat,
    folder: Path,
    samples: Sequence[SampleTask],
    samples_per_shard: int | None,
    known: Sequence[ShardInfo],
) -> list[ShardTask]:
    """Cut the samples into shards; `known` are the shards of the manifest, if there is one."""
    size = samples_per_shard or min(_MOST_SAMPLES, max(1, math.ceil(len(samples) / _FEWEST_SHARDS)))
    by_name = {shard.name: shard for shard in known}
    tasks = []
    for number, start in enumerate(range(0, len(samples), size)):
        name = f"shard-{number:05d}.tar"
        part = tuple(samples[start : start + size])
        tasks.append(ShardTask(settings, image_format, folder / name, part, by_name.get(name)))
    return tasks


def build_shard(task: ShardTask) -> ShardInfo:
    """Compose and write a shard, or describe the one that an interrupted build left."""
    if task.path.is_file():
        there = describe_shard(task.path, len(task.samples))
        if there == task.known or (task.known is None and _is_whole(task)):
            return there
    return write_shard(task.path, _encoded(task))


def _is_whole(task: ShardTask) -> bool:
    try:
        return shard_keys(task.path) == [sample.key for sample in task.samples]
    except InputError:
        return False


def _encoded(task: ShardTask) -> Iterator[tuple[str, Members]]:
    for sample in task.samples:
        foreground = PreparedForeground(task.settings, sample.source, sample.source_digest)
        composite = _compose(task.settings, sample, foreground)
        yield sample.key, encode_sample(composite, task.image_format, foreground.alpha_png)


def _compose(settings: Settings, sample: SampleTask, foreground: PreparedForeground) -> Composite:
    record: Record = {
        "foreground": sample.source.id,
        "background": None if sample.background is None else sample.background.name,
        "k": sample.k,
        "seed": sample.seed,
    }
    if sample.background is None:
        made = Composite(
            foreground.photograph, foreground.alpha, foreground.foreground, foreground.background
        )
    else:
        background = PreparedBackground(settings, sample.background, sample.background_digest)
        rng = sample_generator(sample.seed, sample.source.id, sample.k)
        steps = draw_steps(settings.route, rng)
        made = render(
            foreground.denoised() if steps.denoise else foreground.foreground,
            foreground.alpha,
            background.denoised() if steps.denoise else background.image,
            steps,
            settings.route,
            rng,
        )
    record["size"] = list(made.alpha.shape)
    return replace(made, record={**made.record, **record})
