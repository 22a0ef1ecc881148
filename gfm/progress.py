"""The progress of a training run, shown like that of every other command."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as lightning
from pytorch_lightning.callbacks import ProgressBar

from rssn.console import Bar


class TrainingProgress(ProgressBar):
    """One bar over all steps of a run, with the epoch, the loss and the last validation."""

    def __init__(self) -> None:
        super().__init__()
        self.bar: Bar | None = None
        self.enabled = True
        self.seen = 0

    def disable(self) -> None:
        """Show nothing (on every process but the first)."""
        self.enabled = False

    def enable(self) -> None:
        """Show the bar."""
        self.enabled = True

    def on_train_start(self, trainer: lightning.Trainer, pl_module: Any) -> None:  # noqa: ANN401
        """Open the bar."""
        del pl_module
        total = trainer.estimated_stepping_batches
        steps = int(total) if total not in (-1, float("inf")) else None
        self.seen = trainer.global_step
        self.bar = Bar("Train", steps, quiet=not self.enabled)
        self.bar.__enter__()
        self.bar.advance(self.seen)

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any, **__: Any) -> None:  # noqa: ANN401
        """Count the step."""
        metrics = {k: float(v) for k, v in trainer.callback_metrics.items()}
        note = f"epoch {trainer.current_epoch + 1}"
        if "loss" in metrics:
            note += f", loss {metrics['loss']:.3f}"
        if "val_mad" in metrics:
            note += f", validation MAD {metrics['val_mad']:.4f}"
        if self.bar is not None:
            self.bar.advance(trainer.global_step - self.seen, note)
        self.seen = trainer.global_step

    def on_train_end(self, *_: Any) -> None:  # noqa: ANN401
        """Close the bar."""
        self._close()

    def on_exception(self, *_: Any) -> None:  # noqa: ANN401
        """Close the bar, so that the error stands below it."""
        self._close()

    def _close(self) -> None:
        if self.bar is not None:
            self.bar.__exit__(None, None, None)
            self.bar = None
