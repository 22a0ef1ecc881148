"""Steps beside the paper's: from a route's file to the record, and what they leave alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from drawings import draw_disc, draw_picture

from rssn import ROUTES, RouteOptions, blend, compose
from rssn.build.builder import main as build
from rssn.imaging.crops import Box
from rssn.imaging.errors import InputError
from rssn.inspection.command import inspect_build
from rssn.inspection.contact_sheet import describe
from rssn.route.steps import MORE_STEPS, harmonise
from rssn.stream.on_the_fly import SourceShards

F, B, ALPHA = draw_picture(1), draw_picture(2), draw_disc()
ALWAYS = {"harmonise": {"probability": 1, "strength": 1}}


def stripe(foreground, alpha, background, rng, brightness=0.5):
    """Columns of F in one grey; what a contributor would write."""
    striped = foreground.copy()
    striped[:, :4] = round(255 * brightness)
    return striped, background, {"drawn": rng.random()}


def lightness(grey: int) -> float:
    """CIELAB L* of a grey level of sRGB, by its definition."""
    value = grey / 255
    linear = value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
    return 116 * linear ** (1 / 3) - 16


def test_harmonising_moves_a_grey_by_the_drawn_share_of_the_way() -> None:
    dark, light = np.full_like(F, 60), np.full_like(F, 200)
    made, background, done = harmonise(dark, ALPHA, light, np.random.default_rng(3), strength=1)
    wanted = lightness(60) + done["share"] * (lightness(200) - lightness(60))
    assert 0.05 < done["share"] < 1
    assert lightness(int(made[0, 0, 0])) == pytest.approx(wanted, abs=0.3)
    assert np.ptp(made) <= 1 and background is light


def test_harmonised_colours_have_the_moments_of_the_background() -> None:
    class Whole(np.random.Generator):
        def uniform(self, low, high):
            return high

    flat = np.full_like(ALPHA, 0.5)
    whole = Whole(np.random.PCG64(0))
    made, _, _ = harmonise(F // 2 + 60, flat, B // 2 + 60, whole, strength=1)
    of = [cv2.cvtColor(np.float32(i) / 255, cv2.COLOR_RGB2LAB) for i in (made, B // 2 + 60)]
    means, spreads = zip(*((lab.mean((0, 1)), lab.std((0, 1))) for lab in of), strict=True)
    np.testing.assert_allclose(*means, atol=0.5)
    np.testing.assert_allclose(*spreads, atol=0.5)


@pytest.mark.parametrize("value", [0, 1])
def test_harmonising_takes_mattes_without_foreground_or_background(value) -> None:
    alpha = np.full(ALPHA.shape, value, np.float32)
    made, _, _ = harmonise(F, alpha, B, np.random.default_rng(0))
    assert made.shape == F.shape and made.dtype == np.uint8


def test_composite_is_the_blend_and_the_other_steps_stay_as_they_are() -> None:
    plain = RouteOptions(denoise_probability=0, blur_sizes=(4,), noise_probability=0)
    for seed in range(4):
        without, made = (
            compose(F, ALPHA, B, replace(plain, more_steps=steps), np.random.default_rng(seed))
            for steps in ({}, ALWAYS)
        )
        np.testing.assert_array_equal(
            made.composite, blend(ALPHA, made.foreground, made.background)
        )
        np.testing.assert_array_equal(made.background, without.background)
        assert (made.foreground != without.foreground).any()
        share = made.record.pop("harmonise")["share"]
        assert 0 <= share <= 1 and made.record == without.record
    noisy = [
        compose(F, ALPHA, B, replace(ROUTES["noise"], more_steps=s), np.random.default_rng(1))
        for s in ({}, {"harmonise": {"probability": 0}})
    ]
    np.testing.assert_array_equal(noisy[0].composite, noisy[1].composite)
    assert noisy[1].record["harmonise"] is None


def test_a_step_is_one_entry(monkeypatch) -> None:
    monkeypatch.setitem(MORE_STEPS, "stripe", stripe)
    options = {"stripe": {"probability": 1, "brightness": 1}}
    route = RouteOptions.from_dict({"more_steps": options, "denoise_probability": 0})
    assert route.probabilities["stripe"] == 1
    made = compose(F, ALPHA, B, route, _rng())
    assert (made.foreground[:, :4].astype(int) >= 200).all()
    both = compose(F, ALPHA, B, replace(route, more_steps=options | ALWAYS), _rng())
    assert both.record["stripe"] == made.record["stripe"]  # it has a stream of its own
    assert "stripe" in describe({**made.record, "background": "b.jpg"})


def _rng() -> np.random.Generator:
    return np.random.default_rng(7)


def test_options_survive_a_file_with_those_that_were_left_out(tmp_path: Path) -> None:
    (tmp_path / "route.yaml").write_text("more_steps:\n  harmonise:\n")
    route = RouteOptions.from_yaml(tmp_path / "route.yaml")
    assert route.more_steps == {"harmonise": {"probability": 0.5, "strength": 0.5}}
    assert RouteOptions.from_dict(json.loads(json.dumps(route.as_dict()))) == route
    assert ROUTES["rssn"].more_steps == {} and hash(route)


@pytest.mark.parametrize(
    ("steps", "named"),
    [
        ("harmonise", ("more_steps='harmonise'", "['harmonise']")),
        ({"harmonize": {}}, ("more_steps={'harmonize': {}}", "['harmonise']")),
        ({"harmonise": 0.5}, ("more_steps.harmonise=0.5", "['probability', 'strength']")),
        ({"harmonise": {"power": 1}}, ("{'power': 1}", "['probability', 'strength']")),
        ({"harmonise": {"strength": 2}}, ("more_steps.harmonise.strength=2", "0 to 1")),
        ({"harmonise": {"probability": True}}, ("more_steps.harmonise.probability=True",)),
    ],
)
def test_wrong_steps_are_refused(steps, named) -> None:
    with pytest.raises(InputError) as caught:
        RouteOptions(more_steps=steps)
    assert all(each in str(caught.value) for each in named)


def test_a_build_records_counts_and_composes_with_them(
    foregrounds: Path, backgrounds: Path, tmp_path: Path
) -> None:
    (tmp_path / "route.yaml").write_text(
        "k: 3\ndenoise_probability: 0\nblur_sizes: [3]\nmore_steps: {harmonise: {probability: 1}}\n"
    )
    folders = ("--foregrounds", str(foregrounds), "--backgrounds", str(backgrounds))
    route = ("--route", str(tmp_path / "route.yaml"), "--workers", "1", "--quiet")
    assert build([*folders, *route, "--out", str(tmp_path / "shards")]) == 0
    found = inspect_build(tmp_path / "shards", workers=1)
    assert found["problems"] == []
    assert found["statistics"]["steps"]["harmonise"] == {"share": 1, "wanted": 1}
    sources = tmp_path / "sources"
    assert build([*folders, *route, "--out", str(sources), "--content", "sources"]) == 0
    made, _ = SourceShards(sources).compose(0, place=lambda levels: Box(0, 0, 32), size=16)
    assert 0 <= made.record["harmonise"]["share"] <= 0.5
    np.testing.assert_array_equal(made.composite.shape, (16, 16, 3))
