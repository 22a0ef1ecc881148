"""The files of a run: the best model, and the state that the run goes on from."""

from __future__ import annotations

import shutil
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytorch_lightning as lightning
import torch
from lightning_fabric.plugins import TorchCheckpointIO
from pytorch_lightning.callbacks import Checkpoint, ModelCheckpoint

from gfm.checkpoints.files import save_model
from gfm.evaluation.evaluate import Report
from gfm.training.averaging import model_to_keep
from gfm.training.scores import Scores
from gfm.training.task import MattingTask
from rssn.imaging.errors import InputError
from rssn.imaging.files import whole_file, write_errors
from rssn.imaging.locations import locate

CHECKPOINTS, LAST = "checkpoints", "last"
UNVALIDATED = "last-unvalidated"


class LastCheckpoint(Checkpoint):
    """Callback that updates `checkpoints/last.ckpt` and the model beside it.

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

    def on_train_batch_start(self, trainer: lightning.Trainer, *_: Any, **__: Any) -> None:  # noqa: ANN401
        """Give the checkpoint its name: a validation is over, or none came."""
        if self.folder is not None and self.is_unvalidated and trainer.is_global_zero:
            for written in self.folder.glob(f"{UNVALIDATED}.*"):
                written.replace(self.folder / f"{LAST}{written.suffix}")
        self.is_unvalidated = False

    on_validation_end = on_train_epoch_end = on_train_batch_start

    def _is_due(self, trainer: lightning.Trainer) -> bool:
        ends = trainer.should_stop or trainer.is_last_batch
        if ends or 0 < trainer.max_steps <= trainer.global_step:
            return True
        if self.steps is not None:
            return trainer.global_step % self.steps == 0
        due = time.monotonic() - self.written > 60 * self.minutes
        return bool(trainer.strategy.broadcast(due))  # the clocks of several processes differ


class ModelFiles(ModelCheckpoint):
    """Lightning's checkpoints, each with the model beside it as safetensors.

    `gfm.load_model` takes the safetensors; Lightning's own file is what a run resumes from.

    A run that goes on takes over the best files of the run before, from the folder of its
    checkpoint, with their score: what is kept, its score and the record are of the same weights.

    Note:
        Lightning takes over no more than the path of the file. Its score is in the file itself: the
        checkpoint that a run goes on from is written before the validation of its weights.
    """

    scores: dict[str, Scores]  # of the validation of each file that is kept

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Lightning's options
        super().__init__(*args, **kwargs)
        self.scores = {}
        self.before = ""

    @property
    def best(self) -> Scores | None:
        """The validation of the best files."""
        return self.scores.get(self.best_model_path)

    def on_train_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Move the best files of the previous run here."""
        super().on_train_start(trainer, pl_module)
        if trainer.ckpt_path is None or self.monitor is None or self.save_top_k == 0:
            return
        found = self._take_over(trainer) if trainer.is_global_zero else None
        found = trainer.strategy.broadcast(found)
        if found is not None:
            path, score, values = found
            self.best_model_path = self.kth_best_model_path = path
            self.best_model_score = self.kth_value = self.current_score = score
            self.best_k_models, self.scores = {path: score}, {path: Scores(**values)}

    def state_dict(self) -> dict[str, Any]:
        """Return Lightning's state, and the validation of each file."""
        kept = {path: asdict(self.scores[path]) for path in self._kept() if path in self.scores}
        return {**super().state_dict(), "scores": kept}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Record the place of the previous run's best model."""
        self.before = state_dict["best_model_path"]

    def _kept(self) -> set[str]:
        return {*self.best_k_models, self.best_model_path}

    def _take_over(
        self, trainer: lightning.Trainer
    ) -> tuple[str, torch.Tensor, dict[str, Any]] | None:
        """Move the best files of the previous run into this run's folder.

        Returns:
            The checkpoint's path, score and validation; None where there is none, or it was written
            after the step that the run goes on from.
        """
        beside = Path(str(trainer.ckpt_path)).parent
        places = (beside / f"{self.filename}.ckpt", beside / Path(self.before).name)
        for source in dict.fromkeys((*places, Path(self.before))):
            found = source.is_file() and self._read_best(source, trainer.global_step)
            if found:
                score, scores, state = found
                target = Path(str(self.dirpath)) / source.name
                if not (target.exists() and target.samefile(source)):
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with whole_file(target) as part:
                        shutil.copyfile(source, part)
                task = trainer.lightning_module
                if isinstance(task, MattingTask):  # a kill may have left an older one beside it
                    save_model(task.model, target.with_suffix(".safetensors"), state=state)
                return str(target), score, scores
        return None

    def _read_best(
        self, path: Path, step: int
    ) -> tuple[torch.Tensor, dict[str, Any], dict[str, torch.Tensor]] | None:
        """Score, validation and weights of a best checkpoint, if it is of this step or before."""
        kept = torch.load(path, weights_only=True, map_location="cpu", mmap=True)
        own = kept.get("callbacks", {}).get(self.state_key, {})
        if kept["global_step"] > step or own.get("best_model_score") is None:
            return None
        scores = own.get("scores", {}).get(own["best_model_path"])
        if scores is None:  # older checkpoints
            scores = kept["callbacks"].get("RunRecord", {}).get("best")
        prefix = "model."
        weights = kept["state_dict"].items()
        state = {k.removeprefix(prefix): v for k, v in weights if k.startswith(prefix)}
        return (own["best_model_score"], scores, state) if scores else None

    def _save_checkpoint(self, trainer: lightning.Trainer, filepath: str) -> None:
        task = trainer.lightning_module
        if isinstance(task, MattingTask) and task.report.images:
            self.scores[filepath] = scores_of(trainer, task.report)
        super()._save_checkpoint(trainer, filepath)
        model = model_to_keep(trainer)
        if trainer.is_global_zero and model is not None:
            save_model(model, Path(filepath).with_suffix(".safetensors"))

    def _remove_checkpoint(self, trainer: lightning.Trainer, filepath: str) -> None:
        super()._remove_checkpoint(trainer, filepath)
        if trainer.is_global_zero:
            Path(filepath).with_suffix(".safetensors").unlink(missing_ok=True)


def scores_of(trainer: lightning.Trainer, report: Report) -> Scores:
    """The scores of the validation or test that has just ended."""
    step = trainer.global_step
    return Scores(trainer.current_epoch, step, len(report.images), report.means)


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
        remedy = "make room, and go on with --ckpt_path and the last checkpoint there is"
        with write_errors(path, remedy, RuntimeError):  # which torch's own writer raises
            place.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(place) as part:
                torch.save(checkpoint, part)
