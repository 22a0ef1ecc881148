"""Clicks: the list, its JSON and maps, and the simulated users."""

from __future__ import annotations

import json

import guided
import numpy as np
import pytest

from gfm.guidance.clicks import Click, Clicks, keep_clicked
from gfm.guidance.maps import gaussian_maps
from gfm.guidance.simulated_user import (
    click_on_costliest_error,
    click_on_largest_error,
    make_user,
)
from rssn.imaging.errors import InputError


def clicks_of(rows, height, width):
    return Clicks(width, height, tuple((int(x), int(y), bool(c)) for y, x, c in rows))


def test_golden_maps():
    rows = guided.inputs("interactive", "encoding_48x72")["clicks"]
    guided.check("interactive", "encoding_48x72", maps=clicks_of(rows, 48, 72).maps())


def test_maps_by_hand():
    maps = Clicks(30, 4, ((0, 0, True),)).maps((6.4, 25.6, 51.2))
    assert maps[:3].max() == 0  # no click on the background
    assert maps[3:, 0, 10] == pytest.approx([0.2950, 0.9265, 0.9811], abs=5e-5)
    assert maps[3:, 0, 0].tolist() == [1, 1, 1]
    assert gaussian_maps(np.ones((1, 3, 3), bool), (2.0,)).min() == 1


def test_maps_are_the_same_wherever_the_pixels_lie_in_memory():
    """OpenCV's exact distances differ in the last bit with the alignment of their memory."""
    marked = guided.draw_mask(64, 64, 1)[None]
    wanted = gaussian_maps(marked, (7.04, 28.16, 56.32))
    kept = []
    for number in range(60):
        kept.append(np.empty(number + 1))
        assert (gaussian_maps(marked.copy(), (7.04, 28.16, 56.32)) == wanted).all()


def test_golden_components():
    case = guided.inputs("interactive", "components_60x80")
    alpha = np.maximum(case["prediction"], 0.8 * case["mask"])
    before = alpha.copy()
    cleaned = keep_clicked(alpha, clicks_of(case["clicks"], 60, 80))
    guided.check("interactive", "components_60x80", cleaned=cleaned)
    assert (alpha == before).all()
    background = clicks_of(case["clicks"][:1], 60, 80)
    assert (keep_clicked(alpha, background) == alpha).all()


def test_components_without_a_click_on_any():
    alpha = np.array([[0.5, 0.9, 0.0, 0.0]])
    assert keep_clicked(alpha, Clicks(4, 1, ((3, 0, True),))).max() == 0
    assert keep_clicked(alpha, Clicks(4, 1, ((1, 0, True),))).tolist() == [[0, 0.9, 0, 0]]


def iou(found, truth):
    return (found & truth).sum() / max((found | truth).sum(), 1)


def play(user, start, truth, radius):
    """Clicks, and the state before each and after the last, of a model that corrects a disc."""
    y, x = np.mgrid[: truth.shape[0], : truth.shape[1]]
    clicks, states = [], [start]
    while len(clicks) < 20 and (correction := user(states[-1], truth)) is not None:
        click = correction.click
        clicks.append((click.y, click.x, int(click.positive)))
        near = np.hypot(y - click.y, x - click.x) <= radius
        states.append(np.where(near, truth, states[-1]))
    return np.array(clicks), states


@pytest.mark.parametrize("case", ["clicks_90x120", "clicks_64x64"])
def test_golden_clicks(case):
    truth = guided.inputs("interactive", case)["mask"]
    radius = 0.22 * min(truth.shape)
    clicks, states = play(click_on_largest_error, np.zeros_like(truth), truth, radius)
    guided.check(
        "interactive", case, clicks=clicks, iou=np.array([iou(s, truth) for s in states[1:]])
    )


def test_golden_clicks_from_a_wrong_start():
    case = "clicks_from_wrong_90x120"
    arrays = guided.inputs("interactive", case)
    truth, start = arrays["mask"], np.roll(arrays["start"], (9, -12), (0, 1))
    clicks, states = play(click_on_largest_error, start, truth, 0.12 * 90)
    guided.check(
        "interactive", case, clicks=clicks, iou=np.array([iou(s, truth) for s in states[1:]])
    )


@pytest.mark.parametrize("wrong", [False, True])
def test_golden_imatting_clicks(wrong):
    case = "imatting_clicks_from_wrong_90x120" if wrong else "imatting_clicks_90x120"
    arrays = guided.inputs("interactive", case)
    truth = arrays["matte"] / 255
    if wrong:
        start, radius = np.roll(arrays["start"], (6, -8), (0, 1)), 0.15 * 90
    else:
        truth = np.maximum(truth, arrays["mask"])
        start, radius = np.zeros_like(truth), 0.22 * 90
    clicks, states = play(click_on_costliest_error, start, truth, radius)
    cost = np.array([np.square(state - truth).sum() for state in states[1:]])
    guided.check("interactive", case, clicks=clicks, squared_error=cost)


def test_an_object_of_one_pixel_and_no_error():
    truth = np.zeros((5, 7))
    truth[3, 6] = 1
    for name in ("largest", "costliest", "noisy"):
        user = make_user(name, np.random.default_rng(0))
        assert user(np.zeros((5, 7)), truth).click == Click(6, 3, True)
        assert user(truth, truth) is None
    assert click_on_largest_error(np.zeros((5, 7)), np.full((5, 7), 0.5)) is None


def test_equal_regions():
    truth, alpha = np.zeros((1, 9)), np.zeros((1, 9))
    truth[0, :2], alpha[0, 6:8] = 1, 1
    assert click_on_largest_error(alpha, truth).click == Click(6, 0, False)
    truth[0, 3:5], alpha[:] = 1, 0
    assert click_on_largest_error(alpha, truth).click == Click(0, 0, True)


def test_noisy_user():
    truth = np.zeros((80, 90))
    truth[5:75, 5:85] = 1
    centre = click_on_largest_error(np.zeros_like(truth), truth).click
    rng = np.random.default_rng(4)
    user = make_user("noisy", rng)
    clicks = [user(np.zeros_like(truth), truth).click for _ in range(8)]
    away = [np.hypot(c.x - centre.x, c.y - centre.y) for c in clicks]
    assert np.abs(np.array(away) - 10).max() < 1
    assert len(set(clicks)) == 8 and all(c.positive for c in clicks)
    again = make_user("noisy", np.random.default_rng(4))
    assert [again(np.zeros_like(truth), truth).click for _ in range(8)] == clicks
    truth[:] = 0
    truth[40, 40:43] = 1  # too small to be 10 px off
    assert {user(np.zeros_like(truth), truth).click.y for _ in range(4)} == {40}


def test_json_both_ways():
    clicks = Clicks(640, 480, ((12, 30, True), (600, 479, False)))
    text = clicks.to_json()
    assert json.loads(text) == {
        "width": 640,
        "height": 480,
        "clicks": [[12, 30, True], [600, 479, False]],
    }
    assert Clicks.from_json(text) == clicks
    assert Clicks.from_json(text.encode()).points[0] == Click(12, 30, True)


def test_strokes_are_sets_of_clicks():
    clicks = Clicks(20, 20).add_stroke([(2, 2), (6, 4), (2, 2)]).add_stroke([(9, 9)], False)
    assert clicks.masks[0].sum() == 1
    assert clicks.masks[1].sum() == len(clicks) - 1
    ys, xs = np.nonzero(clicks.masks[1])
    assert set(xs.tolist()) == {2, 3, 4, 5, 6} and set(ys.tolist()) == {2, 3, 4}


def test_ten_thousand_clicks():
    points = tuple((i % 200, i // 200, i % 200 < 100) for i in range(10_000))
    clicks = Clicks.from_json(Clicks(200, 60, points).to_json())
    assert len(clicks) == 10_000
    maps = clicks.maps()
    assert maps.shape == (6, 60, 200) and maps[3, 20, 50] == 1


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (((4, 3, True),), r"clicks\[0\]=\(4, 3, True\) .*4x5 px"),
        (((0, -1, True),), "x is 0 to 3, y 0 to 4"),
        (((0, 0, True), (0, 0, False)), "x=0, y=0"),
        (((0, 0),), r"\(x, y, True\)"),
        (((0.5, 0, True),), r"\(0\.5, 0, True\)"),
        (((0, 0, 1),), r"\(0, 0, 1\)"),
    ],
)
def test_bad_clicks_name_the_remedy(points, message):
    with pytest.raises(InputError, match=message):
        Clicks(4, 5, points)
    with pytest.raises(InputError, match=message):
        Clicks(4, 5).add(*points)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("[]", "give these three"),
        ('{"width": 4, "height": 5}', "give these three"),
        ('{"width": 4, "height": 5, "clicks": 3}', "clicks"),
        ('{"width": 0, "height": 5, "clicks": []}', "width=0"),
        ('{"width": 4, "height": 5, "clicks": [[9, 9, true]]}', "outside"),
    ],
)
def test_bad_json_names_the_remedy(text, message):
    with pytest.raises(InputError, match=message):
        Clicks.from_json(text)


def test_a_pixel_may_be_clicked_twice():
    clicks = Clicks(4, 4, ((1, 1, True),)).add((1, 1, True))
    assert len(clicks) == 2 and clicks.masks[1].sum() == 1
