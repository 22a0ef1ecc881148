"""The best score, the best file and the record of a run are of the same weights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from runs import CPU, TINY, fit_arguments
from tiny import write_photographs, write_shards

from gfm.__main__ import main
from gfm.inference.loading import load_model
from gfm.models.glance_focus.task import GFMTask
from gfm.tracking.sources import read_run

pytestmark = pytest.mark.integration

STEPS = 3  # of an epoch, after each of which is a validation


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_shards(folder / "shards", (6,))
    write_photographs(folder / "photographs", 1)
    return folder


@pytest.fixture
def score(monkeypatch, tmp_path) -> dict[int, float]:
    """SAD of a validation after so many steps."""
    monkeypatch.chdir(tmp_path)
    wanted: dict[int, float] = {}
    real = GFMTask._compare

    def compare(task: GFMTask, photograph):
        made = real(task, photograph)
        task.errors[photograph[0]]["sad"] = wanted.get(task.global_step, 99.0)
        return made

    monkeypatch.setattr(GFMTask, "_compare", compare)
    return wanted


def fit(data: Path, until: int, begun: Path | None = None, *more: str) -> Path:
    """Train to an epoch, in a folder of its own; returns the folder."""
    arguments = fit_arguments(data, *TINY, "--quiet", "--model.learning_rate", "1e-2")
    arguments += ["--data.validation", str(data / "photographs"), "--trainer.max_steps", "-1"]
    resume = ("--ckpt_path", str(begun)) if begun is not None else ()
    assert main([*arguments, "--trainer.max_epochs", str(until), *resume, *more]) == 0
    return max(Path("runs").iterdir(), key=lambda path: int(path.name.rpartition("_")[2]))


def last(run: Path) -> Path:
    return run / "checkpoints" / "last.ckpt"


def same(first: Path, second: Path) -> bool:
    one, two = (load_model(path, "cpu").state_dict() for path in (first, second))
    return all(torch.equal(value, two[key]) for key, value in one.items())


def assert_best(run: Path, step: int, sad: float) -> None:
    """The record, the comparison and both files are of this step."""
    record = json.loads((run / "run.json").read_text())
    assert (record["best"]["step"], record["best"]["metrics"]["sad"]) == (step, sad)
    assert record["model_file"] == "checkpoints/best.safetensors"
    assert read_run(str(run))[1].step == step
    kept = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)
    assert kept["global_step"] == step
    model = load_model(run / record["model_file"], "cpu").state_dict()
    assert all(torch.equal(kept["state_dict"][f"model.{k}"], v) for k, v in model.items())


def test_best_stays_the_best_over_any_number_of_resumes(data, score):
    score |= {3: 30.0, 6: 20.0, 9: 35.0, 12: 25.0, 15: 15.0, 18: 16.0}
    first = fit(data, 2)
    assert_best(first, 6, 20.0)  # of the validation after which the checkpoint was named
    second = fit(data, 3, last(first))
    assert_best(second, 6, 20.0)
    third = fit(data, 4, last(second))
    assert_best(third, 6, 20.0)
    assert same(*(run / "checkpoints" / "best.safetensors" for run in (first, third)))
    fourth = fit(data, 6, last(third))
    assert_best(fourth, 15, 15.0)
    assert_best(first, 6, 20.0)  # nothing was written there


def test_best_of_a_later_step_is_not_of_the_run_that_goes_on(data, score, tmp_path):
    score |= {3: 30.0, 6: 20.0, 9: 25.0, 12: 40.0}
    first = fit(data, 3)
    early = tmp_path / "early.ckpt"
    early.write_bytes(last(fit(data, 1)).read_bytes())
    early.replace(first / "checkpoints" / "early.ckpt")
    score |= {6: 29.0, 9: 28.0}
    assert_best(fit(data, 3, first / "checkpoints" / "early.ckpt"), 9, 28.0)


def test_model_file_that_was_cut_off_is_made_again(data, score):
    """A kill between the two files of the best model leaves the model of the best before."""
    score |= {3: 30.0, 6: 20.0, 9: 35.0}
    first = fit(data, 1)
    stale = (first / "checkpoints" / "best.safetensors").read_bytes()
    second = fit(data, 2, last(first))
    (second / "checkpoints" / "best.safetensors").write_bytes(stale)
    assert_best(fit(data, 3, last(second)), 6, 20.0)


def test_what_is_best_is_what_the_option_says(data, score):
    score |= {3: 30.0, 6: 20.0, 9: 35.0}
    run = fit(data, 3, None, "--checkpoint.mode", "max")
    assert_best(run, 9, 35.0)
    run = fit(data, 3, None, "--checkpoint.save_top_k", "0")  # the last model is kept
    record = json.loads((run / "run.json").read_text())
    assert record["model_file"] == "checkpoints/last.safetensors"
    assert record["best"] == record["last"] and record["best"]["step"] == 9


def test_model_file_of_a_run_validates_at_its_best_score(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = fit(data, 2)
    second = fit(data, 4, last(first))
    record = json.loads((second / "run.json").read_text())
    given = ("--model.model", str(second / record["model_file"]), "--quiet")
    assert main(["validate", *CPU, *given, "--data.validation", str(data / "photographs")]) == 0
    found = json.loads(Path("runs/version_2/run.json").read_text())["last"]["metrics"]
    assert found["sad"] == pytest.approx(record["best"]["metrics"]["sad"], rel=1e-5)
