"""Training crops out of shards: none lost or doubled, whatever processes load them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from gfm.samples import CropOptions, Cropper, Planes
from rssn.errors import InputError
from rssn.manifest import Manifest
from rssn.shards import Members, decode_sample, read_shard

Crop = tuple[str, Planes, float]


class ShardCrops(IterableDataset[Crop]):
    """Random crops of the samples of one folder of shards, none twice in an epoch.

    Args:
        folder: What `rssn.build` wrote.
        options: How crops are taken.
        seed: Decides the order and the crops, together with the epoch.
        batch_size: Each worker gets whole batches and each rank the same number of them; what is
            left over, another part of the samples each epoch, is left out. None leaves out nothing.
        buffer: Samples kept in memory to shuffle them across shards.

    Note:
        Each process reads every shard and keeps its part of the samples. Splitting by shard instead
        would lose or double samples when the shards do not divide evenly.
    """

    def __init__(
        self,
        folder: Path,
        options: CropOptions,
        seed: int,
        batch_size: int | None = None,
        buffer: int = 256,
    ) -> None:
        super().__init__()
        self.manifest = Manifest.read(folder)
        self.options, self.seed, self.batch_size = options, seed, batch_size
        self.buffer = buffer
        self.epoch = 0
        self.rank, self.world = 0, 1

    def __len__(self) -> int:
        if self.batch_size is None:
            return len(range(self.rank, self.manifest.samples, self.world))
        return self.manifest.samples // (self.world * self.batch_size) * self.batch_size

    def __iter__(self) -> Iterator[Crop]:
        import webdataset

        order = random.Random(f"{self.seed} {self.epoch}")
        yield from webdataset.DataPipeline(
            lambda: self._mine(order),
            webdataset.shuffle(self.buffer, initial=self.buffer, rng=order),
            partial(self._crops, Cropper(self.options)),
        )

    def _mine(self, order: random.Random) -> Iterator[tuple[int, str, Members]]:
        """Position in the epoch, key and members of the samples that this process takes."""
        worker = get_worker_info()
        index, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        shards = list(self.manifest.shards)
        order.shuffle(shards)
        samples = (
            sample
            for shard in shards
            for sample in read_shard(self.manifest.folder / shard.name, shard.samples)
        )
        count, mine = self.manifest.samples, len(self)
        first = order.randrange(max(count, 1))
        for position, (key, members) in enumerate(samples):
            turn, rank = divmod((position + first) % count, self.world)
            batch = turn // (self.batch_size or 1)
            if rank == self.rank and turn < mine and batch % workers == index:
                yield position, key, members

    def _crops(
        self, cropper: Cropper, samples: Iterator[tuple[int, str, Members]]
    ) -> Iterator[Crop]:
        for position, key, members in samples:
            rng = np.random.default_rng((self.seed, self.epoch, position))
            crop, scale = cropper(decode(key, members), rng)
            yield key, crop, scale


class EpochLoader(DataLoader[Any]):
    """A loader that tells its dataset which epoch begins, and passes on its errors as they are.

    Note:
        Lightning starts the iteration before its own epoch hooks, so that a hook comes too late.
    """

    dataset: ShardCrops
    started = 0

    def __iter__(self) -> Any:  # noqa: ANN401 - torch's iterator types are private
        """The batches of the next epoch."""
        self.dataset.epoch = self.started
        self.started += 1
        batches, failure = super().__iter__(), ""
        try:
            yield from batches
        except InputError as error:  # a worker's comes with a traceback in its text
            failure = str(error).rpartition("InputError: ")[2].strip()
            error.__traceback__ = None
        # Nothing else holds it now, so it tells the workers to end. Left to the garbage collector,
        # the queues to them close first, and it waits five seconds for each worker.
        del batches
        if failure:
            raise InputError(failure)


def decode(key: str, members: Members) -> Planes:
    """Decode one sample of a shard.

    Raises:
        InputError: A part cannot be decoded or is of another size than the others.
    """
    try:
        sample = decode_sample(members)
    except InputError as error:
        raise InputError(f"sample {key}: {error}") from None
    planes = Planes(sample.composite, sample.alpha, sample.foreground, sample.background)
    if len({plane.shape[:2] for plane in planes}) > 1:
        sizes = ", ".join(f"{name} {p.shape[:2]}" for name, p in planes._asdict().items())
        raise InputError(f"sample {key}: its parts differ in size: {sizes}; build the shards again")
    return planes
