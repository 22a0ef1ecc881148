"""Plants: the geometry of leaves, the exact alpha of those that overlap, all forms."""

import math

import cv2
import numpy as np
import pytest

from data_tools.scenes import draw_object, draw_scene
from data_tools.scenes.canvas import Canvas
from data_tools.scenes.folder import Settings, write_scenes
from data_tools.scenes.foliage import (
    Foliage,
    Surface,
    arc,
    blade,
    droop,
    profile,
)
from data_tools.scenes.kinds import DEFAULT_KINDS, KINDS
from data_tools.scenes.painter import Painter, draw_light
from data_tools.scenes.palettes import draw_palette
from data_tools.scenes.plants.growth import Growth
from data_tools.scenes.shapes import ribbon
from rssn.imaging.reading import read_alpha, read_rgb

RED, GREEN = np.array([0.6, 0, 0], np.float32), np.array([0, 0.6, 0], np.float32)


def painter(*seed, size=64):
    rng = np.random.default_rng(seed or 0)
    return Painter(rng, size, size, draw_palette(rng), draw_light(rng))


def flat(colour):
    return Surface(colour, colour, colour, colour, fold=0, bend=0, veins=0)


def bar(y, width=6.0):
    return ribbon(np.array([[10.3, y], [30.0, y], [50.6, y]]), width)


def test_ribbon_keeps_half_the_width_on_each_side():
    sides = ribbon(np.array([[0.0, 0], [5, 0], [10, 0]]), np.array([1.0, 2, 3]))
    np.testing.assert_allclose(sides[0], [[0, 1], [5, 2], [10, 3]])
    np.testing.assert_allclose(sides[1], [[0, -1], [5, -2], [10, -3]])


def test_arc_turns_by_its_bend_and_keeps_its_length():
    line = arc([2, 3], 0.0, 4.0, math.pi / 2, count=400)
    steps = np.diff(line, axis=0)
    assert np.hypot(*steps.T).sum() == pytest.approx(4)
    assert math.atan2(steps[-1, 1], steps[-1, 0]) == pytest.approx(math.pi / 2, abs=0.01)
    np.testing.assert_array_equal(line[0], [2, 3])


@pytest.mark.parametrize("angle", [-3.0, -1.0, 0.5, 2.0])
def test_droop_of_one_ends_straight_down_the_short_way(angle):
    assert (angle + droop(angle, 1.0) - math.pi / 2) % (2 * math.pi) == pytest.approx(0, abs=1e-9)
    assert abs(droop(angle, 1.0)) <= math.pi


def test_area_of_a_blade_is_the_integral_of_its_widths():
    half = 8 * profile(1, 1, 33)  # 8 * 4 t (1 - t), of mean 16 / 3
    canvas = Canvas(64, 64)
    canvas.fill(np.concatenate([(sides := blade([7, 32], 0, 50, 0, half))[0], sides[1, ::-1]]))
    rim = 50 * 2 / 6  # what OpenCV draws of the outline, on both sides
    assert canvas.coverage().sum() == pytest.approx(2 * 50 * 16 / 3 + rim, rel=0.02)


def test_alpha_of_overlapping_leaves_is_their_union():
    it = painter()
    foliage, canvas = Foliage(it), it.canvas()
    for sides in (bar(20.4), bar(25.7), bar(44.2, 0.2)):
        foliage.leaf(sides, flat(GREEN))
        canvas.fill(np.concatenate([sides[0], sides[1, ::-1]]))
    foliage.lay()
    np.testing.assert_array_equal(it.layer[..., 3], canvas.coverage())
    row = it.layer[44, 20:40, 3]
    assert (row > 0.1).all() and (row < 0.9).all()  # under a pixel wide
    assert it.layer[36, 30, 3] == 0


def test_a_leaf_covers_those_before_and_keeps_its_own_colour_to_the_edge():
    it = painter()
    foliage = Foliage(it)
    foliage.leaf(bar(24), flat(RED))
    foliage.leaf(bar(30.5), flat(GREEN))
    foliage.lay()
    seen = it.layer[..., 3] > 0
    red, green = it.layer[seen][:, 0], it.layer[seen][:, 1]
    assert it.layer[20, 30, 1] == 0 and it.layer[20, 30, 0] > 0.2
    assert it.layer[28, 30, 0] == 0 and it.layer[28, 30, 1] > 0.2
    assert it.layer[..., 2].max() == 0
    # Divided by alpha, the edges are as bright as the inside, but for the blotches.
    total = (red + green) / it.layer[seen][:, 3]
    np.testing.assert_allclose(total, np.median(total), rtol=0.25)


def test_shadow_darkens_what_is_beneath_and_keeps_its_alpha():
    it = painter()
    foliage = Foliage(it)
    foliage.leaf(bar(32, 20), flat(RED))
    foliage.lay()
    before = it.layer.copy()
    foliage = Foliage(it)
    foliage.leaf(bar(32, 3), flat(GREEN))
    foliage.lay(shadow=0.8)
    np.testing.assert_array_equal(it.layer[..., 3] >= before[..., 3], True)
    free = it.layer[..., 1] == 0
    assert (it.layer[free][:, 0] <= before[free][:, 0]).all()
    assert (it.layer[free][:, 0] < 0.9 * before[free][:, 0]).any()


def test_leaves_are_laid_by_depth():
    it = painter(size=96)
    growth = Growth(it)
    square = np.array([[[-0.3, -0.3], [-0.3, 0.3]], [[0.3, -0.3], [0.3, 0.3]]])
    growth.add(1.0, square, flat(GREEN))
    growth.add(-1.0, square * 1.5, flat(RED))
    growth.lay(groups=2)
    x, y = np.clip(growth.pose.at([[0.0, 0.0]])[0], 0, 95).astype(int)
    assert it.layer[y, x, 1] > 0 and it.layer[y, x, 0] == 0
    assert it.layer[..., 0].max() > 0


@pytest.mark.parametrize("form", dict.fromkeys(KINDS["plant"]), ids=lambda form: form.__name__)
def test_every_form_is_a_layer_of_its_own(form):
    covered = []
    for seed in range(3):
        it = painter(11, seed)
        form(it)
        assert it.layer.shape == (64, 64, 4) and it.layer.dtype == np.float32
        assert it.layer.min() >= 0 and it.layer[..., 3].max() <= 1.0001
        assert (it.layer[..., :3] <= it.layer[..., 3:] + 1e-4).all()
        covered.append(it.layer[..., 3].mean())
    assert 0.01 < max(covered) and min(covered) < 0.9


def test_the_background_shows_through_gaps_inside_the_outline():
    gaps, alphas = [], []
    for seed in range(16):
        alpha = draw_object(np.random.default_rng([12, seed]), 64, 64, "plant")[1]
        places = np.argwhere(alpha > 0.1)[:, ::-1].astype(np.int32)
        hull = cv2.fillConvexPoly(np.zeros((64, 64), np.uint8), cv2.convexHull(places), 1)
        gaps.append((alpha[hull > 0] < 0.02).mean())
        alphas.append(alpha)
    assert np.mean(gaps) > 0.2
    partial = [((alpha > 0.02) & (alpha < 0.98)).mean() for alpha in alphas]
    assert np.mean(partial) > 0.03
    assert max(alpha.mean() for alpha in alphas) > 3 * min(alpha.mean() for alpha in alphas)
    cut = [max(a[0].max(), a[-1].max(), a[:, 0].max(), a[:, -1].max()) > 0.5 for a in alphas]
    assert 0.2 < np.mean(cut) < 1


def test_plants_are_drawn_where_named_and_leave_the_pictures_of_a_seed_as_they_are(tmp_path):
    assert DEFAULT_KINDS == (
        *("fur", "hair", "motion", "defocus", "net", "smoke", "glass", "holes", "thin"),
    )
    assert Settings().kinds == DEFAULT_KINDS and "plant" in KINDS
    drawn = {draw_scene(np.random.default_rng(s), 16, 16).kind for s in range(40)}
    assert drawn <= set(DEFAULT_KINDS)
    write_scenes(tmp_path, Settings(2, 0, 48, 64, kinds=("plant",)), quiet=True)
    for number in range(2):
        name = f"plant_{number:04d}.png"
        image, fg, bg = (read_rgb(tmp_path / part / name) for part in ("original", "fg", "bg"))
        alpha = read_alpha(tmp_path / "mask" / name)[..., None]
        np.testing.assert_array_equal(image, np.rint(alpha * fg + (1 - alpha) * bg))
