"""`/sessions`: a photograph is sent once, and its matte corrected step by step."""

from __future__ import annotations

import numpy as np
import pytest
from clicking import RADIUS, WHOLE
from serving import PHOTOGRAPH, PNG, assert_same, decode
from session_client import (
    HALF,
    HEIGHT,
    WIDTH,
    alpha,
    brush,
    click,
    open_client,
    opened,
    png,
    step,
)
from tiny import shared

import gfm
from gfm.guidance.clicks import Clicks
from gfm.serve import edits
from gfm.serve.steps import sparse


@pytest.fixture(scope="module")
def client():
    with open_client() as client:
        yield client


def test_begins_with_the_automatic_matte(client):
    answer = client.post("/sessions", content=PNG)
    state = answer.json()
    assert answer.status_code == 201 and len(state["id"]) >= 32
    assert (state["width"], state["height"], state["revision"]) == (WIDTH, HEIGHT, 0)
    assert state["takes_clicks"] and state["edits"] == state["undone"] == []
    made = gfm.matte(PHOTOGRAPH, shared())
    assert_same(alpha(client, state["id"]), np.rint(made.alpha * 255))
    assert_same(decode(client.get(f"/sessions/{state['id']}/matte").content), made.rgba)


def test_clicks_strokes_undo_redo_and_clear(client):
    session = opened(client, mask=png(HALF))
    before = alpha(client, session)
    assert before[40, 30] == 255 and before[40, 110] == 0
    made = click(client, session, 64, 40).json()
    assert (made["revision"], made["count"], made["edit"]["alone"]) == (1, 1, False)
    added = alpha(client, session)
    assert added[40, 64 + RADIUS - 1] == 255
    brush(client, session, [[20, 30], [20, 60]], 4, "remove")
    assert alpha(client, session)[45, 20] == 0
    assert step(client, session, "undo").json()["count"] == 1
    np.testing.assert_array_equal(alpha(client, session), added)
    step(client, session, "redo")
    assert alpha(client, session)[45, 20] == 0
    assert step(client, session, "clear").json() == {
        "revision": 5, "count": 0, "undone": 2, "edit": None,
    }  # fmt: skip
    np.testing.assert_array_equal(alpha(client, session), before)
    step(client, session, "redo")
    np.testing.assert_array_equal(alpha(client, session), added)
    click(client, session, 5, 5, "remove")
    assert step(client, session, "redo").json()["count"] == 2  # a new correction ends redoing


def test_painted_pixels_are_as_painted_and_unknown_ones_by_the_guided_model(client):
    session = opened(client, mask=png(HALF))
    before = alpha(client, session)
    brush(client, session, [[100, 20], [120, 20]], 6, "keep")
    made = alpha(client, session)
    assert (made[16:25, 98:122] == 255).all() and made[40, 110] == 0
    brush(client, session, [[30, 40]], 6, "unknown")
    made = alpha(client, session)
    changed = np.argwhere(made != before)
    in_brush = np.hypot(changed[:, 0] - 40, changed[:, 1] - 30) <= 7
    assert (in_brush | (changed[:, 1] > 90)).all()
    brush(client, session, [[30, 40]], 2, "remove")
    assert (alpha(client, session)[39:42, 29:32] == 0).all()
    colours = decode(client.get(f"/sessions/{session}/matte?output=rgba").content)
    np.testing.assert_array_equal(colours[20, 110, :3], PHOTOGRAPH[20, 110])


def test_click_in_what_is_unknown_is_followed(client):
    session = opened(client, mask=png(HALF))
    brush(client, session, [[100, 40]], 12, "unknown")
    click(client, session, 100, 40)
    assert (alpha(client, session)[39:42, 99:102] == 255).all()


def test_first_click_on_another_object_selects_it(client):
    small = np.zeros_like(HALF)
    small[20:60, 5:40] = 255
    session = opened(client, mask=png(small))
    made = click(client, session, 100, 48).json()
    assert made["edit"]["alone"] is True
    levels = alpha(client, session)
    assert levels[48, 100] == 255 and levels[40, 20] == 0
    step(client, session, "undo")
    assert alpha(client, session)[40, 20] == 255
    action = {"kind": "click", "x": 100, "y": 48, "alone": False}
    client.post(f"/sessions/{session}/clicks", json=action)
    levels = alpha(client, session)
    assert levels[48, 100] == levels[40, 20] == 255
    near = opened(client, mask=png(small))
    assert click(client, near, 40 + WHOLE // 2, 40).json()["edit"]["alone"] is False


def test_state_begins_a_session_anew(client):
    session = opened(client, mask=png(HALF))
    click(client, session, 64, 40)
    brush(client, session, [[20, 30], [20, 60]], 4, "remove")
    click(client, session, 90, 10)
    step(client, session, "undo")
    state = client.get(f"/sessions/{session}")
    again = opened(client, mask=png(HALF), state=state.content)
    assert again != session
    np.testing.assert_array_equal(alpha(client, again), alpha(client, session))
    for name in ("edits", "undone"):
        assert client.get(f"/sessions/{again}").json()[name] == state.json()[name] != []
    step(client, again, "redo")
    assert alpha(client, again)[10, 90] == 255


def test_clicks_are_those_of_the_command(client):
    session = opened(client)
    click(client, session, 5, 6)
    brush(client, session, [[5, 6], [45, 6]], 10, "remove")
    brush(client, session, [[50, 60]], 3, "unknown")
    click(client, session, 70, 60)
    click(client, session, 70, 60, "remove")  # in place of the one before
    made = Clicks.from_json(client.get(f"/sessions/{session}/clicks").content)
    assert made.size == (HEIGHT, WIDTH)
    assert list(made) == [
        (5, 6, True),
        (25, 6, False),
        (45, 6, False),
        (70, 60, False),
    ]
    assert made.steps == (1, 2, 1)


@pytest.mark.parametrize(
    ("path", "radius", "wanted"),
    [
        ([[7, 8]], 3, [(7, 8)]),
        ([[0, 0], [3, 0]], 4, [(2, 0)]),
        ([[0, 0], [30, 0], [30, 30]], 10, [(0, 0), (20, 0), (30, 10), (30, 30)]),
    ],
)
def test_strokes_become_few_clicks(path, radius, wanted):
    made = sparse(edits.Stroke(kind="stroke", path=path, radius=radius))
    assert made[: len(wanted)] == wanted
    assert len(sparse(edits.Stroke(kind="stroke", path=[[0, 0], [900, 400]], radius=1))) == 12


def test_click_on_paint_of_the_other_meaning_wipes_it_off(client):
    session = opened(client, mask=png(HALF))
    brush(client, session, [[20, 40], [40, 40]], 5, "remove")
    brush(client, session, [[20, 70]], 3, "remove")
    assert alpha(client, session)[40, 20] == 0
    click(client, session, 30, 40)
    made = alpha(client, session)
    assert made[40, 30] == 255 and made[44, 34] == 255 and made[70, 20] == 0
