"""Training click by click, without Lightning; clicks that are drawn at once."""

from __future__ import annotations

import guided
import numpy as np
import torch

from gfm.guidance.bundled import MARGIN, NEAR, STEP, draw_bundle
from gfm.guidance.clicks import Clicks
from gfm.guidance.simulated_user import click_on_largest_error
from gfm.training.click_by_click import click_by_click


def test_each_click_follows_the_last_matte():
    truth = guided.draw_mask(40, 50, 1).astype(np.float32)
    fed = []
    weight = torch.zeros(1, requires_grad=True)

    def predict(clicks, previous):
        fed.append((len(clicks), previous))
        alpha = np.zeros_like(truth)
        for x, y, positive in clicks:
            alpha[max(y - 9, 0) : y + 10, max(x - 9, 0) : x + 10] = positive
        return torch.from_numpy(alpha)[None, None] + weight

    steps = list(click_by_click(predict, truth, click_on_largest_error, 4))
    assert [count for count, _ in fed] == [1, 2, 3, 4]
    assert fed[0][1].max() == 0 and fed[1][1].max() == 1
    assert all(alpha.requires_grad for _, alpha in steps)
    clicks = steps[-1][0]
    assert clicks.points[0] == click_on_largest_error(np.zeros_like(truth), truth).click
    seen = steps[2][1].detach().numpy()[0, 0]
    assert clicks.points[3] == click_on_largest_error(seen, truth).click


def test_it_ends_where_no_error_is_left():
    truth = np.zeros((8, 9), np.float32)
    truth[2:5, 3:6] = 1
    right = torch.from_numpy(truth)[None, None]
    steps = list(click_by_click(lambda *_: right, truth, click_on_largest_error, 4))
    assert len(steps) == 1
    assert not list(click_by_click(lambda *_: right, 0 * truth, click_on_largest_error, 4))


def test_what_no_click_belongs_to_is_not_fed_back():
    truth = np.zeros((8, 40), np.float32)
    truth[2:6, 2:9] = 1
    made = truth.copy()
    made[2:6, 2:4], made[3:5, 30:33] = 0, 1  # a part that is missing, and a wrong island
    alpha = torch.from_numpy(made)[None, None]
    for clean, wanted in ((True, 0), (False, 1)):
        fed = []
        predict = lambda clicks, previous: fed.append(previous) or alpha  # noqa: B023, E731
        steps = list(click_by_click(predict, truth, click_on_largest_error, 2, clean))
        assert len(steps) == 2 and fed[1][4, 31] == wanted


def test_bundles_keep_their_distances():
    mask = guided.draw_mask(120, 160, 3, bar=False)
    ys, xs = np.nonzero(mask)
    counts = set()
    for seed in range(40):
        clicks = draw_bundle(mask, np.random.default_rng(seed))
        assert clicks == draw_bundle(mask, np.random.default_rng(seed))
        for kind in (True, False):
            points = np.array([(x, y) for x, y, positive in clicks if positive is kind])
            counts.add((kind, len(points)))
            for index, point in enumerate(points):
                others = np.delete(points, index, axis=0)
                assert not len(others) or np.hypot(*(others - point).T).min() >= STEP
                if not kind:
                    away = np.hypot(xs - point[0], ys - point[1]).min()
                    assert MARGIN < away <= NEAR
    assert {n for kind, n in counts if kind} == {1, 2, 3, 4, 5}
    assert all(mask[y, x] == positive for x, y, positive in clicks)


def test_a_bundle_on_one_pixel():
    mask = np.zeros((9, 9), bool)
    mask[4, 7] = True
    clicks = draw_bundle(mask, np.random.default_rng(0))
    assert isinstance(clicks, Clicks) and clicks.points[0] == (7, 4, True)
