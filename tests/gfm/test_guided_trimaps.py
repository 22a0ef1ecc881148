"""Trimaps from mattes and masks, checked by hand-drawn pictures and the golden D-n trimaps."""

from __future__ import annotations

import guided
import numpy as np
import pytest

from gfm.guidance.bands import (
    RADII,
    dilated_trimap,
    distance_to,
    eroded_trimap,
    random_trimap,
    widened,
)
from gfm.guidance.masks import (
    Mistakes,
    box,
    contour,
    polygon,
    spoiled,
    strongest,
    trimap_from_mask,
)
from gfm.guidance.refinement import grown, keep_extent, trimap_from_matte
from rssn.imaging.errors import InputError

EDGE = np.float32([0, 0, 0, 0, 0.5, 1, 1, 1, 1])  # of a matte, repeated in rows


def rows(values, height=5):
    return np.repeat(np.asarray(values)[None], height, axis=0)


def square(side=60, low=20, high=40):
    mask = np.zeros((side, side), np.float32)
    mask[low:high, low:high] = 1
    return mask


@pytest.mark.parametrize("distance", [3, 10])
def test_dilation_is_that_of_the_golden_values(distance):
    alpha = guided.inputs("adamatting", "losses_48x64")["matte"].astype(np.float32) / 255
    golden = guided.outputs("adamatting", "losses_48x64")[f"d_{distance}_trimap"]
    np.testing.assert_array_equal(dilated_trimap(alpha, distance), golden)


def test_dilated_trimap_by_hand():
    expected = [0, 0, 128, 128, 128, 128, 255, 255, 255]
    np.testing.assert_array_equal(dilated_trimap(rows(EDGE), 2, 1), rows(expected))


def test_dilation_finds_nothing_in_a_binary_matte():
    assert set(np.unique(dilated_trimap(square(), 9))) == {0, 255}


def test_eroded_trimap_by_hand():
    expected = [0, 0, 128, 128, 128, 128, 255, 255, 255]
    np.testing.assert_array_equal(eroded_trimap(rows(EDGE), 2, 1), rows(expected))
    hard = rows([0, 0, 0, 1, 1, 1])
    np.testing.assert_array_equal(eroded_trimap(hard, 1, 1), rows([0, 0, 128, 128, 255, 255]))


def test_widened_trimap_by_hand():
    trimap = rows(np.uint8([0, 0, 0, 128, 255, 255, 255]))
    expected = [0, 128, 128, 128, 128, 128, 255]
    np.testing.assert_array_equal(widened(trimap, 2), rows(expected))


@pytest.mark.parametrize("scheme", RADII)
def test_random_bands_have_the_radii_of_the_paper(scheme):
    alpha = np.repeat(np.float32([0] * 40 + [0.5] + [1] * 40)[None], 3, axis=0)
    widths = set()
    for seed in range(200):
        made = random_trimap(alpha, np.random.default_rng(seed), scheme)[1]
        outer, inner = (made[:40] == 128).sum(), (made[41:] == 128).sum()
        assert scheme != "dim" or outer == inner
        widths |= {outer, inner}
    assert (min(widths), max(widths)) == RADII[scheme]


def test_random_trimap_depends_on_the_generator_alone():
    made = [random_trimap(rows(EDGE), np.random.default_rng(7)) for _ in range(2)]
    np.testing.assert_array_equal(*made)


def test_distance_without_a_pixel_is_infinite():
    assert np.isinf(distance_to(np.zeros((3, 4), bool))).all()


def test_spoiled_masks_by_hand():
    rng = np.random.default_rng(0)
    mask = square()
    moved = spoiled(mask, Mistakes(shift=(3, -2)), rng)
    np.testing.assert_array_equal(moved, np.roll(mask, (-2, 3), (0, 1)))
    assert spoiled(mask, Mistakes(growth=-2), rng).sum() == 16 * 16
    grown = spoiled(mask, Mistakes(growth=1), rng)
    assert grown.sum() == 20 * 20 + 4 * 20
    holed = spoiled(np.ones_like(mask), Mistakes(holes=(2,)), np.random.default_rng(3))
    assert 0 < (holed == 0).sum() <= 13  # pixels of a disc of radius 2
    blurred = spoiled(mask, Mistakes(blur=3), rng)
    assert blurred[30, 30] == pytest.approx(1, abs=1e-2)
    assert 0.4 < blurred[30, 20] < 0.6


def test_box_and_polygon_by_hand():
    alpha = square() * 0.75
    alpha[0, 0] = 0.5
    np.testing.assert_array_equal(box(alpha), square())
    np.testing.assert_array_equal(box(alpha, 2), square(low=18, high=42))
    np.testing.assert_array_equal(polygon(alpha, 1), square())
    assert not box(np.zeros((4, 4), np.float32)).any()


def test_contour_of_a_square():
    edge = contour(square() > 0)
    assert edge.sum() == 4 * 19
    assert edge[20, 20:40].all()
    assert not edge[21:39, 21:39].any()
    assert not contour(np.ones((5, 5), bool)).any()  # the border of the picture is no edge


def picture(mask):
    return np.repeat(np.where(mask[..., None] > 0, 200, 50), 3, axis=2).astype(np.uint8)


def test_band_is_narrow_where_the_photograph_has_the_same_edge():
    mask = square(400, 100, 300)
    trimap = trimap_from_mask(mask, picture(mask))
    assert trimap[200, 200] == 255
    assert trimap[0, 0] == 0
    assert (trimap[200, :200] == 128).sum() == 7  # 3 px to each side of the outermost pixel


def test_band_is_wide_where_the_edge_of_the_photograph_is_elsewhere():
    mask = square(400, 100, 300)
    shown = picture(square(400, 112, 312))
    trimap = trimap_from_mask(mask, shown)
    truth = square(400, 112, 312)
    assert (trimap[truth > 0] != 0).all()  # no pixel of the object is lost
    assert (trimap[truth == 0] != 255).all()
    assert trimap[200, 200] == 255


def test_soft_pixels_of_a_mask_are_unknown():
    mask = square(100, 30, 70)
    mask[45:55, 45:55] = 0.6
    trimap = trimap_from_mask(mask, picture(square(100, 30, 70)))
    assert (trimap[45:55, 45:55] == 128).all()


def test_strongest_edge_within_a_radius():
    found = strongest(picture(square(60, 20, 60)), 5)
    assert found[40, 15] > 100
    assert found[40, 8] < 1


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.zeros((20, 20), np.float32), "empty"),
        (np.ones((20, 20), np.float32), "full"),
        (np.ones((20, 30), np.float32), "one size"),
    ],
)
def test_masks_that_say_nothing_are_refused(mask, message):
    with pytest.raises(InputError, match=message):
        trimap_from_mask(mask, np.zeros((20, 20, 3), np.uint8))


def test_matte_with_a_sharp_edge_gets_a_narrow_band():
    trimap = trimap_from_matte(square(500, 100, 400))
    assert trimap[250, 250] == 255
    assert trimap[0, 0] == 0
    assert (trimap[250, :250] == 128).sum() == 9  # 4 px to each side of the outermost pixel


def test_matte_with_a_soft_edge_gets_a_wide_band_where_the_glance_saw_transition():
    alpha = square(500, 100, 400)
    alpha[100:400, 100:120] = 0.5
    regions = np.ones(alpha.shape, np.uint8)
    assert (trimap_from_matte(alpha, regions)[250, :250] == 128).sum() == 20 + 2 * 10
    regions[:] = 0
    assert (trimap_from_matte(alpha, regions)[250, :250] == 128).sum() == 4 + 20 + 5


def test_empty_matte_has_nothing_to_refine():
    assert not trimap_from_matte(np.zeros((40, 50), np.float32)).any()


def test_grown_pixels_by_hand():
    pixels = np.zeros((9, 9), bool)
    pixels[4, 4] = True
    assert grown(pixels, 0)[4].tolist() == [False, False, *[True] * 5, False, False]


def disc(radius):
    """Matte (240, 320) of a disc."""
    y, x = np.mgrid[:240, :320]
    return (np.hypot(y - 120, x - 160) < radius).astype(np.float32)


class TestKeepExtent:
    def test_a_part_that_refining_loses_stays(self):
        automatic = disc(80)
        refined = automatic.copy()
        refined[:, :160] = 0
        keep_extent(automatic, refined)
        assert refined[120, 100] > 0.9

    def test_a_part_that_refining_adds_goes(self):
        automatic, refined = disc(50), disc(110)
        keep_extent(automatic, refined)
        assert refined[120, 250] < 0.1

    def test_holes_within_what_the_automatic_matte_calls_half_covered_stay(self):
        automatic = disc(80) / 2
        refined = disc(80)
        refined[:, ::2] = 0  # half of it covered, too
        before = refined.copy()
        keep_extent(automatic, refined)
        np.testing.assert_array_equal(refined, before)

    def test_strips_join(self, monkeypatch):
        automatic, whole = disc(60), disc(100)
        strips = whole.copy()
        keep_extent(automatic, whole)
        monkeypatch.setattr("gfm.guidance.refinement.STRIP", 7)
        keep_extent(automatic, strips)
        np.testing.assert_allclose(strips, whole, atol=1e-6)
        assert not np.array_equal(whole, disc(100))
