"""AdaMatting from a checkpoint to a matte, and its training."""

from __future__ import annotations

from pathlib import Path

import cv2
import guided
import numpy as np
import pytest
import torch
from runs import column
from safetensors.torch import load_file
from tiny import draw_matte, draw_photograph, write_photographs, write_shards

import gfm
from gfm.__main__ import main
from gfm.checkpoints.files import save_model
from gfm.commands.fit import command_line
from gfm.data.crops import CropOptions, Planes
from gfm.guidance.masks import trimap_from_mask
from gfm.models.adamatting.config import AdaMattingConfig
from gfm.models.adamatting.network import AdaMatting
from gfm.models.adamatting.released import convert_state_dict
from gfm.models.adamatting.targets import AdaMattingTargets
from gfm.models.adamatting.task import AdaMattingTask
from rssn.imaging.errors import InputError
from rssn.imaging.writing import write_rgb

SMALL = "timm:test_resnet"
CONFIGS = sorted((Path(__file__).parents[2] / "configs/adamatting").glob("*.yaml"))


def test_checkpoint_becomes_a_matte(tmp_path):
    entries = guided.weights("adamatting").items()
    released, out = tmp_path / "released.pth", tmp_path / "model.safetensors"
    torch.save({key: torch.from_numpy(np.asarray(value)) for key, value in entries}, released)
    assert main(["convert", str(released), "--system", "adamatting", "--out", str(out)]) == 0
    given = guided.inputs("adamatting", "net_64x96")
    made = gfm.matte(given["image"], gfm.load_model(out, "cpu"), trimap=given["trimap"])
    guided.check("adamatting", "net_64x96", final=made.alpha, labels=made.trimap)


def test_other_entries_are_named():
    state = {"encoder.conv1.weight": torch.zeros(64, 3, 7, 7), "more": torch.zeros(1)}
    with pytest.raises(InputError, match="468 more; left over more;") as said:
        convert_state_dict(state)
    assert "conv1.weight (64, 3, 7, 7)" in str(said.value)


@pytest.fixture
def small(tmp_path) -> Path:
    """The file of an untrained small network."""
    torch.manual_seed(0)
    save_model(AdaMatting(AdaMattingConfig(SMALL)), tmp_path / "small.safetensors")
    return tmp_path / "small.safetensors"


def trimap_of(alpha: np.ndarray) -> np.ndarray:
    return np.where(alpha == 0, 0, np.where(alpha == 1, 255, 128)).astype(np.uint8)


def test_command_writes_the_adapted_trimap(small, tmp_path):
    write_rgb(tmp_path / "a.png", draw_photograph(0))
    given = trimap_of(draw_matte())
    cv2.imwrite(str(tmp_path / "t.png"), given)
    out = tmp_path / "mattes"
    options = ["--trimap", str(tmp_path / "t.png"), "--outputs", "alpha,trimap", "--quiet"]
    command = ["matte", str(tmp_path / "a.png"), "--model", str(small), "--out", str(out)]
    assert main([*command, *options]) == 0
    made = gfm.matte(draw_photograph(0), gfm.load_model(small, "cpu"), trimap=given)
    written = cv2.imread(str(out / "trimap" / "a.png"), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(written, np.array([0, 128, 255])[made.trimap])
    assert not np.array_equal(written, given)


def test_mask_becomes_the_trimap_that_is_adapted(small):
    model, image, mask = gfm.load_model(small, "cpu"), draw_photograph(0), draw_matte()
    made = gfm.matte(image, model, mask=mask)
    same = gfm.matte(image, model, trimap=trimap_from_mask(mask, image))
    assert np.array_equal(made.alpha, same.alpha) and np.array_equal(made.trimap, same.trimap)
    assert np.isin(made.alpha[made.trimap != 1], (0, 1)).all()


@pytest.mark.parametrize("option", [{"augmentation": "flip"}, {"max_memory": "4GB"}, {"d1": 2}])
def test_options_without_effect_are_refused(small, option):
    model, trimap = gfm.load_model(small, "cpu"), trimap_of(draw_matte())
    (name,) = option
    with pytest.raises(InputError, match=f"{name}="):
        gfm.matte(draw_photograph(0), model, trimap=trimap, **option)


def test_trimap_without_unknown_pixels_is_the_matte(small, caplog):
    model, trimap = gfm.load_model(small, "cpu"), np.where(draw_matte() > 0.5, 255, 0)
    made = gfm.matte(draw_photograph(0), model, trimap=trimap.astype(np.uint8))
    assert np.array_equal(made.alpha, trimap / 255) and "no unknown pixel" in caplog.text


@pytest.mark.integration
def test_export_adapts_alike(small, tmp_path):
    file = tmp_path / "small.onnx"
    assert main(["export", "--model", str(small), "--format", "onnx", "--out", str(file)]) == 0
    given = trimap_of(draw_matte())
    models = gfm.load_model(small, "cpu"), gfm.load_model(file)
    one, other = (gfm.matte(draw_photograph(0), model, trimap=given) for model in models)
    assert np.array_equal(one.trimap, other.trimap)
    assert np.allclose(one.alpha, other.alpha, atol=1e-4)


def test_photograph_alone_is_not_enough(small):
    with pytest.raises(InputError, match=r"adamatting .*mask or trimap"):
        gfm.matte(draw_photograph(0), gfm.load_model(small, "cpu"))


TINY = (
    *("--model", "gfm.models.adamatting.task.AdaMattingTask"),
    *("--model.backbone", SMALL, "--model.validation_band", "3"),
    *(
        "--model.rotation",
        "45",
    ),
    *("--data.crop.sides", "[64]", "--data.crop.size", "64", "--data.batch_size", "2"),
    *("--trainer.accelerator", "cpu", "--trainer.log_every_n_steps", "1", "--quiet"),
)


def fit(data: Path, *more: str) -> None:
    """Train on the shards of a folder, with their photographs for validation."""
    where = ("--data.shards", str(data / "shards"), "--data.validation", str(data / "photographs"))
    assert main(["fit", *where, *TINY, *more]) == 0


@pytest.fixture
def data(tmp_path, monkeypatch) -> Path:
    """Six samples and two photographs, in the folder in which runs are made."""
    monkeypatch.chdir(tmp_path)
    write_shards(tmp_path / "shards", (4, 2))
    write_photographs(tmp_path / "photographs", 2)
    return tmp_path


@pytest.mark.integration
def test_resumed_training_repeats_the_one_left_alone(data, monkeypatch):
    options = ("--trainer.max_steps", "7", "--last.steps", "1", "--data.workers")
    fit(data, *options, "1")
    with monkeypatch.context() as patch:
        patch.setattr(AdaMattingTask, "on_train_batch_end", stop_after_five)
        fit(data, *options, "0")
    begun = data / "runs" / "version_1" / "checkpoints" / "last.ckpt"
    fit(data, *options, "0", "--ckpt_path", str(begun))
    whole, first, second = (data / "runs" / f"version_{n}" for n in range(3))
    assert list(column(second, "loss")) == ["5", "6"]
    for name in ("loss", "loss_trimap", "loss_alpha"):
        assert column(first, name) | column(second, name) == column(whole, name)
    files = (run / "checkpoints" / "last.safetensors" for run in (whole, second))
    weights, again = (load_file(file) for file in files)
    assert weights.keys() == again.keys()
    assert all(torch.equal(value, again[key]) for key, value in weights.items())
    assert weights["task_loss.s1"] != AdaMattingTask(SMALL).model.task_loss.s1


def stop_after_five(task: AdaMattingTask, *_: object) -> None:
    """End a run in the midst of an epoch, with the rates of the whole run."""
    task.trainer.should_stop |= task.global_step == 5


@pytest.mark.integration
def test_validation_compares_adapted_trimaps(data):
    fit(data, "--trainer.max_steps", "2", "--data.workers", "0")
    run = data / "runs" / "version_0"
    (accuracy,) = column(run, "val_accuracy").values()
    assert 0 <= float(accuracy) <= 1


def planes_of(alpha: np.ndarray) -> Planes:
    levels = np.repeat(np.rint(255 * alpha).astype(np.uint8)[..., None], 3, axis=2)
    return Planes(levels, alpha.astype(np.float32), None, None)


def test_samples_are_the_crops_without_rotation():
    alpha = np.tile(np.linspace(0, 1, 32), (32, 1))
    made = AdaMattingTargets().make(planes_of(alpha), 1, CropOptions(), generator())
    assert np.allclose(made["alpha"][0], alpha)
    assert np.allclose(made["image"], made["alpha"], atol=1 / 255)
    assert (made["guide"][0][(alpha > 0) & (alpha < 1)] == 0.5).all()


def test_samples_are_turned_around_their_middle():
    alpha = draw_matte(46, 46, radius=10)
    targets = AdaMattingTargets(rotation=45)
    first = targets.make(planes_of(alpha), 1, CropOptions(), generator())
    assert np.abs(first["alpha"][0] - alpha[7:39, 7:39]).mean() < 0.01  # of a disc
    ramp = planes_of(np.tile(np.linspace(0, 1, 46), (46, 1)))
    for seed in (0, 1):
        turned = targets.make(ramp, 1, CropOptions(), generator(seed))["alpha"][0]
        angle = np.radians(generator(seed).uniform(-1, 1) * 45)
        assert np.diff(turned, axis=1).mean() == pytest.approx(np.cos(angle) / 45, rel=1e-3)


def test_too_small_a_crop_is_refused():
    with pytest.raises(InputError, match=r"data\.crop\.size=45: .*64"):
        AdaMattingTargets(rotation=45).make(
            planes_of(np.ones((45, 45))), 1, CropOptions(), generator()
        )


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_shipped_configurations_are_read(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = ("--config", str(config), "--model.backbone", SMALL, "--trainer.accelerator", "cpu")
    made = command_line([*given, "--quiet"], is_run=False)
    task, data = made.model, made.datamodule
    assert task.targets() == AdaMattingTargets("levels", 45)
    assert 320 <= data.crop.size / 2**0.5 < 352 and data.batch_size * 8 == 16
    assert min(data.crop.sides) / 1.5 >= 320 / 1.5 and max(data.crop.sides) / 1.5 <= 800 / 0.75
    assert made.trainer.max_epochs == 120
    options = {"no_propagation": ("steps", 0), "two_networks": ("two_networks", True)}
    options |= {"fixed_weights": ("alpha_weight", 0.5), "alpha_alone": ("alpha_weight", 1)}
    name, value = options.get(config.stem, ("steps", 3))
    assert getattr(task.model.config, name) == value
    assert (task.model.task_loss is None) == (name == "alpha_weight")
