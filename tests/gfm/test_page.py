"""The files of the page: whole, by themselves, and with headers that keep others out."""

from __future__ import annotations

import re

import pytest
from serving import PNG, open_client, post

from gfm.serve.pages import PAGE
from gfm.serve.responses import HEADERS


@pytest.fixture(scope="module")
def client():
    with open_client() as client:
        yield client


def test_refers_to_nothing_outside(client):
    for path, (_, kind) in PAGE.items():
        answer = client.get(path)
        assert answer.headers["content-type"].startswith(kind)
        text = answer.text.replace("http://www.w3.org/2000/svg", "")  # a name, not an address
        assert not re.findall(r"https?:|[\"'(]//|@import", text)


def test_every_answer_has_the_headers(client):
    for answer in (client.get("/"), client.get("/none"), post(client, PNG), post(client, b"")):
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    policy = client.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src 'self';" in policy
    assert post(client, PNG).headers["cache-control"] == "no-store"


def test_health_tells_the_limits(client):
    assert client.get("/health").json() == {
        "status": "ok",
        "model": "tiny",
        "busy": 0,
        "sessions": 0,
        "takes_clicks": False,
        "limits": {"bytes": 100_000, "pixels": 50_000, "queue": 8},
    }
