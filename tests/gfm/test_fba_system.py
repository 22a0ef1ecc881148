"""FBA as a system: convert, load, matte, train and export."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from guided import check, draw_trimap, inputs, weights
from safetensors import safe_open
from tiny import write_photographs, write_shards

import gfm
from gfm.__main__ import main
from gfm.checkpoints.files import save_model
from gfm.data.crops import CropOptions, Planes
from gfm.data.samples import Crop, collate, with_targets
from gfm.guidance.guidance import Guidance
from gfm.models.fba.config import FBAConfig
from gfm.models.fba.network import FBA
from gfm.models.fba.planning import pass_bytes
from gfm.models.fba.system import SYSTEM
from gfm.models.fba.task import FBATask
from gfm.models.options import MatteOptions
from gfm.models.registry import get_system
from rssn.imaging.errors import InputError

LIGHT = "timm:test_resnet"


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A released checkpoint, as its author stored it."""
    path = tmp_path_factory.mktemp("released") / "FBA.pth"
    state = {f"module.{key}": torch.from_numpy(value) for key, value in weights("fba").items()}
    torch.save(state, path)
    return path


@pytest.fixture(scope="module")
def light():
    torch.manual_seed(0)
    return FBA(FBAConfig(backbone=LIGHT)).eval()


@pytest.fixture
def crop():
    rng = np.random.default_rng(0)
    front, back = rng.integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    alpha = np.clip(np.linspace(-1, 2, 64, dtype=np.float32), 0, 1)[None].repeat(64, 0)
    image = np.rint(alpha[..., None] * front + (1 - alpha[..., None]) * back).astype(np.uint8)
    return Crop("one", Planes(image, alpha, front, back), 1.0)


def test_converted_checkpoint_mattes_as_the_demo(released, tmp_path, capsys):
    """From the author's file to a matte: the `nearest` variant of the golden pipeline."""
    out = tmp_path / "fba.safetensors"
    assert main(["convert", str(released), "--system", "fba", "--out", str(out)]) == 0
    assert "non-commercial" in capsys.readouterr().out
    with safe_open(out, "pt") as file:
        metadata = file.metadata()
    assert metadata["system"] == "fba"
    assert "non-commercial" in json.loads(metadata["licences"])[0]["licence"]
    network = gfm.load_model(out)
    given = inputs("fba", "pipeline_75x101")
    made = gfm.matte(given["image"], network, trimap=given["trimap"])
    check("fba", "pipeline_75x101", nearest_alpha=made.alpha)
    guidance = Guidance(trimap=given["trimap"])
    (raw,) = SYSTEM.predict([network], [given["image"]], [guidance], MatteOptions())
    assert raw.foreground.dtype == np.uint8 and raw.background.shape == given["image"].shape
    assert (raw.trimap == np.digitize(given["trimap"], [1, 255])).all()


def test_converted_head_has_its_form(released):
    assert SYSTEM.convert(released, variant="head").model.config.standardisation == "head"
    with pytest.raises(InputError, match=r"variant='2021' .*'2020'"):
        SYSTEM.convert(released, variant="2021")


def test_registry_knows_it():
    assert get_system("fba") is SYSTEM and FBA.system == "fba"
    config = FBAConfig(backbone=LIGHT, outputs="alpha")
    assert FBAConfig.from_json(config.to_json()) == config


def test_trimap_without_unknown_pixels_is_the_matte(light, caplog):
    image = np.zeros((40, 60, 3), np.uint8)
    trimap = np.where(draw_trimap(40, 60) == 255, 255, 0).astype(np.uint8)
    made = gfm.matte(image, light, trimap=trimap)
    assert (made.alpha == trimap / 255).all() and "no unknown pixel" in caplog.text


def test_too_little_memory_is_refused_with_what_is_enough(light):
    image, trimap = np.zeros((75, 101, 3), np.uint8), draw_trimap(75, 101)
    with pytest.raises(InputError, match=r"max_memory=0\.1GB "):
        gfm.matte(image, light, trimap=trimap, max_memory="0.1GB")
    assert gfm.matte(image, light, trimap=trimap, max_memory="50GB").alpha.shape == (75, 101)


def test_published_network_takes_what_was_measured():
    """2.38 GiB for 1080x1624 px."""
    fixed, each = pass_bytes(FBAConfig())
    assert 2.38 < (fixed + each * 1080 * 1624) / 2**30 < 3.5


@pytest.mark.integration
def test_exported_network_mattes_alike(light, tmp_path):
    save_model(light, tmp_path / "light.safetensors")
    words = ["export", "--model", str(tmp_path / "light.safetensors"), "--format", "onnx"]
    assert main([*words, "--out", str(tmp_path / "light.onnx"), "--quiet"]) == 0
    exported = gfm.load_model(tmp_path / "light.onnx")
    assert exported.runtime.inputs == ("image", "trimap", "distances")
    image, trimap = inputs("fba", "pipeline_75x101")["image"], draw_trimap(75, 101)
    made, wanted = (gfm.matte(image, each, trimap=trimap) for each in (exported, light))
    assert np.abs(made.alpha - wanted.alpha).max() < 1e-4
    assert np.abs(made.foreground.astype(int) - wanted.foreground).max() <= 1


@pytest.mark.integration
def test_run_goes_on_to_the_bit(tmp_path, monkeypatch):
    """Two epochs in one run, or with a break between: the same weights."""
    monkeypatch.chdir(tmp_path)
    write_shards(tmp_path / "shards", [3])
    write_photographs(tmp_path / "photographs", 1)
    run = ["fit", "--model", "gfm.models.fba.task.FBATask", "--model.backbone", LIGHT, "--quiet"]
    run += ["--model.unclamped_steps", "4", "--model.learning_rate", "1e-3"]
    run += ["--data.shards", "shards", "--data.crop.sides", "[64]", "--data.crop.size", "64"]
    run += ["--data.crop.twice", "true", "--data.crop.second", "0.5", "--data.crop.gamma", "0.2"]
    run += ["--data.batch_size", "1", "--data.workers", "0", "--trainer.accelerator", "cpu"]
    run += ["--model.schedule", "constant", "--data.validation", "photographs"]
    assert main([*run, "--trainer.max_epochs", "2"]) == 0
    assert main([*run, "--trainer.max_epochs", "1"]) == 0
    last = tmp_path / "runs" / "version_1" / "checkpoints" / "last.ckpt"
    assert main([*run, "--trainer.max_epochs", "2", "--ckpt_path", str(last)]) == 0
    whole, resumed = (
        gfm.load_model(next((tmp_path / "runs" / name).rglob("last.safetensors"))).state_dict()
        for name in ("version_0", "version_2")
    )
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)


def test_mask_becomes_a_trimap(light):
    image = inputs("fba", "pipeline_75x101")["image"]
    mask = np.zeros((75, 101), np.float32)
    mask[20:60, 30:80] = 1
    (made,) = SYSTEM.predict([light], [image], [Guidance(mask=mask)], MatteOptions())
    assert (made.alpha[35:45, 50:60] == 1).all() and (made.alpha[:5, :5] == 0).all()


def test_augmentation(light):
    image = inputs("fba", "pipeline_75x101")["image"]
    guidance = [Guidance(trimap=draw_trimap(75, 101))]
    mattes = [
        SYSTEM.predict([light], [image], guidance, MatteOptions(augmentation=views))[0].alpha
        for views in ("none", "flip", "full")
    ]
    assert 0 < np.abs(mattes[0] - mattes[1]).max() and 0 < np.abs(mattes[1] - mattes[2]).max()
    with pytest.raises(InputError, match="augmentation='glance'"):
        SYSTEM.predict([light], [image], guidance, MatteOptions(augmentation="glance"))


@pytest.mark.parametrize("outputs", ["alpha", "alpha_fb"])
def test_graph_has_named_inputs_and_outputs(outputs):
    network = FBA(FBAConfig(backbone=LIGHT, outputs=outputs)).eval()
    graph = SYSTEM.graph(network)
    given = [torch.rand(1, channels, 64, 32) for channels in graph.inputs.values()]
    with torch.no_grad():
        made = graph.module(*given)
    assert tuple(graph.inputs) == ("image", "trimap", "distances")
    assert len(made) == len(graph.outputs) and made[0].shape == (1, 1, 64, 32)


def test_task_learns_a_crop(crop):
    torch.manual_seed(0)
    task = FBATask(backbone=LIGHT, learning_rate=1e-3, unclamped_steps=1000)
    batch = collate([with_targets(crop, task.targets(), CropOptions(), 0, 0)])
    optimizer = task.make_optimizer()
    losses = []
    for _ in range(15):
        terms = task.train().loss_terms(batch)
        optimizer.zero_grad()
        terms["total"].backward()
        optimizer.step()
        losses.append(terms["total"].item())
    assert losses[-1] < 0.8 * losses[0]
    assert set(terms) == {
        *(f"alpha_{term}" for term in ("l1", "composition", "laplacian", "gradient")),
        *(f"colours_{term}" for term in ("l1", "composition", "laplacian", "exclusion")),
        "total",
    }
    assert task.eval().predict_batch(batch).shape == (1, 1, 64, 64)


def test_targets_follow_their_generator(crop):
    targets = FBATask(backbone=LIGHT).targets()
    options = CropOptions()
    first, second, third = (
        with_targets(crop, targets, options, 0, epoch).targets for epoch in (0, 0, 1)
    )
    assert all((one == two).all() for one, two in zip(first, second, strict=True))
    assert any((one != two).any() for one, two in zip(first, third, strict=True))
    assert (first.masks.sum(axis=0) + first.unknown[0] == 1).all()


def test_decays_and_rates_are_those_of_the_paper():
    task = FBATask(backbone=LIGHT)
    groups = task.parameter_groups()
    assert [group["weight_decay"] for group in groups] == [0.005, 1e-5, 0.005, 1e-5]
    assert {group["lr"] for group in groups} == {1e-5}
    assert [task.rate_factor(done) for done in (0, 39 / 45, 40 / 45, 1)] == [1, 1, 0.1, 0.1]
    assert isinstance(task.make_optimizer(), torch.optim.RAdam)


def test_data_without_colours_are_refused(crop):
    task = FBATask(backbone=LIGHT)
    bare = crop._replace(planes=crop.planes._replace(foreground=None, background=None))
    batch = collate([with_targets(bare, task.targets(), CropOptions(), 0, 0)])
    with pytest.raises(InputError, match="sample one "):
        task.loss_terms(batch)
