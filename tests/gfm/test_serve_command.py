"""`python -m gfm serve`: its options, its errors, and its end."""

from __future__ import annotations

import sys
import urllib.request

import pytest
from server_process import serving
from serving import PHOTOGRAPH, PNG, assert_same, decode
from tiny import shared

import gfm
from gfm.__main__ import main
from gfm.serve.limits import parse_bytes
from rssn.imaging.errors import InputError


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("50MB", 50_000_000), ("1.5g", 1_500_000_000), ("1 GiB", 2**30), ("300", 300)],
)
def test_amounts(text, wanted):
    assert parse_bytes("--max-bytes", text) == wanted


@pytest.mark.parametrize("text", ["", "MB", "5TB", "5MP", "-5MB", "0", "5 M B"])
def test_other_amounts_are_refused(text):
    with pytest.raises(InputError, match=f"--max-bytes {text}: .*500kB"):
        parse_bytes("--max-bytes", text)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--model", "none.safetensors"), "none.safetensors: no such model"),
        (("--max-bytes", "much"), "--max-bytes much: is no amount"),
        (("--max-memory", "4 apples"), "--max-memory 4 apples: is no amount"),
        (("--max-memory", "1MB"), "max_memory=0.1GB is too little for 128x128 pixels"),
        (("--max-megapixels", "0"), "max_pixels=0: 1 or more is allowed"),
        (("--queue", "-1"), "queue=-1: 0 or more is allowed"),
        (("--timeout", "0"), "seconds=0.0: more than 0 is allowed"),
        (("--max-sessions", "-1"), "sessions=-1: 0 or more is allowed"),
        (("--session-memory", "much"), "--session-memory much: is no amount"),
        (("--session-minutes", "0"), "idle=0.0: more than 0 is allowed"),
        (("--clicks", "none.safetensors"), "none.safetensors: no such model"),
        (("--clicks", "lite"), "--clicks names a model of the system glance_focus, which takes no"),
        (("--port", "70000"), "--host 127.0.0.1 --port 70000: cannot be listened on"),
        (("--host", "192.0.2.1"), "--host 192.0.2.1 --port 0: cannot be listened on"),
    ],
)
def test_wrong_usage_is_exit_2(model_file, options, message, capsys):
    assert main(["serve", "--model", str(model_file), "--port", "0", *options]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith(f"error: {message}")


def test_missing_packages_are_named(model_file, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main(["serve", "--model", str(model_file)]) == 2
    assert "uvicorn; pip install -e '.[web]'" in capsys.readouterr().err


@pytest.mark.integration
def test_serves_until_interrupted(model_file):
    with serving(model_file, "--max-memory", "8GB") as server:  # checks how it ends
        address = f"http://127.0.0.1:{server.port}/matte"
        with urllib.request.urlopen(urllib.request.Request(address, PNG)) as answer:
            made = decode(answer.read())
    assert_same(made, gfm.matte(PHOTOGRAPH, shared()).rgba)
