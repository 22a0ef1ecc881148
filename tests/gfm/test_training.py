"""`gfm fit` on tiny data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from runs import TINY, column, fit_arguments, rows, run_outside
from tiny import write_shards

import gfm
from gfm.__main__ import main
from gfm.data.loader import CropBatches
from gfm.inference.loading import load_model
from gfm.models.glance_focus.task import GFMTask
from rssn.imaging.errors import InputError

pytestmark = pytest.mark.usefixtures("in_tmp_path")


@pytest.mark.parametrize("rosta", ["TT", "FT", "BT", "RIM"])
def test_fit_writes_losses_and_a_model(data, tmp_path, rosta, capfd):
    assert main(fit_arguments(data, *TINY, "--model.rosta", rosta)) == 0
    told = capfd.readouterr().err.splitlines()
    assert any(line.startswith("Train: 2/2, ") for line in told)
    assert "2 crops per step" in told
    last = "runs/version_0/checkpoints/last.ckpt"
    assert told[-1] == f"2 of 2 steps are done; to go on: --ckpt_path {last}"
    run = tmp_path / "runs" / "version_0"
    losses = [float(row["loss"]) for row in rows(run)]
    assert len(losses) == 2 and np.isfinite(losses).all()
    model = gfm.load_model(run / "checkpoints" / "last.safetensors", device="cpu")
    assert model.config.rosta == rosta and model.config.width == 0.25
    kept = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    for key, value in model.state_dict().items():
        assert torch.equal(value, kept[f"model.{key}"]), key


@pytest.mark.integration
def test_training_lowers_the_loss_and_keeps_the_best_model(data, tmp_path):
    steps = ("--trainer.max_steps", "30", "--model.learning_rate", "3e-3")
    validation = ("--data.validation", str(data / "photographs"))
    assert main(fit_arguments(data, *TINY, *steps, *validation)) == 0
    run = tmp_path / "runs" / "version_0"
    losses = [float(row["loss"]) for row in rows(run) if row["loss"]]
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])
    errors = [float(row["val_sad"]) for row in rows(run) if row["val_sad"]]
    assert len(errors) == 10  # three steps an epoch
    best = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)
    assert best["global_step"] == 3 * (int(np.argmin(errors)) + 1)
    load_model(run / "checkpoints" / "best.safetensors", "cpu")


def test_same_seed_gives_the_same_model(data, tmp_path):
    for folder in ("a", "b"):
        logger = f"--trainer.logger.init_args.save_dir={folder}"
        assert main(fit_arguments(data, *TINY, logger)) == 0
    paths = [tmp_path / f / "version_0" / "checkpoints" / "last.safetensors" for f in ("a", "b")]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_model_file_brings_its_representation_along(data, ft_model, tmp_path):
    assert main(fit_arguments(data, "--model.model", ft_model)) == 0
    last = tmp_path / "runs" / "version_0" / "checkpoints" / "last.safetensors"
    before, after = load_model(ft_model, "cpu"), load_model(last, "cpu")
    assert after.config == before.config
    steps = "encoder.body.bn1.num_batches_tracked"
    assert after.state_dict()[steps] == before.state_dict()[steps] + 2  # norms are trained too


def test_statistics_of_norms_are_kept_where_asked_for(data, ft_model, tmp_path):
    assert main(fit_arguments(data, "--model.model", ft_model, "--model.keep_statistics=true")) == 0
    last = tmp_path / "runs" / "version_0" / "checkpoints" / "last.safetensors"
    before, after = (load_model(path, "cpu").state_dict() for path in (ft_model, last))
    norm = "encoder.body.bn1"
    assert torch.equal(after[f"{norm}.running_mean"], before[f"{norm}.running_mean"])
    assert not torch.equal(after[f"{norm}.weight"], before[f"{norm}.weight"])


def test_terms_of_the_loss_have_the_weights_that_were_asked_for(data, tmp_path, capsys):
    weights = ("--model.loss", "released", "--model.loss_weights.laplacian", "3")
    assert main(fit_arguments(data, *TINY, *weights)) == 0
    first = {n: float(v) for n, v in rows(tmp_path / "runs" / "version_0")[0].items() if v}
    terms = {name: value for name, value in first.items() if name.startswith("loss_")}
    assert terms.keys() >= {"loss_glance", "loss_laplacian", "loss_composition"}
    wanted = sum(value / 4 for value in terms.values()) + 2.75 * terms["loss_laplacian"]
    assert first["loss"] == pytest.approx(wanted, rel=1e-5)
    assert main(fit_arguments(data, *TINY, "--model.loss_weights.laplace", "3")) == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert "['laplace']; choose from ['glance', " in last


@pytest.mark.integration
def test_gradients_are_clipped_in_mixed_precision(data, tmp_path):
    mixed = ("--trainer.precision", "bf16-mixed", "--model.learning_rate", "1e-3")
    clip = ("--trainer.gradient_clip_val", "1e-4", "--trainer.max_steps", "1", "--quiet")
    assert main(fit_arguments(data, *TINY, *mixed, *clip)) == 0
    last = tmp_path / "runs" / "version_0" / "checkpoints" / "last.ckpt"
    (state,) = torch.load(last, weights_only=True)["optimizer_states"]
    # Adam's first moment is a tenth of the first gradient.
    norms = [10 * values["exp_avg"].norm().item() for values in state["state"].values()]
    assert np.linalg.norm(norms) == pytest.approx(1e-4, rel=1e-3)
    assert [group["fused"] for group in state["param_groups"]] == [False] * 4
    go_on = ("--ckpt_path", str(last), "--trainer.max_steps", "2", "--quiet")
    assert main(fit_arguments(data, *TINY, *mixed, *go_on)) == 0  # no longer clipped
    resumed = tmp_path / "runs" / "version_1" / "checkpoints" / "last.ckpt"
    (state,) = torch.load(resumed, weights_only=True)["optimizer_states"]
    assert [group["fused"] for group in state["param_groups"]] == [True] * 4


@pytest.mark.integration
def test_damaged_shard_ends_the_run_by_its_name(data, tmp_path, capsys):
    write_shards(tmp_path / "shards", (4, 2))
    (tmp_path / "shards" / "shard-00001.tar").write_bytes(b"")
    assert main(fit_arguments(tmp_path, *TINY, "--data.workers", "1")) == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert (
        last.startswith(f"error: {tmp_path}/shards/shard-00001.tar: ") and "Traceback" not in last
    )


def test_loss_that_is_no_number_names_the_samples(data):
    from gfm.data.crops import CropOptions
    from gfm.data.module import GFMData

    task = GFMTask("timm:test_resnet", width=0.25)
    task.model.focus.heads["TT"][-2].bias.data.fill_(torch.nan)
    task.trainer = type("Trainer", (), {"global_step": 7, "global_rank": 0, "log_dir": "run"})()
    crop = CropOptions(sides=(32,), size=32)
    module = GFMData(
        str(data / "shards"), targets=task.targets(), crop=crop, batch_size=6, workers=0
    )
    (batch,) = module.train_dataloader()
    with pytest.raises(InputError, match=r"nan at step 7 .* s\d, "):
        task.training_step(batch, 0)
    found = json.loads(Path("run", "not_finite_rank0.json").read_text())
    assert found["step"] == 7 and sorted(found["keys"]) == [f"s{n}" for n in range(6)]
    assert found["losses"]["total"] == "nan"


@pytest.mark.integration
def test_two_processes_train_as_one_run(data, tmp_path):
    arguments = fit_arguments(data, *TINY, "--trainer.devices", "2", "--trainer.strategy", "ddp")
    arguments += ["--trainer.max_steps", "-1", "--trainer.max_epochs", "2"]
    arguments += ["--data.crop.size", "64"]  # batch norm cannot train on the last single one
    done = run_outside(tmp_path, *arguments)
    assert done.returncode == 0, done.stderr
    # Six samples on two ranks in batches of two: a full step and one of one sample each.
    assert [row["step"] for row in rows(tmp_path / "runs" / "version_0")] == ["0", "1", "2", "3"]


@pytest.mark.integration
def test_compiled_training_gives_the_same_loss(data, tmp_path):
    for extra in ((), ("--model.compile", "true")):
        assert main(fit_arguments(data, *TINY, *extra, "--trainer.max_steps", "1")) == 0
    first, second = (float(column(tmp_path / "runs" / f"version_{n}")["0"]) for n in range(2))
    assert second == pytest.approx(first, rel=1e-4)


def test_one_seed_decides_the_crops_too(data, monkeypatch):
    seeds = []

    class Recorded(CropBatches):
        def __init__(self, samples, options, batch_size, seed, *more):
            seeds.append(seed)
            super().__init__(samples, options, batch_size, seed, *more)

    monkeypatch.setattr("gfm.data.module.CropBatches", Recorded)
    assert main(fit_arguments(data, *TINY, "--seed_everything", "7", "--quiet")) == 0
    assert seeds == [7]
