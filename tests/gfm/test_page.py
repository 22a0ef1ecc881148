"""The files of the page: whole, by themselves, and with headers that keep others out."""

from __future__ import annotations

import re

import pytest
from serving import PNG, open_client, post

from gfm.serve import application
from gfm.serve.responses import HEADERS


@pytest.fixture(scope="module")
def client():
    with open_client() as client:
        yield client


def test_refers_to_nothing_outside(client):
    for path, (_, kind) in application.PAGE.items():
        answer = client.get(path)
        assert answer.headers["content-type"].startswith(kind)
        text = answer.text.replace("http://www.w3.org/2000/svg", "")  # a name, not an address
        assert not re.findall(r"https?:|[\"'(]//|@import", text)


def test_refers_to_what_is_there(client):
    page = client.get("/").text
    for address in [*re.findall(r'(?:src|href)="([^"]+)"', page), "sending.js"]:
        assert client.get(f"/{address}").status_code == 200
    script = client.get("/script.js").text
    for name in re.findall(r'find\("([^"]+)"\)', script):
        assert f'id="{name}"' in page


def test_nothing_inline_that_the_policy_forbids(client):
    page = client.get("/").text
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*src=)", page)


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
        "limits": {"bytes": 100_000, "pixels": 50_000, "queue": 8},
    }
