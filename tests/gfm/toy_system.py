"""A matting system of one convolution, complete by the contract: for the tests alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from gfm.data.samples import Batch
from gfm.models.config import IMAGENET_MEAN, IMAGENET_STD, SystemConfig
from gfm.models.contract import Graph, Prediction, System
from gfm.models.network import MattingNetwork
from gfm.training.task import MattingTask


@dataclass(frozen=True)
class ToyConfig(SystemConfig):
    channels: int = 4
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD


class ToyOutput(NamedTuple):
    alpha: Tensor


class Toy(MattingNetwork):
    system = "toy"

    def __init__(self, config: ToyConfig) -> None:
        super().__init__(config)
        self.encoder = nn.Conv2d(3, config.channels, 3, padding=1)
        self.decoder = nn.Conv2d(config.channels, 1, 1)

    def forward(self, image: Tensor) -> ToyOutput:
        features = self.encoder(self.normalise(image)).relu()
        return ToyOutput(torch.sigmoid(self.decoder(features)))


class AlphaTargets:
    """The opaque part of a crop, and one number that is drawn for it."""

    def make(self, planes, scale, options, rng):
        return {"opaque": (planes.alpha > 0.5).astype(np.float32)[None], "draw": rng.random()}


class ToyTask(MattingTask):
    configuration = ToyConfig

    def __init__(
        self, channels: int = 4, model: str | None = None, learning_rate: float = 0.01
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.model = self.start_from(model, Toy) if model else Toy(ToyConfig(channels))
        self.draws: list[float] = []

    def targets(self) -> AlphaTargets:
        return AlphaTargets()

    def loss_terms(self, batch: Batch) -> dict[str, Tensor]:
        self.draws += batch.targets["draw"].tolist()
        loss = (self.run_network(batch.image).alpha - batch.targets["opaque"]).abs().mean()
        return {"alpha": loss, "total": loss}


class _Row(nn.Module):
    def __init__(self, network: Toy) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor]:
        return (self.network(image).alpha,)


class ToySystem(System):
    name = "toy"
    config = ToyConfig
    guidance = frozenset({"trimap"})

    def build(self, config: ToyConfig, weights: str | Path | None = None) -> Toy:
        return Toy(config)

    def predict(self, models: Sequence, images, guidance, options) -> list[Prediction]:
        made = []
        for image, given in zip(images, guidance, strict=True):
            pixels = image.transpose(2, 0, 1)[None] / np.float32(255)
            alpha = models[0].run({"image": pixels}, ("alpha",))[0][0, 0]
            if given.trimap is not None:
                alpha = np.where(given.trimap == 128, alpha, given.trimap / np.float32(255))
            made.append(Prediction(alpha.astype(np.float32), foreground=image, background=image))
        return made

    def task(self) -> type[ToyTask]:
        return ToyTask

    def graph(self, network: Toy) -> Graph:
        return Graph(_Row(network), {"image": 3}, ("alpha",))


SYSTEM = ToySystem()
