"""Endless training batches of the guided network, the same whatever loads them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import pytorch_lightning as lightning
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from gfm.guidance.bands import UNKNOWN
from gfm.guidance.trimap_files import read_trimap
from gfm.models.guided.hints import Hints
from gfm.models.guided.samples import GuidedSamples, Sample, SampleOptions
from rssn.imaging.reading import read_alpha, read_rgb
from rssn.shards.material import Material


class GuidedBatch(NamedTuple):
    """Crops as tensors; see `gfm.models.guided.loss.losses`."""

    image: Tensor
    guidance: Tensor
    alpha: Tensor
    unknown: Tensor
    foreground: Tensor
    background: Tensor
    composed: Tensor


@dataclass
class GuidedStream(IterableDataset[GuidedBatch]):
    """Batches from a step on, without an end.

    Attributes:
        samples: Where crops come from.
        sizes: Sides of the crops; each batch has one of them.
        batch_size: Crops of a batch of the first size; of others as many as have as many pixels.
        seed: Decides everything, together with the number of the step.
        start: The first step.
    """

    samples: GuidedSamples
    sizes: tuple[int, ...]
    batch_size: int
    seed: int = 0
    start: int = 0

    def __iter__(self) -> Iterator[GuidedBatch]:
        worker = get_worker_info()
        index, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        for step in count(self.start + index, workers):
            rng = np.random.default_rng([self.seed, step])
            size = int(rng.choice(self.sizes))
            number = max(2, round(self.batch_size * (self.sizes[0] / size) ** 2))
            yield collate([self.samples.draw(size, rng) for _ in range(number)])


def collate(samples: list[Sample]) -> GuidedBatch:
    """A batch of crops of one size; the photograph stands for F and B that are not known."""
    planes = [sample.planes for sample in samples]
    unknown = [sample.trimap == UNKNOWN for sample in samples]
    hints = [Hints(sample.planes.image, sample.trimap).guidance() for sample in samples]
    return GuidedBatch(
        _images([p.image for p in planes]),
        torch.from_numpy(np.stack(hints)),
        torch.from_numpy(np.stack([p.alpha for p in planes])[:, None].astype(np.float32)),
        torch.from_numpy(np.stack(unknown)[:, None].astype(np.float32)),
        _images([p.image if p.foreground is None else p.foreground for p in planes]),
        _images([p.image if p.background is None else p.background for p in planes]),
        torch.tensor([float(p.foreground is not None) for p in planes]),
    )


def _images(pictures: list[NDArray[np.uint8]]) -> Tensor:
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2) / 255.0


class GuidedData(lightning.LightningDataModule):
    """Crops drawn from material, and photographs with trimaps for validation.

    Args:
        material: File of `scripts/guided_material.py`.
        draw: How samples are drawn.
        sizes: Sides of the crops in px, multiples of 32.
        batch_size: Crops per step at the first of these sizes.
        workers: Processes that load.
        validation: Folder with original/, trimap/ and mask/.
        seed: Decides all draws.
    """

    def __init__(
        self,
        material: str,
        draw: SampleOptions | None = None,
        sizes: tuple[int, ...] = (256,),
        batch_size: int = 16,
        workers: int = 1,
        validation: str | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.material, self.draw = material, draw or SampleOptions()
        self.sizes, self.batch_size, self.workers = sizes, batch_size, workers
        self.validation, self.seed = validation, seed

    def train_dataloader(self) -> DataLoader[GuidedBatch]:
        """Batches from the step on at which the run stands."""
        start = self.trainer.global_step if self.trainer is not None else 0
        samples = GuidedSamples(Material(self.material), self.draw)
        stream = GuidedStream(samples, self.sizes, self.batch_size, self.seed, start)
        return DataLoader(
            stream, batch_size=None, num_workers=self.workers, worker_init_fn=_one_thread
        )

    def val_dataloader(self) -> DataLoader[Any] | list[Any]:
        """Photographs with trimap and matte, one at a time."""
        if self.validation is None:
            return []
        return DataLoader(_Photographs(Path(self.validation)), batch_size=None, collate_fn=list)


class _Photographs(torch.utils.data.Dataset[tuple[Any, ...]]):
    def __init__(self, folder: Path) -> None:
        self.trimaps = sorted((folder / "trimap").glob("*.png"))

    def __len__(self) -> int:
        return len(self.trimaps)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        path = self.trimaps[index]
        folder = path.parent.parent
        trimap = read_trimap(path)
        image = read_rgb(folder / "original" / path.name)
        return path.stem, image, trimap, read_alpha(folder / "mask" / path.name)


def _one_thread(worker: int) -> None:
    del worker
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
