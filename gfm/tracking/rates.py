"""The callback that logs how a training runs: learning rates, gradients, speed."""

from __future__ import annotations

import time
from typing import Any

import pytorch_lightning as lightning
import torch
from torch.optim import Optimizer

from gfm.data.loader import TrainingLoader
from gfm.data.samples import Batch


class TrainingRates(lightning.Callback):
    """Log how a training runs, with every step that is logged.

    `learning_rate`, of the decoders, and `learning_rate_encoder`; `gradient_norm`, before clipping;
    `samples_per_second`, over all devices; `waiting`, the share of the time that the step waited
    for data. The last two are means since the step logged before, validations left out.
    """

    def __init__(self) -> None:
        super().__init__()
        self.began, self.waited, self.samples = 0.0, 0.0, 0

    def on_train_start(self, trainer: lightning.Trainer, *_: Any) -> None:  # noqa: ANN401
        """Start counting."""
        self._begin(trainer)

    def on_validation_end(self, trainer: lightning.Trainer, *_: Any) -> None:  # noqa: ANN401
        """Start again; time of validation does not count."""
        self._begin(trainer)

    def on_before_optimizer_step(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        optimizer: Optimizer,
    ) -> None:
        """Log the norm of all gradients and the rates that this step is taken with."""
        gradients = [p.grad for p in pl_module.parameters() if p.grad is not None]
        if gradients:
            norms = torch.stack([gradient.norm() for gradient in gradients])
            pl_module.log("gradient_norm", norms.norm())
        for group in optimizer.param_groups:
            if group.get("name") == "encoder":
                pl_module.log("learning_rate_encoder", group["lr"])
            elif group.get("name") == "decoders":
                pl_module.log("learning_rate", group["lr"])

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,  # noqa: ANN401 - Lightning hands on what the step returned
        batch: Batch,
        batch_idx: int,
    ) -> None:
        """Log the speed."""
        self.samples += len(batch.keys) * trainer.world_size
        passed = max(time.monotonic() - self.began, 1e-9)
        pl_module.log("samples_per_second", self.samples / passed)
        pl_module.log("waiting", min((_waited(trainer) - self.waited) / passed, 1.0))
        every: int = trainer.log_every_n_steps  # type: ignore[attr-defined]
        if trainer.global_step % every == 0:
            self._begin(trainer)

    def _begin(self, trainer: lightning.Trainer) -> None:
        self.began, self.waited, self.samples = time.monotonic(), _waited(trainer), 0


def _waited(trainer: lightning.Trainer) -> float:
    """Seconds for which this process has waited for batches."""
    loader = getattr(getattr(trainer, "datamodule", None), "loader", None)
    return loader.waited if isinstance(loader, TrainingLoader) else 0.0
