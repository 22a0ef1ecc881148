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


def test_refers_to_what_is_there(client):
    for address in ("/", "/docs"):
        page = client.get(address).text
        for name in re.findall(r'(?:src|href)="([^"]+)"', page):
            assert client.get(f"/{name}").status_code == 200
    ids = set(re.findall(r'id="([^"]+)"', client.get("/").text))
    for name in ("script", "choosing", "results"):
        script = client.get(f"/{name}.js").text
        assert set(re.findall(r'find\("([^"]+)"\)', script)) <= ids
    scripts = [path for path in PAGE if path.endswith(".js")]
    imported = [
        name for path in scripts for name in re.findall(r'from "\./([^"]+)"', client.get(path).text)
    ]
    assert {f"/{name}" for name in imported} == set(scripts) - {"/script.js", "/docs.js"}


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
        "sessions": 0,
        "takes_clicks": False,
        "limits": {"bytes": 100_000, "pixels": 50_000, "queue": 8},
    }
