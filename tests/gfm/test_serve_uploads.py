"""Uploads: read within their limits, however slow or rude the client is."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import time

import pytest
from serving import LIMITS, PNG, listening, run_alone
from starlette.requests import Request

from gfm.serve.limits import Limits, Refused
from gfm.serve.upload import Upload


class Client:
    """The client's side of a request whose body comes in pieces, for `Upload`."""

    def __init__(self, pieces: int, size: int, seconds: float = 0, **headers: str) -> None:
        self.pieces, self.size, self.seconds, self.sent = pieces, size, seconds, 0
        named = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
        self.request = Request({"type": "http", "headers": named}, self.receive)

    async def receive(self):
        await asyncio.sleep(self.seconds)
        self.sent += 1
        more = self.sent < self.pieces
        return {"type": "http.request", "body": bytes(self.size), "more_body": more}


def test_reading_stops_at_the_limit():
    sender = Client(pieces=1000, size=1000)
    with pytest.raises(Refused, match="larger than") as caught:
        run_alone(Upload(sender.request, Limits(max_bytes=5500)).read())
    assert caught.value.status == 413
    assert sender.sent == 6


def test_declared_length_is_refused_unread():
    sender = Client(pieces=1, size=10, content_length="5501")
    with pytest.raises(Refused, match="larger than"):
        run_alone(Upload(sender.request, Limits(max_bytes=5500)).read())
    assert sender.sent == 0


def test_rest_is_drained_as_far_as_the_limit():
    for pieces, drained in ((4, 4), (1000, 6)):
        sender = Client(pieces, size=1000)
        run_alone(Upload(sender.request, Limits(max_bytes=5500)).drain())
        assert sender.sent == drained
    asking = Client(4, 1000, expect="100-continue")
    run_alone(Upload(asking.request, LIMITS).drain())
    assert asking.sent == 0


def test_slow_upload_is_given_up():
    sender = Client(pieces=1000, size=1, seconds=0.02)
    with pytest.raises(Refused, match=r"longer than 0\.1 s") as caught:
        run_alone(Upload(sender.request, Limits(seconds=0.1)).read())
    assert caught.value.status == 408


def ask(port: int, method: str, path: str, body: bytes = b"") -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, body)
    return connection.getresponse()


def begin_upload(port: int) -> socket.socket:
    """Half an upload over a connection of its own."""
    client = socket.create_connection(("127.0.0.1", port), 20)
    head = f"POST /matte HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(PNG)}\r\n\r\n".encode()
    client.sendall(head + PNG[: len(PNG) // 2])
    return client


def busy(port: int) -> int:
    return json.loads(ask(port, "GET", "/health").read())["busy"]


def wait_until_busy(port: int, count: int) -> None:
    end = time.monotonic() + 10
    while busy(port) != count:
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.integration
def test_aborted_uploads_give_their_places_back():
    with listening(Limits(queue=1, seconds=20)) as port:
        clients = [begin_upload(port) for _ in range(2)]
        wait_until_busy(port, 2)
        answer = ask(port, "POST", "/matte", PNG)
        assert (answer.status, int(answer.headers["Retry-After"]) >= 1) == (503, True)
        for client in clients:
            client.close()
        wait_until_busy(port, 0)
        assert ask(port, "POST", "/matte", PNG).status == 200


@pytest.mark.integration
def test_stalled_upload_gets_an_answer_and_gives_its_place_back():
    with listening(Limits(queue=0, seconds=0.3)) as port:
        began = time.monotonic()
        with begin_upload(port) as client:
            assert client.recv(100).startswith(b"HTTP/1.1 408 ")
        assert 0.3 <= time.monotonic() - began < 5
        assert busy(port) == 0
        assert ask(port, "POST", "/matte", PNG).status == 200


@pytest.mark.integration
def test_nonsense_instead_of_http_is_survived():
    with listening(LIMITS) as port:
        for nonsense in (b"\0" * 100, b"POST /matte\r\n\r\n", b"GET / HTTP/1.1\r\n: x\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", port), 20) as client:
                client.sendall(nonsense)
                client.shutdown(socket.SHUT_WR)
                while client.recv(1000):
                    pass
        assert ask(port, "POST", "/matte", PNG).status == 200
