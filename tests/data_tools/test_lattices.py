"""Lattices and crystals: patterns, surfaces, walls before and behind, holes and exact alpha."""

import cv2
import numpy as np
import pytest

from data_tools.scenes import KINDS, draw_object
from data_tools.scenes.folder import Settings
from data_tools.scenes.kinds import DEFAULT_KINDS
from data_tools.scenes.lattices.assembly import Assembly, Look
from data_tools.scenes.lattices.patterns import LATTICES, revolved, sheet
from data_tools.scenes.painter import Painter, draw_light
from data_tools.scenes.palettes import draw_palette
from data_tools.scenes.shapes import Pose

LOOK = Look(np.full((2, 3), 0.5, np.float32), "plain", 0.0)


def painter(*seed, size=64):
    rng = np.random.default_rng(seed or 0)
    return Painter(rng, size, size, draw_palette(rng), draw_light(rng))


def assembly(size=96, yaw=0.0, tilt=0.0):
    it = Assembly(painter(size=size), yaw, tilt)
    it.pose = Pose(size / 2, size / 2, size * 0.4)
    return it


@pytest.mark.parametrize("name", LATTICES)
def test_patterns_fill_the_surface_from_side_to_side(name):
    lines = np.concatenate([family.reshape(-1, 3) for family in LATTICES[name](5, 4)])
    np.testing.assert_allclose(lines[:, :2].min(0), 0, atol=1e-9)
    np.testing.assert_allclose(lines[:, :2].max(0), 1, atol=1e-9)
    assert np.abs(lines[:, 2]).max() <= 1


def test_woven_strands_pass_over_and_under_one_another_in_turn():
    uprights, levels = LATTICES["weave"](3, 2)
    over = uprights[:, ::2, 2]  # at the crossings, (column, row)
    np.testing.assert_allclose(over, [[1, -1, 1], [-1, 1, -1], [1, -1, 1], [-1, 1, -1]], atol=1e-9)
    np.testing.assert_allclose(levels[:, ::2, 2].T, -over, atol=1e-9)


def test_diamonds_run_to_and_fro_between_the_sides_at_one_slope():
    (lines,) = LATTICES["diamonds"](4, 2)
    assert len(lines) == 8
    np.testing.assert_allclose(lines[1, [0, -1], 0], [0.25, 0.75])  # two rows are two columns
    np.testing.assert_allclose(lines[3, [0, -1], 0], [0.75, 0.75])  # turned round at the side
    slope = np.abs(np.diff(lines[..., 0]) / np.diff(lines[..., 1]))
    np.testing.assert_allclose(slope, 2 / 4, atol=1e-9)


def test_rows_of_hexagons_touch_along_flat_tips():
    ((first, second),) = LATTICES["hexagons"](3, 2)
    bottom, top = first[first[:, 1] == 0.5, 0], second[second[:, 1] == 0.5, 0]
    np.testing.assert_allclose(np.intersect1d(bottom, top), bottom)
    assert len(bottom) >= 6


def test_points_and_normals_of_surfaces():
    wall = revolved(np.array([[0.5, -1.0], [1.0, 1.0]]))
    points, normals = wall(np.array([[0, 0], [0.25, 1], [0.5, 0.5]]))
    np.testing.assert_allclose(points, [[0, -1, 0.5], [1, 1, 0], [0, 0, -0.75]], atol=1e-9)
    np.testing.assert_allclose(normals, [[0, 0, 1], [1, 0, 0], [0, 0, -1]], atol=1e-9)
    panel = sheet([-1, -1, 0], [2, 0, 0], [0, 2, 0], bulge=0.1)
    points, normals = panel(np.array([[0.5, 0.5], [0, 0.5]]))
    np.testing.assert_allclose(points, [[0, 0, 0.1], [-1, 0, 0]], atol=1e-9)
    slope = np.array([-4 * 0.1 / 2, 0, 1])  # of z by x at the left side
    np.testing.assert_allclose(normals, [[0, 0, 1], slope / np.linalg.norm(slope)], atol=1e-9)


def test_strands_are_opaque_and_holes_are_empty():
    it = assembly(yaw=0.4, tilt=0.3)
    surface = sheet([-1, -1, 0], [2, 0, 0], [0, 2, 0])
    it.lattice(surface, LATTICES["grid"](5, 5), 4.0)
    it.paint(None, LOOK)
    alpha = it.painter.layer[..., 3]

    def seen(places):
        uv = np.stack(np.meshgrid(places, places), axis=-1).reshape(-1, 2)
        x, y = np.floor(it.pixels(surface(uv)[0])).astype(int).T
        return alpha[y, x]

    np.testing.assert_array_equal(seen((np.arange(5) + 0.5) / 5), 0)
    np.testing.assert_allclose(seen(np.arange(6) / 5), 1, atol=1e-6)
    assert np.ptp(it.painter.layer[alpha == 1, 0]) > 0  # lit


def test_what_is_behind_and_before_the_contents_is_painted_apart():
    layers = []
    for order in ((False,), (True,), (False, True)):
        it = assembly(tilt=0.4)
        it.lattice(revolved(np.array([[0.8, -0.6], [0.6, 0.6]])), LATTICES["diamonds"](7, 4), 2.0)
        for near in order:
            it.paint(near, LOOK)
        layers.append(it.painter.layer[..., 3])
    back, front, both = layers
    np.testing.assert_allclose(both, 1 - (1 - back) * (1 - front), atol=1e-5)
    assert back[:30].mean() > front[:30].mean()  # from above, the back reaches higher
    assert front[-30:].mean() > back[-30:].mean()


def test_a_beam_covers_its_outline_in_the_picture():
    it = assembly(size=256)
    it.beam([0, -0.5, 0], [0, 0.5, 0], 0.25, 0.0)
    it.paint(None, LOOK)
    radius = it.pose.radius
    assert it.painter.layer[..., 3].sum() == pytest.approx(0.5 * radius * radius, rel=0.05)


@pytest.mark.parametrize("form", dict.fromkeys(KINDS["lattice"]))
def test_forms_are_valid_layers_with_strands(form):
    for seed in range(3):
        it = painter(11, seed)
        form(it)
        assert it.layer.min() >= 0 and it.layer[..., 3].max() <= 1.0001
        assert (it.layer[..., :3] <= it.layer[..., 3:] + 1e-4).all()
        assert 0.01 < it.layer[..., 3].mean() < 0.9


def test_the_background_shows_through_a_lattice():
    gaps = []
    for seed in range(16):
        alpha = draw_object(np.random.default_rng([12, seed]), 128, 128, "lattice")[1]
        places = np.argwhere(alpha > 0.1)[:, ::-1].astype(np.int32)
        hull = cv2.fillConvexPoly(np.zeros(alpha.shape, np.uint8), cv2.convexHull(places), 1)
        gaps.append((alpha[hull > 0] < 0.02).mean())
    assert np.mean(gaps) > 0.15


def test_a_crystal_is_opaque_at_glints_and_clear_between_them():
    spread = []
    for seed in range(8):
        alpha = draw_object(np.random.default_rng([13, seed]), 96, 96, "crystal")[1]
        inside = cv2.erode((alpha > 0.05).astype(np.uint8), np.ones((5, 5))) > 0
        spread.append(np.subtract(*np.percentile(alpha[inside], [98, 10])))
        assert alpha[inside].min() < 0.6
    assert np.mean(spread) > 0.35


def test_lattices_and_crystals_are_drawn_where_named_alone():
    assert list(KINDS)[-2:] == ["lattice", "crystal"]
    assert not {"lattice", "crystal"} & set(DEFAULT_KINDS)
    assert Settings(kinds=("lattice", "crystal")).kinds == ("lattice", "crystal")
