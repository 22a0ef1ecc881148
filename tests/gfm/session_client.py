"""Requests of `/sessions`, for the tests of them."""

from __future__ import annotations

import numpy as np
from clicking import DiscSession
from PIL import Image
from serving import PHOTOGRAPH, PNG, decode, saved
from starlette.testclient import TestClient
from tiny import shared

from gfm.serve.application import create_app
from gfm.serve.limits import Limits

LIMITS = Limits(max_bytes=200_000, max_pixels=50_000, seconds=60)
HEIGHT, WIDTH = PHOTOGRAPH.shape[:2]
HALF = np.zeros((HEIGHT, WIDTH), np.uint8)  # a mask: the object is the left half
HALF[10:80, 10:60] = 255


def open_client(limits: Limits = LIMITS, clicks: bool = True) -> TestClient:
    app = create_app(shared(), limits, "tiny", open_clicks=DiscSession if clicks else None)
    return TestClient(app, base_url="http://127.0.0.1:8000")


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
