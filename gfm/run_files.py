"""The files of a run: the best model, and the state that the run goes on from."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytorch_lightning as lightning
import torch
from lightning_fabric.plugins import TorchCheckpointIO
from pytorch_lightning.callbacks import Checkpoint, ModelCheckpoint

from gfm.averaging import model_to_keep
from gfm.checkpoint import save_model
from rssn._files import whole_file
from rssn.errors import InputError, one_line
from rssn.locations import locate

CHECKPOINTS, LAST = "checkpoints", "last"
UNVALIDATED = "last-unvalidated"


class LastCheckpoint(Checkpoint):
    """Keeps `checkpoints/last.ckpt` up to date, and beside it the model as safetensors.

    `--ckpt_path .../last.ckpt` goes on with the batch that came next, to the bit on a CPU, whether
    the run was ended, interrupted or killed. The file is replaced only by a whole one.

    It is called `last-unvalidated` until the validation that may follow is over: a run that is
    killed in between goes on from the checkpoint before and makes up for both, or, where that
    would take too long, from this one without the validation.

    Args:
        minutes: It is written after this time,
        steps: or after so many steps where given; also after each epoch and at the end.

    Note:
        Lightning's own checkpoints of the end of an epoch count its last step twice when a run goes
        on from them; this one is always written between two steps.
    """

    def __init__(self, minutes: float = 10, steps: int | None = None) -> None:
        if minutes <= 0 or (steps is not None and steps < 1):
            raise InputError(f"last.minutes={minutes}, last.steps={steps}: both must be positive")
        self.minutes, self.steps = minutes, steps
        self.written = time.monotonic()
        self.folder: Path | None = None
        self.is_unvalidated = False  # the newest checkpoint, which this process has written

    def setup(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, stage: str
    ) -> None:
        """Find the run's folder."""
        if stage == "fit" and trainer.log_dir is not None:
            self.folder = Path(trainer.log_dir) / CHECKPOINTS
            self.written = time.monotonic()

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,  # noqa: ANN401
        batch: Any,  # noqa: ANN401
        batch_idx: int,
    ) -> None:
        """Write the checkpoint when it is time, never between the parts of one step."""
        whole = (batch_idx + 1) % trainer.accumulate_grad_batches == 0 or trainer.is_last_batch
        if self.folder is not None and whole and self._is_due(trainer):
            self.written = time.monotonic()
            trainer.save_checkpoint(self.folder / f"{UNVALIDATED}.ckpt", weights_only=False)
            model = model_to_keep(trainer)
            if trainer.is_global_zero and model is not None:
                save_model(model, self.folder / f"{UNVALIDATED}.safetensors")
            self.is_unvalidated = True

    def on_validation_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Give the checkpoint its name."""
        self._name(trainer)

    def on_train_batch_start(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        batch: Any,  # noqa: ANN401
        batch_idx: int,
    ) -> None:
        """Give the checkpoint its name, where no validation came."""
        self._name(trainer)

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Give the checkpoint its name, where no validation came."""
        self._name(trainer)

    def _name(self, trainer: lightning.Trainer) -> None:
        if self.folder is not None and self.is_unvalidated and trainer.is_global_zero:
            for written in self.folder.glob(f"{UNVALIDATED}.*"):
                written.replace(self.folder / f"{LAST}{written.suffix}")
        self.is_unvalidated = False

    def _is_due(self, trainer: lightning.Trainer) -> bool:
        ends = trainer.should_stop or trainer.is_last_batch
        if ends or trainer.global_step == trainer.max_steps:
            return True
        if self.steps is not None:
            return trainer.global_step % self.steps == 0
        due = time.monotonic() - self.written > 60 * self.minutes
        return bool(trainer.strategy.broadcast(due))  # the clocks of several processes differ


class ModelFiles(ModelCheckpoint):
    """Lightning's checkpoints, each with the model beside it as safetensors.

    `gfm.load_model` takes the safetensors; Lightning's own file is what a run resumes from.
    """

    def _save_checkpoint(self, trainer: lightning.Trainer, filepath: str) -> None:
        super()._save_checkpoint(trainer, filepath)
        model = model_to_keep(trainer)
        if trainer.is_global_zero and model is not None:
            save_model(model, Path(filepath).with_suffix(".safetensors"))

    def _remove_checkpoint(self, trainer: lightning.Trainer, filepath: str) -> None:
        super()._remove_checkpoint(trainer, filepath)
        if trainer.is_global_zero:
            Path(filepath).with_suffix(".safetensors").unlink(missing_ok=True)


class WholeCheckpoints(TorchCheckpointIO):
    """Checkpoints that are whole under their name, or not there.

    Lightning writes them to the system's temporary folder and moves them. From one disk to another
    that is a copy, and a kill would leave half of it in place of the checkpoint before.
    """

    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: str | Path,
        storage_options: Any = None,  # noqa: ANN401
    ) -> None:
        """Write a checkpoint.

        Raises:
            InputError: The disk is full or cannot be written to.
        """
        place = locate(path)
        if not isinstance(place, Path):
            super().save_checkpoint(checkpoint, path, storage_options)
            return
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(place) as part:
                torch.save(checkpoint, part)
        except (OSError, RuntimeError) as error:  # the latter from torch's own writer
            raise InputError(
                f"{path}: cannot be written ({one_line(error)}); make room, and go on with "
                "--ckpt_path and the last checkpoint there is"
            ) from error
