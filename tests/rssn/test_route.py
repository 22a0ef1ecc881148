"""The routes: what their probabilities switch on, and that a sample is its draws."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawings import draw_disc, draw_picture

from rssn import ROUTES, RouteOptions, blend, blur, compose, cover_crop
from rssn.imaging.errors import InputError
from rssn.route.compose import draw_steps

F, B, ALPHA = draw_picture(1), draw_picture(2), draw_disc()
ALWAYS = RouteOptions(denoise_probability=1, blur_probability=1, noise_probability=1)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_all_probabilities_0_is_plain_blending() -> None:
    made = compose(F, ALPHA, B, ROUTES["bg20k"], rng())
    np.testing.assert_array_equal(made.composite, blend(ALPHA, F, B))
    np.testing.assert_array_equal(made.foreground, F)
    np.testing.assert_array_equal(made.background, B)
    assert [made.record[step] for step in ("denoise", "blur", "noise")] == [None, None, None]


def test_alpha_1_gives_f_and_alpha_0_gives_b_with_every_step_on() -> None:
    for value in (0, 1):
        alpha = np.full(ALPHA.shape, value, np.float32)
        made = compose(F, alpha, B, ALWAYS, rng(), denoise=lambda image: image // 2)
        np.testing.assert_array_equal(made.composite, made.foreground if value else made.background)


def test_steps_run_in_the_order_of_the_pipeline() -> None:
    options = replace(ALWAYS, blur_sizes=(4,), noise_probability=0)
    picture = draw_picture(3, 90, 70)
    made = compose(F, ALPHA, picture, options, rng(), denoise=lambda image: image // 2)
    position = tuple(made.record["crop"])
    background = blur(cover_crop(picture // 2, *ALPHA.shape, position), 4)
    np.testing.assert_array_equal(made.background, background)
    np.testing.assert_array_equal(made.foreground, F // 2)
    np.testing.assert_array_equal(made.composite, blend(ALPHA, F // 2, background))
    assert made.record["denoise"] == {"sigma": 10, "backend": "fast"}
    assert made.record["blur"] == {"size": 4}


def test_noise_of_composite_f_and_b_is_one_field() -> None:
    flat = np.full_like(F, 128)
    made = compose(flat, ALPHA, flat, replace(ROUTES["noise"], noise_probability=1), rng())
    assert made.record["noise"] == {"sigma": 10}
    assert made.composite.std() == pytest.approx(10, rel=0.05)
    np.testing.assert_array_equal(made.composite, made.foreground)
    np.testing.assert_array_equal(made.composite, made.background)


def test_same_generator_gives_the_same_sample_and_another_another() -> None:
    options = replace(ALWAYS, denoise_probability=0)
    first, again, other = (compose(F, ALPHA, B, options, rng(s)).composite for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_steps_come_as_often_as_asked_and_do_not_shift_each_other() -> None:
    paper = [draw_steps(RouteOptions(), rng(n)) for n in range(2000)]
    for fired in (
        [s.denoise for s in paper],
        [s.blur_size is not None for s in paper],
        [s.noise for s in paper],
    ):
        assert np.mean(fired) == pytest.approx(0.5, abs=0.04)
    sizes = [s.blur_size for s in paper if s.blur_size]
    assert {size: sizes.count(size) for size in sizes}.keys() == {20, 30, 40, 50, 60}
    without = [draw_steps(ROUTES["noise"], rng(n)) for n in range(50)]
    assert [s.noise for s in without] == [s.noise for s in paper[:50]]
    assert not any(s.denoise or s.blur_size for s in without)


def test_blur_scales_with_the_image_where_a_reference_is_given() -> None:
    options = replace(
        ALWAYS, denoise_probability=0, blur_sizes=(40,), blur_reference=480, noise_probability=0
    )
    assert compose(F, ALPHA, B, options, rng()).record["blur"] == {"size": 4}  # 40 · 48 / 480


def test_yaml_holds_what_differs(tmp_path: Path) -> None:
    path = tmp_path / "route.yaml"
    path.write_text("k: 3\nblur_sizes: [5, 9]\ndenoise_sigma: auto\nshorter_side: null\n")
    wanted = RouteOptions(k=3, blur_sizes=(5, 9), denoise_sigma="auto", shorter_side=None)
    assert RouteOptions.from_yaml(path) == wanted
    for route in ROUTES.values():
        assert RouteOptions.from_dict(json.loads(json.dumps(route.as_dict()))) == route


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("blur_probabilty: 1", "unknown options.*blur_probability"),
        ("- 1", "unknown options"),
        ("1: 2\nkk: 3", r"unknown options \[1, 'kk'\]"),
        ("k: [", "cannot be read as YAML"),
        ("k: 0", "k=0 is not allowed"),
        ("denoise_probability: 1.5", "give 0 to 1"),
        ("noise_sigma: .nan", "noise_sigma=nan"),
        ("denoise_sigma: .inf", "denoise_sigma=inf"),
        ("denoise_sigma: often", "or 'auto'"),
        ("denoise_backend: bm4d", "'fast' or 'bm3d'"),
        ("blur_sizes: 20", "list of one or more"),
        ("blur_sizes: []", "list of one or more"),
        ("composition: false", "without composition"),
        ("shorter_side: 0", "8 px or more"),
    ],
)
def test_bad_options_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.yaml"
    with pytest.raises(InputError, match=r"bad.yaml: no such file"):
        RouteOptions.from_yaml(path)
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        RouteOptions.from_yaml(path)
