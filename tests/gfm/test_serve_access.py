"""Clients that `gfm serve` answers: names in the Host header (DNS rebinding), and the token."""

from __future__ import annotations

import http.client

import pytest
import uvicorn
from serving import LIMITS, PNG, listening, open_client, post, refusal

from gfm.__main__ import main
from gfm.serve.access import Access, is_loopback
from gfm.serve.responses import HEADERS
from rssn.imaging.errors import InputError

TOKEN = "correct-horse/battery+staple"


@pytest.fixture(scope="module")
def client():
    with open_client(access=Access(("matting.example.org",))) as client:
        yield client


@pytest.fixture(scope="module")
def guarded():
    with open_client(access=Access(token=TOKEN)) as client:
        yield client


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1:8000", "127.0.0.1", "localhost:8000", "LOCALHOST", "[::1]:8000", "10.0.0.7"),
        *("matting.example.org", "Matting.Example.Org:443"),
    ],
)
def test_own_names_are_answered(client, host):
    assert client.get("/health", headers={"Host": host}).json()["status"] == "ok"


OTHERS = (
    *("evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example", "example.org"),
    *("", "[::1]evil.example", "evil.example@127.0.0.1", "2130706433", "::1"),
)


@pytest.mark.parametrize(
    ("host", "path"),
    [
        *(("evil.example", path) for path in ("/", "/script.js", "/health", "/none")),
        *((host, "/health") for host in OTHERS),
    ],
)
def test_other_names_are_refused(client, host, path):
    answer = client.get(path, headers={"Host": host})
    status, message = refusal(answer)
    assert status == 403
    assert repr(host) in message and "--allow-host" in message
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


def test_photograph_for_another_name_is_not_matted(client, monkeypatch):
    monkeypatch.setattr("gfm.serve.application.cut_out", lambda *_: pytest.fail("it was worked on"))
    answer = client.post("/matte", content=PNG, headers={"Host": "evil.example"})
    assert refusal(answer)[0] == 403


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}"],
)
def test_without_the_token_nothing_is_told(guarded, authorization):
    headers = {} if authorization is None else {"Authorization": authorization}
    for answer in (
        guarded.get("/health", headers=headers),
        guarded.post("/matte", content=PNG, headers=headers),
    ):
        status, message = refusal(answer)
        assert status == 401 and "Authorization: Bearer TOKEN" in message
        assert answer.headers["www-authenticate"] == "Bearer" and TOKEN not in message
    assert guarded.get("/").status_code == 200  # which asks for it


def test_with_the_token_all_is_as_without_one(guarded, client):
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert guarded.get("/health", headers=headers).json()["status"] == "ok"
    made = guarded.post("/matte", content=PNG, headers=headers)
    assert made.status_code == 200 and made.content == post(client, PNG).content


@pytest.mark.integration
def test_large_upload_without_the_token_gets_its_answer():
    """On a real socket, where a connection that closes too early loses the answer."""
    with listening(LIMITS, Access(token=TOKEN)) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("POST", "/matte", b"x" * 90_000)
        answer = connection.getresponse()
        assert answer.status == 401 and b"needs its token" in answer.read()
        connection.close()


@pytest.mark.parametrize(
    "token", ["", "short", "fifteen-letters", "has spaces in the middle", "ümläute-" * 4]
)
def test_weak_tokens_are_refused(token):
    with pytest.raises(InputError, match=r"--token: .*16"):
        Access(token=token)


@pytest.mark.parametrize("host", ["https://a.example", "a.example:80", "a.example/x", "", "[::1]"])
def test_names_that_are_none_are_refused(host):
    with pytest.raises(InputError, match="--allow-host "):
        Access((host,))


def test_loopback():
    assert all(map(is_loopback, ("127.0.0.1", "127.8.9.1", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.0.3", "matting.example.org")))


def test_token_is_not_shown():
    assert TOKEN not in repr(Access(token=TOKEN))


@pytest.fixture
def serve(model_file, monkeypatch, capsys):
    """Gives what `gfm serve` writes before it listens."""
    monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: None)
    monkeypatch.delenv("GFM_SERVE_TOKEN", raising=False)

    def shown(*options: str) -> str:
        assert main(["serve", "--model", str(model_file), "--port", "0", *options]) == 0
        return capsys.readouterr().err

    return shown


def test_open_server_warns_also_when_quiet(serve):
    lines = serve("--host", "0.0.0.0", "--quiet").splitlines()
    assert lines[0] == lines[-1] == "!" * len(lines[0]) and len(lines[0]) > 70
    assert lines[1].startswith("WARNING: --host 0.0.0.0 without --token: ")
    assert serve("--quiet") == ""  # for this machine alone


def test_guarded_server_prints_the_address_with_its_token(serve, monkeypatch):
    monkeypatch.setenv("GFM_SERVE_TOKEN", TOKEN)
    shown = serve("--host", "0.0.0.0")
    assert "WARNING" not in shown
    assert "/#token=correct-horse%2Fbattery%2Bstaple (Ctrl-C ends)" in shown
    assert "/#token=from-the-command-line (Ctrl-C" in serve("--token", "from-the-command-line")


def test_wrong_options_are_exit_2(model_file, capsys):
    for options, message in (
        (("--token", "short"), "--token: 5 "),
        (("--allow-host", "a:1"), "--allow-host a:1: "),
    ):
        assert main(["serve", "--model", str(model_file), "--port", "0", *options]) == 2
        assert capsys.readouterr().err.startswith(f"error: {message}")
