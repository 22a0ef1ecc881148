"""The contract: one folder and one line in the registry, and everything works with a system."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from serving import LIMITS, decode, post
from starlette.testclient import TestClient
from tiny import draw_photograph, shared, write_photographs, write_shards
from toy_system import Toy, ToyConfig
from trimaps import write_trimap

import gfm
from gfm.__main__ import main
from gfm.checkpoints.files import load_network, read_config, save_model
from gfm.models import registry
from gfm.models.contract import Licence
from gfm.serve.application import create_app
from gfm.video.matting import matte_frames
from rssn.imaging.errors import InputError
from rssn.imaging.reading import read_alpha
from rssn.imaging.writing import encode_rgb, write_rgb


@pytest.fixture(autouse=True)
def registered(monkeypatch, tmp_path):
    monkeypatch.setitem(registry.SYSTEMS, "toy", "toy_system")
    monkeypatch.chdir(tmp_path)


def build_toy() -> Toy:
    torch.manual_seed(0)
    return Toy(ToyConfig(channels=3)).eval()


def test_every_registered_system_keeps_the_contract():
    for name in registry.SYSTEMS:
        system = registry.get_system(name)
        assert system.name == name
        config = system.config()
        assert system.config.from_json(config.to_json()) == config
        assert system.guidance <= {"trimap", "mask", "clicks"}
        assert system.guidance or not system.needs_guidance
    with pytest.raises(InputError, match=r"system='none' .*'glance_focus'"):
        registry.get_system("none")


def test_file_names_its_system_configuration_and_licences(tmp_path):
    toy = build_toy()
    toy.licences = [Licence("drawn", "CC0", 1.0)]
    path = tmp_path / "toy.safetensors"
    save_model(toy, path)
    loaded = load_network(path)
    assert isinstance(loaded, Toy) and loaded.config == ToyConfig(3)
    assert loaded.licences == toy.licences
    assert read_config(path)[0].name == "toy"
    for key, value in toy.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[key], value, rtol=0, atol=0)


@pytest.mark.integration
def test_toy_fits_goes_on_and_mattes(tmp_path):
    write_shards(tmp_path / "shards", [4, 4])
    write_photographs(tmp_path / "photographs", 2)
    run = ["fit", "--model", "toy_system.ToyTask", "--data.shards", "shards", "--quiet"]
    run += ["--data.validation", "photographs", "--data.crop.size", "32", "--data.batch_size", "4"]
    run += ["--data.workers", "0", "--data.crop.sides", "[32]", "--trainer.accelerator", "cpu"]
    assert main([*run, "--trainer.max_epochs", "2", "--model.channels", "3"]) == 0
    folder = tmp_path / "runs" / "version_0" / "checkpoints"
    model = folder / "last.safetensors"
    assert isinstance(load_network(model), Toy) and load_network(model).config.channels == 3
    more = ["--trainer.max_epochs", "3", "--ckpt_path", str(folder / "last.ckpt")]
    assert main([*run, *more]) == 0  # its own options come from the checkpoint
    other = ["fit", "--model", "gfm.models.glance_focus.task.GFMTask", *run[3:], *more]
    assert main(other) == 2
    assert main(["matte", "photographs/original", "--model", str(model), "--out", "out"]) == 0
    made = read_alpha(tmp_path / "out" / "alpha" / "p0.png")
    wanted = gfm.matte(tmp_path / "photographs" / "original" / "p0.png", gfm.load_model(model))
    np.testing.assert_allclose(made, wanted.alpha, atol=0.51 / 255)


def test_predicted_colours_are_taken_and_guidance_reaches_the_system(tmp_path):
    photograph, toy = draw_photograph(0), build_toy()
    trimap = np.full(photograph.shape[:2], 128, np.uint8)
    trimap[:8], trimap[-8:] = 0, 255
    made = gfm.matte(photograph, toy, trimap=trimap)
    assert (made.alpha[:8] == 0).all() and (made.alpha[-8:] == 1).all()
    np.testing.assert_array_equal(made.foreground, photograph)
    assert set(np.unique(made.trimap)) <= {0, 1, 2}
    again = gfm.matte(photograph, toy, trimap=np.digitize(trimap, [1, 255]))
    np.testing.assert_array_equal(again.alpha, made.alpha)
    write_rgb(tmp_path / "a.png", photograph)
    write_trimap(tmp_path / "t.png", np.digitize(trimap, [1, 255]).astype(np.uint8))
    save_model(toy, tmp_path / "toy.safetensors")
    command = ["matte", "a.png", "--model", "toy.safetensors", "--out", "out", "--quiet"]
    assert main([*command, "--trimap", "t.png"]) == 0
    read = read_alpha(tmp_path / "out" / "alpha" / "a.png")
    np.testing.assert_allclose(read, made.alpha, atol=0.51 / 255)


def test_guidance_and_options_without_effect_are_refused():
    photograph, toy = draw_photograph(0), build_toy()
    mask = np.zeros(photograph.shape[:2], bool)
    mask[:5] = True
    for guided, model, message in (
        ({"mask": mask}, toy, "mask= .*system toy "),
        ({"clicks": [(0, 0, True)]}, shared(), "clicks= "),
        ({"strategy": "full"}, toy, "strategy='full' .*system toy"),
        ({}, [toy, toy], "2 models of the system toy"),
        ({}, [toy, shared()], "systems glance_focus, toy"),
        ({"mask": mask[1:]}, toy, "mask: .*64x47 px, .*64x48"),
        ({"mask": np.zeros_like(mask)}, toy, "mask: is empty"),
        ({"mask": ~np.zeros_like(mask)}, toy, "mask: is full"),
        ({"mask": np.full(mask.shape, 7)}, toy, "mask: .*int64 .*7 to 7"),
        ({"clicks": [(99, 0, True)]}, toy, "64x48 px"),
    ):
        with pytest.raises(InputError, match=message):
            gfm.matte(photograph, model, **guided)


@pytest.mark.integration
def test_toy_is_exported_compared_and_run(tmp_path):
    toy = build_toy()
    save_model(toy, tmp_path / "toy.safetensors")
    export = ["export", "--model", "toy.safetensors", "--format", "onnx", "--out", "toy.onnx"]
    assert main([*export, "--quiet"]) == 0
    exported = gfm.load_model(tmp_path / "toy.onnx")
    photograph = draw_photograph(1, 50, 70)
    made = gfm.matte(photograph, exported).alpha
    np.testing.assert_allclose(made, gfm.matte(photograph, toy).alpha, atol=1e-5)


def test_toy_is_served_and_mattes_clips():
    pytest.importorskip("fastapi", reason="the extra web is not installed")
    photograph, toy = draw_photograph(2), build_toy()
    app = create_app(toy, LIMITS, "toy")
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        answer = post(client, encode_rgb(photograph, "png"), "output=alpha").content
    wanted = gfm.matte(photograph, toy).alpha
    np.testing.assert_allclose(decode(answer) / 255, wanted, atol=0.51 / 255)
    (frame,) = matte_frames([photograph], toy)
    np.testing.assert_array_equal(frame.alpha, wanted)
