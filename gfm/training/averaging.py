"""Averaged weights: `--ema 0.999`."""

from __future__ import annotations

import pytorch_lightning as lightning
from pytorch_lightning.callbacks import EMAWeightAveraging

from gfm.checkpoints.hashes import join_hashes
from gfm.data.module import GFMData
from gfm.models.network import MattingNetwork
from gfm.training.task import MattingTask
from rssn.imaging.errors import InputError


class WeightAverage(EMAWeightAveraging):
    """Lightning's exponential moving average of the weights, updated after every step.

    Photographs are validated with the average, and model files hold it.

    Args:
        decay: Weight of the past, 0 to 1.
    """

    def __init__(self, decay: float) -> None:
        if not 0 <= decay < 1:
            raise InputError(f"ema={decay}: give a decay from 0 to below 1, such as 0.999")
        super().__init__(decay=decay)

    @property
    def model(self) -> MattingNetwork | None:
        """The averaged model; None before training."""
        task = self._average_model.module if self._average_model is not None else None
        return task.model if isinstance(task, MattingTask) else None


def model_to_keep(trainer: lightning.Trainer) -> MattingNetwork | None:
    """The model that a run's files hold: the average where there is one.

    It knows the licences and the hashes of what it is trained on: those of the training data, and
    those of the weights that it began with.
    """
    task = trainer.lightning_module
    if not isinstance(task, MattingTask):
        return None
    averages = (c.model for c in trainer.callbacks if isinstance(c, WeightAverage))  # type: ignore[attr-defined]
    model = next((average for average in averages if average is not None), task.model)
    data = getattr(trainer, "datamodule", None)
    new = data.licences() if isinstance(data, GFMData) else []
    named = {(each.source, each.licence) for each in new}
    before = [e for e in task.initial_licences() if (e.source, e.licence) not in named]
    model.licences = [*new, *before]
    seen = data.hashes() if isinstance(data, GFMData) else {}
    model.hashes = join_hashes(task.model.hashes, seen)
    return model
