"""LSA matting behind the contract: its checkpoint, its mattes and its training."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from guided import check, inputs
from lsa import released, released_state, small
from tiny import draw_matte, draw_photograph

import gfm
from gfm.__main__ import main
from gfm.checkpoints.files import save_model
from gfm.commands.fit import command_line
from gfm.data.crops import CropOptions, Planes
from gfm.data.samples import Crop, collate
from gfm.models.lsa.pipeline import AugmentationOptions
from gfm.models.lsa.predict import PredictOptions, predict
from gfm.models.lsa.targets import LSATargets
from gfm.models.lsa.task import LSATask
from gfm.training.overfitting import overfit
from rssn.build.builder import parser
from rssn.imaging.blending import blend
from rssn.imaging.errors import InputError

CONFIGS = sorted((Path(__file__).parents[2] / "configs/lsa").glob("*.yaml"))
TASK = ("--model", "gfm.models.lsa.task.LSATask", "--model.backbone", "timm:test_resnet")


def test_released_checkpoint_converts_and_gives_its_matte(tmp_path):
    state = {f"module.{key}": value for key, value in released_state().items()}
    torch.save({"epoch": 200, "state_dict": state}, tmp_path / "released.pth")
    out = tmp_path / "lsa.safetensors"
    assert (
        main(["convert", str(tmp_path / "released.pth"), "--system", "lsa", "--out", str(out)]) == 0
    )
    model = gfm.load_model(out, device="cpu")
    assert "none stated" in model.licences[0].licence
    image, trimap = inputs("lsa", "inference_75x101").values()
    made = gfm.matte(image, model, trimap=trimap)
    check("lsa", "inference_75x101", alpha=made.alpha)
    assert set(np.unique(made.trimap)) == {0, 1, 2}


@pytest.mark.parametrize(("augmentation", "views"), [(None, 1), ("flip", 8), ("full", 24)])
def test_augmentation_chooses_the_views(augmentation, views):
    image, trimap = inputs("lsa", "tta8_40x56").values()
    made = gfm.matte(image, small(), trimap=trimap, augmentation=augmentation).alpha
    assert np.array_equal(made, predict(small(), image, trimap, PredictOptions(views)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "needs"),
        ({"d1": 2.0}, r"d1=2\.0"),
        ({"augmentation": "glance"}, "'flip'"),
        ({"max_memory": "8GB"}, "max_memory"),
        ({"clicks": [(1, 1, True)]}, "mask or trimap|trimap"),
    ],
)
def test_what_has_no_effect_is_refused(options, message):
    image, trimap = inputs("lsa", "tta8_40x56").values()
    given = {"trimap": trimap, **options} if options else {}
    with pytest.raises(InputError, match=message):
        gfm.matte(image, small(), **given)


def fit(data: Path, *more: str) -> int:
    return main(
        [
            *("fit", *TASK, "--trainer.accelerator", "cpu", "--data.shards", str(data / "shards")),
            *("--data.batch_size", "2", "--data.workers", "0", "--data.crop.sides", "[64]"),
            *("--data.crop.size", "64", "--model.size", "32", "--trainer.log_every_n_steps", "1"),
            *more,
        ]
    )


def last(run: int) -> Path:
    return Path(f"runs/version_{run}/checkpoints")


@pytest.mark.integration
def test_training_resumes_to_the_bit(data, in_tmp_path):
    validated = ("--data.validation", str(data / "photographs"))
    assert fit(data, "--trainer.max_steps", "4", *validated) == 0
    assert fit(data, "--trainer.max_steps", "2") == 0
    begun = str(last(1) / "last.ckpt")
    assert fit(data, "--trainer.max_steps", "4", "--ckpt_path", begun) == 0
    one, other = (torch.load(last(run) / "last.ckpt", weights_only=True) for run in (0, 2))
    for key, value in one["state_dict"].items():
        assert torch.equal(value, other["state_dict"][key]), key
    assert gfm.load_model(last(0) / "last.safetensors", device="cpu").config.backbone == (
        "timm:test_resnet"
    )


@pytest.mark.integration
def test_task_keeps_its_own_defaults(data, in_tmp_path):
    assert fit(data, "--trainer.max_steps", "1") == 0
    kept = torch.load(last(0) / "last.ckpt", weights_only=True)["hyper_parameters"]
    assert (kept["learning_rate"], kept["schedule"]) == (5e-5, "halving")


def test_norms_decay_a_tenth_but_those_of_shortcuts():
    groups = LSATask("timm:test_resnet").parameter_groups()
    named = dict(LSATask("timm:resnet50d").model.named_parameters())
    assert [(each["name"], each["weight_decay"]) for each in groups] == [
        ("weights", 1e-4),
        ("norms", pytest.approx(1e-5)),
    ]
    published = LSATask("timm:resnet50d").parameter_groups()[1]["params"]
    shortcuts = [key for key in named if ".downsample.2." in key]
    assert len(shortcuts) == 2 * 4
    # Of every batch norm, weight and bias, but for those of the four shortcuts.
    assert len(published) == 2 * (3 + 16 * 3 + 5)


def test_rate_is_halved_every_twenty_epochs():
    task = LSATask("timm:test_resnet")
    factors = []
    for epoch in (0, 19, 20, 59, 99):
        task._trainer = SimpleNamespace(current_epoch=epoch)
        factors.append(task.rate_factor(0.5))
    assert factors == [1, 1, 0.5, 0.25, 0.0625]


def test_photographs_without_colours_are_refused():
    planes = Planes(np.zeros((40, 40, 3), np.uint8), np.zeros((40, 40), np.float32), None, None)
    targets = LSATargets(AugmentationOptions(size=32))
    with pytest.raises(InputError, match=r"F and B"):
        targets.make(planes, 1.0, CropOptions(), np.random.default_rng(0))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_configuration_is_read(path, in_tmp_path):
    given = ("--config", str(path), "--model.init_args.weights", "null")
    with torch.device("meta"):
        made = command_line([*given, "--trainer.accelerator", "cpu"], is_run=False)
    task, crop = made.model, made.datamodule.crop
    size = path.stem.split("_")[0]
    assert task.augmentation.size == (640 if size == "alphamatting" else int(size))
    assert crop.sides == (crop.size,) and 0 <= crop.size - 1.25 * task.augmentation.size < 32
    assert made.trainer.max_epochs == (200 if size == "alphamatting" else 100)
    assert (task.augmentation.colour == "none") == (
        "colour" not in path.stem and size != "alphamatting"
    )
    assert task.model.config.backbone == "timm:resnet50d"
    assert made.datamodule.batch_size == 16 and task.hparams["learning_rate"] == 5e-5


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_build_of_a_configuration_is_read(path):
    builds = [line for line in path.read_text().splitlines() if "rssn.build" in line]
    for build in builds:
        given = parser().parse_args(build.partition("rssn.build ")[2].split())
        assert (given.content, given.k, given.route) == ("sources", 100, "coco")
        assert given.extend == ("refined" in path.stem)
        assert (given.method == "closed_form") or "closed" not in path.stem
    assert bool(builds) == (path.stem in ("320", "640_closed_form", "640_refined"))


def test_saved_network_is_the_same(tmp_path):
    save_model(small(), tmp_path / "small.safetensors")
    again = gfm.load_model(tmp_path / "small.safetensors", device="cpu")
    image, trimap = inputs("lsa", "tta8_40x56").values()
    assert np.array_equal(predict(again, image, trimap), predict(small(), image, trimap))
    assert released().system == again.system == "lsa"


@pytest.mark.slow
def test_eight_samples_are_learned_to_one_percent():
    torch.set_num_threads(1)
    task, crops = LSATask("timm:test_resnet", size=64), []
    for number in range(8):
        alpha = draw_matte(80, 80, radius=12 + 2 * number, rim=4 + number)
        colours = [draw_photograph(seed, 80, 80) for seed in (2 * number, 2 * number + 1)]
        planes = Planes(blend(alpha, *colours), alpha, *colours)
        rng = np.random.default_rng(number)
        targets = task.targets().make(planes, 1.0, CropOptions(), rng)
        crops.append(Crop(f"c{number}", planes, 1.0, targets=targets))
    result = overfit(task, collate(crops))
    assert result.before > 0.05 and result.after < 0.01


@pytest.mark.integration
def test_exported_network_mattes_alike(tmp_path):
    save_model(small(), tmp_path / "small.safetensors")
    words = ["export", "--model", str(tmp_path / "small.safetensors"), "--format", "onnx"]
    assert main([*words, "--out", str(tmp_path / "small.onnx"), "--quiet"]) == 0
    exported = gfm.load_model(tmp_path / "small.onnx")
    image, trimap = inputs("lsa", "inference_75x101").values()
    made, wanted = (
        gfm.matte(image, each, trimap=trimap, foreground="none").alpha
        for each in (exported, small())
    )
    assert np.abs(made - wanted).max() < 1e-4
    with pytest.raises(InputError, match="backpropagate: an export"):
        gfm.matte(image, exported, trimap=trimap, backpropagate=10)
