"""A click changes the part of the matte that hangs together with it, refined there."""

from __future__ import annotations

import numpy as np
import pytest
from tiny import draw_photograph

from gfm.guidance.clicks import Click, Clicks
from gfm.inference import correcting
from gfm.inference.correcting import LocalCorrector, merged
from gfm.inference.views import choose_view, close_view, reaches_edge
from gfm.models.contract import Prediction
from rssn.imaging.resizing import resize

HEIGHT, WIDTH = 240, 400


class Engine:
    """Finds, at a quarter of the size, the two discs below; counts what it is asked."""

    def __init__(self):
        self.encoded, self.seen = 0, []

    def encode(self, photograph):
        self.encoded += 1
        return photograph.shape[:2]

    def predict(self, state, clicks, previous):
        self.seen.append(previous)
        made = np.zeros((state[0] // 4, state[1] // 4), np.float32)
        for x in (20, 75):
            made[_disc(made.shape, 30, x, 10)] = 1
        return made


class Refiner:
    """Sets unknown pixels to one half, and remembers the sizes of its photographs."""

    def __init__(self):
        self.sizes = []

    def __call__(self, image, trimap):
        self.sizes.append(trimap.shape)
        assert image.shape[:2] == trimap.shape
        return Prediction(np.where(trimap == 128, 0.5, trimap / 255).astype(np.float32), image)


def _disc(shape, y, x, radius):
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


@pytest.fixture
def corrector():
    made = LocalCorrector(Engine(), draw_photograph(0, HEIGHT, WIDTH), Refiner())
    made.engine, made.refiner = made._engine, made._refine
    return made


def _corrected(corrector, alpha, *points):
    clicks = Clicks(WIDTH, HEIGHT, points)
    patch = corrector.correct(alpha, clicks, clicks.points[-1:])
    made = alpha.copy()
    made[patch.area] = patch.alpha
    return made, patch


def test_from_nothing_all_that_is_found_is_taken(corrector):
    made, _ = _corrected(corrector, np.zeros((HEIGHT, WIDTH), np.float32), (80, 120, True))
    assert made[120, 80] == 1 and made[120, 300] == 1 and made[5, 5] == 0 and made[120, 190] == 0
    assert corrector.engine.seen == [None]


def test_a_correction_changes_what_hangs_together_with_the_click_alone(corrector):
    alpha = np.full((HEIGHT, WIDTH), 0.001, np.float32)  # as of a network, nowhere exactly 0
    alpha[20:40, 380:] = 0.7
    made, patch = _corrected(corrector, alpha, (85, 125, True))
    assert made[125, 85] == 1 and made[120, 75] == 1 and made[120, 300] == np.float32(0.001)
    untouched = np.ones((HEIGHT, WIDTH), bool)
    untouched[:, :160] = False
    np.testing.assert_array_equal(made[untouched], alpha[untouched])
    assert patch.area[1].stop < 200 and corrector.refiner.sizes == [patch.alpha.shape]
    _corrected(corrector, made, (85, 125, True), (300, 120, True))
    assert corrector.engine.encoded == 1


def test_clicked_pixels_are_right_also_against_the_network(corrector):
    alpha = np.zeros((HEIGHT, WIDTH), np.float32)
    points = [(200, 20, True), (80, 120, False)]
    made, _ = _corrected(corrector, alpha, points[0])
    made, _ = _corrected(corrector, made, *points)
    assert made[20, 200] == 1 and made[120, 80] == 0


def test_large_parts_are_refined_at_a_smaller_size(corrector, monkeypatch):
    large = LocalCorrector(corrector.engine, draw_photograph(0, HEIGHT, WIDTH), Refiner(), 20_000)
    made, patch = _corrected(large, np.zeros((HEIGHT, WIDTH), np.float32), (80, 120, True))
    (size,) = large._refine.sizes
    assert size[0] * size[1] <= 20_200 < patch.alpha.size
    np.testing.assert_allclose(resize(made, size)[size[0] // 2, round(size[1] * 0.2)], 1)


def test_merged_without_a_change_is_the_click_alone():
    same = np.ones((60, 100), np.float32)
    made, where = merged(same, same, [Click(50, 30, True)])
    radius = correcting.AROUND
    assert where[30, 50] and 0 < where.sum() <= (2 * radius + 1) ** 2 and (made == same).all()


def test_clicks_on_the_object_add_and_those_on_the_background_take_away():
    before, found = np.full((40, 60), 0.6, np.float32), np.zeros((40, 60), np.float32)
    found[:, :30], before[:, :30] = 1, 0.3
    more, where = merged(before, found, [Click(10, 20, True)])
    assert (more[:, :30] == 1).all() and (more[:, 30:] == before[:, 30:]).all()
    assert where[:, :30].all() and not where[:, 40:].any()
    less, where = merged(before, found, [Click(50, 20, False)])
    assert (less[:, 30:] == 0).all() and (less[:, :30] == before[:, :30]).all()
    assert where[:, 30:].all() and not where[:, :20].any()


def test_small_objects_are_looked_at_closely(corrector):
    alpha = np.zeros((HEIGHT, WIDTH), np.float32)
    alpha[100:120, 200:230] = 1
    seen = []
    corrector.engine.encode = lambda part: seen.append(part.shape[:2]) or part.shape[:2]
    near = choose_view(alpha, [Click(215, 125, True)], None)
    assert near == np.s_[100 - 32 : 126 + 32, 200 - 32 : 230 + 32]
    made, patch = _corrected(corrector, alpha, (215, 125, True))
    assert seen == [(90, 94)] and made[125, 215] == 1
    assert patch.area[0].start >= near[0].start and patch.area[1].stop <= near[1].stop
    assert choose_view(made, [Click(216, 120, False)], near) == near  # still good enough
    far = choose_view(made, [Click(20, 20, True)], near)
    assert far == np.s_[0 : far[0].stop, 0 : far[1].stop] and far[1].stop > 230
    alpha[:, 20:380] = 1
    assert choose_view(alpha, [Click(30, 30, True)], near) == np.s_[0:HEIGHT, 0:WIDTH]


def test_a_small_object_of_the_first_click_is_looked_at_closely(corrector):
    views = []

    def predict(state, clicks, previous):
        views.append((state, clicks.points, previous))
        made = np.zeros((60, 100), np.float32)
        if len(views) == 1:
            made[28:32, 18:22] = 1  # a sixth of the width of the view that follows
        else:
            made[25:35, 40:60] = 1
        return made

    corrector.engine.predict = predict
    made, _ = _corrected(corrector, np.zeros((HEIGHT, WIDTH), np.float32), (80, 120, True))
    (first, _, nothing), (second, points, selected) = views
    assert first == (HEIGHT, WIDTH) and nothing is None and second[0] < 100 and second[1] < 100
    assert points == (Click(second[1] // 2, second[0] // 2, True),) and selected.shape == second
    solid = np.argwhere(made > 0.9)
    assert (np.ptp(solid, axis=0) < (20, 25)).all() and made[120, 80] == 1
    _corrected(corrector, made, (80, 120, True), (82, 121, True))
    assert corrector.engine.encoded == 2  # the view stays


def test_a_small_correction_of_a_large_photograph_is_seen_closely():
    size = (800, 1200)
    corrector = LocalCorrector(Engine(), draw_photograph(0, *size), Refiner())
    alpha, views, found = np.zeros(size, np.float32), [], [(30, 30)]
    alpha[50:750, 50:1150] = 1

    def predict(state, clicks, previous):
        views.append(state)
        made = resize(previous, (96, 96))
        y, x = (round(96 * at) for at in (0.5, 0.5))
        height, width = found[0]
        made[y - height // 2 : y + height // 2, x - width // 2 : x + width // 2] = 0
        return made

    corrector._engine.predict = predict
    clicks = Clicks(size[1], size[0], ((600, 400, False),))
    patch = corrector.correct(alpha, clicks, clicks.points)
    assert views == [(256, 256)] and patch.alpha.shape[0] < 200 and (patch.alpha < 0.5).any()
    found[0] = (30, 90)  # it goes on beyond the edges of the close view
    corrector.correct(alpha, clicks, clicks.points)
    assert views[1:] == [(256, 256), size] and corrector._engine.encoded == 3
    clicks = Clicks(size[1], size[0], ((600, 400, True),))  # what is added may be large
    corrector.correct(alpha, clicks, clicks.points)
    assert views[3:] == [size]


def test_close_views_stay_inside_and_are_close():
    whole = np.s_[0:800, 0:1200]
    assert close_view([Click(5, 795, True)], whole, (800, 1200)) == np.s_[544:800, 0:256]
    assert close_view([Click(60, 60, True)], np.s_[0:300, 0:400], (800, 1200)) is None
    assert close_view([Click(5, 5, True), Click(900, 5, True)], whole, (800, 1200)) is None
    where = np.zeros((50, 50), bool)
    where[:2, 20:30] = True
    assert reaches_edge(where, np.s_[100:200, 0:100], (800, 1200))
    assert not reaches_edge(where, np.s_[0:100, 0:100], (800, 1200))  # the photograph ends there
