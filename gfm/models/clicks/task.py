"""Training of interactive segmentation with Lightning (Forte's thesis, section 3.2.2)."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gfm.data.samples import Batch
from gfm.evaluation.interaction import Session
from gfm.guidance.clicks import CLICK_SIGMAS, Clicks
from gfm.guidance.maps import gaussian_maps
from gfm.guidance.simulated_user import User, click_on_largest_error
from gfm.models.clicks.config import DILATED, ClicksConfig
from gfm.models.clicks.loss import RegionLoss, click_by_click_loss
from gfm.models.clicks.network import ClickNetwork
from gfm.models.clicks.predict import segment
from gfm.models.clicks.targets import ClickTargets
from gfm.training.click_by_click import click_by_click
from gfm.training.click_task import ClickTask, click_tensors
from rssn.imaging.errors import InputError

MASK = 0.5  # alpha above is the object


class ClicksTask(ClickTask):
    """A network and how it is trained, validated and applied; the defaults are the published ones.

    Args:
        backbone: `dilated_resnet50`, or an encoder of `gfm.encoders.build.build_encoder`.
        stream: As in `ClicksConfig`; +I of the ablation.
        feedback: As in `ClicksConfig`; +F.
        guided_filter: As in `ClicksConfig`; +G.
        width: As in `ClicksConfig`.
        mean: Subtracted from images in [0, 1], per channel; ImageNet's when None.
        std: Divisor of the difference, per channel; ImageNet's when None.
        weights: Weights of the encoder to start from, a file for `dilated_resnet50`.
        model: A model file to start from instead; its configuration counts then.
        clicks: Clicks on an image, with an update after each.
        bundled: Draw several clicks at once instead, with one update for each image: the training
            of the ablation's baseline, before +T.
        loss: `soft_iou` or `bce`, beside the loss at the clicks.
        learning_rate: Of RAdam.
        weight_decay: Of the convolutions.
        norm_weight_decay: Of norms and biases.
        milestones: Epochs from which the rate is divided by ten, each time.
        validation_clicks: Clicks on a photograph in validation; the published evaluation has 20.
    """

    configuration = ClicksConfig
    model: ClickNetwork

    def __init__(
        self,
        backbone: str = DILATED,
        stream: bool = True,
        feedback: bool = True,
        guided_filter: bool = True,
        width: float = 1.0,
        mean: tuple[float, float, float] | None = None,
        std: tuple[float, float, float] | None = None,
        weights: str | None = None,
        model: str | None = None,
        clicks: int = 4,
        bundled: bool = False,
        loss: RegionLoss = "soft_iou",
        learning_rate: float = 1e-5,
        weight_decay: float = 0.005,
        norm_weight_decay: float = 1e-5,
        milestones: tuple[int, ...] = (14, 17, 20),
        validation_clicks: int = 5,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.save_hyperparameters()
        for name, value in (("clicks", clicks), ("validation_clicks", validation_clicks)):
            if value < 1:
                raise InputError(f"model.{name}={value}: give 1 or more")
        if model is not None:
            self.model = self.start_from(model, ClickNetwork)
        else:
            self.model = ClickNetwork(self.network_config(ClicksConfig), weights)

    def targets(self) -> ClickTargets:
        """Bundles of clicks where training takes them."""
        return ClickTargets(self.hparams["bundled"])

    def user(self) -> User:
        """User of chapter 3, who clicks on the largest error."""
        return click_on_largest_error

    def begin(self, image: NDArray[np.uint8]) -> Session:
        """A session that feeds back its last matte."""
        previous: NDArray[np.float32] | None = None

        def session(clicks: Clicks) -> NDArray[np.float32]:
            nonlocal previous
            previous = segment(self.model, image, clicks, previous)
            return previous

        return session

    def train_on(self, batch: Batch, number: int) -> None:
        """Update the weights after each click on a crop; not at all without an object in it."""
        image = batch.image[number : number + 1]
        target = (batch.alpha[number : number + 1] > MASK).float()
        keys = [batch.keys[number]]
        if self.hparams["bundled"]:
            self._train_bundled(image, target, batch.targets[number], keys)
            return

        def predict(clicks: Clicks, previous: NDArray[np.float32]) -> Tensor:
            masks, maps = click_tensors(clicks, CLICK_SIGMAS, image)
            fed = torch.from_numpy(previous)[None, None].to(image)
            return cast(Tensor, self.model(image, masks, maps, fed))

        truth = target[0, 0].cpu().numpy()
        count = int(self.hparams["clicks"])
        for clicks, alpha in click_by_click(predict, truth, self.user(), count):
            masks, _ = click_tensors(clicks, CLICK_SIGMAS, image)
            self.update(self._terms(alpha, target, masks), keys)

    def loss_terms(self, batch: Batch) -> dict[str, Tensor]:
        """Losses of the mattes that the drawn clicks of a batch lead to, from nothing."""
        alpha = self.predict_batch(batch)
        return self._terms(alpha, (batch.alpha > MASK).float(), batch.targets)

    def predict_batch(self, batch: Batch) -> Tensor:
        """Mattes (B, 1, H, W) after the drawn clicks of a batch, from nothing."""
        return self._from_nothing(batch.image, batch.targets)

    def on_train_epoch_start(self) -> None:
        """Set the rate of this epoch."""
        factor = 0.1 ** sum(self.current_epoch >= epoch for epoch in self.hparams["milestones"])
        optimizer = self.trainer.optimizers[0]
        for group, wanted in zip(optimizer.param_groups, self.parameter_groups(), strict=True):
            group["lr"] = wanted["lr"] * factor

    def _train_bundled(self, image: Tensor, target: Tensor, masks: Tensor, keys: list[str]) -> None:
        masks = masks[None]
        if masks.any():
            self.update(self._terms(self._from_nothing(image, masks), target, masks), keys)

    def _from_nothing(self, image: Tensor, masks: Tensor) -> Tensor:
        sets = masks.cpu().numpy() > 0
        maps = torch.from_numpy(np.stack([gaussian_maps(each, CLICK_SIGMAS) for each in sets]))
        previous = torch.zeros_like(image[:, :1])
        return cast(Tensor, self.model(image, masks, maps.to(image), previous))

    def _terms(self, alpha: Tensor, target: Tensor, masks: Tensor) -> dict[str, Tensor]:
        with torch.autocast(self.device.type, enabled=False):
            return click_by_click_loss(alpha.float(), target, masks, self.hparams["loss"])
