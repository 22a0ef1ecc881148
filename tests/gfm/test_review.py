"""`gfm matte --review`: the expected error of automatic mattes, and where to click first."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from tiny import draw_matte, draw_photograph, shared

import gfm
from gfm.__main__ import main
from gfm.checkpoints.files import save_model
from gfm.inference.doubt import ENTROPY, VIEWS, doubt_of, entropy_of, first_click
from gfm.inference.matting import check_models
from gfm.inference.review import predict_reviewed
from gfm.models.contract import Prediction
from gfm.models.options import MatteOptions
from rssn.imaging.photographs import as_photograph
from rssn.imaging.writing import write_rgb


@pytest.fixture
def photographs(tmp_path) -> Path:
    folder = tmp_path / "photographs"
    folder.mkdir()
    for name in ("a", "b", "c"):
        write_rgb(folder / f"{name}.png", draw_photograph(ord(name), 96, 128))
    return folder


@pytest.fixture
def model_file(tmp_path) -> Path:
    save_model(shared(), tmp_path / "m.safetensors")
    return tmp_path / "m.safetensors"


def review(*arguments: object) -> int:
    return main(["matte", "--quiet", "--foreground", "none", *map(str, arguments)])


def prediction(alpha: np.ndarray, sure: float = 1.0) -> Prediction:
    """A prediction whose network gave its classes the probability `sure`."""
    other = np.full_like(alpha, (1 - sure) / 2)
    inside = np.where(alpha > 0.5, sure, other).astype(np.float32)
    outside = np.where(alpha > 0.5, other, sure).astype(np.float32)
    return Prediction(alpha, classes=np.stack([outside, other, inside]))


def test_entropy_of_classes_by_hand():
    classes = np.array([[[1.0, 1 / 3, 0.5]], [[0, 1 / 3, 0.5]], [[0, 1 / 3, 0]]], np.float32)
    wanted = [[0, 1, math.log(2) / math.log(3)]]
    np.testing.assert_allclose(entropy_of(classes), wanted, atol=1e-4)
    np.testing.assert_allclose(entropy_of(classes[:2, :, 2:]), [[1]], atol=1e-4)


def test_expected_error_weighs_entropy_and_views():
    alpha = draw_matte()
    sure = doubt_of(alpha, prediction(alpha), alpha)
    assert sure.expected_error < 1e-4 and sure.click is None
    shifted = np.roll(alpha, 4, axis=1)
    found = doubt_of(alpha, prediction(alpha, 0.8), shifted)
    entropy = -(0.8 * math.log(0.8) + 0.2 * math.log(0.1)) / math.log(3)
    assert found.entropy == pytest.approx(entropy, rel=1e-4)
    assert found.views == pytest.approx(np.abs(alpha - shifted).mean(), rel=1e-4)
    total = ENTROPY * found.entropy + VIEWS * found.views
    assert found.expected_error == pytest.approx(total, rel=1e-3)
    assert found.map.mean() == pytest.approx(found.expected_error, rel=1e-5)


@pytest.mark.parametrize("missed", [True, False])
def test_click_goes_into_the_costliest_doubt(missed):
    expected = np.zeros((60, 80), np.float32)
    expected[10:21, 50:61] = 0.6  # a block around (55, 15)
    expected[40:42, 5:60] = 0.3
    alpha = np.full_like(expected, 0.0 if missed else 1.0)
    click = first_click(expected, alpha, (240, 320))
    assert click == (4 * 55 + 2, 4 * 15 + 2, missed)
    assert first_click(expected * 0.1, alpha, (240, 320)) is None


def test_matte_is_that_without_a_review():
    photograph = as_photograph(draw_photograph(3, 96, 128))
    options = MatteOptions(foreground="none", augmentation="flip")
    system, models = check_models(shared(), options)
    from gfm.inference.guidance import NO_GUIDANCE

    made, doubt = predict_reviewed(system, models, photograph, NO_GUIDANCE, options)
    plain = gfm.matte(photograph.pixels, shared(), foreground="none", augmentation="flip")
    np.testing.assert_array_equal(made.alpha, plain.alpha)
    turned = gfm.matte(photograph.pixels[:, ::-1].copy(), shared(), foreground="none")
    views = np.abs(plain.alpha - turned.alpha[:, ::-1]).mean()
    assert doubt.views == pytest.approx(float(views), abs=1e-6)
    assert 0 < doubt.entropy <= 1


def test_sheet_is_sorted_and_the_threshold_decides(photographs, model_file, tmp_path, capsys):
    given = (photographs, "--model", model_file, "--outputs", "alpha")
    assert review(*given, "--out", tmp_path / "calm", "--review", 1) == 0
    found = json.loads((tmp_path / "calm" / "review.json").read_text())
    errors = [each["expected_error"] for each in found["mattes"]]
    assert sorted(each["name"] for each in found["mattes"]) == ["a", "b", "c"]
    assert errors == sorted(errors, reverse=True) and 0 < errors[-1]
    between = (errors[0] + errors[1]) / 2
    capsys.readouterr()
    out = tmp_path / "strict"
    assert review(*given, "--out", out, "--review", between) == 3
    told = capsys.readouterr().err
    assert "1 of 3 mattes have an expected error above" in told and "review.html" in told
    page = (out / "review.html").read_text()
    assert page.count("<img") == 6 and "To look at: 1 above" in page
    places = [page.index(f"<b>{each['name']}</b>") for each in found["mattes"]]
    assert places == sorted(places)
    assert sorted(path.name for path in (out / "alpha").iterdir()) == ["a.png", "b.png", "c.png"]


def test_failed_photograph_comes_before_the_threshold(photographs, model_file, tmp_path, capsys):
    (photographs / "torn.png").write_bytes(b"no picture")
    given = (photographs, "--model", model_file, "--outputs", "alpha", "--out", tmp_path / "out")
    assert review(*given, "--review", 0) == 1
    assert "torn.png" in capsys.readouterr().err
    assert len(json.loads((tmp_path / "out" / "review.json").read_text())["mattes"]) == 3


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--review", 2), "--review 2: "),
        (("--review", 0.1, "--mask", "m.png"), "or --mask"),
        (("--review", 0.1, "--out", "-"), "--review is for photographs into a folder"),
    ],
)
def test_bad_input(photographs, model_file, tmp_path, capsys, arguments, told):
    assert review(photographs, "--model", model_file, "--out", tmp_path / "out", *arguments) == 2
    assert told in capsys.readouterr().err
