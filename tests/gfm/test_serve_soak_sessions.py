"""Many sessions at once: no answer is mixed up, and memory stays flat."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import soak_sessions
from clicking import HalvesModel
from server_process import Server
from serving import listening

from gfm.models import registry
from gfm.serve.limits import Limits

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """A system without a network."""
    monkeypatch.setitem(registry.SYSTEMS, "halves", "clicking")


def run(sessions: int, clicks: int, rounds: int):
    limits = Limits(queue=sessions, sessions=sessions + 1)
    with listening(limits, model=HalvesModel()) as port:
        return soak_sessions.soak(Server(port, os.getpid()), sessions, clicks, rounds, quiet=True)


def test_few_sessions():
    seen = run(sessions=4, clicks=16, rounds=1)
    assert seen.wrong == [] and len(seen.seconds) == 16
    assert "16 corrections, 0 wrong answers" in str(seen)


def test_mixed_up_answers_would_be_noticed(monkeypatch):
    genuine = soak_sessions.Client.alpha
    asked: set[int] = set()

    def other_first(client):
        """Of every session the first matte is that of another one."""
        made = genuine(client)
        if client.number in asked:
            return made
        asked.add(client.number)
        return made[::-1, ::-1]

    monkeypatch.setattr(soak_sessions.Client, "alpha", other_first)
    monkeypatch.setattr(soak_sessions.Client, "correct", lambda self, seen: None)
    seen = run(sessions=2, clicks=2, rounds=1)
    assert len(seen.wrong) == 2 and "alpha differs by 255 levels" in seen.wrong[0]


@pytest.mark.integration
def test_500_clicks_in_40_sessions():
    seen = run(sessions=40, clicks=500, rounds=3)
    assert seen.wrong == [] and len(seen.seconds) == 1500
    (_, first), *_, (most, last) = seen.memory
    assert last - first < 15e6 and most - last < 60e6
