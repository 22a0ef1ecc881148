"""Base of the tasks that train click by click: one update after each click, by hand."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from gfm.data.samples import Batch
from gfm.guidance.clicks import Clicks
from gfm.training.click_validation import ClickValidation
from gfm.training.parameter_groups import radam
from rssn.imaging.errors import InputError


class ClickTask(ClickValidation):
    """A network that is trained click by click, and validated with a simulated user.

    A subclass sets `automatic_optimization` to False, and has the options `learning_rate`,
    `weight_decay`, `norm_weight_decay` and `validation_clicks`.
    """

    @abstractmethod
    def train_on(self, batch: Batch, number: int) -> None:
        """Train on one crop of a batch, with an `update` for each click."""

    def setup(self, stage: str) -> None:
        """Refuse to train on several devices.

        Raises:
            InputError: There are several.
        """
        if stage == "fit" and self.trainer.world_size > 1:
            raise InputError(
                f"trainer.devices: {self.trainer.world_size} devices cannot take turns at an "
                "image, whose clicks follow one another; train on 1"
            )

    def training_step(self, batch: Batch, index: int) -> None:  # type: ignore[override]
        """Train on the crops of a batch, one after the other."""
        del index
        for number in range(len(batch.keys)):
            self.train_on(batch, number)

    def update(self, terms: dict[str, Tensor], keys: Sequence[str]) -> None:
        """Update the weights once.

        Args:
            terms: Losses, and `total`.
            keys: Names of the samples, for a loss that is not finite.

        Raises:
            InputError: Such a loss.
        """
        total = self.check_finite(terms, list(keys))
        optimizer: Any = self.optimizers()
        optimizer.zero_grad()
        self.manual_backward(total)
        optimizer.step()
        self.log("loss", total.detach(), prog_bar=True, on_step=True)
        others = {f"loss_{name}": value.detach() for name, value in terms.items()}
        self.log_dict({k: v for k, v in others.items() if k != "loss_total"}, on_step=True)

    def configure_optimizers(self) -> Optimizer:
        """RAdam; its rate changes by epochs, where it does."""
        return self.make_optimizer()

    def make_optimizer(self, *, fused: bool = False) -> Optimizer:
        """RAdam, with its own weight decay for norms and biases."""
        del fused  # it has no such form
        return radam(self.parameter_groups())

    def is_fused(self) -> bool:
        """RAdam has no fused form."""
        return False


def click_tensors(clicks: Clicks, sigmas: tuple[float, ...], like: Tensor) -> tuple[Tensor, Tensor]:
    """Masks (1, 2, H, W) and maps (1, 6, H, W) of clicks, of the type and device of `like`."""
    masks, maps = clicks.masks, clicks.maps(sigmas)
    return torch.from_numpy(masks)[None].to(like), torch.from_numpy(maps)[None].to(like)
