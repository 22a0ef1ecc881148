"""Position of a resumed run in its epoch."""

from __future__ import annotations

import pytorch_lightning as lightning

from gfm.data.loader import TrainingLoader


def count_present_batches(trainer: lightning.Trainer, loader: TrainingLoader) -> None:
    """Set Lightning's count of batches of the present size in the resumed epoch.

    Its checkpoints count batches, whose size the batch size and the number of devices decide.
    """
    batches = trainer.fit_loop.epoch_loop.batch_progress
    if batches.is_last_batch:
        loader.end_epoch()
    change = loader.done - batches.current.ready
    for name in ("ready", "started", "processed", "completed"):
        setattr(batches.current, name, getattr(batches.current, name) + change)
