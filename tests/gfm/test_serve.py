"""`POST /matte`, the page's files and `gfm serve`: answers, limits, and every way of saying no."""

from __future__ import annotations

import asyncio
import email.policy
import io
import os
import re
import signal
import struct
import subprocess
import sys
import threading
import time
import urllib.request
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from starlette.requests import Request
from starlette.testclient import TestClient
from tiny import draw_photograph, shared

import gfm
from gfm.__main__ import main
from gfm.checkpoint import save_model
from gfm.serve import answers, application
from gfm.serve.application import create_app
from gfm.serve.jobs import Jobs
from gfm.serve.limits import Limits, Refused, parse_amount
from gfm.serve.responses import HEADERS
from gfm.serve.upload import Upload
from rssn.errors import InputError
from rssn.images import decode_rgb, encode_rgb

PHOTOGRAPH = draw_photograph(1, 96, 128)
PNG = encode_rgb(PHOTOGRAPH, "png")
LIMITS = Limits(max_bytes=100_000, max_pixels=50_000, queue=8, seconds=60)


@pytest.fixture(scope="module")
def client():
    with TestClient(create_app(shared(), LIMITS, "tiny")) as client:
        yield client


@pytest.fixture(scope="module")
def expected():
    """What the photograph gives without a server."""
    return gfm.matte(PHOTOGRAPH, shared())


def decode(data: bytes) -> np.ndarray:
    """As stored, in RGB order."""
    return np.asarray(Image.open(io.BytesIO(data)))


def assert_same(made: np.ndarray, wanted: np.ndarray) -> None:
    """Equal but for a level: convolutions add up in an order that depends on the memory's."""
    np.testing.assert_allclose(made.astype(float), wanted, atol=1)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def post(client: TestClient, data: bytes, query: str = ""):
    return client.post(f"/matte?{query}", content=data)


def refusal(answer) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json()) == ["error"]
    return answer.status_code, answer.json()["error"]


class TestAnswers:
    @pytest.mark.parametrize("kind", ["png", "webp"])
    @pytest.mark.parametrize("output", ["rgba", "alpha", "foreground", "trimap"])
    def test_pictures_are_those_of_matte(self, client, expected, output, kind):
        answer = post(client, PNG, f"output={output}&format={kind}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, f"image/{kind}")
        alpha = np.rint(expected.alpha * 255)
        wanted = {
            "rgba": expected.rgba,
            "alpha": alpha,
            "foreground": expected.foreground,
            "trimap": np.array([0, 128, 255])[expected.trimap],
        }[output]
        made = decode(answer.content)
        if output in ("alpha", "trimap") and kind == "webp":  # it knows no grey
            wanted = np.repeat(wanted[..., None], 3, axis=2)
        if output == "rgba" and kind == "webp":  # it keeps no colours that nobody sees
            made, wanted = made * (made[..., 3:] > 0), wanted * (wanted[..., 3:] > 0)
        assert_same(made, wanted)

    def test_form_and_body_are_the_same(self, client):
        form = client.post("/matte", files={"anything": ("photo.png", PNG)}, data={"note": "x"})
        assert form.status_code == 200
        assert form.content == post(client, PNG).content == post(client, PNG, "format=png").content

    def test_page_gets_all_that_it_shows_in_a_form(self, client):
        answer = post(client, PNG, "output=page")
        head = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode()
        form = email.message_from_bytes(head + answer.content, policy=email.policy.HTTP)
        parts = {p.get_param("name", header="content-disposition"): p for p in form.iter_parts()}
        pictures = {name: part.get_payload(decode=True) for name, part in parts.items()}
        assert list(pictures) == ["photograph", "rgba", "alpha", "trimap"]
        assert parts["photograph"].get_content_type() == "image/jpeg"
        difference = decode(pictures.pop("photograph")).astype(float) - PHOTOGRAPH
        assert abs(difference).mean() < 2
        for name, picture in pictures.items():
            assert picture == post(client, PNG, f"output={name}").content

    @pytest.mark.parametrize(
        "data",
        [
            encode_rgb(PHOTOGRAPH, "jpg"),
            encode_rgb(PHOTOGRAPH, "webp"),
            saved(Image.fromarray(PHOTOGRAPH), "BMP"),
            saved(Image.fromarray(PHOTOGRAPH), "TIFF"),
            saved(Image.fromarray(PHOTOGRAPH).convert("CMYK"), "JPEG"),
            saved(Image.fromarray(PHOTOGRAPH).convert("L"), "PNG"),
            saved(Image.fromarray(PHOTOGRAPH).convert("RGBA"), "PNG"),
            saved(Image.fromarray(PHOTOGRAPH).quantize(64), "PNG"),
            cv2.imencode(".tiff", PHOTOGRAPH.astype(np.uint16) * 257)[1].tobytes(),
            cv2.imencode(".png", PHOTOGRAPH.astype(np.uint16) * 257)[1].tobytes(),
            encode_rgb(PHOTOGRAPH[:1, :1], "png"),
            encode_rgb(draw_photograph(0, 2, 20_000), "png"),
        ],
        ids="jpg webp bmp tiff cmyk grey rgba palette tiff16 png16 1x1 wide".split(),
    )
    def test_kinds_of_files(self, client, data):
        answer = post(client, data, "output=alpha")
        assert answer.status_code == 200
        wanted = gfm.matte(decode_rgb(data, "x"), shared(), foreground="none").alpha
        assert_same(decode(answer.content), np.rint(wanted * 255))

    def test_requests_at_once_get_their_own_answers(self, client):
        sizes = [(40 + 8 * n, 90 - 6 * n) for n in range(9)]
        photographs = [draw_photograph(n, *size) for n, size in enumerate(sizes)]
        with ThreadPoolExecutor(len(sizes)) as pool:
            made = pool.map(lambda p: post(client, encode_rgb(p, "png")), photographs)
        for photograph, answer in zip(photographs, made, strict=True):
            assert_same(decode(answer.content), gfm.matte(photograph, shared()).rgba)


def png_head(width: int, height: int) -> bytes:
    """A PNG that claims a size and has no pixels."""
    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", size), (b"IDAT", b"")]
    packed = [
        struct.pack(">I", len(content)) + kind + content + zlib.crc32(kind + content).to_bytes(4)
        for kind, content in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


WRONG_FILES = {
    "empty": (b"", 400, "no photograph was sent"),
    "text": (b"no picture at all", 415, "send a JPEG, PNG, WebP, TIFF or BMP file"),
    "gif": (saved(Image.fromarray(PHOTOGRAPH), "GIF"), 415, "no picture that can be read"),
    "wave": (b"RIFF\x24\0\0\0WAVEfmt ", 415, "no picture that can be read"),
    "head of jpeg": (b"\xff\xd8\xff\xe0", 422, "damaged"),
    "head of png": (PNG[:20], 422, "damaged"),
    "head of tiff": (b"II*\0\x08\0\0\0", 422, "damaged"),
    "head of webp": (b"RIFF\x24\0\0\0WEBPVP8 ", 422, "damaged"),
    "bmp in name": (b"BM is how this letter begins", 422, "damaged"),
    "half a jpeg": (encode_rgb(PHOTOGRAPH)[:3000], 422, "photograph is a JPEG that was cut short"),
    "half a png": (PNG[:3000], 422, "photograph is not an image that can be decoded"),
    "bomb": (png_head(30_000, 30_000), 413, "30000x30000 pixels, 900.0 million; at most 0.05"),
    "no pixels": (png_head(0, 5), 422, "damaged"),
    "large": (b"\xff" * 100_001, 413, "larger than 0.1 MB"),
}


class TestRefusals:
    @pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
    @pytest.mark.parametrize("data, status, message", WRONG_FILES.values(), ids=WRONG_FILES)
    def test_wrong_files(self, client, data, status, message):
        for answer in (post(client, data), client.post("/matte", files={"image": ("a.jpg", data)})):
            assert refusal(answer)[0] == status
            assert message in refusal(answer)[1]

    @pytest.mark.parametrize(
        ("query", "message"),
        [
            ("output=mask", "output='mask' is not supported; choose 'rgba', 'alpha',"),
            ("format=jpg", "format='jpg' is not supported; choose 'png' or 'webp'"),
            ("fromat=png", "fromat='png' is not known; choose 'output' or 'format'"),
        ],
    )
    def test_wrong_queries(self, client, query, message):
        status, error = refusal(post(client, PNG, query))
        assert status == 400 and error.startswith(message)

    def test_webp_that_would_be_too_long(self, client):
        wide = encode_rgb(draw_photograph(0, 2, 16_384), "png")
        status, error = refusal(post(client, wide, "format=webp"))
        assert status == 422 and "at most 16383 px a side" in error

    def test_forms_without_one_file(self, client):
        two = [("a", ("a.png", PNG)), ("b", ("b.png", PNG))]
        for given, message in (
            ({"files": two}, "Too many files"),
            ({"files": {"note": (None, "text")}}, "no file is in the form"),
            ({"content": PNG, "headers": {"Content-Type": "multipart/form-data"}}, "boundary"),
            (
                {
                    "content": PNG,
                    "headers": {"Content-Type": "multipart/form-data; boundary=x"},
                },
                "cannot be read",
            ),
        ):
            status, error = refusal(client.post("/matte", **given))
            assert status == 400 and message in error

    def test_other_addresses_and_methods(self, client):
        assert refusal(client.get("/nowhere"))[0] == 404
        assert refusal(client.get("/matte"))[0] == 405
        assert client.get("/docs").status_code == 404  # it would load scripts from elsewhere

    @pytest.mark.parametrize(
        ("error", "status", "message"),
        [
            (MemoryError(), 413, "more memory than this machine has"),
            (RuntimeError("secret"), 500, "the matting failed"),
        ],
    )
    def test_failures_of_the_matting(self, client, monkeypatch, error, status, message):
        def fail(*arguments, **options):
            raise error

        monkeypatch.setattr(gfm, "matte", fail, raising=False)
        made = refusal(post(client, PNG))
        assert made[0] == status and message in made[1] and "secret" not in made[1]


class Client:
    """The client's side of a request whose body comes in pieces, for `Upload`."""

    def __init__(self, pieces: int, size: int, seconds: float = 0, **headers: str) -> None:
        self.pieces, self.size, self.seconds, self.sent = pieces, size, seconds, 0
        named = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
        self.request = Request({"type": "http", "headers": named}, self.receive)

    async def receive(self):
        await asyncio.sleep(self.seconds)
        self.sent += 1
        more = self.sent < self.pieces
        return {"type": "http.request", "body": bytes(self.size), "more_body": more}


class TestUploads:
    def test_reading_stops_at_the_limit(self):
        sender = Client(pieces=1000, size=1000)
        with pytest.raises(Refused, match="larger than") as caught:
            asyncio.run(Upload(sender.request, Limits(max_bytes=5500)).read())
        assert caught.value.status == 413
        assert sender.sent == 6

    def test_declared_length_is_refused_unread(self):
        sender = Client(pieces=1, size=10, content_length="5501")
        with pytest.raises(Refused, match="larger than"):
            asyncio.run(Upload(sender.request, Limits(max_bytes=5500)).read())
        assert sender.sent == 0

    def test_rest_is_drained_as_far_as_the_limit(self):
        for pieces, drained in ((4, 4), (1000, 6)):
            sender = Client(pieces, size=1000)
            asyncio.run(Upload(sender.request, Limits(max_bytes=5500)).drain())
            assert sender.sent == drained
        asking = Client(4, 1000, expect="100-continue")
        asyncio.run(Upload(asking.request, LIMITS).drain())
        assert asking.sent == 0

    def test_slow_upload_is_given_up(self):
        sender = Client(pieces=1000, size=1, seconds=0.02)
        with pytest.raises(Refused, match=r"longer than 0\.1 s") as caught:
            asyncio.run(Upload(sender.request, Limits(seconds=0.1)).read())
        assert caught.value.status == 408


class TestQueue:
    @pytest.fixture
    def gate(self, monkeypatch):
        """Holds the matting up until it is set."""
        gate = threading.Event()

        def wait(*arguments: object) -> answers.Answer:
            assert gate.wait(20)
            return answers.Answer(b"done", "image/png")

        monkeypatch.setattr(application, "cut_out", wait)
        yield gate
        gate.set()

    def test_full_line_is_503_and_health_still_answers(self, gate):
        limits = Limits(queue=1, seconds=20)
        with TestClient(create_app(shared(), limits)) as client, ThreadPoolExecutor(2) as pool:
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

    def test_too_slow_is_503_and_the_next_is_served(self, gate):
        with TestClient(create_app(shared(), Limits(seconds=0.2))) as client:
            status, error = refusal(post(client, PNG))
            assert status == 503 and "not done within 0.2 s" in error
            gate.set()
            time.sleep(0.1)
            assert post(client, PNG).status_code == 200

    def test_who_leaves_the_line_is_not_worked_on(self):
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

        asyncio.run(leave())
        assert done == ["third"]

    def test_client_that_goes_away_leaves_the_line(self, gate):
        app = create_app(shared(), LIMITS)
        sent = []

        async def request_and_go() -> int:
            messages = [{"type": "http.request", "body": PNG}, {"type": "http.disconnect"}]
            scope = {"type": "http", "method": "POST", "path": "/matte", "headers": []}
            scope |= {"query_string": b"", "server": ("x", 80), "scheme": "http"}

            async def receive():
                return messages.pop(0)

            async def send(message):
                sent.append(message)

            async with app.router.lifespan_context(app):
                await app(scope, receive, send)
                return app.state.jobs.busy

        assert asyncio.run(request_and_go()) == 0
        assert sent[0]["status"] == application.GONE


class TestPage:
    def test_refers_to_nothing_outside(self, client):
        for path, (_, kind) in application.PAGE.items():
            answer = client.get(path)
            assert answer.headers["content-type"].startswith(kind)
            text = answer.text.replace("http://www.w3.org/2000/svg", "")  # a name, not an address
            assert not re.findall(r"https?:|[\"'(]//|@import", text)

    def test_refers_to_what_is_there(self, client):
        page = client.get("/").text
        for address in [*re.findall(r'(?:src|href)="([^"]+)"', page), "sending.js"]:
            assert client.get(f"/{address}").status_code == 200
        script = client.get("/script.js").text
        for name in re.findall(r'find\("([^"]+)"\)', script):
            assert f'id="{name}"' in page

    def test_nothing_inline_that_the_policy_forbids(self, client):
        page = client.get("/").text
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*src=)", page)

    def test_every_answer_has_the_headers(self, client):
        for answer in (client.get("/"), client.get("/none"), post(client, PNG), post(client, b"")):
            assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
        policy = client.get("/").headers["content-security-policy"]
        assert "default-src 'none'" in policy and "script-src 'self';" in policy
        assert post(client, PNG).headers["cache-control"] == "no-store"

    def test_health_tells_the_limits(self, client):
        assert client.get("/health").json() == {
            "status": "ok",
            "model": "tiny",
            "busy": 0,
            "limits": {"bytes": 100_000, "pixels": 50_000, "queue": 8},
        }


class TestCommand:
    @pytest.fixture
    def model_file(self, tmp_path) -> str:
        save_model(shared(), tmp_path / "m.safetensors")
        return str(tmp_path / "m.safetensors")

    @pytest.mark.parametrize(
        ("text", "unit", "wanted"),
        [
            ("50MB", "B", 50_000_000),
            ("1.5g", "B", 1_500_000_000),
            ("60 MP", "P", 60_000_000),
            ("300", "P", 300),
        ],
    )
    def test_amounts(self, text, unit, wanted):
        assert parse_amount(text, unit) == wanted

    @pytest.mark.parametrize("text", ["", "MB", "5TB", "5MP", "-5MB", "5 M B", "1e6"])
    def test_other_amounts_are_refused(self, text):
        with pytest.raises(InputError, match="is no amount; write it like 500kB, 50MB or 1GB"):
            parse_amount(text, "B")

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (("--model", "none.safetensors"), "none.safetensors: no such model"),
            (("--max-bytes", "much"), "'much' is no amount"),
            (("--max-pixels", "0"), "max_pixels=0: 1 or more is allowed"),
            (("--queue", "-1"), "queue=-1: 0 or more is allowed"),
            (("--timeout", "0"), "seconds=0.0: more than 0 is allowed"),
            (("--port", "70000"), "--host 127.0.0.1 --port 70000: cannot be listened on"),
            (("--host", "192.0.2.1"), "--host 192.0.2.1 --port 0: cannot be listened on"),
        ],
    )
    def test_wrong_usage_is_exit_2(self, model_file, options, message, capsys):
        assert main(["serve", "--model", model_file, "--port", "0", *options]) == 2
        lines = capsys.readouterr().err.strip().splitlines()
        assert len(lines) == 1 and lines[0].startswith(f"error: {message}")

    def test_missing_packages_are_named(self, model_file, monkeypatch, capsys):
        monkeypatch.setitem(sys.modules, "uvicorn", None)
        assert main(["serve", "--model", model_file]) == 2
        assert (
            "needs the package uvicorn; pip install 'gfm-matting[web]'" in capsys.readouterr().err
        )

    @pytest.mark.slow
    def test_serves_until_interrupted(self, model_file):
        command = [sys.executable, "-m", "gfm", "serve", "--model", model_file, "--port", "0"]
        root = str(Path(__file__).parents[2])
        environment = os.environ | {"PYTHONPATH": root}
        with subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env=environment
        ) as server:
            address = re.search(r"http://127\.0\.0\.1:\d+", server.stderr.readline())[0]
            request = urllib.request.Request(f"{address}/matte", PNG, method="POST")
            with urllib.request.urlopen(request) as answer:
                made = decode(answer.read())
            server.send_signal(signal.SIGINT)
            rest = server.stderr.read()
            assert (server.wait(60), rest) == (0, "")
        assert_same(made, gfm.matte(PHOTOGRAPH, shared()).rgba)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")
def test_memory_is_flat_over_100_requests(client):
    def megabytes() -> float:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def ask(count: int) -> None:
        for number in range(count):
            size = (60 + 37 * number % 130, 60 + 53 * number % 130)
            data = encode_rgb(draw_photograph(number, *size), "png")
            post(client, data[: len(data) // 2] if number % 20 == 0 else data, "output=page")

    ask(40)
    before = megabytes()
    ask(100)
    assert megabytes() - before < 15
