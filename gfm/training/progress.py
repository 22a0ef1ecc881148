"""The progress of a run of Lightning, shown like that of every other command."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import pytorch_lightning as lightning
from pytorch_lightning.callbacks import ProgressBar
from pytorch_lightning.trainer.states import TrainerFn

from gfm.training.run_files import LAST, LastCheckpoint, ModelFiles
from gfm.training.schedule import steps_done, steps_in_all
from gfm.training.step_size import StepSize
from gfm.training.task import MattingTask
from rssn.imaging.console import Bar


class TrainingProgress(ProgressBar):
    """One bar over all steps of a run, with the epoch, the loss and the last validation.

    Validating, testing and predicting by themselves have a bar over the photographs.

    Args:
        quiet: Show nothing.
    """

    def __init__(self, quiet: bool = False) -> None:
        super().__init__()
        self.bar: Bar | None = None
        self.enabled = not quiet
        self.seen = 0

    def disable(self) -> None:
        """Show nothing (on every process but the first)."""
        self.enabled = False

    def enable(self) -> None:
        """Show the bar."""
        self.enabled = True

    def on_train_start(self, trainer: lightning.Trainer, *_: Any) -> None:  # noqa: ANN401
        """Print the size of a step, and open the bar."""
        size = StepSize.of(trainer)
        if size is not None:
            self._tell(size, trainer)
        self._open("Train", steps_in_all(trainer))
        self.seen = 0
        self._show_steps(trainer)

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any, **__: Any) -> None:  # noqa: ANN401
        """Count the step."""
        self._show_steps(trainer)

    def on_train_end(self, trainer: lightning.Trainer, *_: Any) -> None:  # noqa: ANN401
        """Close the bar, and say how far the run came and what it left."""
        total = self.bar.total if self.bar is not None else None
        self._close()
        if self.enabled:
            steps = f"{steps_done(trainer)}" + (f" of {total}" if total is not None else "")
            sys.stderr.write(f"{steps} steps are done{_what_it_left(trainer)}\n")

    def on_validation_start(self, trainer: lightning.Trainer, *_: Any) -> None:  # noqa: ANN401
        """Open a bar, unless the validation is part of a training run."""
        if trainer.state.fn == TrainerFn.VALIDATING:
            self._open("Validate", sum(trainer.num_val_batches))

    def on_validation_batch_end(self, trainer: lightning.Trainer, *_: Any, **__: Any) -> None:  # noqa: ANN401
        """Count the photograph, unless the validation is part of a training run."""
        if trainer.state.fn == TrainerFn.VALIDATING:
            self._count()

    def on_validation_end(self, trainer: lightning.Trainer, *_: Any) -> None:  # noqa: ANN401
        """Close the bar, unless the validation is part of a training run."""
        if trainer.state.fn == TrainerFn.VALIDATING:
            self._close()

    def on_test_start(self, trainer: lightning.Trainer, *_: Any) -> None:  # noqa: ANN401
        """Open the bar."""
        self._open("Test", sum(trainer.num_test_batches))

    def on_predict_start(self, trainer: lightning.Trainer, *_: Any) -> None:  # noqa: ANN401
        """Open the bar."""
        self._open("Predict", sum(trainer.num_predict_batches))

    def on_test_batch_end(self, *_: Any, **__: Any) -> None:  # noqa: ANN401
        """Count the photograph."""
        self._count()

    def on_test_end(self, *_: Any, **__: Any) -> None:  # noqa: ANN401
        """Close the bar; before an error, so that it stands below."""
        self._close()

    on_predict_batch_end = on_test_batch_end
    on_predict_end = on_exception = on_test_end

    def _tell(self, size: StepSize, trainer: lightning.Trainer) -> None:
        if self.enabled:
            sys.stderr.write(f"{size}\n")
        task = trainer.lightning_module
        config = task.model.config if isinstance(task, MattingTask) else None
        warning = size.warning(getattr(config, "backbone", ""))
        if warning is not None and trainer.is_global_zero:
            warnings.warn(warning, stacklevel=2)

    def _open(self, description: str, total: float) -> None:
        known = int(total) if 0 <= total < float("inf") else None
        self.bar = Bar(description, known, quiet=not self.enabled)
        self.bar.__enter__()

    def _count(self) -> None:
        if self.bar is not None:
            self.bar.advance()

    def _show_steps(self, trainer: lightning.Trainer) -> None:
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        note = f"epoch {trainer.current_epoch + 1}"
        if "loss" in metrics:
            note += f", loss {metrics['loss']:.3f}"
        if "val_mad" in metrics:
            note += f", validation MAD {metrics['val_mad']:.4f}"
        if self.bar is not None:
            self.bar.advance(steps_done(trainer) - self.seen, note)
        self.seen = steps_done(trainer)

    def _close(self) -> None:
        if self.bar is not None:
            self.bar.__exit__(None, None, None)
            self.bar = None


def _what_it_left(trainer: lightning.Trainer) -> str:
    """The best model of a run with its error, and the checkpoint to go on from, as far as kept."""
    told = ""
    for saver in trainer.checkpoint_callbacks:
        if isinstance(saver, ModelFiles) and saver.best_model_score is not None:
            model = Path(saver.best_model_path).with_suffix(".safetensors")
            told += (
                f"; the best model, {saver.monitor} {saver.best_model_score:.4g}: {_shown(model)}"
            )
        if isinstance(saver, LastCheckpoint) and saver.folder is not None:
            told += f"; to go on: --ckpt_path {_shown(saver.folder / LAST)}.ckpt"
    return told


def _shown(path: Path) -> Path:
    """A path as a user in this folder would write it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
