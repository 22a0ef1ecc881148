"""A photograph, a client and the ways to say no, for the tests of the server."""

from __future__ import annotations

import asyncio
import contextlib
import io
import socket
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import uvicorn
from clicking import DiscSession
from PIL import Image
from starlette.testclient import TestClient
from tiny import draw_photograph, shared

import gfm
from gfm.serve.access import Access
from gfm.serve.application import create_app
from gfm.serve.limits import Limits
from rssn.imaging.photographs import read_photograph
from rssn.imaging.writing import encode_rgb

PHOTOGRAPH = draw_photograph(1, 96, 128)
PNG = encode_rgb(PHOTOGRAPH, "png")
LIMITS = Limits(max_bytes=100_000, max_pixels=50_000, queue=8, seconds=60)


def run_alone(task: Coroutine):
    """Result of a coroutine; run in a thread, since a browser's loop may run in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, task).result()


def open_client(limits: Limits = LIMITS, access: Access | None = None) -> TestClient:
    """A client of an application around the tiny network."""
    app = create_app(shared(), limits, "tiny", access)
    return TestClient(app, base_url="http://127.0.0.1:8000")


@contextlib.contextmanager
def listening(
    limits: Limits, access: Access | None = None, port: int = 0, model: object = None
) -> Iterator[int]:
    """A server on real sockets, whose clicks are discs; yields its port."""
    app = create_app(model or shared(), limits, access=access, open_clicks=DiscSession)
    config = uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", port)) as bound:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        try:
            yield bound.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(20)


def post(client: TestClient, data: bytes, query: str = ""):
    return client.post(f"/matte?{query}", content=data)


def refusal(answer) -> tuple[int, str]:
    """The status and the message of an answer that says no in JSON."""
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json()) == ["error"]
    return answer.status_code, answer.json()["error"]


def decode(data: bytes) -> np.ndarray:
    """As stored, in RGB order."""
    return np.asarray(Image.open(io.BytesIO(data)))


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def matte_of(data: bytes) -> gfm.inference.cutout.Matte:
    """Result of the command for a file."""
    return gfm.matte(read_photograph(data).pixels, shared())


def assert_same(made: np.ndarray, wanted: np.ndarray) -> None:
    """Equal but for a level: convolutions add up in an order that depends on the memory's."""
    np.testing.assert_allclose(made.astype(float), wanted, atol=1)
