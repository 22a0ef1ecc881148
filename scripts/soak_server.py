"""Ask a server of `gfm serve` a thousand times from many clients: do memory and answers hold?

Some requests are broken. Every answer is compared with what the model gives without a server.
"""

import argparse
import http.client
import io
import socket
import struct
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from server_process import serving

import gfm
from gfm.checkpoints.files import save_model
from gfm.models.glance_focus.config import GFMConfig
from gfm.models.glance_focus.network import GFM
from rssn.imaging.console import Bar, run_command
from rssn.imaging.errors import FailedInputs, InputError
from rssn.imaging.photographs import read_photograph
from rssn.imaging.writing import encode_rgb

SIZES = ((96, 128), (120, 90), (200, 150), (64, 180))  # height and width of pictures, in px
ALIKE = 1.0  # mean difference in levels; between pictures of other clients it is above 10
ATTEMPTS = 100  # while the server is busy
TIMEOUT = 120  # seconds
ABORTED = "aborted"  # stands for the status that nobody waited for


@dataclass(frozen=True)
class SoakOptions:
    """Size of a soak test.

    Attributes:
        requests: Of all clients together.
        clients: That ask at the same time.
        broken: Share of the requests that are broken, each in another way in turn.
        queue: Photographs that may wait; fewer than the clients, so that some are sent away.
        warm_up: Requests before memory is measured first.

    Raises:
        InputError: One of them is out of range.
    """

    requests: int = 1000
    clients: int = 8
    broken: float = 0.05
    queue: int = 5
    warm_up: int = 200

    def __post_init__(self) -> None:
        if self.clients < 1 or not 0 <= self.broken < 1 or not 0 < self.warm_up < self.requests:
            raise InputError(
                f"clients={self.clients}, broken={self.broken}, warm_up={self.warm_up}, "
                f"requests={self.requests}: give 1 client or more, a share from 0 to below 1, and "
                "a warm-up of fewer requests than all"
            )


@dataclass
class SoakResult:
    """Result of a soak test.

    Attributes:
        statuses: How often each was answered; every attempt counts.
        wrong: A line for each answer that was not the expected one.
        seconds: Of every photograph that was matted, from sending to the last byte, without what
            was waited after a refusal.
        elapsed: Seconds that all of it took.
        memory: Bytes that the server held: after the warm-up, at the end, and the most.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    elapsed: float = 0.0
    memory: tuple[int, int, int] = (0, 0, 0)

    def __str__(self) -> str:
        warm, end, most = (size / 1e6 for size in self.memory)
        p50, p95 = np.percentile(self.seconds or [0.0], (50, 95)) * 1000
        counts = ", ".join(f"{count} x {status}" for status, count in sorted(self.statuses.items()))
        return (
            f"answers: {counts}; {len(self.wrong)} wrong\n"
            f"photographs: {len(self.seconds) / max(self.elapsed, 1e-9):.1f} a second, "
            f"p50 {p50:.0f} ms, p95 {p95:.0f} ms\n"
            f"memory: {warm:.0f} MB after the warm-up, {end:.0f} MB at the end, "
            f"at most {most:.0f} MB"
        )


@dataclass(frozen=True)
class Request:
    """One request and the answer that it has to get.

    Attributes:
        data: The file.
        status: Of the answer; `ABORTED` closes the connection in the middle of the upload.
        wanted: The cut-out, uint8 RGBA (H, W, 4), where the status is 200.
        query: Of the address.
    """

    data: bytes
    status: str
    wanted: NDArray[np.uint8] | None = None
    query: str = "output=rgba"


def png_head(width: int, height: int) -> bytes:
    """A PNG that claims a size and has no pixels."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [
        struct.pack(">I", len(chunk) - 4) + chunk + zlib.crc32(chunk).to_bytes(4)
        for chunk in (head, b"IDAT")
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def soak(model_file: Path, options: SoakOptions, quiet: bool = False) -> SoakResult:
    """Ask a server of its own, and compare every answer with what the model gives here.

    Args:
        model_file: A model on disk.
        options: How much.
        quiet: No progress bar.

    Raises:
        InputError: No such model; or the server does not start, or has something to complain of.
    """
    requests = list(_plan(model_file, options))
    result = SoakResult()
    with (
        serving(model_file, "--device", "cpu", "--queue", str(options.queue)) as server,
        ThreadPoolExecutor(options.clients) as clients,
        Bar("Ask", options.requests, quiet) as bar,
    ):
        began = time.monotonic()
        warm = most = 0
        made = clients.map(lambda request: _ask(server.port, request, result), requests)
        for done, _ in enumerate(made, start=1):
            most = max(most, server.memory())
            warm = server.memory() if done == options.warm_up else warm
            bar.advance()
        result.elapsed = time.monotonic() - began
        result.memory = (warm, server.memory(), most)
    return result


def _plan(model_file: Path, options: SoakOptions) -> Iterator[Request]:
    """The requests in their order: those of the clients in turn, so that all run side by side."""
    model = gfm.load_model(model_file, "cpu")
    rng = np.random.default_rng(0)
    whole = []
    for number in range(options.clients * len(SIZES)):  # every client has one of each size
        picture = _draw(rng, *SIZES[number // options.clients])
        data = encode_rgb(picture, "png" if number % 2 else "jpg")
        wanted = gfm.matte(read_photograph(data).pixels, model).rgba
        whole.append(Request(data, "200", wanted))
    broken = _broken(whole[0].data)
    made = 0
    for number in range(options.requests):
        if int((number + 1) * options.broken) > made:
            yield broken[made % len(broken)]
            made += 1
        else:
            yield whole[number % len(whole)]


def _broken(jpeg: bytes) -> list[Request]:
    return [
        Request(b"a letter that is called photo.jpg", "415"),
        Request(jpeg[: len(jpeg) // 2], "422"),
        Request(jpeg, ABORTED),
        Request(b"", "400"),
        Request(png_head(30_000, 30_000), "413"),
        Request(jpeg, "400", query="output=everything"),
    ]


def _ask(port: int, request: Request, result: SoakResult) -> None:
    """Send a request until the server has time for it, and note what comes back."""
    if request.status == ABORTED:
        _abort(port, request.data)
        result.statuses[ABORTED] += 1
        return
    for _ in range(ATTEMPTS):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
        began = time.monotonic()
        connection.request("POST", f"/matte?{request.query}", request.data)
        answer = connection.getresponse()
        content = answer.read()
        took = time.monotonic() - began
        connection.close()
        result.statuses[str(answer.status)] += 1
        if answer.status != 503:
            break
        time.sleep(int(answer.headers["Retry-After"]))
    if str(answer.status) != request.status:
        text = content[:200].decode(errors="replace")
        result.wrong.append(f"{answer.status} in place of {request.status}: {text}")
    elif request.wanted is not None:
        result.seconds.append(took)
        made = np.asarray(Image.open(io.BytesIO(content)))
        if made.shape != request.wanted.shape:
            result.wrong.append(f"shape {made.shape} in place of {request.wanted.shape}")
        elif (difference := _difference(made, request.wanted)) > ALIKE:
            result.wrong.append(f"another picture: {difference:.1f} levels off in the mean")


def _abort(port: int, data: bytes) -> None:
    """Go away in the middle of an upload."""
    with socket.create_connection(("127.0.0.1", port), TIMEOUT) as client:
        head = f"POST /matte HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(data)}\r\n\r\n"
        client.sendall(head.encode() + data[: len(data) // 2])


def _difference(made: NDArray[np.uint8], wanted: NDArray[np.uint8]) -> float:
    return float(np.abs(made.astype(np.float32) - wanted).mean())


def _draw(rng: np.random.Generator, height: int, width: int) -> NDArray[np.uint8]:
    """A picture like no other: a ramp between two colours with a little grain."""
    low, high = rng.uniform(0, 255, (2, 3))
    ramp = np.linspace(low, high, width)[None]
    grain = rng.normal(0, 3, (height, width, 3))
    return np.rint(ramp + grain).clip(0, 255).astype(np.uint8)


def main() -> int:
    """Run the test."""
    usual = SoakOptions()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="model file; else a small untrained network")
    parser.add_argument("--requests", type=int, default=usual.requests)
    parser.add_argument("--clients", type=int, default=usual.clients)
    parser.add_argument("--broken", type=float, default=usual.broken, help="share (default 0.05)")
    parser.add_argument("--queue", type=int, default=usual.queue, help="photographs that wait")
    parser.add_argument("--warm-up", type=int, default=usual.warm_up, help="requests")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    options = parser.parse_args()
    return run_command(lambda: run(options))


def run(options: argparse.Namespace) -> None:
    """Print what came out.

    Raises:
        FailedInputs: Some answers were wrong.
    """
    how = SoakOptions(
        options.requests, options.clients, options.broken, options.queue, options.warm_up
    )
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        model = options.model
        if model is None:
            torch.manual_seed(0)
            model = Path(folder) / "small.safetensors"
            save_model(GFM(GFMConfig(backbone="timm:test_resnet", width=0.25)).eval(), model)
        result = soak(model, how, options.quiet)
    print(result)
    if result.wrong:
        raise FailedInputs(result.wrong)


if __name__ == "__main__":
    sys.exit(main())
