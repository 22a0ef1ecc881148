"""The commands that Lightning runs: fit, validate, test and predict on tiny data."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from tiny import build, draw_matte, draw_photograph, write_photographs, write_shards

import gfm
from gfm.__main__ import main
from gfm.checkpoints.files import save_model
from gfm.commands.fit import read_hyper_parameters
from gfm.data.loader import CropBatches
from gfm.inference.loading import load_model
from gfm.models.glance_focus.task import GFMTask
from rssn.imaging.errors import InputError
from rssn.imaging.reading import read_alpha
from rssn.imaging.writing import write_alpha, write_rgb

TINY = ("--model.backbone", "timm:test_resnet", "--model.width", "0.25")
CPU = ("--trainer.accelerator", "cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Six samples in shards/ and two photographs in photographs/."""
    folder = tmp_path_factory.mktemp("data")
    write_shards(folder / "shards", (4, 2))
    write_photographs(folder / "photographs", 2)
    return folder


@pytest.fixture(autouse=True)
def in_tmp_path(tmp_path, monkeypatch):
    """Runs are written to the working directory."""
    monkeypatch.chdir(tmp_path)


def fit_arguments(data: Path, *more: str) -> list[str]:
    return [
        *("fit", *CPU, "--data.shards", str(data / "shards"), "--data.batch_size", "2"),
        *("--data.workers", "0", "--data.crop.sides", "[32]", "--data.crop.size", "32"),
        *("--trainer.max_steps", "2", "--trainer.log_every_n_steps", "1", *more),
    ]


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


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


@pytest.fixture
def model_file(tmp_path) -> str:
    """A model of another representation than the default."""
    save_model(build(rosta="FT"), tmp_path / "ft.safetensors")
    return str(tmp_path / "ft.safetensors")


def test_model_file_brings_its_representation_along(data, model_file, tmp_path):
    assert main(fit_arguments(data, "--model.model", model_file)) == 0
    last = tmp_path / "runs" / "version_0" / "checkpoints" / "last.safetensors"
    before, after = load_model(model_file, "cpu"), load_model(last, "cpu")
    assert after.config == before.config
    steps = "encoder.body.bn1.num_batches_tracked"
    assert after.state_dict()[steps] == before.state_dict()[steps] + 2  # norms are trained too


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (
            ("--model.weights", "none.pth"),
            "model.weights=none.pth: ",
        ),
        (("--model.backbone", "r34"), "model.backbone=r34: "),
        (("--model.width=0.5",), "width is 0.25"),
        (("--config", "run.yaml"), "model.rosta=TT: "),
    ],
)
def test_option_that_a_model_file_overrules_is_refused(data, model_file, option, message, capsys):
    Path("run.yaml").write_text("model:\n  rosta: TT\n")
    assert main(fit_arguments(data, "--model.model", model_file, *option)) == 2
    assert message in capsys.readouterr().err.strip().splitlines()[-1]


def test_configuration_says_what_the_model_file_is(data, model_file, tmp_path):
    same = ("--model.rosta", "FT", "--quiet")
    assert main(fit_arguments(data, "--model.model", model_file, *same)) == 0
    options = yaml.safe_load((tmp_path / "runs/version_0/config.yaml").read_text())["model"][
        "init_args"
    ]
    assert (options["backbone"], options["rosta"]) == ("timm:test_resnet", "FT")
    assert options["width"] == 0.25 and options["weights"] is None
    with pytest.raises(InputError, match=r"model\.width=0\.5: .*model\.model="):
        GFMTask(width=0.5, model=model_file)


@pytest.mark.parametrize("command", ["validate", "test"])
def test_photographs_are_compared(data, model_file, tmp_path, command, capfd):
    photographs = data / "photographs"
    given = (*CPU, "--model.model", model_file, "--data.validation", str(photographs))
    assert main([command, *given, "--model.strategy", "full"]) == 0
    assert f"{command.title()}: 2/2, " in capfd.readouterr().err
    (row,) = rows(tmp_path / "runs" / "version_0")
    model = load_model(model_file, "cpu")
    errors = []
    for name in ("p0", "p1"):
        path = photographs / "original" / f"{name}.png"
        made = gfm.matte(path, model, strategy="full", foreground="none")
        errors.append(np.abs(made.alpha - read_alpha(photographs / "mask" / f"{name}.png")).mean())
    stage = {"validate": "val", "test": "test"}[command]
    assert float(row[f"{stage}_mad"]) == pytest.approx(np.mean(errors), rel=1e-4)


@pytest.mark.parametrize("given", [(), ("--model.d1", "4")], ids=["model", "user"])
def test_passes_are_those_of_gfm_matte(tmp_path, given):
    """A model that asks for sides of its own is validated on its passes, without refinement."""
    model = build(glance_side=64, focus_side=128)
    save_model(model, tmp_path / "sides.safetensors")
    (tmp_path / "original").mkdir()
    (tmp_path / "mask").mkdir()
    photograph, alpha = draw_photograph(0, 128, 192), draw_matte(128, 192, radius=40)
    write_rgb(tmp_path / "original" / "p.png", photograph)
    write_alpha(tmp_path / "mask" / "p.png", alpha)
    options = (*CPU, "--model.model", "sides.safetensors", "--data.validation", str(tmp_path))
    assert main(["validate", "--quiet", *options, *given]) == 0
    made, other = (
        gfm.matte(photograph, model, d1=d1, foreground="none", refine="none").alpha
        for d1 in ((4, None) if given else (None, 4))
    )
    (row,) = rows(tmp_path / "runs" / "version_0")
    assert float(row["val_mad"]) == pytest.approx(np.abs(made - alpha).mean(), rel=1e-4)
    assert np.abs(other - alpha).mean() != pytest.approx(np.abs(made - alpha).mean(), rel=1e-3)


def test_predict_writes_the_mattes(data, model_file, tmp_path, capfd):
    photographs = data / "photographs" / "original"
    given = ("--data.photographs", str(photographs), "--data.mattes", "mattes")
    assert main(["predict", "--quiet", *CPU, "--model.model", model_file, *given]) == 0
    assert "Predict" not in capfd.readouterr().err
    assert sorted(path.name for path in (tmp_path / "mattes").iterdir()) == ["p0.png", "p1.png"]
    wanted = gfm.matte(photographs / "p1.png", load_model(model_file, "cpu"), foreground="none")
    made = read_alpha(tmp_path / "mattes" / "p1.png")
    np.testing.assert_allclose(made, wanted.alpha, atol=0.501 / 255)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fit", "--config", "run.yaml"), "'model.bakbone'"),
        (("fit", "--config", "none.yaml"), "none.yaml"),
        (("fit", "--model.rosta", "XX"), "['TT', 'FT', 'BT', 'RIM']. Got value: XX"),
        (("fit", "--model.backbone", "r35"), "backbone='r35'"),
        (("fit", "--data.crop.size", "33"), "error: size=33: "),
        (("fit", *TINY), "data.shards"),
        (("fit", *TINY, "--data.shards", "none"), "none/manifest.json: "),
        (("predict", *TINY), "data.photographs"),
        (("test", "--model.model", "none.safetensors"), "none.safetensors: "),
        (("fit", *TINY, "--trainer.val_check_interval", "1.5"), "val_check_interval"),
    ],
    ids=lambda value: " ".join(value[:3]) if isinstance(value, tuple) else "",
)
def test_wrong_usage_is_one_line_and_exit_2(arguments, message, capsys):
    Path("run.yaml").write_text("model:\n  bakbone: r34\n")
    assert main([*arguments]) == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("error: ") and message in last


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


def run_outside(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "gfm", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


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


def losses_of(run: Path) -> dict[str, str]:
    """The loss of each step, as written."""
    return {row["step"]: row["loss"] for row in rows(run) if row["loss"]}


def same_weights(first: Path, second: Path) -> bool:
    models = [load_model(path, device="cpu").state_dict() for path in (first, second)]
    return all(torch.equal(value, models[1][key]) for key, value in models[0].items())


@pytest.mark.integration
@pytest.mark.parametrize("steps", [1, 3, 4])
@pytest.mark.parametrize("workers", ["0", "2"])
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
    assert losses_of(first) | losses_of(second) == losses_of(whole)
    assert list(losses_of(second)) == [str(step) for step in range(steps, 7)]
    model = last.with_suffix(".safetensors")
    assert same_weights(whole / model, second / model)


@pytest.mark.parametrize("option", [{"pyramid": "one"}, {"pyramid_join": "sum"}])
def test_pyramid_of_a_single_decoder_is_refused(option):
    with pytest.raises(InputError, match=r"model\.single_decoder"):
        GFMTask("timm:test_resnet", width=0.25, single_decoder=True, **option)


def test_checkpoint_from_before_an_option_has_its_default(tmp_path):
    torch.save({"hyper_parameters": {"rosta": "FT", "_class": "x"}}, tmp_path / "old.ckpt")
    kept = read_hyper_parameters(tmp_path / "old.ckpt")
    assert (kept["rosta"], kept["mean"], kept["pyramid_join"]) == ("FT", None, "concatenate")
    assert "_class" not in kept


@pytest.mark.integration
def test_checkpoint_decides_what_was_not_asked_for(data, tmp_path, capsys):
    options = (*TINY, "--model.rosta", "FT", "--model.d1", "4", "--quiet")
    assert main(fit_arguments(data, *options)) == 0
    last = str(tmp_path / "runs" / "version_0" / "checkpoints" / "last.ckpt")
    go_on = ("--quiet", "--ckpt_path", last, "--trainer.max_steps", "3")
    asked = ("--model.learning_rate", "1e-3", "--model.encoder_learning_rate", "1e-4")
    assert main(fit_arguments(data, *go_on, *asked, "--model.weight_decay", "0.1")) == 0
    run = tmp_path / "runs" / "version_1"
    options = yaml.safe_load((run / "config.yaml").read_text())["model"]["init_args"]
    assert (options["rosta"], options["width"], options["d1"]) == ("FT", 0.25, 4)
    state = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    groups = state["optimizer_states"][0]["param_groups"]
    assert [group["lr"] for group in groups] == [1e-4, 1e-4, 1e-3, 1e-3]
    assert [group["weight_decay"] for group in groups] == [0.1, 0, 0.1, 0]
    for change, message in (
        (("--model.rosta", "TT"), "model.rosta='FT', not 'TT'"),
        (("--model.width=0.5",), "model.width=0.25, not 0.5"),
        (("--ckpt_path", "nowhere.ckpt"), "ckpt_path=nowhere.ckpt: "),
        (("--ckpt_path", str(data / "shards" / "manifest.json")), "manifest.json: "),
    ):
        assert main(fit_arguments(data, *go_on, *change)) == 2
        assert message in capsys.readouterr().err.strip().splitlines()[-1]


def test_half_a_checkpoint_is_refused(data, tmp_path, capsys):
    assert main(fit_arguments(data, *TINY, "--quiet")) == 0
    whole = tmp_path / "runs" / "version_0" / "checkpoints" / "last.ckpt"
    (tmp_path / "half.ckpt").write_bytes(whole.read_bytes()[:5000])
    assert main(fit_arguments(data, *TINY, "--quiet", "--ckpt_path", "half.ckpt")) == 2
    assert "error: ckpt_path=half.ckpt: " in capsys.readouterr().err


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
def test_compiled_training_gives_the_same_loss(data, tmp_path):
    for extra in ((), ("--model.compile", "true")):
        assert main(fit_arguments(data, *TINY, *extra, "--trainer.max_steps", "1")) == 0
    first, second = (float(losses_of(tmp_path / "runs" / f"version_{n}")["0"]) for n in range(2))
    assert second == pytest.approx(first, rel=1e-4)


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
    wanted = losses_of(whole)
    assert list(wanted) == [str(step) for step in range(9)]
    assert losses_of(second) == {step: wanted[step] for step in "45678"}  # of 5, no name yet
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


def test_one_seed_decides_the_crops_too(data, monkeypatch):
    seeds = []

    class Recorded(CropBatches):
        def __init__(self, samples, options, batch_size, seed, *more):
            seeds.append(seed)
            super().__init__(samples, options, batch_size, seed, *more)

    monkeypatch.setattr("gfm.data.module.CropBatches", Recorded)
    assert main(fit_arguments(data, *TINY, "--seed_everything", "7", "--quiet")) == 0
    assert seeds == [7]


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
        assert not parts.keys() & losses_of(run).keys()
        parts |= losses_of(run)
    assert parts == losses_of(tmp_path / "runs" / "version_0")


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
