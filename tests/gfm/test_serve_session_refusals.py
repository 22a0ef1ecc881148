"""Bad requests of `/sessions` are refused, and the session goes on."""

from __future__ import annotations

import json

import numpy as np
import pytest
from serving import PNG, refusal
from session_client import (
    HALF,
    alpha,
    brush,
    click,
    open_client,
    opened,
    png,
    step,
)

from gfm.serve import edits


@pytest.fixture(scope="module")
def client():
    with open_client() as client:
        yield client


WRONG_ACTIONS = {
    "outside": ({"kind": "click", "x": 128, "y": 3}, 422, "x=128, y=3 lies outside the photogr"),
    "before": ({"kind": "click", "x": -1, "y": 3}, 400, "click.x: input should be greater than"),
    "half": ({"kind": "click", "x": 1.5, "y": 3}, 400, "click.x: "),
    "unlucky": ({"kind": "click", "x": 13, "y": 13}, 422, "is unlucky; click elsewhere"),
    "other kind": ({"kind": "cut"}, 400, "'cut' found using 'kind'"),
    "no kind": ({"x": 1}, 400, "the correction cannot be read"),
    "unknown click": ({"kind": "click", "x": 1, "y": 1, "mark": "unknown"}, 400, "mark"),
    "no path": ({"kind": "stroke", "path": [], "radius": 2}, 400, "stroke.path"),
    "long path": ({"kind": "stroke", "path": [[1, 1]] * 2001, "radius": 2}, 400, "stroke.path"),
    "no brush": ({"kind": "stroke", "path": [[1, 1]], "radius": 0}, 400, "stroke.radius"),
    "stroke outside": ({"kind": "stroke", "path": [[1, 1], [1, 96]], "radius": 2}, 422, "outside"),
    "all unknown": (
        {"kind": "stroke", "path": [[1, 1], [127, 95]], "radius": 400, "mark": "unknown"},
        422,
        "leaves no pixel known",
    ),
}


@pytest.mark.parametrize("action, status, message", WRONG_ACTIONS.values(), ids=WRONG_ACTIONS)
def test_session_is_usable_after_a_bad_request(client, action, status, message):
    session = opened(client, mask=png(HALF))
    click(client, session, 64, 40)
    before = alpha(client, session)
    made = refusal(client.post(f"/sessions/{session}/clicks", json=action))
    assert made[0] == status and message in made[1] and "\n" not in made[1]
    np.testing.assert_array_equal(alpha(client, session), before)
    assert click(client, session, 70, 40).status_code == 200


def test_other_bad_requests(client):
    session = opened(client)
    for content, status in ((b"no json", 400), (b"[" * 5000, 400), (b"x" * 4_000_001, 413)):
        assert refusal(client.post(f"/sessions/{session}/clicks", content=content))[0] == status
    for query in ("output=page", "version=old", "side=-1", "form=png"):
        assert refusal(client.get(f"/sessions/{session}/matte?{query}"))[0] == 400
    files = {"image": ("a.png", PNG), "trimap": ("t.png", png(HALF[:50]))}
    status, error = refusal(client.post("/sessions", files=files))
    assert status == 422 and error.startswith("the trimap is 128x50 px and the photograph 128x96")
    for state in (b"no json", b"[]", b'{"edits": [{"kind": "undo"}]}', b"[" * 5000):
        files = {"image": ("a.png", PNG), "state": (None, state)}
        assert refusal(client.post("/sessions", files=files))[0] == 400
    state = json.dumps({"edits": [{"kind": "click", "x": 500, "y": 1}]})
    files = {"image": ("a.png", PNG), "state": (None, state)}
    assert refusal(client.post("/sessions", files=files))[0] == 422


def test_change_that_was_not_seen_is_a_conflict(client):
    session = opened(client)
    assert click(client, session, 5, 5, query="?after=0").status_code == 200
    status, error = refusal(click(client, session, 6, 6, query="?after=0"))
    assert status == 409 and "at revision 1, not 0" in error
    assert click(client, session, 6, 6, query="?after=1").json()["revision"] == 2


def test_full_session_takes_no_more(client, monkeypatch):
    monkeypatch.setattr(edits, "MOST_EDITS", 2)
    session = opened(client)
    for x in (3, 5):
        assert click(client, session, x, 3).status_code == 200
    status, error = refusal(click(client, session, 7, 3))
    assert status == 409 and "takes 2 corrections; undo some" in error
    assert step(client, session, "undo").status_code == 200
    assert click(client, session, 7, 3).status_code == 200


def test_without_a_click_model_brushes_are_taken():
    with open_client(clicks=False) as client:
        session = opened(client)
        assert not client.get(f"/sessions/{session}").json()["takes_clicks"]
        status, error = refusal(click(client, session, 3, 3))
        assert status == 409 and "start gfm serve with --clicks MODEL" in error
        assert brush(client, session, [[50, 50]], 5, "keep").status_code == 200
        assert alpha(client, session)[50, 50] == 255


def test_ended_and_unknown_sessions_are_told_apart(client):
    session = opened(client)
    assert client.delete(f"/sessions/{session}").status_code == 204
    for answer in (
        client.get(f"/sessions/{session}"),
        client.get(f"/sessions/{session}/matte"),
        click(client, session, 1, 1),
        client.delete(f"/sessions/{session}"),
    ):
        assert refusal(answer) == (410, "the session was deleted; send the photograph again")
    assert refusal(client.get("/sessions/none"))[0] == 404
