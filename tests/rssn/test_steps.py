"""Blending, blur, noise and background crops, each against a value known by hand."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from drawings import draw_disc, draw_picture

from rssn import BackgroundSampler, add_noise, blend, blur, cover_crop
from rssn.imaging.errors import InputError
from rssn.route.sharpness import scaled_size


def test_blend_by_hand() -> None:
    alpha = np.array([[0.25, 0.5]], np.float32)
    foreground = np.array([[[200, 100, 0], [1, 3, 255]]], np.uint8)
    background = np.array([[[100, 20, 255], [0, 0, 0]]], np.uint8)
    # 0.25·200 + 0.75·100 = 125; 40; 191.25. Ties go to the even value: 0.5 → 0, 1.5 → 2.
    expected = [[[125, 40, 191], [0, 2, 128]]]
    np.testing.assert_array_equal(blend(alpha, foreground, background), expected)


def test_blend_with_alpha_0_and_1_keeps_every_bit() -> None:
    foreground, background = draw_picture(1), draw_picture(2)
    for kind in (np.uint8, np.float32):
        f, b = foreground.astype(kind), background.astype(kind)
        ones = np.ones(f.shape[:2], np.float32)
        np.testing.assert_array_equal(blend(ones, f, b), f)
        np.testing.assert_array_equal(blend(0 * ones, f, b), b)


def test_blend_refuses_what_does_not_fit() -> None:
    with pytest.raises(InputError, match="differ in size"):
        blend(draw_disc(), draw_picture(1), draw_picture(2, 40, 64))
    with pytest.raises(InputError, match="one type"):
        blend(draw_disc(), draw_picture(1), draw_picture(2).astype(np.float32))
    with pytest.raises(InputError, match="float in"):
        blend(np.ones((48, 64), np.uint8), draw_picture(1), draw_picture(2))


@pytest.mark.parametrize("size", [1, 2, 3, 20, 30, 60])
def test_blur_is_opencvs_box_filter(size: int) -> None:
    image = draw_picture(3)
    np.testing.assert_array_equal(blur(image, size), cv2.blur(image, (size, size)))


def test_even_window_by_hand() -> None:
    row = np.zeros((1, 6, 3), np.uint8)
    row[0, 3] = 200  # a 2 px window at x averages x - 1 and x
    np.testing.assert_array_equal(blur(row, 2)[0, :, 0], [0, 0, 0, 100, 100, 0])
    with pytest.raises(InputError, match="1 or more"):
        blur(row, 0)


def test_window_scales_with_the_shorter_side() -> None:
    assert scaled_size(60, 540, 1080) == 30
    assert scaled_size(20, 27, 1080) == 1
    assert scaled_size(60, 540, None) == 60


def test_noise_is_one_field_with_the_mean_and_variance_asked_for() -> None:
    grey, other = np.full((200, 200, 3), 100, np.uint8), np.full((200, 200, 3), 150, np.uint8)
    noisy, same = add_noise([grey, other], 10, np.random.default_rng(0))
    field = noisy.astype(int) - 100
    np.testing.assert_array_equal(field, same.astype(int) - 150)
    # 120,000 draws: the mean is within 4 standard errors, the variance 100 and 1/12 of rounding.
    assert abs(field.mean()) < 4 * 10 / np.sqrt(field.size)
    assert field.var() == pytest.approx(100 + 1 / 12, rel=0.02)


def test_noise_is_clipped_and_never_wraps() -> None:
    black, white = np.zeros((64, 64, 3), np.uint8), np.full((64, 64, 3), 255, np.uint8)
    dark, light = add_noise([black, white], 10, np.random.default_rng(1))
    assert dark.max() < 100 and light.min() > 155
    assert (dark == 0).mean() == pytest.approx(0.5, abs=0.05)


def test_noise_refuses_what_does_not_fit() -> None:
    with pytest.raises(InputError, match="sigma=-1"):
        add_noise([draw_picture(1)], -1, np.random.default_rng(0))
    with pytest.raises(InputError, match=r"\(48, 64, 3\)"):
        add_noise([draw_picture(1), draw_picture(1, 20, 20)], 1, np.random.default_rng(0))


def test_background_draws_depend_on_seed_and_name_alone() -> None:
    sampler = BackgroundSampler(20, seed=7)
    first = sampler.draw("cat", 5)
    assert len(set(first)) == 5 and set(first) <= set(range(20))
    assert BackgroundSampler([Path(str(n)) for n in range(20)], 7).draw("cat", 5) == first
    assert sampler.draw("dog", 5) != first
    assert BackgroundSampler(20, seed=8).draw("cat", 5) != first


def test_unreadable_background_is_replaced_and_the_others_stay() -> None:
    sampler = BackgroundSampler(20)
    first = sampler.draw("cat", 5)
    again = sampler.draw("cat", 5, unusable={first[2]})
    assert again[:4] == first[:2] + first[3:] and again[4] not in first


def test_more_backgrounds_than_there_are() -> None:
    with pytest.raises(InputError, match="--k 3"):
        BackgroundSampler(4).draw("cat", 5, unusable={1})


def test_crop_covers_without_stretching() -> None:
    # Thirds of a 30x90 picture: the middle one fills a square of any size.
    thirds = np.zeros((30, 90, 3), np.uint8)
    thirds[:, 30:60], thirds[:, 60:] = 100, 200
    for side in (10, 30, 60):
        np.testing.assert_array_equal(cover_crop(thirds, side, side, (0.3, 0.5))[side // 2], 100)
    assert (cover_crop(thirds, 30, 30, (0, 0)) == 0).all()
    assert (cover_crop(thirds, 30, 30, (0, 1)) == 200).all()


@pytest.mark.parametrize("size", [(1, 1), (7, 200), (200, 7), (48, 64), (999, 3)])
def test_crop_has_the_size_asked_for(size: tuple[int, int]) -> None:
    assert cover_crop(draw_picture(1), *size, (0.99, 0.99)).shape == (*size, 3)
