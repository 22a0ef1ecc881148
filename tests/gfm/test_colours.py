"""Colours behind soft edges: known ones come back, and the fusion step is the published one."""

from __future__ import annotations

import numpy as np
import pytest
from tiny import draw_matte, draw_photograph

from gfm.inference.colours import STRIP, estimate_colours, fusion_step
from gfm.inference.cutout import Matte
from gfm.inference.multilevel import restore_composition
from rssn.foreground.estimate import estimate_foreground
from rssn.imaging.blending import blend


def scene(height: int = 160, width: int = 200) -> tuple[np.ndarray, ...]:
    """A soft disc of one colour ramp before another, with what it was mixed from."""
    alpha = draw_matte(height, width, radius=min(height, width) / 3, rim=40)
    front, back = draw_photograph(1, height, width), draw_photograph(2, height, width) // 3
    return blend(alpha, front, back), alpha, front


def error(found, alpha, front):
    soft = (alpha > 0.02) & (alpha < 0.98)
    return np.abs(alpha[..., None] * (found.astype(float) - front))[soft].mean()


@pytest.mark.parametrize("method", ["blur", "multilevel", "closed_form"])
def test_known_colours_come_back(method):
    image, alpha, front = scene()
    found, same = estimate_colours(image, alpha, method)
    assert found.dtype == np.uint8 and same is alpha
    # The rim is 40 px wide, half of the window of `blur`, which reaches fewer solid pixels.
    share = 2 if method == "blur" else 4
    assert error(found, alpha, front) < error(image, alpha, front) / share
    np.testing.assert_array_equal(found[alpha == 1], image[alpha == 1])


def test_sparse_levels_do_as_well_as_whole_ones():
    image, alpha, front = scene()
    whole = estimate_foreground(image, alpha, method="multilevel")
    found, _ = estimate_colours(image, alpha, "multilevel")
    assert error(found, alpha, front) < 1.1 * error(whole, alpha, front) + 0.1


@pytest.mark.parametrize("method", ["blur", "multilevel"])
def test_strips_leave_no_seam(method):
    image, alpha, front = scene(STRIP + 100, 90)
    found, _ = estimate_colours(image, alpha, method)
    step = np.abs(np.diff(found.astype(float) - front, axis=0)).mean(axis=(1, 2))
    assert step[STRIP - 1] < 3 * step[STRIP - 40 : STRIP + 40].mean() + 0.5


@pytest.mark.parametrize("method", ["blur", "multilevel", "closed_form"])
@pytest.mark.parametrize("refine", [False, True])
def test_height_of_the_strips_changes_nothing(method, refine, monkeypatch):
    rng = np.random.default_rng(0)
    image, alpha, _ = scene()
    textured = (image * rng.uniform(0.5, 1, image.shape)).astype(np.uint8)
    whole = estimate_colours(textured, alpha, method, refine)
    monkeypatch.setattr("gfm.inference.colours.STRIP", 40)
    found, corrected = estimate_colours(textured, alpha, method, refine)
    if method != "multilevel" or not refine:  # the refinement of strips rounds otherwise
        np.testing.assert_array_equal(found, whole[0])
    np.testing.assert_allclose(corrected, whole[1], atol=1e-5)


@pytest.mark.parametrize("level", [0, 1])
def test_hard_mattes_keep_the_image(level):
    image = draw_photograph(0)
    alpha = np.full((48, 64), level, np.float32)
    found, _ = estimate_colours(image, alpha, refine=True)
    np.testing.assert_array_equal(found, image)


def test_fusion_step_by_hand():
    # The residual is 0.5 - (0.45, 0.4, 0.35); B sees the corrected F.
    front, back = np.array([[0.8, 0.6, 0.4]]), np.array([[0.1, 0.2, 0.3]])
    made = fusion_step(np.full((1, 3), 0.5), np.array([0.5]), front, back)
    np.testing.assert_allclose(made[0], [[0.825, 0.65, 0.475]])
    np.testing.assert_allclose(made[1], [[0.11875, 0.2375, 0.35625]])
    np.testing.assert_allclose(made[2], [0.56779], atol=5e-6)


def test_fusion_step_keeps_what_fits():
    rng = np.random.default_rng(0)
    alpha, front, back = rng.random(50), rng.random((50, 3)), rng.random((50, 3))
    image = alpha[:, None] * front + (1 - alpha[:, None]) * back
    for made, given in zip(
        fusion_step(image, alpha, front, back), (front, back, alpha), strict=True
    ):
        np.testing.assert_allclose(made, given, atol=1e-12)


def test_refinement_comes_closer_to_the_image():
    image, alpha, _ = scene()
    wrong = (alpha**1.3).astype(np.float32)
    found, corrected = estimate_colours(image, wrong, refine=True)
    assert (corrected != wrong).any() and found.dtype == np.uint8
    hard = (wrong == 0) | (wrong == 1)
    np.testing.assert_array_equal(corrected[hard], wrong[hard])


def test_light_is_mixed_on_request():
    half = Matte(
        np.full((2, 2), 0.5, np.float32), np.full((2, 2, 3), 255, np.uint8), np.ones((2, 2))
    )
    assert half.on((0, 0, 0))[0, 0].tolist() == [128, 128, 128]
    assert half.on((0, 0, 0), linear=True)[0, 0].tolist() == [188, 188, 188]  # sRGB of 0.5


def test_light_of_hard_mattes_is_exact():
    every = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    for level in (0, 1):
        whole = Matte(np.full((16, 16), level, np.float32), every, np.ones((16, 16)))
        np.testing.assert_array_equal(whole.on(every, linear=True), every)


@pytest.mark.parametrize("method", ["blur", "multilevel", "closed_form"])
def test_colours_mix_to_the_image_again(method):
    rng = np.random.default_rng(0)
    image, alpha, _ = scene()
    textured = (image * rng.uniform(0.8, 1, image.shape)).astype(np.uint8)
    found, _ = estimate_colours(textured, alpha, method)
    # Where F and B are within the range of colours, B = (C - alpha F) / (1 - alpha) is, too.
    soft = (alpha > 0.1) & (alpha < 0.9)
    back = (textured - alpha[..., None] * found.astype(float))[soft] / (1 - alpha[soft])[:, None]
    assert -6 < back.min() and back.max() < 261


def test_restoration_by_hand():
    image = np.full((1, 1, 3), 204, np.uint8)  # 0.8
    alpha = np.full((1, 1), 0.75, np.float32)
    colours = np.array([[[0.6, 0.9, 0.8, 0.2, 0.9, 0.8]]], np.float32)
    restore_composition(image, alpha, colours)
    # What is missing is 0.3, -0.1 and 0, over 0.75^2 + 0.25^2; F clips at nothing here.
    wanted = [0.6 + 0.3 * 1.2, 0.9 - 0.1 * 1.2, 0.8, 0.2 + 0.3 * 0.4, 0.9 - 0.1 * 0.4, 0.8]
    np.testing.assert_allclose(colours[0, 0], wanted, atol=1e-6)
