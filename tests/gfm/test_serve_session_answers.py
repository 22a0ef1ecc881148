"""Pictures and descriptions that `/sessions` answers with, also to many at once."""

from __future__ import annotations

import email.policy
import io
import json
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image
from serving import PHOTOGRAPH, assert_same, decode, saved
from session_client import (
    HALF,
    LIMITS,
    alpha,
    click,
    open_client,
    opened,
    png,
    step,
)
from starlette.testclient import TestClient
from tiny import draw_photograph

import gfm
from gfm.serve.application import create_app
from rssn.imaging.writing import encode_rgb


@pytest.fixture(scope="module")
def client():
    with open_client() as client:
        yield client


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
