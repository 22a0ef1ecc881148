"""Interactive segmentation and iMatting behind the contract: conversion, matting, evaluation."""

from __future__ import annotations

import json

import guided
import numpy as np
import pytest
import torch

import gfm
from gfm.__main__ import main
from gfm.checkpoints.files import save_model
from gfm.guidance.clicks import Clicks
from gfm.guidance.guidance import Guidance
from gfm.models.clicks.config import ClicksConfig
from gfm.models.clicks.network import ClickNetwork
from gfm.models.fba.config import FBAConfig
from gfm.models.imatting.network import IMatting
from gfm.models.imatting.predict import known_pixels
from gfm.models.options import MatteOptions
from gfm.models.registry import get_system
from rssn.imaging.errors import InputError
from rssn.imaging.writing import write_alpha, write_rgb

BACKBONE = "timm:test_resnet"


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A converted checkpoint with the weights of the golden values."""
    folder = tmp_path_factory.mktemp("released")
    state = {key: torch.from_numpy(v) for key, v in guided.weights("interactive").items()}
    torch.save(state, folder / "released.pth")
    out = folder / "model.safetensors"
    words = ("--system", "clicks", "--variant", "stream", "--out", str(out))
    assert main(["convert", str(folder / "released.pth"), *words]) == 0
    return gfm.load_model(out, "cpu")


@pytest.fixture(scope="module")
def light():
    torch.manual_seed(0)
    return ClickNetwork(ClicksConfig(backbone=BACKBONE, width=0.125)).eval()


@pytest.fixture(scope="module")
def imatting():
    torch.manual_seed(0)
    return IMatting(FBAConfig(backbone=BACKBONE)).eval()


def test_converted_model_knows_where_it_is_from(released):
    assert released.system == "clicks" and released.config == ClicksConfig()
    assert "none stated" in released.licences[0].licence


def test_golden_session_by_gfm_matte(released):
    case = "session_75x101"
    image, golden = guided.inputs("interactive", case)["image"], guided.outputs("interactive", case)
    clicks = [(int(x), int(y), bool(label)) for y, x, label in golden["clicks"]]
    whole = gfm.matte(image, released, clicks=clicks[:2])
    assert np.abs(whole.alpha - golden["alpha"][1]).max() < 1e-4
    third = gfm.matte(image, released, clicks=clicks[:3], mask=whole.alpha)
    assert np.abs(third.alpha - golden["alpha"][2]).max() < 1e-4


def test_mask_is_the_matte_before_the_last_click(light):
    image, system = guided.draw_image(40, 52), get_system("clicks")
    clicks = Clicks(52, 40, ((20, 20, True), (3, 3, False), (30, 22, True)))
    none = MatteOptions()
    alpha = np.zeros((40, 52), np.float32)
    for count in (1, 2, 3):
        given = Guidance(mask=alpha, clicks=clicks.first(count))
        alpha = system.predict([light], [image], [given], none)[0].alpha
    whole = system.predict([light], [image], [Guidance(clicks=clicks)], none)[0].alpha
    assert (whole == alpha).all()


def test_empty_matte_can_be_corrected(light):
    image, clicks = guided.draw_image(40, 52), [(20, 20, True)]
    empty = gfm.matte(image, light, clicks=clicks, mask=np.zeros((40, 52), np.float32))
    assert (empty.alpha == gfm.matte(image, light, clicks=clicks).alpha).all()
    with pytest.raises(InputError, match="mask: is empty"):
        gfm.matte(image, light, mask=np.zeros((40, 52), np.float32))


def test_network_survives_its_file(light, tmp_path):
    save_model(light, tmp_path / "m.safetensors")
    again = gfm.load_model(tmp_path / "m.safetensors", "cpu")
    assert again.config == light.config
    image, clicks = guided.draw_image(40, 52), [(20, 20, True)]
    matte = gfm.matte(image, again, clicks=clicks)
    assert (matte.alpha == gfm.matte(image, light, clicks=clicks).alpha).all()


def test_imatting_takes_clicks_and_trimaps(imatting):
    image = guided.draw_image(48, 64)
    trimap = guided.draw_trimap(48, 64)
    clicks = [(int(x), int(y), False) for y, x in np.argwhere(trimap == 255)[:1]]
    made = gfm.matte(image, imatting, trimap=trimap, clicks=clicks)
    ((x, y, _),) = clicks
    assert made.alpha[y, x] == 0
    assert made.alpha[trimap == 255].sum() == (trimap == 255).sum() - 1
    alone = gfm.matte(image, imatting, clicks=clicks)
    assert alone.alpha[y, x] == 0 and alone.foreground.dtype == np.uint8
    known = known_pixels((48, 64), None, None)
    assert (known == 128).all()


@pytest.mark.integration
def test_imatting_is_converted_from_fba(tmp_path):
    state = {key: torch.from_numpy(v) for key, v in guided.weights("fba").items()}
    torch.save(state, tmp_path / "fba.pth")
    made = []
    for system in ("fba", "imatting"):
        words = ("--system", system, "--out", str(tmp_path / f"{system}.safetensors"))
        assert main(["convert", str(tmp_path / "fba.pth"), *words]) == 0
        model = gfm.load_model(tmp_path / f"{system}.safetensors", "cpu")
        assert model.system == system and "non-commercial" in model.licences[0].licence
        image, trimap = guided.draw_image(40, 52), guided.draw_trimap(40, 52)
        made.append(gfm.matte(image, model, trimap=trimap).alpha)
    assert (made[0] == made[1]).all()


def test_large_photographs_are_shrunk_for_imatting(imatting, monkeypatch):
    monkeypatch.setattr("gfm.models.imatting.predict.LONGEST", 64)
    made = gfm.matte(guided.draw_image(70, 130), imatting, clicks=[(60, 30, True), (0, 0, False)])
    assert made.alpha.shape == (70, 130) and made.foreground.shape == (70, 130, 3)
    assert made.alpha[30, 60] == 1 and made.alpha[0, 0] == 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "clicks or mask"),
        ({"clicks": [(99, 0, True)]}, r"\(99, 0, True\) .*52x40 px"),
        ({"clicks": [(1, 0, True), (1, 0, False)]}, "x=1, y=0"),
        ({"clicks": [(1, 0, True)], "d1": 2}, "d1=2 .*system clicks"),
        ({"clicks": [(1, 0, True)], "augmentation": "flip"}, "augmentation='flip'"),
        ({"trimap": np.full((40, 52), 255, np.uint8)}, "trimap= "),
    ],
)
def test_bad_input_names_the_remedy(light, given, message):
    with pytest.raises(InputError, match=message):
        gfm.matte(guided.draw_image(40, 52), light, **given)


@pytest.fixture
def data(tmp_path):
    for folder in ("original", "mask"):
        (tmp_path / "data" / folder).mkdir(parents=True)
    for index in range(2):
        mask = guided.draw_mask(48, 60, index, bar=False).astype(np.float32)
        write_rgb(tmp_path / f"data/original/{index}.png", guided.draw_image(48, 60, index))
        write_alpha(tmp_path / f"data/mask/{index}.png", mask)
    return tmp_path / "data"


@pytest.mark.parametrize("kind", ["clicks", "imatting", "grabcut", "chain", "auto"])
def test_evaluate_clicks(data, light, imatting, tmp_path, kind, capsys):
    files = {"clicks": tmp_path / "c.safetensors", "imatting": tmp_path / "i.safetensors"}
    save_model(light, files["clicks"])
    save_model(imatting, files["imatting"])
    model = str(files.get(kind, files["clicks"] if kind in ("chain", "auto") else kind))
    more = {
        "chain": ("--matting", str(files["imatting"]), "--band", "8"),
        "auto": ("--start", "auto"),
    }
    out = tmp_path / "out.json"
    words = ("--data", str(data), "--json", str(out), "--clicks", "2", "--quiet")
    assert main(["evaluate-clicks", "--model", model, *words, *more.get(kind, ())]) == 0
    assert "noc@90" in capsys.readouterr().out
    report = json.loads(out.read_text())
    assert report["count"] == 2 and report["failures"] == []
    assert len(report["images"][0]["ious"]) == 2


def test_evaluate_clicks_refuses(data, model_file, capsys):
    words = ["evaluate-clicks", "--data", str(data), "--json", str(data / "out.json")]
    assert main([*words, "--model", str(model_file)]) == 2
    assert "neither clicks nor trimaps" in capsys.readouterr().err
    assert main([*words, "--model", "grabcut", "--band", "3"]) == 2
    assert "--band " in capsys.readouterr().err
