"""The light click network: maps, network, practice, engine, system."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import build, draw_matte, draw_photograph

from gfm.checkpoints.files import load_network, save_model
from gfm.commands.fit import command_line
from gfm.data.crops import CropOptions, Planes
from gfm.data.samples import Crop, collate, with_targets
from gfm.guidance.clicks import Clicks
from gfm.guidance.guidance import Guidance
from gfm.models.contract import Licence
from gfm.models.light_clicks.config import LightClicksConfig
from gfm.models.light_clicks.engine import PASSES, working_size
from gfm.models.light_clicks.graphs import engine_of
from gfm.models.light_clicks.loss import losses
from gfm.models.light_clicks.maps import click_maps
from gfm.models.light_clicks.network import ClickSimilarity, LightClicks
from gfm.models.light_clicks.practice import Person, halved
from gfm.models.light_clicks.scenes import PASTED, draw_scene, draw_start
from gfm.models.light_clicks.targets import PracticeSeed
from gfm.models.light_clicks.task import LightClicksTask
from gfm.models.options import MatteOptions
from gfm.models.registry import get_system
from rssn.imaging.errors import InputError

LITE = "timm:tf_efficientnet_lite0"
SMALL = LightClicksConfig(widths=(4, 8, 8, 8, 8), side=64)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return LightClicks(SMALL).eval()


def test_maps_are_gaussians_of_the_nearest_click():
    clicks = Clicks(128, 64, ((10, 20, True), (100, 41, True), (60, 60, False)))
    maps = click_maps(clicks, 32, 64)  # at half the size, so that maps have an eighth
    assert maps.shape == (4, 8, 16)
    y, x = 5, 3  # 14, 22 in px of the working size; the clicks are at 5.25, 10.25 and 50.25, 20.75
    squared = min((14 - 5.25) ** 2 + (22 - 10.25) ** 2, (14 - 50.25) ** 2 + (22 - 20.75) ** 2)
    np.testing.assert_allclose(maps[3, y, x], np.exp(-squared / (2 * 24**2)), rtol=1e-5)
    assert not click_maps(clicks.first(2), 32, 64)[:2].any()


def test_similarity_is_the_cosine_with_the_features_at_the_clicks():
    alike = ClickSimilarity(2, 2)
    alike.project.weight.data = torch.eye(2)[..., None, None]
    alike.project.bias.data.zero_()
    features = torch.tensor([[[[1.0, 0.0, 3.0]], [[0.0, 2.0, 3.0]]]])  # right, up, between
    near = torch.tensor([[[[0.0, 0.0, 0.0]], [[1.0, 0.0, 0.0]]]])
    made = alike(features, near)[0, :, 0]
    np.testing.assert_allclose(made[0].detach(), 0, atol=1e-6)
    np.testing.assert_allclose(made[1].detach(), [1, 0, 0.5**0.5], atol=1e-3)


def test_network_takes_any_multiple_of_32_and_is_small():
    full = LightClicks()
    assert sum(each.numel() for each in full.parameters()) * 2 < 12e6  # bytes as float16
    out = full.eval()(
        torch.rand(1, 3, 64, 96), torch.zeros(1, 4, 16, 24), torch.zeros(1, 1, 32, 48)
    )
    assert out.shape == (1, 1, 32, 48)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backbone": "resnet"}, "backbone='resnet'"),
        ({"widths": (8, 8)}, r"widths=\(8, 8\)"),
        ({"widths": (8, 8, 8, 6, 8)}, r"widths=.*\b4\b"),
        ({"side": 100}, "side=100"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(InputError, match=message):
        LightClicksConfig(**options)


def test_working_size_has_multiples_of_32():
    assert working_size(1080, 1620, 384) == (256, 384)
    assert working_size(3000, 100, 384) == (384, 32)


def test_engine_is_the_network_on_arrays(network):
    engine, photograph = engine_of(network), draw_photograph(0, 64, 64)
    clicks, previous = Clicks(64, 64, ((30, 30, True),)), draw_matte(64, 64)
    made = engine.predict(engine.encode(photograph), clicks, previous)
    image = torch.from_numpy(photograph).permute(2, 0, 1)[None] / 255
    maps = torch.from_numpy(click_maps(clicks, 64, 64))[None]
    fed = torch.from_numpy(halved(previous))[None, None]
    with torch.inference_mode():
        for _ in range(PASSES):
            logits = network(image, maps, fed)
            fed = logits.sigmoid()
        wanted = torch.nn.functional.interpolate(logits, scale_factor=2, mode="bilinear").sigmoid()
    np.testing.assert_allclose(made, wanted[0, 0], atol=1e-5)


def test_system_keeps_clicks_and_goes_on_from_a_mask(network, tmp_path):
    save_model(network, tmp_path / "model.safetensors")
    loaded = load_network(tmp_path / "model.safetensors", "cpu")
    system, photograph = get_system(loaded.system), draw_photograph(1, 60, 90)
    clicks = Clicks(90, 60, ((30, 30, True), (5, 5, False)))
    options = MatteOptions()
    whole = system.predict([loaded], [photograph], [Guidance(clicks=clicks)], options)[0].alpha
    assert whole.shape == (60, 90) and whole[30, 30] == 1 and whole[5, 5] == 0
    first = Guidance(mask=np.zeros((60, 90), np.float32), clicks=clicks.first(1))
    alpha = system.predict([loaded], [photograph], [first], options)[0].alpha
    second = Guidance(mask=alpha, clicks=clicks)
    np.testing.assert_array_equal(
        system.predict([loaded], [photograph], [second], options)[0].alpha, whole
    )


def test_scenes_put_another_object_in_and_want_one_or_both():
    size = 64
    own = (np.full((size, size, 3), 0.2, np.float32), draw_matte(size, size, 12))
    other = (np.full((size, size, 3), 0.8, np.float32), draw_matte(size, size, 20))
    kinds = set()
    for seed in range(60):
        rng = np.random.default_rng(seed)
        image, wanted, every = draw_scene(own, other, rng)
        assert (wanted <= every + 1e-6).all() and (wanted > 0.9).any()
        if image.max() > 0.21:
            np.testing.assert_allclose(image[wanted > 0.999].std(axis=0), 0, atol=0.35)
        is_own = np.abs(wanted - own[1]).max() < 1e-6
        kinds.add("alone" if is_own and image.max() < 0.21 else "own" if is_own else "other")
        start = draw_start(draw_scene(own, other, np.random.default_rng(seed)), rng)
        assert start.shape == (size, size) and start.min() >= 0 and start.max() <= 1
    assert kinds == {"alone", "own", "other"} and 0 < PASTED < 1


def test_people_click_on_errors_alone():
    truth = draw_matte(64, 64, 18)
    for seed in range(12):
        person = Person(truth, np.random.default_rng(seed))
        person.correct(np.zeros((32, 32), np.float32))
        assert person.points and all(
            on and truth[int(y), int(x)] > 0.8 for x, y, on in person.points
        )
        count = len(person.points)
        person.correct(person.truth.astype(np.float32))
        assert len(person.points) == count
        person.correct(np.ones((32, 32), np.float32))
        assert all(truth[int(y), int(x)] < 0.2 and not on for x, y, on in person.points[count:])


def test_losses_by_hand():
    logits = torch.zeros(1, 1, 1, 2)  # one half everywhere
    terms = losses(logits, torch.tensor([[[[1.0, 0.0]]]]), torch.tensor([[[[1.0, 0.0]]]]))
    assert terms["iou"] == pytest.approx(1 - 0.5 / 1.5)
    assert terms["focal"] == pytest.approx(np.log(2))
    assert terms["alpha"] == pytest.approx((0.5 * 5 + 0.5) / 2)
    assert terms["total"] == pytest.approx(terms["iou"] + terms["focal"] / 2 + terms["alpha"])


def test_training_learns_both_rounds_and_keeps_what_is_frozen():
    task = LightClicksTask(widths=SMALL.widths, side=64, learning_rate=0.01)
    crops = [
        with_targets(
            Crop(str(n), Planes(draw_photograph(n, 64, 64), draw_matte(64, 64), None, None), 1.0),
            task.targets(),
            CropOptions(size=64),
            0,
            0,
        )
        for n in range(2)
    ]
    batch = collate(crops)
    task.train()
    task.on_train_batch_start()
    frozen = task.model.encoder.blocks[1][0].conv_dw.weight.clone()
    optimizer = task.make_optimizer()
    found = []
    for _ in range(8):
        terms = task.loss_terms(batch)
        terms["total"].backward()
        optimizer.step()
        optimizer.zero_grad()
        found.append(float(terms["total"].detach()))
    assert found[-1] < found[0]
    assert torch.equal(task.model.encoder.blocks[1][0].conv_dw.weight, frozen)
    assert not task.model.encoder.training and task.model.head.training
    again = [float(task.loss_terms(batch)["total"].detach()) for _ in range(2)]
    assert again[0] == pytest.approx(again[1], abs=0.05)  # the same clicks, but for the norms
    assert task.predict_batch(batch).shape == (2, 1, 64, 64)


def test_configuration_is_read():
    path = Path(__file__).parents[2] / "configs/light_clicks/lite.yaml"
    words = ["--config", str(path), "--model.init_args.encoder", "null"]
    made = command_line([*words, "--trainer.accelerator", "cpu"], is_run=False)
    task, data = made.model, made.datamodule
    assert task.model.config == LightClicksConfig() and data.draw.arrangement.second == 0.03
    assert (task.hparams["learning_rate"], task.hparams["schedule"]) == (1e-3, "cosine")
    assert isinstance(data.targets, PracticeSeed) and data.crop.size == 256


def test_training_begins_with_the_encoder_of_an_automatic_model(tmp_path):
    source = build(LITE)
    source.licences = [Licence("here", "MIT", 1.0)]
    save_model(source, tmp_path / "lite.safetensors")
    task = LightClicksTask(encoder=str(tmp_path / "lite.safetensors"))
    wanted = source.encoder.body.state_dict()
    for key, value in task.model.encoder.state_dict().items():
        assert torch.equal(value, wanted[key])
    assert task.model.licences == source.licences
