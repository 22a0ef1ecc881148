"""Runs of `gfm fit` that go on repeat the one left alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from runs import TINY, column, fit_arguments, rows, run_outside, same_weights

from gfm.__main__ import main
from gfm.inference.loading import load_model
from gfm.models.glance_focus.task import GFMTask

pytestmark = pytest.mark.usefixtures("in_tmp_path")


@pytest.mark.integration
def test_run_goes_on_with_more_devices(data, tmp_path):
    alone = fit_arguments(data, *TINY, "--data.batch_size", "1", "--data.crop.size", "64")
    assert run_outside(tmp_path, *alone).returncode == 0  # two of six samples
    begun = tmp_path / "runs" / "version_0" / "checkpoints" / "last.ckpt"
    more = ("--trainer.devices", "2", "--trainer.strategy", "ddp", "--ckpt_path", str(begun))
    until = ("--trainer.max_steps", "-1", "--trainer.max_epochs", "2")
    done = run_outside(tmp_path, *alone, *more, *until)
    assert done.returncode == 0, done.stderr
    after = [(row["epoch"], row["step"]) for row in rows(tmp_path / "runs" / "version_1")]
    assert after == [("0", "2"), ("0", "3"), ("1", "4"), ("1", "5"), ("1", "6")]


@pytest.mark.integration
@pytest.mark.parametrize(("steps", "workers"), [(1, "2"), (3, "0"), (4, "0")])
def test_resumed_run_repeats_the_one_left_alone(data, tmp_path, steps, workers):
    """Three steps an epoch: a run cut off inside an epoch, or at its end, goes on to the bit."""
    options = (*TINY, "--model.learning_rate", "1e-3", "--data.workers", workers, "--quiet")
    last = Path("checkpoints") / "last"
    assert main(fit_arguments(data, *options, "--trainer.max_steps", "7")) == 0
    assert main(fit_arguments(data, *options, "--trainer.max_steps", str(steps))) == 0
    begun = tmp_path / "runs" / "version_1" / last.with_suffix(".ckpt")
    go_on = ("--trainer.max_steps", "7", "--ckpt_path", str(begun))
    assert main(fit_arguments(data, *options, *go_on)) == 0
    whole, first, second = (tmp_path / "runs" / f"version_{n}" for n in range(3))
    assert column(first) | column(second) == column(whole)
    assert list(column(second)) == [str(step) for step in range(steps, 7)]
    model = last.with_suffix(".safetensors")
    assert same_weights(whole / model, second / model)


@pytest.mark.integration
def test_files_hold_the_averaged_model_and_resume_both(data, tmp_path):
    options = (*TINY, "--model.learning_rate", "1e-2", "--ema", "0.5", "--quiet")
    assert main(fit_arguments(data, *options, "--trainer.max_steps", "5")) == 0
    assert main(fit_arguments(data, *options, "--trainer.max_steps", "2")) == 0
    begun = tmp_path / "runs" / "version_1" / "checkpoints" / "last.ckpt"
    go_on = ("--trainer.max_steps", "5", "--ckpt_path", str(begun))
    assert main(fit_arguments(data, *options, *go_on)) == 0
    whole, _, second = (tmp_path / "runs" / f"version_{n}" / "checkpoints" for n in range(3))
    kept = torch.load(whole / "last.ckpt", weights_only=True)
    averaged = load_model(whole / "last.safetensors", device="cpu").state_dict()
    assert all(torch.equal(kept["state_dict"][f"model.{k}"], v) for k, v in averaged.items())
    raw = kept["current_model_state"]
    assert any(not torch.equal(raw[f"model.{k}"], v) for k, v in averaged.items())
    assert same_weights(whole / "last.safetensors", second / "last.safetensors")
    assert main(fit_arguments(data, *options, "--ema", "1")) == 2


@pytest.mark.integration
def test_killed_run_goes_on_to_the_bit(data, tmp_path):
    options = (*TINY, "--model.learning_rate", "1e-3", "--trainer.max_steps", "-1", "--quiet")
    options += ("--trainer.max_epochs", "3", "--last.steps", "1")
    kill = ("--trainer.callbacks+=sudden_death.Kill", "--trainer.callbacks.step", "5")
    (tmp_path / "sudden_death.py").write_text(KILL)
    assert run_outside(tmp_path, *fit_arguments(data, *options)).returncode == 0
    assert run_outside(tmp_path, *fit_arguments(data, *options, *kill)).returncode == -9
    begun = tmp_path / "runs" / "version_1" / "checkpoints" / "last.ckpt"
    resumed = run_outside(tmp_path, *fit_arguments(data, *options, "--ckpt_path", str(begun)))
    assert resumed.returncode == 0, resumed.stderr
    whole, _, second = (tmp_path / "runs" / f"version_{n}" for n in range(3))
    wanted = column(whole)
    assert list(wanted) == [str(step) for step in range(9)]
    assert column(second) == {step: wanted[step] for step in "45678"}  # of 5, no name yet
    model = Path("checkpoints") / "last.safetensors"
    assert same_weights(whole / model, second / model)


KILL = """
import os
import signal

import pytorch_lightning


class Kill(pytorch_lightning.Callback):
    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_start(self, trainer, *_):
        if trainer.global_step == self.step:
            os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.integration
@pytest.mark.parametrize(
    ("limit", "ends"), [("epochs", (1, 2, 3, 4)), ("steps", (1, 3, 4, 6, 8, 9, 12))]
)
def test_run_resumed_again_and_again_is_the_one_left_alone(data, tmp_path, limit, ends):
    """Three steps an epoch."""
    other = "--trainer.max_steps" if limit == "epochs" else "--trainer.max_epochs"
    options = (*TINY, "--model.learning_rate", "1e-3", "--quiet", other, "-1")
    assert main(fit_arguments(data, *options, f"--trainer.max_{limit}", str(ends[-1]))) == 0
    parts: dict[str, str] = {}
    for number, end in enumerate(ends):
        run = tmp_path / "runs" / f"version_{number + 1}"
        begun = tmp_path / "runs" / f"version_{number}" / "checkpoints" / "last.ckpt"
        go_on = ("--ckpt_path", str(begun)) if number else ()
        assert main(fit_arguments(data, *options, f"--trainer.max_{limit}", str(end), *go_on)) == 0
        assert not parts.keys() & column(run).keys()
        parts |= column(run)
    assert parts == column(tmp_path / "runs" / "version_0")


@pytest.fixture
def keys(monkeypatch) -> list[tuple[int, list[str]]]:
    """Epoch and samples of every training step that follows."""
    steps = []
    real = GFMTask.training_step

    def recorded(task: GFMTask, batch, index: int):
        steps.append((task.current_epoch, batch.keys))
        return real(task, batch, index)

    monkeypatch.setattr(GFMTask, "training_step", recorded)
    return steps


@pytest.mark.integration
@pytest.mark.parametrize(
    ("before", "steps", "after"),
    [
        (1, 2, 2),  # in the middle
        (2, 1, 1),
        (1, 1, 3),  # before the first of the larger batches would have been over
        (2, 3, 1),  # at the end of the epoch
        (1, 6, 6),
        (1, 4, 6),  # the rest is less than a batch
    ],
)
def test_resume_at_another_batch_size_keeps_the_samples_consumed(
    data, tmp_path, keys, before, steps, after
):
    validation = ("--data.validation", str(data / "photographs"), "--data.crop.size", "64")
    options = (*TINY, *validation, "--quiet", "--model.schedule", "cosine")
    begin = ("--data.batch_size", str(before), "--trainer.max_steps", str(steps))
    assert main(fit_arguments(data, *options, *begin)) == 0
    begun = tmp_path / "runs" / "version_0" / "checkpoints" / "last.ckpt"
    go_on = ("--data.batch_size", str(after), "--ckpt_path", str(begun))
    until = ("--trainer.max_steps", "-1", "--trainer.max_epochs", "3")
    assert main(fit_arguments(data, *options, *go_on, *until)) == 0
    for epoch in range(3):
        seen = sorted(key for number, batch in keys if number == epoch for key in batch)
        assert seen == [f"s{n}" for n in range(6)], f"epoch {epoch} of {keys}"
    validated = [row for row in rows(tmp_path / "runs" / "version_1") if row["val_sad"]]
    whole = steps * before == 6  # the first epoch was validated by the first run
    assert [row["epoch"] for row in validated] == ["0", "1", "2"][whole:]


@pytest.mark.integration
def test_epoch_that_was_limited_is_over_for_the_run_that_goes_on(data, tmp_path, keys):
    options = (*TINY, "--quiet", "--trainer.limit_train_batches", "2", "--trainer.max_steps")
    assert main(fit_arguments(data, *options, "4")) == 0
    assert main(fit_arguments(data, *options, "2")) == 0
    begun = tmp_path / "runs" / "version_1" / "checkpoints" / "last.ckpt"
    assert main(fit_arguments(data, *options, "4", "--ckpt_path", str(begun))) == 0
    assert keys[4:] == keys[:4]
