"""The callback that writes `run.json`, and hands the record and the best model to W&B."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any, cast

import pytorch_lightning as lightning
import yaml
from pytorch_lightning.callbacks import Checkpoint
from pytorch_lightning.loggers import WandbLogger
from pytorch_lightning.trainer.states import TrainerFn

from gfm.evaluation.evaluate import Report
from gfm.tracking.loggers import run_folder, wandb_loggers
from gfm.tracking.rows import DataSet, Track
from gfm.tracking.summary import WANDB_KEY, RunSummary, manifest_sha256, recipe_sha256
from gfm.training.run_files import CHECKPOINTS, LAST, ModelFiles, scores_of
from gfm.training.task import MattingTask
from rssn.imaging.locations import locate
from rssn.shards.manifest import NAME as MANIFEST

FOLDER = "errors"
WANDB_RUN = "wandb_run"  # key of a checkpoint


class RunRecord(Checkpoint):  # for Lightning calls these last, in their order: after ModelFiles
    """Records a run for `scripts/compare_runs.py`.

    Beside `metrics.csv` it keeps `run.json` (see `RunSummary`), and for each validation
    `errors/val_STEP.json` with the errors on each photograph, as `gfm evaluate --json` has them.
    W&B gets the same, all options, and the best model as an artifact.

    Args:
        track: Track of the paper that the training belongs to: `ori`, `coco`, `bg20k`, `rssn`,
            `blur`, `denoise` or `noise`.
        dataset: Data set of the validation photographs, where it is one of the paper's.
    """

    def __init__(self, track: Track | None = None, dataset: DataSet | None = None) -> None:
        super().__init__()
        self.track, self.dataset = track, dataset
        self.summary: RunSummary | None = None
        self.folder: Path | None = None

    def setup(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, stage: str
    ) -> None:
        """Record the identity of the run."""
        if stage == "predict":
            return
        task = cast(MattingTask, pl_module)
        options, data = task.hparams, getattr(trainer, "datamodule", None)
        self.folder = run_folder(trainer)
        self.summary = RunSummary(
            command=str(getattr(stage, "value", stage)),  # W&B would write the name of the member
            dataset=self.dataset,
            track=self.track,
            system=task.model.system,
            network=dataclasses.asdict(task.model.config),
            ensemble=[dataclasses.asdict(each.config) for each in task.ensemble],
            weights=task.initial_weights,
            strategy=options.get("strategy", "hybrid"),
            d1=options.get("d1"),
            d2=options.get("d2"),
            manifest_sha256=manifest_sha256(getattr(data, "places", ())),
            seed=getattr(data, "seed", None) if stage == "fit" else None,
        )

    def on_train_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Write what is known before the first step; a resumed run goes on with its best."""
        options = _saved_options(self.folder)
        if self.summary is not None and options is not None:
            self.summary = dataclasses.replace(self.summary, recipe_sha256=recipe_sha256(options))
        self._note_best(trainer)
        self._write(trainer)
        for logger in wandb_loggers(trainer) if options is not None else ():
            logger.log_hyperparams({"options": options})
        if trainer.is_global_zero:
            for logger in wandb_loggers(trainer):
                for place in getattr(getattr(trainer, "datamodule", None), "places", ()):
                    log_data(logger, place)

    def on_validation_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Record the errors of this validation."""
        if not trainer.sanity_checking:
            self._record(trainer, cast(MattingTask, pl_module).report, "val")

    def on_test_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Record the errors of the test."""
        self._record(trainer, cast(MattingTask, pl_module).report, "test")

    def on_fit_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Record the best model, and hand it to W&B with the hash of its shards' manifest."""
        if self.summary is None or self.folder is None:
            return
        self._note_best(trainer)
        self._write(trainer)
        model = _best_model(trainer, self.folder)
        if trainer.is_global_zero and model is not None:
            for logger in wandb_loggers(trainer):
                _log_model(logger, model, self.summary)

    def on_save_checkpoint(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        checkpoint: dict[str, Any],
    ) -> None:
        """Keep the ids of the run on W&B, for the run that goes on."""
        if trainer.is_global_zero:
            checkpoint[WANDB_RUN] = [
                logger.version for logger in wandb_loggers(trainer) if logger.version
            ]

    def teardown(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, stage: str
    ) -> None:
        """Close the W&B run."""
        for logger in wandb_loggers(trainer):
            logger.experiment.finish()

    def _record(self, trainer: lightning.Trainer, report: Report, stage: str) -> None:
        if self.summary is None or not report.images:
            return
        step, scores = trainer.global_step, scores_of(trainer, report)
        self.summary = dataclasses.replace(self.summary, last=scores)
        self._note_best(trainer)
        self._write(trainer)
        if self.folder is None or not trainer.is_global_zero:
            return
        (self.folder / FOLDER).mkdir(parents=True, exist_ok=True)
        report.write(self.folder / FOLDER / f"{stage}_{step:08}.json")
        for logger in wandb_loggers(trainer):
            rows = [[name, *row.values()] for name, row in report.images.items()]
            logger.log_table(f"{stage}_photographs", ["name", *report.means], rows, step=step)

    def _note_best(self, trainer: lightning.Trainer) -> None:
        """Record the best file and its validation from the checkpoint callback."""
        if self.summary is None:
            return
        model = None if self.folder is None else _best_model(trainer, self.folder)
        saver = _saver(trainer)
        best = self.summary.last if saver is None else saver.best  # the last model is what is kept
        if model is None or self.folder is None or not model.is_relative_to(self.folder):
            name = None
        else:
            name = str(model.relative_to(self.folder))
        self.summary = dataclasses.replace(self.summary, best=best, model_file=name)

    def _write(self, trainer: lightning.Trainer) -> None:
        if self.summary is None or self.folder is None or not trainer.is_global_zero:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        self.summary.write(self.folder)
        for logger in wandb_loggers(trainer):
            values = {WANDB_KEY: self.summary.as_dict()}
            logger.experiment.config.update(values, allow_val_change=True)


def _best_model(trainer: lightning.Trainer, folder: Path) -> Path | None:
    """The model of the best validation, or the last one of a run that keeps none."""
    saver = _saver(trainer)
    if saver is not None:
        return Path(saver.best_model_path).with_suffix(".safetensors")
    last = folder / CHECKPOINTS / f"{LAST}.safetensors"
    return last if last.is_file() else None


def _saver(trainer: lightning.Trainer) -> ModelFiles | None:
    """The callback that keeps the best model, if it has one."""
    if trainer.state.fn != TrainerFn.FITTING:
        return None
    savers = (each for each in trainer.checkpoint_callbacks if isinstance(each, ModelFiles))
    return next((saver for saver in savers if saver.best_model_path), None)


def _saved_options(folder: Path | None) -> dict[str, Any] | None:
    """All options of the run, from the file that Lightning's command line has saved."""
    saved = folder / "config.yaml" if folder else None
    if saved is None or not saved.is_file():
        return None
    options: dict[str, Any] = yaml.safe_load(saved.read_text(encoding="utf-8"))
    return options


def log_data(logger: WandbLogger, place: str) -> None:
    """Make the manifest of the shards an artifact that the run, and so its model, comes from."""
    import wandb

    manifest = locate(place) / MANIFEST
    if not manifest.is_file():
        return
    content = manifest.read_bytes()
    sha256, run = hashlib.sha256(content).hexdigest(), logger.experiment
    values = {"place": place, "manifest_sha256": sha256}
    artifact = wandb.Artifact(f"shards-{sha256[:12]}", type="dataset", metadata=values)
    with artifact.new_file(MANIFEST, mode="w") as file:
        file.write(content.decode())
    if run.offline:  # where W&B uses no artifact
        run.log_artifact(artifact)
    else:
        run.use_artifact(artifact)


def _log_model(logger: WandbLogger, model: Path, summary: RunSummary) -> None:
    import wandb

    run = logger.experiment
    artifact = wandb.Artifact(f"model-{run.id}", type="model", metadata=summary.as_dict())
    artifact.add_file(str(model))
    run.log_artifact(artifact, aliases=["best"])
