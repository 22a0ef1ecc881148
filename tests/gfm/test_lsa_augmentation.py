"""Foregrounds, mattes and trimaps that LSA matting trains with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from guided import cases, check, draw_image, draw_matte, inputs

from gfm.guidance.bands import dilated_trimap
from gfm.models.lsa.augmentation import bend, blend_colour, crop_around, enlarge_to, reflect_to
from gfm.models.lsa.pipeline import Augmentation, AugmentationOptions
from rssn.foreground.local_smoothness import energy, refine, simple_refine
from rssn.imaging.errors import InputError

OPTIONS = AugmentationOptions(size=64)


def test_foregrounds_are_refined_as_released():
    image, matte = inputs("lsa", "refine_70x90").values()
    given, alpha = (np.float32(each / 255) for each in (image, matte))
    weighted = alpha[..., None] * given
    one = simple_refine(weighted, alpha, given, 1, 20, "mirrored")
    two = simple_refine(weighted, alpha, given, 2, 7, "mirrored")
    scales = refine(given, alpha, border="mirrored")
    levels = (255 * scales.clip(0, 1)).astype(np.uint8)
    energies = np.array([energy(each, given, alpha) for each in (given, one, scales)])
    check(
        "lsa",
        "refine_70x90",
        algorithm1=one,
        algorithm1_kappa2=two,
        algorithm2=scales,
        algorithm2_uint8=levels,
        energy=energies,
    )


def test_side_of_one_pixel_mirrors_into_itself():
    """α F + 8 κ q F̂ over α² + 8 κ q, by hand: the pixel is its own four neighbours."""
    alpha, given = np.full((1, 1), 0.5, np.float32), np.full((1, 1, 1), 0.8, np.float32)
    step = simple_refine(0.5 * given, alpha, 0 * given, 1.0, 1, "mirrored")
    assert step.item() == pytest.approx(0.25 * 0.8 / (0.25 + 8 * 0.25))


@pytest.mark.parametrize("case", ["trimap_a", "trimap_b"])
def test_trimaps_are_the_released(case):
    outer, inner = cases("lsa")[case]["radii"]
    matte = inputs("lsa", case)["matte"] / np.float32(255)
    check("lsa", case, trimap=dilated_trimap(matte, outer, inner))


def test_mattes_are_bent_as_released():
    matte, gammas = inputs("lsa", "gamma_a")["matte"], cases("lsa")["gamma_a"]["gamma"]
    for gamma in gammas:
        got = {"direct": bend(matte, gamma, False), "mirrored": bend(matte, gamma, True)}
        check("lsa", "gamma_a", **{f"{name}_{gamma}": made for name, made in got.items()})


def test_colours_are_blended_as_released_and_as_in_the_paper():
    image, case = inputs("lsa", "colour_a")["image"], cases("lsa")["colour_a"]
    weights, colour = np.array(case["w"]), np.array(case["u"])
    made = blend_colour(image, weights, colour).astype(np.uint8)
    check("lsa", "colour_a", code_uint8=made, paper=blend_colour(image, weights[:1], colour))


def test_small_foreground_is_mirrored_all_around():
    part = np.arange(12, dtype=np.uint8).reshape(3, 4)
    grown = reflect_to(part, 4)
    assert grown.shape == (5, 6)  # one on all four sides; the width has more than 4 then
    assert np.array_equal(grown[[0, -1], 1:-1], part[[1, 1]])


def test_crop_fits_into_the_enlarged_matte_and_prefers_the_fringe():
    alpha = enlarge_to(draw_matte(40, 60), 64)
    assert alpha.shape == (64, 96)
    top, left = crop_around(alpha, 41, np.random.default_rng(0))
    assert 0 <= top <= 64 - 40 and 0 <= left <= 96 - 40
    solid = np.full((64, 64), 255, np.uint8)
    solid[30, 30] = 100
    shares = []
    for seed in range(20):
        top, left = crop_around(solid, 32, np.random.default_rng(seed))
        shares.append((solid[top : top + 32, left : left + 32] == 100).any())
    assert sum(shares) > 15  # one place in two or three shows the pixel, five tries nearly always


def sample(options=OPTIONS, seed=0):
    parts = draw_image(80, 100, 1), draw_matte(80, 100, 1), draw_image(50, 60, 2)
    return Augmentation(options)(*parts, np.random.default_rng(seed))


def test_sample_follows_from_its_generator():
    one, again, other = sample(), sample(), sample(seed=1)
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert not np.array_equal(one.foreground, other.foreground)
    assert [part.shape[:2] for part in one] == [(64, 64)] * 4
    assert set(np.unique(one.trimap)) <= {0, 128, 255}


def test_trimap_belongs_to_the_matte():
    for seed in range(5):
        made = sample(seed=seed)
        known = made.trimap != 128
        assert np.array_equal(made.alpha[known], made.trimap[known])


def test_blend_is_not_rounded():
    made = sample()
    alpha = made.alpha[..., None] / 255
    expected = (alpha * made.foreground + (1 - alpha) * made.background) / 255
    assert made.blend() == pytest.approx(expected, abs=1e-6)


def test_colour_augmentation_may_be_left_out():
    """Without it, F keeps the levels of a foreground of two colours, or their inverse."""
    parts = np.zeros((70, 70, 3), np.uint8), np.full((70, 70), 255, np.uint8)
    plain = Augmentation(replace(OPTIONS, colour="none"))
    coloured = Augmentation(OPTIONS)
    found = {"plain": set(), "coloured": set()}
    for seed in range(12):
        for name, augment in (("plain", plain), ("coloured", coloured)):
            made = augment(*parts, parts[0], np.random.default_rng(seed))
            found[name] |= set(np.unique(made.foreground))
    assert found["plain"] == {0, 255} and len(found["coloured"]) > 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 100}, "size=100"),
        ({"blur": 2.0}, "blur=2.0"),
        ({"colour": "all"}, "'paper', 'released' or 'none'"),
        ({"gamma": "wide"}, "'paper' or 'released'"),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        AugmentationOptions(**options)
