"""One photograph at a time: who waits, who is sent away, and who leaves."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from serving import LIMITS, PNG, open_client, post, refusal, run_alone
from tiny import shared

from gfm.serve import answers, application, refusing
from gfm.serve.application import create_app
from gfm.serve.jobs import Jobs
from gfm.serve.limits import Limits


@pytest.fixture
def gate(monkeypatch):
    """Holds the matting up until it is set."""
    gate = threading.Event()

    def wait(*arguments: object) -> answers.Answer:
        assert gate.wait(20)
        return answers.Answer(b"done", "image/png")

    monkeypatch.setattr(application, "cut_out", wait)
    yield gate
    gate.set()


def test_full_line_is_503_and_health_still_answers(gate):
    limits = Limits(queue=1, seconds=20)
    with open_client(limits) as client, ThreadPoolExecutor(2) as pool:
        first = [pool.submit(post, client, PNG) for _ in range(2)]
        while client.get("/health").json()["busy"] < 2:
            time.sleep(0.01)
        answer = post(client, PNG)
        status, error = refusal(answer)
        assert status == 503 and "busy with 2 photographs" in error
        assert int(answer.headers["retry-after"]) >= 1
        gate.set()
        assert [f.result().content for f in first] == [b"done", b"done"]
        assert client.get("/health").json()["busy"] == 0


def test_too_slow_is_503_and_the_next_is_served(gate):
    with open_client(Limits(seconds=0.2)) as client:
        status, error = refusal(post(client, PNG))
        assert status == 503 and "not done within 0.2 s" in error
        gate.set()
        time.sleep(0.1)
        assert post(client, PNG).status_code == 200


def test_who_leaves_the_line_is_not_worked_on():
    done = []

    async def leave() -> None:
        jobs, gate = Jobs(LIMITS), threading.Event()
        first = asyncio.ensure_future(jobs.run(lambda: gate.wait(10)))
        second = asyncio.ensure_future(jobs.run(lambda: done.append("second")))
        third = asyncio.ensure_future(jobs.run(lambda: done.append("third")))
        await asyncio.sleep(0.05)
        second.cancel()
        gate.set()
        await asyncio.gather(first, third)
        jobs.close()

    run_alone(leave())
    assert done == ["third"]


def test_client_that_goes_away_leaves_the_line(gate):
    app = create_app(shared(), LIMITS)
    sent = []

    async def request_and_go() -> int:
        messages = [{"type": "http.request", "body": PNG}, {"type": "http.disconnect"}]
        scope = {"type": "http", "method": "POST", "path": "/matte"}
        scope |= {
            "headers": [(b"host", b"localhost")],
            "query_string": b"",
            "server": ("x", 80),
            "scheme": "http",
        }

        async def receive():
            return messages.pop(0)

        async def send(message):
            sent.append(message)

        async with app.router.lifespan_context(app):
            await app(scope, receive, send)
            return app.state.jobs.busy

    assert run_alone(request_and_go()) == 0
    assert sent[0]["status"] == refusing.GONE
