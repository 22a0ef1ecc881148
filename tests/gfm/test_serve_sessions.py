"""`/sessions`: a photograph is sent once, and its matte corrected step by step."""

from __future__ import annotations

import email.policy
import io
import json
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from clicking import RADIUS, WHOLE, DiscSession
from PIL import Image
from serving import PHOTOGRAPH, PNG, assert_same, decode, refusal, saved
from starlette.testclient import TestClient
from tiny import draw_photograph, shared

import gfm
from gfm.guidance.clicks import Clicks
from gfm.serve import edits, sessions
from gfm.serve.application import create_app
from gfm.serve.limits import Limits
from gfm.serve.sessions import session_bytes
from gfm.serve.steps import sparse
from rssn.imaging.errors import InputError
from rssn.imaging.writing import encode_rgb

LIMITS = Limits(max_bytes=200_000, max_pixels=50_000, seconds=60)
HEIGHT, WIDTH = PHOTOGRAPH.shape[:2]
HALF = np.zeros((HEIGHT, WIDTH), np.uint8)  # a mask: the object is the left half
HALF[10:80, 10:60] = 255


def open_client(limits: Limits = LIMITS, clicks: bool = True) -> TestClient:
    app = create_app(shared(), limits, "tiny", open_clicks=DiscSession if clicks else None)
    return TestClient(app, base_url="http://127.0.0.1:8000")


@pytest.fixture(scope="module")
def client():
    with open_client() as client:
        yield client


def png(levels: np.ndarray) -> bytes:
    return saved(Image.fromarray(levels), "PNG")


def opened(client: TestClient, **files: bytes) -> str:
    """The id of a session, with the guidance of its photograph."""
    form = {name: (name, data) for name, data in ({"image": PNG} | files).items()}
    answer = client.post("/sessions", files=form)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def click(client: TestClient, session: str, x: int, y: int, mark: str = "keep", query: str = ""):
    action = {"kind": "click", "x": x, "y": y, "mark": mark}
    return client.post(f"/sessions/{session}/clicks{query}", json=action)


def brush(client: TestClient, session: str, path: list, radius: float, mark: str):
    action = {"kind": "stroke", "path": path, "radius": radius, "mark": mark}
    return client.post(f"/sessions/{session}/clicks", json=action)


def step(client: TestClient, session: str, kind: str):
    return client.post(f"/sessions/{session}/clicks", json={"kind": kind})


def alpha(client: TestClient, session: str, query: str = "") -> np.ndarray:
    answer = client.get(f"/sessions/{session}/matte?output=alpha{query}")
    assert answer.status_code == 200, answer.text
    return decode(answer.content)


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


def test_pictures_to_show(client):
    session = opened(client, trimap=png(np.where(HALF, HALF, 0)))
    form = client.get(f"/sessions/{session}/matte?output=layers&side=64")
    head = f"Content-Type: {form.headers['content-type']}\r\n\r\n".encode()
    parts = {
        part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
        for part in email.message_from_bytes(
            head + form.content, policy=email.policy.HTTP
        ).iter_parts()
    }
    assert form.headers["revision"] == "0"
    assert decode(parts["colours"]).shape == (48, 64, 3)
    opacity = decode(parts["opacity"])
    assert opacity.shape == (48, 64, 2) and not opacity[..., 0].any()
    assert opacity[20, 20, 1] == 255 and opacity[20, 60, 1] == 0
    photograph = decode(client.get(f"/sessions/{session}/photograph").content)
    assert abs(photograph.astype(float) - PHOTOGRAPH).mean() < 4
    assert decode(client.get(f"/sessions/{session}/photograph?side=32").content).shape[:2] == (
        24,
        32,
    )


def test_refinement_can_be_compared():
    """With the packaged models, of which one refines the other."""
    app = create_app(gfm.load_model(None, "cpu"), LIMITS)
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        session = opened(client, image=encode_rgb(_disc(), "png"))
        assert client.get(f"/sessions/{session}").json()["refined"]
        refined, unrefined = (
            alpha(client, session, f"&version={version}") for version in ("automatic", "unrefined")
        )
        plain = gfm.matte(_disc(), gfm.load_model(None, "cpu"), refine="none")
        assert_same(unrefined, np.rint(plain.alpha * 255))
        assert_same(refined, np.rint(gfm.matte(_disc()).alpha * 255))
        assert (refined != unrefined).any()
        np.testing.assert_array_equal(alpha(client, session), refined)


def _disc() -> np.ndarray:
    y, x = np.mgrid[0:96, 0:128]
    picture = np.full((96, 128, 3), (40, 90, 40), np.uint8)
    picture[np.hypot(y - 48, x - 64) < 30] = (230, 60, 40)
    return picture


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


@pytest.fixture
def clock(monkeypatch):
    """The time of the store of sessions."""

    class Clock:
        now = 0.0

    monkeypatch.setattr(sessions.time, "monotonic", lambda: Clock.now)
    return Clock


def store(limits: Limits, clock) -> sessions.Sessions:
    return sessions.Sessions(limits, lambda: clock.now)


def add(kept: sessions.Sessions, pixels: int = 1000) -> str:
    return kept.add(None, edits.History(), kept.make_room(pixels)).id


def test_sessions_end_by_time(clock):
    kept = store(Limits(idle=600), clock)
    first, second = add(kept), add(kept)
    clock.now = 500
    kept.find(first)
    clock.now = 700
    kept.sweep()
    assert len(kept) == 1 and kept.find(first)
    with pytest.raises(sessions.Refused, match="ended after 10 minutes without use") as error:
        kept.find(second)
    assert error.value.status == 410


def test_number_and_memory_are_bounded(clock):
    kept = store(Limits(sessions=2, session_memory=2 * session_bytes(1000)), clock)
    with pytest.raises(sessions.Refused) as error:
        add(kept, 3_000_000)
    assert error.value.status == 413
    first, second = add(kept), add(kept)
    with pytest.raises(sessions.Refused, match="2 photographs are being corrected") as error:
        add(kept)
    assert error.value.status == 429 and error.value.retry_after == 60
    clock.now = 61
    kept.find(second)
    third = add(kept)  # in place of the one that is idle
    with pytest.raises(sessions.Refused, match="made room for another one"):
        kept.find(first)
    clock.now = 200
    with kept.find(second).turn(), kept.find(third).turn():
        clock.now = 900
        with pytest.raises(sessions.Refused):  # both are at work
            add(kept)
    clock.now = 1000
    add(kept, 1_500_000)  # as large as both
    assert len(kept) == 1


def test_requests_of_one_session_are_bounded(clock):
    kept = store(Limits(), clock)
    held = kept.find(add(kept))
    turns = [held.turn() for _ in range(sessions.MOST_WAITING)]
    for turn in turns:
        turn.__enter__()
    with pytest.raises(sessions.Refused, match="8 requests of the session wait") as error:
        held.turn().__enter__()
    assert error.value.status == 429
    turns[0].__exit__(None, None, None)
    with held.turn():
        pass


@pytest.mark.parametrize("wrong", [{"sessions": -1}, {"session_memory": 0}, {"idle": 0}])
def test_wrong_limits_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        Limits(**wrong)


def test_sessions_at_once_get_their_own_answers(client):
    pictures = [encode_rgb(draw_photograph(n, 40, 60), "png") for n in range(6)]
    ids = [opened(client, image=picture, mask=png(HALF[:40, :60])) for picture in pictures]
    places = [[(x, 5 + 5 * n) for x in range(4, 56, 9)] for n in range(len(ids))]

    def correct(number: int) -> np.ndarray:
        for x, y in places[number]:
            click(client, ids[number], x, y, "remove")
        return alpha(client, ids[number])

    with ThreadPoolExecutor(len(ids)) as pool:
        made = list(pool.map(correct, range(len(ids))))
    for number, levels in enumerate(made):
        assert all(levels[y, x] == 0 for x, y in places[number])
        others = [levels[y, x] for n, row in enumerate(places) if n != number for x, y in row]
        assert any(others)


def test_nothing_is_written(client):
    written: list[object] = []
    watching = True

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if watching and event == "open":
            _, mode, flags = arguments
            if any(c in "wax+" for c in mode) if isinstance(mode, str) else bool(flags & 3):
                written.append(arguments)

    step(client, opened(client), "undo")  # imports what it needs
    sys.addaudithook(watch)  # stays, hence `watching`
    try:
        session = opened(client, mask=png(HALF))
        click(client, session, 64, 40)
        alpha(client, session)
    finally:
        watching = False
    assert written == []


def test_description_names_all_requests(client):
    made = client.get("/openapi.json").json()
    assert {(path, method) for path, methods in made["paths"].items() for method in methods} == {
        ("/health", "get"),
        ("/matte", "post"),
        ("/sessions", "post"),
        ("/sessions/{session}", "get"),
        ("/sessions/{session}", "delete"),
        ("/sessions/{session}/clicks", "get"),
        ("/sessions/{session}/clicks", "post"),
        ("/sessions/{session}/matte", "get"),
        ("/sessions/{session}/photograph", "get"),
    }
    text = json.dumps(made)
    for name in {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert name in made["components"]["schemas"]


def test_profile_goes_along(client):
    profile = b"x" * 16 + b"RGB " + b"x" * 200
    data = saved(Image.fromarray(PHOTOGRAPH), "PNG", icc_profile=profile)
    session = opened(client, image=data)
    for path in ("matte", "photograph"):
        content = client.get(f"/sessions/{session}/{path}").content
        assert Image.open(io.BytesIO(content)).info["icc_profile"] == profile
