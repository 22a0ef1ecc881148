"""The model that is taken where none is named: there or not, it is said how to get a better one."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import build, draw_matte, draw_photograph

import gfm
from gfm.checkpoints import packaged
from gfm.checkpoints.files import load_network, save_model
from gfm.checkpoints.packaged import LITE, automatic_model, find_packaged
from gfm.commands.fit import command_line
from gfm.evaluation.baselines import best_constants
from gfm.inference.loading import packaged_model
from rssn.imaging.blending import blend
from rssn.imaging.errors import InputError


@pytest.fixture
def installation(tmp_path, monkeypatch):
    """An installation of the package that has a model of its own, or will have one."""
    monkeypatch.setattr(packaged, "FOLDER", tmp_path)
    for cached in (packaged._announce, packaged_model):
        cached.cache_clear()
    yield tmp_path
    for cached in (packaged._announce, packaged_model):
        cached.cache_clear()


def test_model_has_a_name(installation: Path, caplog, tmp_path, monkeypatch):
    save_model(build(), installation / "lite.safetensors")
    monkeypatch.chdir(tmp_path)
    named, usual = gfm.load_model("lite", device="cpu"), gfm.load_model(device="cpu")
    assert all(map(torch.equal, named.state_dict().values(), usual.state_dict().values()))
    (tmp_path / "lite").mkdir()  # a user's own folder goes first
    save_model(build(width=0.5), tmp_path / "lite" / "model.safetensors")
    assert gfm.load_model("lite", device="cpu").config.width == 0.5


def test_folder_of_that_name_is_no_model_unless_it_holds_one(tmp_path, monkeypatch):
    (tmp_path / "lite").mkdir()
    monkeypatch.chdir(tmp_path)
    assert gfm.load_model("lite", "cpu").describe() == "cpu, ONNX Runtime"
    save_model(build(), tmp_path / "lite" / "model.safetensors")
    assert gfm.load_model(None, "cpu").describe() == "cpu, ONNX Runtime"
    assert gfm.load_model("lite", "cpu").config.backbone == "timm:test_resnet"
    assert load_network(None, "cpu").config.backbone != "timm:test_resnet"


def test_model_is_taken_and_said_once(installation: Path, caplog):
    model = build()
    save_model(model, installation / "lite.safetensors", half=True)
    photograph = draw_photograph(0)
    with caplog.at_level(logging.WARNING, "gfm"):
        made, again = gfm.matte(photograph), gfm.matte(photograph)
        gfm.load_model(device="cpu")
    assert [record.name for record in caplog.records].count("gfm") == 1
    assert "python -m gfm convert RELEASED.pth" in caplog.text
    named = gfm.load_model(installation / "lite.safetensors")
    np.testing.assert_array_equal(made.alpha, gfm.matte(photograph, named).alpha)
    np.testing.assert_array_equal(made.alpha, again.alpha)


def test_installation_without_a_model_says_how_to_get_one(installation: Path):
    for refused in (automatic_model, gfm.load_model, lambda: gfm.matte(draw_photograph(0))):
        with pytest.raises(InputError, match="none comes with this installation"):
            refused()


class TestShipped:
    """The weights that are in the package."""

    def test_model_is_as_small_as_promised(self):
        assert find_packaged(LITE).stat().st_size <= 12e6

    def test_model_says_what_it_was_trained_on(self):
        model = load_network(LITE, "cpu")
        assert sum(each.share for each in model.licences) >= 0.999
        assert {"ccp", "photos", "drawn", "backgrounds"} <= {e.source for e in model.licences}
        known = {each.source for each in model.licences}
        assert not known & {"ecssd", "davis", "human290", "weizmann_horse", "caltech_animals"}
        assert not any("-SA" in each.licence for each in model.licences)

    def test_plain_object_before_a_plain_background_is_found(self):
        model = load_network(LITE, "cpu")
        alpha = draw_matte(192, 256, radius=60, rim=4)
        errors = []
        for seed in range(4):
            near, far = (draw_photograph(seed + more, 192, 256) for more in (0, 10))
            found = gfm.matte(blend(alpha, near, far), model, foreground="none").alpha
            errors.append(np.abs(found - alpha).mean())
        assert np.median(errors) < np.abs(best_constants(alpha)["sad"] - alpha).mean() / 2


class TestGuided:
    def test_it_is_small_and_names_its_sources(self):
        path = find_packaged(packaged.GUIDED)
        assert path.stat().st_size <= 12e6
        model = load_network("guided", "cpu")
        assert model.system == "guided" and not model.training
        assert sum(each.share for each in model.licences) == pytest.approx(1, abs=0.01)
        assert all(each.licence for each in model.licences)

    def test_it_is_taken_with_a_trimap_and_keeps_what_is_known(self):
        photograph = draw_photograph(3, 96, 128)
        trimap = np.full((96, 128), 128, np.uint8)
        trimap[:, :40], trimap[:, 88:] = 0, 255
        made = gfm.matte(photograph, trimap=trimap)
        assert (made.alpha[:, :40] == 0).all() and (made.alpha[:, 88:] == 1).all()
        np.testing.assert_array_equal(made.foreground[:, 88:], photograph[:, 88:])
        with pytest.raises(InputError, match=r"clicks= .*mask or"):
            gfm.matte(photograph, gfm.load_model("guided"), clicks=[(1, 1, True)])

    def test_it_refines_the_automatic_matte_near_edges_alone(self):
        alpha = draw_matte(192, 256, radius=60)
        dark, light = (np.full((192, 256, 3), level, np.uint8) for level in (30, 220))
        grain = np.random.default_rng(0).integers(0, 8, (192, 256, 1), np.uint8)
        photograph = blend(alpha, light, dark) + grain
        plain = gfm.matte(photograph, refine="none", foreground="none")
        refined = gfm.matte(photograph, foreground="none")
        changed = np.abs(refined.alpha - plain.alpha) > 0.02
        assert changed.any() and changed.mean() < 0.3
        named = gfm.matte(photograph, refine="guided", foreground="none")
        np.testing.assert_array_equal(named.alpha, refined.alpha)
        with pytest.raises(InputError, match=r"refine='lite': .*glance_focus"):
            gfm.matte(photograph, refine="lite")

    def test_model_to_refine_with_is_read_again_where_it_changed(self, tmp_path):
        alpha = draw_matte(192, 256, radius=60)
        dark, light = (np.full((192, 256, 3), level, np.uint8) for level in (30, 220))
        photograph, path = blend(alpha, light, dark), tmp_path / "guided.safetensors"
        model = load_network("guided", "cpu")
        save_model(model, path)
        before = gfm.matte(photograph, refine=str(path), foreground="none").alpha
        with torch.no_grad():
            model.head[-1].bias[0] += 0.3
        save_model(model, path)
        os.utime(path, (1, 1))  # as another time of writing
        after = gfm.matte(photograph, refine=str(path), foreground="none").alpha
        assert not np.array_equal(before, after)

    def test_model_to_refine_with_has_no_effect_beside_a_trimap(self):
        trimap = np.full((96, 128), 128, np.uint8)
        trimap[:, :40], trimap[:, 88:] = 0, 255
        with pytest.raises(InputError, match=r"refine='guided' .*trimap="):
            gfm.matte(draw_photograph(3, 96, 128), trimap=trimap, refine="guided")


def test_fine_tuning_begins_with_the_packaged_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = Path(__file__).parents[2] / "configs/finetune.yaml"
    made = command_line(["--config", str(file), "--trainer.accelerator", "cpu"], is_run=False)
    assert made.model.model.config == load_network("lite", "cpu").config
    assert made.datamodule.crop.sides == (224, 320, 448)


class TestClicks:
    def test_it_is_small_and_names_its_sources(self):
        path = find_packaged(packaged.CLICKS)
        assert path.stat().st_size <= 12e6
        model = load_network(packaged.CLICKS, "cpu")
        assert model.system == "light_clicks" and not model.training
        known = {each.source for each in model.licences}
        assert not known & {"ecssd", "davis", "human290", "weizmann_horse", "caltech_animals"}
        assert sum(each.share for each in model.licences) == pytest.approx(1, abs=0.01)

    def test_clicks_select_and_drop_objects(self):
        left = np.roll(draw_matte(192, 256, radius=40), -64, axis=1)
        right = np.roll(draw_matte(192, 256, radius=30), 64, axis=1)
        red, blue = ((200, 60, 50), (40, 70, 190))
        ground = np.full((192, 256, 3), 120, np.uint8)
        scene = blend(left, np.full_like(ground, red), ground)
        scene = blend(right, np.full_like(ground, blue), scene)
        scene += np.random.default_rng(0).integers(0, 8, (192, 256, 1), np.uint8)
        session = gfm.Session(scene, automatic=False)
        both = session.click(64, 96).click(192, 96).matte.alpha
        assert np.abs(both - np.maximum(left, right)).mean() < 0.03
        dropped = session.undo().click(192, 96, positive=False).matte.alpha
        assert dropped[96, 192] == 0 and dropped[96, 64] == 1
        assert np.abs(dropped - left).mean() < 0.03
        by_matte = gfm.matte(scene, mask=np.zeros_like(left), clicks=session.clicks).alpha
        np.testing.assert_array_equal(by_matte, dropped)
