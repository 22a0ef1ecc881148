"""Estimated foregrounds: known colours are found again, and Levin's own solution is met."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from drawings import draw_disc, draw_picture
from pymatting import estimate_foreground_cf

from rssn import blend, estimate_foreground, extend_foreground
from rssn.foreground.closed_form import solve
from rssn.foreground.estimate import METHODS
from rssn.foreground.local_smoothness import refine, simple_refine
from rssn.imaging.errors import InputError


def test_solving_every_pixel_is_levins_solution() -> None:
    image = draw_picture(1).astype(np.float32) / 255
    alpha = draw_disc()
    everywhere = np.ones(alpha.shape, bool)
    start = np.dstack([image, image])
    ours = solve(image, alpha, start, everywhere, tolerance=1e-6).reshape(*alpha.shape, 6)
    theirs = estimate_foreground_cf(
        image.astype(np.float64), alpha.astype(np.float64), rtol=1e-9, return_background=True
    )
    weight = alpha[..., None]
    # Where a colour does not show it is all but free, so it is compared where it does.
    np.testing.assert_allclose(
        weight * ours[..., :3].clip(0, 1), weight * theirs[0], rtol=0, atol=1e-3
    )
    np.testing.assert_allclose(
        (1 - weight) * ours[..., 3:].clip(0, 1), (1 - weight) * theirs[1], rtol=0, atol=1e-3
    )


def test_band_alone_is_close_to_levins_solution() -> None:
    image, alpha = draw_picture(2, 96, 128).astype(np.float64) / 255, draw_disc(96, 128, 30, 12)
    theirs = estimate_foreground_cf(image, alpha.astype(np.float64))
    ours = estimate_foreground(image, alpha)
    assert (alpha[..., None] * np.abs(ours - theirs)).mean() < 0.1 / 255


@pytest.mark.parametrize("method", METHODS)
def test_constant_colours_are_separated_and_give_the_image_back(method: str) -> None:
    alpha = draw_disc()
    red, blue = (
        np.full((48, 64, 3), (200, 40, 30), np.uint8),
        np.full((48, 64, 3), (20, 60, 180), np.uint8),
    )
    image = blend(alpha, red, blue)
    foreground, background = estimate_foreground(image, alpha, method, background=True)
    assert foreground.dtype == background.dtype == np.uint8
    shows, behind = alpha > 0.2, alpha < 0.8
    assert np.abs(foreground[shows] - red[shows].astype(float)).max() <= 5
    assert np.abs(background[behind] - blue[behind].astype(float)).max() <= 5
    again = alpha[..., None] * foreground + (1 - alpha[..., None]) * background
    assert np.abs(again - image).mean() < 1


@pytest.mark.parametrize("method", METHODS)
def test_smooth_colours_give_the_image_back(method: str) -> None:
    alpha = draw_disc(96, 128, 30, 12)
    image = blend(alpha, draw_picture(7, 96, 128), draw_picture(8, 96, 128))
    foreground, background = estimate_foreground(image, alpha, method, background=True)
    weight = alpha[..., None]
    assert np.abs(weight * foreground + (1 - weight) * background - image).mean() < 1


@pytest.mark.parametrize("method", ["closed_form", "local_smoothness"])
def test_known_pixels_keep_their_colour(method: str) -> None:
    image, alpha = draw_picture(3), draw_disc()
    foreground, background = estimate_foreground(image, alpha, method, background=True)
    inside, outside = draw_disc(radius=8, rim=1) == 1, draw_disc(radius=22, rim=1) == 0
    np.testing.assert_array_equal(foreground[inside], image[inside])
    np.testing.assert_array_equal(background[outside], image[outside])


@pytest.mark.parametrize("method", ["closed_form", "local_smoothness"])
@pytest.mark.parametrize("value", [0, 1])
def test_matte_without_transition(value: int, method: str) -> None:
    image = draw_picture(4)
    foreground, background = estimate_foreground(
        image, np.full((48, 64), value, np.float32), method, background=True
    )
    np.testing.assert_array_equal(foreground if value else background, image)


@pytest.mark.parametrize("method", ["closed_form", "local_smoothness"])
def test_hard_edge_does_not_bleed(method: str) -> None:
    alpha = np.zeros((32, 32), np.float32)
    alpha[:, 16:] = 1
    image = np.zeros((32, 32, 3), np.float32)
    image[:, 16:] = (0.8, 0.4, 0.2)
    foreground = estimate_foreground(image, alpha, method)
    np.testing.assert_allclose(foreground[:, 16:], image[:, 16:], atol=0.02)
    np.testing.assert_allclose(foreground[:, 14:16], image[:, 16:18], atol=0.1)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_type_of_the_image_is_kept(dtype: type, method: str) -> None:
    image = draw_picture(5) if dtype is np.uint8 else (draw_picture(5) / 255).astype(dtype)
    for colours in (
        estimate_foreground(image, draw_disc(), method),
        extend_foreground(image, draw_disc()),
    ):
        assert colours.dtype == dtype and colours.shape == image.shape


def test_one_jacobi_step_by_hand() -> None:
    alpha = np.array([[1, 0.5, 0]], np.float32)  # q = 0, 1/4, 1: the edges weigh 1/4 and 5/4
    colours = np.array([[[1], [0.5], [0.2]]], np.float32)
    stepped = simple_refine(alpha[..., None] * colours, alpha, colours, 1, 1)
    # (1 + .5/4) / (1 + 1/4), (.5 * .25 + 1/4 + .2 * 5/4) / (1/4 + 6/4), (.5 * 5/4) / (5/4)
    np.testing.assert_allclose(stepped.ravel(), [0.9, 5 / 14, 0.5], rtol=1e-6)


def test_many_jacobi_steps_are_the_solution_of_the_linear_system() -> None:
    rng = np.random.default_rng(0)
    alpha = rng.random((5, 6)).astype(np.float32)
    alpha[1:3, 1:4] = 0
    given = rng.random((5, 6, 3)).astype(np.float32)
    matrix = np.diag(alpha.ravel().astype(float) ** 2)
    for i, (y, x) in enumerate(np.ndindex(alpha.shape)):
        for j, (v, u) in enumerate(np.ndindex(alpha.shape)):
            if abs(y - v) + abs(x - u) == 1:
                difference = np.zeros(alpha.size)
                difference[i], difference[j] = 1, -1
                matrix += 0.7 * (1 - alpha[y, x]) ** 2 * np.outer(difference, difference)
    solution = np.linalg.solve(matrix, (alpha[..., None] ** 2 * given).reshape(-1, 3))
    ours = simple_refine(alpha[..., None] * given, alpha, given, 0.7, 2000)
    np.testing.assert_allclose(ours.reshape(-1, 3), solution, rtol=0, atol=1e-5)


def smoothness_energy(refined: np.ndarray, given: np.ndarray, alpha: np.ndarray) -> float:
    """The energy that LSA's refinement minimises, κ = 1, straight from its definition."""
    q = (1 - alpha) ** 2
    down, right = (np.diff(refined, axis=axis) ** 2 for axis in (0, 1))
    edges = ((q[1:] + q[:-1])[..., None] * down).sum()
    edges += ((q[:, 1:] + q[:, :-1])[..., None] * right).sum()
    return float(((alpha[..., None] * (refined - given)) ** 2).sum() + edges) / 2


def test_scales_carry_the_colours_through_noise_that_one_scale_leaves() -> None:
    alpha = draw_disc(96, 128, 30, 12)
    given = draw_picture(9, 96, 128).astype(np.float32) / 255
    noise = np.random.default_rng(1).random(given.shape, np.float32)
    given[alpha == 0] = noise[alpha == 0]
    before = smoothness_energy(given, given, alpha)
    one = smoothness_energy(refine(given, alpha, scales=1), given, alpha)
    all_scales = smoothness_energy(refine(given, alpha), given, alpha)
    assert before > 5000 and one < before / 40 and all_scales < one / 20


def test_extension_depends_on_no_hidden_colour_and_keeps_what_is_opaque() -> None:
    alpha = draw_disc(96, 128, 30, 12)
    picture = draw_picture(10, 96, 128)
    cutout = picture.copy()
    cutout[alpha == 0] = np.random.default_rng(2).integers(0, 256, (96, 128, 3))[alpha == 0]
    extended = extend_foreground(cutout, alpha)
    np.testing.assert_array_equal(extended[alpha == 1], picture[alpha == 1])
    shown = alpha[..., None] * np.abs(extended - picture.astype(float))
    assert shown[alpha > 0].mean() < 1
    again = extend_foreground(np.where(alpha[..., None] > 0, picture, np.uint8(0)), alpha)
    assert np.abs(extended.astype(float) - again).max() <= 3


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("size", [(1, 2), (1, 40), (33, 32), (48, 64)])
def test_extension_of_one_colour_is_that_colour(size: tuple[int, int], value: float) -> None:
    colour = np.full((*size, 3), (200, 40, 30), np.uint8)
    extended = extend_foreground(colour, np.full(size, value, np.float32))
    np.testing.assert_array_equal(extended, colour)


@pytest.mark.parametrize(
    ("image", "alpha", "method", "message"),
    [
        (draw_picture(6), draw_disc(), "knn", "'multilevel' or 'local_smoothness'"),
        (draw_picture(6), draw_disc(40, 64), "closed_form", "one size"),
        (draw_picture(6)[..., 0], draw_disc(), "closed_form", r"\(H, W, 3\)"),
        (draw_picture(6), (draw_disc() * 255).astype(np.uint8), "closed_form", "float in"),
        (draw_picture(6), np.full((48, 64), np.nan), "closed_form", "float in"),
        (draw_picture(6).astype(np.float32), draw_disc(), "closed_form", "or uint8"),
    ],
)
def test_bad_input_is_named(
    image: np.ndarray, alpha: np.ndarray, method: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        estimate_foreground(image, alpha, method)


def test_bad_cutout_is_named() -> None:
    with pytest.raises(InputError, match="foreground goes from"):
        extend_foreground(draw_picture(6).astype(np.float32), draw_disc())
    with pytest.raises(InputError, match="foreground has shape"):
        extend_foreground(draw_picture(6)[..., 0], draw_disc())
    with pytest.raises(InputError, match="one size"):
        extend_foreground(draw_picture(6), draw_disc(40, 64))


@pytest.mark.integration
def test_estimating_leaves_torch_its_threads() -> None:
    """Asked in a process of its own, since the library is imported once."""
    program = """
import numpy as np, torch
from rssn import estimate_foreground
torch.set_num_threads(1)
estimate_foreground(np.zeros((8, 8, 3), np.uint8), np.full((8, 8), 0.5, np.float32), "multilevel")
assert torch.get_num_threads() == 1, torch.get_num_threads()
from rssn.foreground.pymatting_parts import function
assert callable(function("alpha.estimate_alpha_cf", "estimate_alpha_cf"))
assert torch.get_num_threads() == 1, torch.get_num_threads()
"""
    environment = {**os.environ, "NUMBA_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
