"""FBA as a system: convert, load, matte, train and export."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from guided import check, draw_trimap, inputs, weights
from safetensors import safe_open

import gfm
from gfm.__main__ import main
from gfm.data.crops import CropOptions, Planes
from gfm.data.samples import Crop, collate, with_targets
from gfm.models.contract import Guidance
from gfm.models.fba.config import FBAConfig
from gfm.models.fba.network import FBA
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
    with pytest.raises(InputError, match="variant='2021' is not supported; choose '2020' or"):
        SYSTEM.convert(released, variant="2021")


def test_registry_knows_it():
    assert get_system("fba") is SYSTEM and FBA.system == "fba"
    config = FBAConfig(backbone=LIGHT, outputs="alpha")
    assert FBAConfig.from_json(config.to_json()) == config


def test_trimap_without_unknown_pixels_is_the_matte(light):
    image = np.zeros((40, 60, 3), np.uint8)
    trimap = np.where(draw_trimap(40, 60) == 255, 255, 0).astype(np.uint8)
    with pytest.warns(UserWarning, match="no unknown pixel"):
        (made,) = SYSTEM.predict([light], [image], [Guidance(trimap=trimap)], MatteOptions())
    assert (made.alpha == trimap / 255).all() and made.foreground is None


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
    with pytest.raises(InputError, match="'glance' is for GFM"):
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
    with pytest.raises(InputError, match="sample one has no foreground and background"):
        task.loss_terms(batch)
