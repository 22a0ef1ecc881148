"""Crops per step of a training: on each device and in all."""

from __future__ import annotations

from dataclasses import dataclass

import pytorch_lightning as lightning

PAPER = {"r34": 32, "r101": 8, "d121": 4}  # section 5.2.2; the learning rate is the same for all


@dataclass(frozen=True)
class StepSize:
    """Crops per step.

    Attributes:
        batch: On each device, as `data.batch_size` has it.
        devices: How many.
        accumulated: Batches per step, as `trainer.accumulate_grad_batches` has it.
    """

    batch: int
    devices: int = 1
    accumulated: int = 1

    @classmethod
    def of(cls, trainer: lightning.Trainer) -> StepSize | None:
        """Return that of a run, None if its data is not `GFMData`."""
        batch = getattr(getattr(trainer, "datamodule", None), "batch_size", None)
        if not isinstance(batch, int):
            return None
        return cls(batch, trainer.world_size, trainer.accumulate_grad_batches)

    @property
    def total(self) -> int:
        """Total number of images."""
        return self.batch * self.devices * self.accumulated

    def __str__(self) -> str:
        """The total, and what it is made of."""
        text = f"{self.total} crops per step"
        factors = [f"{self.batch} per device"]
        factors += [f"{self.devices} devices"] if self.devices > 1 else []
        factors += [f"{self.accumulated} batches accumulated"] if self.accumulated > 1 else []
        return text if self.total == self.batch else f"{text}: {' x '.join(factors)}"

    def warning(self, backbone: str) -> str | None:
        """Return a warning of a batch larger than the paper's, None for others."""
        wanted = PAPER.get(backbone)
        if wanted is None or self.total <= wanted:
            return None
        text = f"{self}; the paper trained {backbone} with {wanted} at its learning rate"
        fits = wanted // (self.devices * self.accumulated)
        if fits:
            return f"{text}: set data.batch_size={fits}, or choose another model.learning_rate"
        return f"{text}: take fewer devices, or choose another model.learning_rate"
