"""Training of the light guided network by `gfm fit`."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from materials import write_material
from tiny import write_photographs

from gfm.checkpoints.files import load_network, save_model
from gfm.commands.fit import command_line, run
from gfm.data.close_ups import CloseUpOptions, CloseUps
from gfm.data.crops import CropOptions
from gfm.data.samples import Crop, collate, with_targets
from gfm.models.guided.network import Guided
from gfm.models.guided.task import GuidedTask, copy_encoder
from gfm.training.schedule import trapezoid_factor
from rssn.imaging.errors import InputError
from rssn.shards.material import Material

ROOT = Path(__file__).parents[2]
TINY = {"widths": (8, 8, 8, 8, 8), "full": 4}


@pytest.fixture(scope="module")
def material(tmp_path_factory) -> Path:
    return write_material(tmp_path_factory.mktemp("material"))


def batch_of(material: Path, count: int = 3):
    samples = CloseUps(Material(material), CloseUpOptions(second=1, unseen=1))
    task = GuidedTask(**TINY)
    planes = [samples.draw(64, np.random.default_rng(n)) for n in range(count)]
    crops = [Crop(f"{n}", each, 1.0) for n, each in enumerate(planes)]
    made = [with_targets(crop, task.targets(), CropOptions(size=64), 0, 0) for crop in crops]
    return task, planes, collate(made)


def test_targets_of_a_batch(material):
    _, planes, batch = batch_of(material)
    targets = batch.targets
    assert targets.guidance.shape == (3, 9, 64, 64)
    for number, each in enumerate(planes):
        is_composed = each.foreground is not None
        assert targets.composed[number] == is_composed
        wanted = each.foreground if is_composed else each.image
        np.testing.assert_array_equal(targets.colours[number, 0].permute(1, 2, 0), wanted)
        if each.unseen is not None:
            assert (targets.unknown[number, 0].numpy()[each.unseen] == 1).all()


def test_a_step_reaches_the_hints_and_known_pixels_stay(material):
    task, _, batch = batch_of(material)
    terms = task.train().loss_terms(batch)
    terms["total"].backward()
    assert float(task.model.stem.weight.grad.abs().sum()) > 0
    with torch.no_grad():
        alpha = task.eval().predict_batch(batch)
    known = batch.targets.guidance[:, 1:2] > 0
    assert known.any() and (alpha[known] == 1).all()


def test_rate_rises_stays_and_falls():
    factors = [trapezoid_factor(done, 0.4) for done in (0, 0.0075, 0.015, 0.6, 0.8, 1)]
    assert factors == pytest.approx([0.04, 0.52, 1, 1, 0.5, 0])


def test_encoder_of_an_automatic_model(tmp_path):
    network = Guided()
    copy_encoder("lite", network)
    lite = load_network("lite", "cpu").get_submodule("encoder.body").state_dict()
    assert all(torch.equal(value, lite[key]) for key, value in network.encoder.state_dict().items())
    save_model(network, tmp_path / "other.safetensors")
    with pytest.raises(InputError, match=r"other\.safetensors"):
        GuidedTask(backbone="tf_efficientnet_lite1", encoder=str(tmp_path / "other.safetensors"))


def test_shipped_configuration(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    given = ["--config", str(ROOT / "configs/guided.yaml"), "--trainer.accelerator", "cpu"]
    made = command_line(given, is_run=False)
    assert made.datamodule.close_ups.weights["photos"] == 8
    assert made.datamodule.crop.sizes == (256, 384)
    rates = [(group["name"], group["lr"]) for group in made.model.parameter_groups()]
    assert dict(rates) == {
        "encoder": 3e-4,
        "encoder_norms": 3e-4,
        "decoders": 8e-4,
        "decoders_norms": 8e-4,
    }


@pytest.mark.integration
def test_run_leaves_a_model_that_is_packed(material, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_photographs(tmp_path / "val", 1)
    command = [
        "fit",
        "--model=gfm.models.guided.task.GuidedTask",
        "--model.widths=[8,8,8,8,8]",
        "--model.full=4",
        f"--data.material={material}",
        "--data.close_ups.samples=4",
        "--data.crop.size=64",
        "--data.crop.more_sizes=[96]",
        "--data.batch_size=2",
        "--data.workers=0",
        f"--data.validation={tmp_path / 'val'}",
        "--ema=0.5",
        "--model.schedule=constant",
        "--quiet",
    ]

    def train(folder: str, steps: int, *more: str) -> Path:
        place = f"--trainer.logger.init_args.version={folder}"
        run([*command, f"--trainer.max_steps={steps}", place, *more])
        return tmp_path / "runs" / folder / "checkpoints"

    whole, half = train("a", 4), train("b", 2)
    resumed = train("c", 4, f"--ckpt_path={half / 'last.ckpt'}")
    network = load_network(whole / "last.safetensors", "cpu")
    again = load_network(resumed / "last.safetensors", "cpu").state_dict()
    assert all(torch.equal(value, again[key]) for key, value in network.state_dict().items())
    assert {each.source for each in network.licences} == {"cutout", "photograph", "background"}

    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import guided_pack

    packed = tmp_path / "packed.safetensors"
    given = argparse.Namespace(
        model=whole / "last.safetensors",
        checkpoint=None,
        config=None,
        material=None,
        out=packed,
    )
    guided_pack.pack(given)
    made = load_network(packed, "cpu")
    assert made.licences == network.licences
    for key, value in made.state_dict().items():
        torch.testing.assert_close(value, network.state_dict()[key], rtol=1e-3, atol=1e-3)


def test_checkpoint_of_an_earlier_training_is_packed(material, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import guided_pack

    network = Guided()
    state = {f"average.module.{key}": value for key, value in network.state_dict().items()}
    torch.save({"state_dict": state | {"model.mean": torch.ones(1)}}, tmp_path / "last.ckpt")
    drawn = {"data": {"draw": {"weights": {"cutout": 2}}}}
    (tmp_path / "options.yaml").write_text(yaml.safe_dump(drawn))
    files = (tmp_path / "last.ckpt", tmp_path / "options.yaml", material)
    made = guided_pack.read_checkpoint(*files)
    assert made.licences[0].source == "cutout"
    assert all(torch.equal(v, network.state_dict()[k]) for k, v in made.state_dict().items())
