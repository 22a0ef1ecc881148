"""Correct many photographs at once on a server of `gfm serve`: do memory and answers hold?

Every session is made again alone afterwards, from its corrections: its matte has to be the same.
"""

import argparse
import http.client
import io
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from server_process import Server, serving

from rssn.imaging.console import Bar, run_command
from rssn.imaging.errors import FailedInputs, InputError
from rssn.imaging.writing import encode_rgb

ATTEMPTS = 1000  # while the server is busy
LEVELS = 2  # by which alpha may differ where sums are added in another order


@dataclass
class Seen:
    """Result of a soak test.

    Attributes:
        wrong: A line for each answer that was not the expected one.
        seconds: From a correction to the matte after it, waiting for the others included.
        memory: Bytes that the server held, of rounds: at most, and after its sessions ended.
    """

    wrong: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    memory: list[tuple[int, int]] = field(default_factory=list)

    def __str__(self) -> str:
        p50, p95 = np.percentile(self.seconds, (50, 95))
        held = "; ".join(f"{most / 1e6:.0f} MB, {end / 1e6:.0f} MB" for most, end in self.memory)
        return (
            f"{len(self.seconds)} corrections, {len(self.wrong)} wrong answers\n"
            f"from a correction to its matte: p50 {p50:.2f} s, p95 {p95:.2f} s\n"
            f"memory at most and at the end of each round: {held}"
        )


class Client:
    """One session on a server, with a photograph of its own."""

    def __init__(self, port: int, number: int) -> None:
        self.port, self.number = port, number
        self.rng = np.random.default_rng(number)
        self.size = 80 + 8 * (number % 7), 120 + 8 * (number % 5)
        self.picture = encode_rgb(draw(self.rng, *self.size), "png")
        self.id = json.loads(self.ask("POST", "/sessions", self.picture))["id"]

    def ask(self, method: str, path: str, body: bytes = b"", kind: str = "image/png") -> bytes:
        """The answer; a busy server is asked again."""
        for _ in range(ATTEMPTS):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
            connection.request(method, path, body, {"Content-Type": kind})
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            if answer.status not in (429, 503):
                break
            time.sleep(0.2)
        if answer.status >= 300:
            raise InputError(f"{method} {path}: {answer.status} {content[:200]!r}")
        return content

    def correct(self, seen: Seen) -> None:
        """Click, paint or undo somewhere, and fetch the matte."""
        height, width = self.size
        x, y = int(self.rng.integers(width)), int(self.rng.integers(height))
        mark = ("keep", "remove")[int(self.rng.integers(2))]
        draw = self.rng.random()
        action: dict[str, object] = {"kind": "click", "x": x, "y": y, "mark": mark}
        if draw < 0.2:
            action = {"kind": "stroke", "path": [[x, y], [y % width, x % height]], "radius": 4}
            action["mark"] = mark
        elif draw < 0.35:
            action = {"kind": ("undo", "redo")[int(self.rng.integers(2))]}
        began = time.monotonic()
        self.ask("POST", f"/sessions/{self.id}/clicks", json.dumps(action).encode())
        if self.alpha().shape != self.size:
            seen.wrong.append(f"session {self.number}: a matte of another size")
        seen.seconds.append(time.monotonic() - began)

    def alpha(self) -> NDArray[np.uint8]:
        """Its matte, (H, W)."""
        content = self.ask("GET", f"/sessions/{self.id}/matte?output=alpha")
        return np.asarray(Image.open(io.BytesIO(content)))

    def check(self, seen: Seen) -> None:
        """Make the session again alone, and end both."""
        made, state = self.alpha(), self.ask("GET", f"/sessions/{self.id}")
        self.ask("DELETE", f"/sessions/{self.id}")
        edge = b"--edge"
        head = b'Content-Disposition: form-data; name="%s"%s'
        image = edge + b"\r\n" + head % (b"image", b'; filename="a.png"') + b"\r\n\r\n"
        text = b"\r\n" + edge + b"\r\n" + head % (b"state", b"") + b"\r\n\r\n"
        form = image + self.picture + text + state + b"\r\n" + edge + b"--\r\n"
        kind = "multipart/form-data; boundary=edge"
        self.id = json.loads(self.ask("POST", "/sessions", form, kind))["id"]
        difference = np.abs(self.alpha().astype(int) - made)
        if difference.max() > LEVELS:
            seen.wrong.append(f"session {self.number}: alpha differs by {difference.max()} levels")
        self.ask("DELETE", f"/sessions/{self.id}")


def draw(rng: np.random.Generator, height: int, width: int) -> NDArray[np.uint8]:
    """A photograph of a disc, like no other."""
    y, x = np.mgrid[:height, :width]
    disc = np.hypot(y - rng.uniform(0.3, 0.7) * height, x - rng.uniform(0.3, 0.7) * width)
    colours = rng.uniform(0, 255, (2, 3))
    picture = np.where((disc < rng.uniform(15, 35))[..., None], colours[0], colours[1])
    return np.rint(picture + rng.normal(0, 4, picture.shape)).clip(0, 255).astype(np.uint8)


def soak(server: Server, sessions: int, clicks: int, rounds: int, quiet: bool = False) -> Seen:
    """Correct in so many sessions at once, some rounds of so many clicks in all."""
    seen = Seen()
    total = rounds * (clicks + sessions)
    with ThreadPoolExecutor(sessions) as pool, Bar("Correct", total, quiet) as bar:
        for _ in range(rounds):
            clients = list(pool.map(lambda number: Client(server.port, number), range(sessions)))
            most = server.memory()
            turns = [clients[number % sessions] for number in range(clicks)]
            works = [pool.submit(_in_turn, client, turns.count(client), seen) for client in clients]
            for work in works:
                bar.advance(work.result())
                most = max(most, server.memory())
            for client in clients:
                client.check(seen)
                bar.advance()
            seen.memory.append((most, server.memory()))
    return seen


def _in_turn(client: Client, count: int, seen: Seen) -> int:
    for _ in range(count):
        client.correct(seen)
    return count


def run(options: argparse.Namespace) -> None:
    """Print what came out.

    Raises:
        FailedInputs: Some answers were wrong.
    """
    more = ["--clicks", options.clicks_model] if options.clicks_model else []
    limits = ["--queue", str(options.sessions), "--max-sessions", str(options.sessions + 1)]
    with serving(options.model, "--device", "cpu", "--timeout", "600", *limits, *more) as server:
        seen = soak(server, options.sessions, options.clicks, options.rounds, options.quiet)
    print(seen)
    if seen.wrong:
        raise FailedInputs(seen.wrong)


def main() -> int:
    """Run the test."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=Path("lite"), help="automatic model")
    parser.add_argument("--clicks-model", help="click model (the one of the package)")
    parser.add_argument("--sessions", type=int, default=40, help="at once (default 40)")
    parser.add_argument("--clicks", type=int, default=500, help="in a round (default 500)")
    parser.add_argument("--rounds", type=int, default=3, help="default 3")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    return run_command(lambda: run(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
