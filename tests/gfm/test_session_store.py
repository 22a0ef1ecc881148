"""The store of sessions ends them by time, number and memory."""

from __future__ import annotations

import pytest

from gfm.serve import edits, sessions
from gfm.serve.limits import Limits
from gfm.serve.sessions import session_bytes
from rssn.imaging.errors import InputError


@pytest.fixture
def clock(monkeypatch):
    """The time of the store of sessions."""

    class Clock:
        now = 0.0

    monkeypatch.setattr(sessions.time, "monotonic", lambda: Clock.now)
    return Clock


def store(limits: Limits, clock) -> sessions.Sessions:
    return sessions.Sessions(limits, lambda: clock.now)


def add(kept: sessions.Sessions, pixels: int = 1000) -> str:
    return kept.add(None, edits.History(), kept.make_room(pixels)).id


def test_sessions_end_by_time(clock):
    kept = store(Limits(idle=600), clock)
    first, second = add(kept), add(kept)
    clock.now = 500
    kept.find(first)
    clock.now = 700
    kept.sweep()
    assert len(kept) == 1 and kept.find(first)
    with pytest.raises(sessions.Refused, match="ended after 10 minutes without use") as error:
        kept.find(second)
    assert error.value.status == 410


def test_number_and_memory_are_bounded(clock):
    kept = store(Limits(sessions=2, session_memory=2 * session_bytes(1000)), clock)
    with pytest.raises(sessions.Refused) as error:
        add(kept, 3_000_000)
    assert error.value.status == 413
    first, second = add(kept), add(kept)
    with pytest.raises(sessions.Refused, match="2 photographs are being corrected") as error:
        add(kept)
    assert error.value.status == 429 and error.value.retry_after == 60
    clock.now = 61
    kept.find(second)
    third = add(kept)  # in place of the one that is idle
    with pytest.raises(sessions.Refused, match="made room for another one"):
        kept.find(first)
    clock.now = 200
    with kept.find(second).turn(), kept.find(third).turn():
        clock.now = 900
        with pytest.raises(sessions.Refused):  # both are at work
            add(kept)
    clock.now = 1000
    add(kept, 1_500_000)  # as large as both
    assert len(kept) == 1


def test_requests_of_one_session_are_bounded(clock):
    kept = store(Limits(), clock)
    held = kept.find(add(kept))
    turns = [held.turn() for _ in range(sessions.MOST_WAITING)]
    for turn in turns:
        turn.__enter__()
    with pytest.raises(sessions.Refused, match="8 requests of the session wait") as error:
        held.turn().__enter__()
    assert error.value.status == 429
    turns[0].__exit__(None, None, None)
    with held.turn():
        pass


@pytest.mark.parametrize("wrong", [{"sessions": -1}, {"session_memory": 0}, {"idle": 0}])
def test_wrong_limits_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        Limits(**wrong)
