"""Tasks that train click by click, from the command line on tiny data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from runs import rows
from tiny import write_photographs, write_shards

import gfm
from gfm.__main__ import main
from gfm.checkpoints.files import save_model
from gfm.commands.fit import command_line
from gfm.data.crops import CropOptions, Cropper
from gfm.data.module import GFMData
from gfm.data.samples import Batch
from gfm.data.turns import TaskPart, open_tasks, task_of
from gfm.models.clicks.task import ClicksTask
from gfm.models.fba.config import FBAConfig
from gfm.models.fba.network import FBA
from gfm.models.imatting.targets import IMattingTargets
from gfm.models.imatting.task import IMattingTask
from rssn.imaging.errors import InputError

CLICKS = "gfm.models.clicks.task.ClicksTask"
IMATTING = "gfm.models.imatting.task.IMattingTask"
BACKBONE = ("--model.backbone", "timm:test_resnet")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_photographs(folder / "photographs", 2)
    write_shards(folder / "shards", (3,), side=64)
    return folder


@pytest.fixture(autouse=True)
def in_tmp_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def fit(data: Path, *more: str) -> int:
    """Two photographs of one crop each, 2 epochs."""
    return main(
        [
            *("fit", "--model", CLICKS, *BACKBONE, "--model.width", "0.125"),
            *("--data.shards", str(data / "photographs"), "--data.batch_size", "1"),
            *("--data.crop.sides", "[48]", "--data.crop.size", "64", "--data.workers", "0"),
            *("--trainer.accelerator", "cpu", "--trainer.max_epochs", "2"),
            *("--trainer.log_every_n_steps", "1", *more),
        ]
    )


def fit_imatting(data: Path, *more: str) -> int:
    tasks = [
        {"task": "segmentation", "shards": str(data / "photographs"), "samples": 1},
        {"task": "matting", "shards": str(data / "shards"), "samples": 1},
        {"task": "trimap", "shards": str(data / "shards"), "samples": 2},
    ]
    return main(
        [
            *("fit", "--model", IMATTING, *BACKBONE, "--data.tasks", json.dumps(tasks)),
            *("--data.batch_size", "1", "--data.workers", "0"),
            *("--data.crop.sides", "[48]", "--data.crop.size", "64"),
            *("--trainer.accelerator", "cpu", "--trainer.max_epochs", "2"),
            *("--trainer.log_every_n_steps", "1", *more),
        ]
    )


def checkpoint(version: int = 0) -> dict:
    return torch.load(f"runs/version_{version}/checkpoints/last.ckpt", weights_only=True)


def same(one: dict, other: dict) -> bool:
    return all(
        torch.equal(one["state_dict"][key], value) for key, value in other["state_dict"].items()
    )


@pytest.mark.integration
def test_four_updates_for_each_image(data, tmp_path):
    validation = ("--data.validation", str(data / "photographs"), "--model.validation_clicks", "2")
    limits = ("--trainer.max_epochs", "1", "--trainer.limit_val_batches", "1")
    assert fit(data, *validation, *limits) == 0
    assert checkpoint()["global_step"] == 2 * 4
    first = rows(tmp_path / "runs/version_0")[0]
    assert {"loss_region", "loss_clicks", "val_sad", "val_noc90", "val_auc"} <= first.keys()
    model = gfm.load_model(tmp_path / "runs/version_0/checkpoints/last.safetensors", "cpu")
    assert model.system == "clicks" and model.config.width == 0.125
    assert gfm.matte(np.zeros((20, 30, 3), np.uint8), model, clicks=[(3, 4, True)]).alpha[4, 3] == 1


@pytest.mark.integration
@pytest.mark.parametrize("kind", ["clicks", "bundled", "imatting"])
def test_resumed_run_is_the_one_left_alone(data, kind):
    run = fit_imatting if kind == "imatting" else fit
    more = {"clicks": ("--model.clicks", "2"), "bundled": ("--model.bundled", "true")}.get(kind, ())
    assert run(data, *more) == 0
    # In the middle of the first epoch.
    steps = "5" if kind == "imatting" else "1"
    assert run(data, *more, "--trainer.max_steps", steps) == 0
    begun = "runs/version_1/checkpoints/last.ckpt"
    assert not same(checkpoint(0), checkpoint(1))
    assert run(data, *more, "--ckpt_path", begun) == 0
    assert checkpoint(2)["global_step"] == checkpoint(0)["global_step"]
    assert same(checkpoint(0), checkpoint(2))


@pytest.mark.integration
def test_rates_fall_at_the_milestones(data):
    assert fit(data, "--model.milestones", "[1]", "--model.clicks", "1") == 0
    (state,) = checkpoint()["optimizer_states"]
    assert all(group["lr"] == pytest.approx(1e-6) for group in state["param_groups"])
    decays = {group["name"]: group["weight_decay"] for group in state["param_groups"]}
    assert decays["encoder"] == 0.005 and decays["decoders_norms"] == 1e-5


def test_tasks_take_turns(data):
    counts = {"segmentation": 2, "matting": 3, "trimap": 4}
    places = {"segmentation": "photographs", "matting": "shards", "trimap": "shards"}
    module = GFMData(
        tasks=[TaskPart(name, str(data / places[name]), n) for name, n in counts.items()],
        crop=CropOptions(sides=(48,), size=64),
        batch_size=1,
        workers=0,
        targets=IMattingTargets(),
    )
    loader = module.train_dataloader()
    batches = list(loader)
    assert [task_of(batch.keys[0]) for batch in batches] == [
        name for name, count in counts.items() for _ in range(count)
    ]
    assert batches[0].foreground is None and batches[2].foreground is not None
    assert all(5 <= int(batch.targets.clicks[0]) <= 8 for batch in batches)
    assert batches[5].targets.known.shape == (1, 2, 64, 64)
    again = list(loader)  # the next epoch draws others
    assert any((a.image != b.image).any() for a, b in zip(batches, again, strict=True))


def test_an_epoch_draws_none_twice(data):
    samples = open_tasks([TaskPart("a", str(data / "shards"), 3)])
    cropper = Cropper(CropOptions(sides=(48,), size=64, flip=0))
    rng = np.random.default_rng(0)
    drawn = [samples.crop(number, 0, cropper, rng)[0].image.mean() for number in range(3)]
    assert len(set(drawn)) == 3


@pytest.mark.parametrize(
    ("command", "more", "message"),
    [
        (fit, ("--model.clicks", "0"), "model.clicks=0"),
        (fit_imatting, ("--model.first_update", "0"), "model.first_update=0"),
        (fit_imatting, ("--data.tasks", "[]"), "data.tasks"),
    ],
)
def test_wrong_options_name_the_remedy(data, command, more, message, capsys):
    assert command(data, *more) == 2
    assert message in capsys.readouterr().err


def test_several_devices_are_refused():
    task = ClicksTask("timm:test_resnet", width=0.125)
    task.trainer = type("Trainer", (), {"world_size": 2})()
    with pytest.raises(InputError, match="2 devices"):
        task.setup("fit")
    task.setup("validate")


def test_an_image_without_an_object_changes_nothing():
    task = ClicksTask("timm:test_resnet", width=0.125)
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    batch = Batch(
        image, torch.zeros(1, 1, 64, 64), None, None, torch.zeros(1, 2, 64, 64), ["a"], []
    )
    task.training_step(batch, 0)  # which would need a trainer for an update


CONFIGS = Path(__file__).parents[2] / "configs"
FILES = sorted([*CONFIGS.glob("clicks/*.yaml"), *CONFIGS.glob("imatting/*.yaml")])
# Stream, feedback, guided filter, bundled clicks, rate, epochs.
PUBLISHED = {
    "sbd": (True, True, True, False, 1e-5, 25),
    "base": (False, False, False, True, 1e-5, 25),
    "t": (False, False, False, False, 1e-5, 25),
    "ti": (True, False, False, False, 1e-5, 25),
    "tif": (True, True, False, False, 1e-5, 25),
    "synthetic": (True, True, True, False, 1e-5, 10),
    "synthetic_sbd": (True, True, True, False, 5e-6, 5),
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_configuration_is_read(path):
    with torch.device("meta"):
        made = command_line(["--config", str(path), "--trainer.accelerator", "cpu"], is_run=False)
    task, data = made.model, made.datamodule
    assert data.batch_size == 1 and type(data.targets) is type(task.targets())
    options = task.hparams
    if path.parent.name == "imatting":
        assert [part.samples for part in data.tasks] == [200, 431, 200]
        assert (options["clicks"], options["first_update"]) == (4, 4)
        assert (options["weight_decay"], made.trainer.max_epochs) == (0.0005, 20)
        return
    names = ("stream", "feedback", "guided_filter", "bundled", "learning_rate")
    found = (*(options[name] for name in names), made.trainer.max_epochs)
    assert found == PUBLISHED[path.stem]
    assert (options["weight_decay"], options["norm_weight_decay"]) == (0.005, 1e-5)
    assert data.crop.size == 352 and options["clicks"] == 4


def test_imatting_starts_from_fba(tmp_path):
    network = FBA(FBAConfig(backbone="timm:test_resnet"))
    save_model(network, tmp_path / "fba.safetensors")
    task = IMattingTask(backbone="timm:test_resnet", model=str(tmp_path / "fba.safetensors"))
    assert type(task.model).__name__ == "IMatting" and task.model.training
    for key, value in network.state_dict().items():
        assert torch.equal(task.model.state_dict()[key], value)
