"""Estimated foregrounds: known colours are found again, and Levin's own solution is met."""

from __future__ import annotations

import numpy as np
import pytest
from drawings import draw_disc, draw_picture
from pymatting import estimate_foreground_cf

from rssn import blend, estimate_foreground
from rssn._closed_form import solve
from rssn.errors import InputError


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


@pytest.mark.parametrize("method", ["closed_form", "multilevel"])
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


def test_known_pixels_keep_their_colour() -> None:
    image, alpha = draw_picture(3), draw_disc()
    foreground, background = estimate_foreground(image, alpha, background=True)
    inside, outside = draw_disc(radius=8, rim=1) == 1, draw_disc(radius=22, rim=1) == 0
    np.testing.assert_array_equal(foreground[inside], image[inside])
    np.testing.assert_array_equal(background[outside], image[outside])


@pytest.mark.parametrize("value", [0, 1])
def test_matte_without_transition(value: int) -> None:
    image = draw_picture(4)
    foreground, background = estimate_foreground(
        image, np.full((48, 64), value, np.float32), background=True
    )
    np.testing.assert_array_equal(foreground if value else background, image)


def test_hard_edge_does_not_bleed() -> None:
    alpha = np.zeros((32, 32), np.float32)
    alpha[:, 16:] = 1
    image = np.zeros((32, 32, 3), np.float32)
    image[:, 16:] = (0.8, 0.4, 0.2)
    foreground = estimate_foreground(image, alpha)
    np.testing.assert_allclose(foreground[:, 16:], image[:, 16:], atol=0.02)
    np.testing.assert_allclose(foreground[:, 14:16], image[:, 16:18], atol=0.1)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_type_of_the_image_is_kept(dtype: type) -> None:
    image = draw_picture(5) if dtype is np.uint8 else (draw_picture(5) / 255).astype(dtype)
    foreground = estimate_foreground(image, draw_disc())
    assert foreground.dtype == dtype and foreground.shape == image.shape


@pytest.mark.parametrize(
    ("image", "alpha", "method", "message"),
    [
        (draw_picture(6), draw_disc(), "local_smoothness", "'closed_form' or 'multilevel'"),
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
