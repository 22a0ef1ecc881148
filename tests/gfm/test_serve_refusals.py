"""`POST /matte`: every way of saying no, in one line of JSON that names the remedy."""

from __future__ import annotations

import logging
import sys

import pytest
from PIL import Image
from serving import PHOTOGRAPH, PNG, open_client, post, refusal, saved
from soak_server import png_head
from tiny import draw_photograph

import gfm
from gfm.serve.limits import Limits
from rssn.imaging.writing import encode_rgb

PICTURE = Image.fromarray(PHOTOGRAPH)


# The entry of a TIFF directory that says how many samples a pixel has.
SAMPLES = b"\x15\x01\x03\0\x01\0\0\0"
TIFF = saved(PICTURE, "TIFF")
WEBP = encode_rgb(PHOTOGRAPH, "webp")
WRONG_FILES = {
    "empty": (b"", 400, "no photograph was sent"),
    "text": (b"no picture at all", 415, "send a JPEG, PNG, WebP, TIFF or BMP file"),
    "page": (b"<svg onload=alert(1)>", 415, "no picture that can be read"),
    "gif": (saved(PICTURE, "GIF"), 415, "no picture that can be read"),
    "wave": (b"RIFF\x24\0\0\0WAVEfmt ", 415, "no picture that can be read"),
    "head of jpeg": (b"\xff\xd8\xff\xe0", 422, "damaged"),
    "head of png": (PNG[:20], 422, "damaged"),
    "head of tiff": (b"II*\0\x08\0\0\0", 422, "damaged"),
    "half a head of tiff": (b"II*\0\x08", 422, "damaged"),
    "head of webp": (b"RIFF\x24\0\0\0WEBPVP8 ", 422, "damaged"),
    "bmp in name": (b"BM is how this letter begins", 422, "damaged"),
    "half a jpeg": (encode_rgb(PHOTOGRAPH)[:3000], 422, "photograph is a JPEG that was cut short"),
    "half a png": (PNG[:3000], 422, "photograph is not an image that can be decoded"),
    "half with alpha": (
        saved(PICTURE.convert("RGBA"), "PNG")[:3000],
        422,
        "photograph is not an image that can be decoded",
    ),
    "half a webp": (encode_rgb(PHOTOGRAPH, "webp")[:3000], 422, "damaged"),
    "half a tiff": (TIFF[:3000], 422, "photograph is not an image"),
    "half a bmp": (saved(PICTURE, "BMP")[:3000], 422, "photograph is not an image"),
    "tiff of 65535 samples": (
        TIFF.replace(SAMPLES + b"\3\0", SAMPLES + b"\xff\xff"),
        422,
        "damaged",
    ),
    "bomb": (png_head(30_000, 30_000), 413, "30000x30000 pixels, 900.0 million; at most 0.05"),
    "bomb of webp": (
        WEBP[:21] + b"\xff\xff\xff\x0f" + WEBP[25:],
        413,
        "pixels",  # counted by us where Pillow, before 13, does not refuse it
    ),
    "wide": (encode_rgb(draw_photograph(0, 2, 30_000), "png"), 413, "30000x2 pixels, 0.1 million"),
    "no pixels": (png_head(0, 5), 422, "damaged"),
    "large": (b"\xff" * 100_001, 413, "larger than 0.1 MB"),
}
WRONG_QUERIES = {
    "output=mask": "output='mask' is not supported; choose 'rgba', 'alpha',",
    "format=jpg": "format='jpg' is not supported; choose 'png' or 'webp'",
    "fromat=png": "fromat='png' is not known; /docs lists what is",
}
TWO_FILES = [("a", ("a.png", PNG)), ("b", ("b.png", PNG))]
BROKEN_FORM = {"content": PNG, "headers": {"Content-Type": "multipart/form-data; boundary=x"}}
WRONG_FORMS = {
    "two files": ({"files": TWO_FILES}, "several photographs are in the form"),
    "no file": ({"files": {"note": (None, "text")}}, "no file is in the form"),
    "an empty file": ({"files": {"image": ("a.jpg", b"")}}, "no photograph was sent (0 bytes)"),
    "no boundary": ({"content": PNG, "headers": {"Content-Type": "multipart/form-data"}}, "bound"),
    "another boundary": (BROKEN_FORM, "cannot be read"),
}


@pytest.fixture(scope="module")
def client():
    with open_client() as client:
        yield client


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data", "ignore:Truncated File Read")
@pytest.mark.parametrize("data, status, message", WRONG_FILES.values(), ids=WRONG_FILES)
def test_wrong_files(client, data, status, message):
    for answer in (post(client, data), client.post("/matte", files={"image": ("a.jpg", data)})):
        assert refusal(answer)[0] == status
        assert message in refusal(answer)[1]
        assert "\n" not in refusal(answer)[1]


@pytest.mark.parametrize("query", WRONG_QUERIES)
def test_wrong_queries(client, query):
    status, error = refusal(post(client, PNG, query))
    assert status == 400 and error.startswith(WRONG_QUERIES[query])


def test_webp_that_would_be_too_long(client):
    wide = encode_rgb(draw_photograph(0, 2, 16_384), "png")
    status, error = refusal(post(client, wide, "format=webp"))
    assert status == 422 and "at most 16383 px a side" in error


@pytest.mark.parametrize("given, message", WRONG_FORMS.values(), ids=WRONG_FORMS)
def test_forms_without_one_file(client, given, message):
    status, error = refusal(client.post("/matte", **given))
    assert status == 400 and message in error


def test_other_addresses_and_methods(client):
    assert refusal(client.get("/nowhere"))[0] == 404
    assert refusal(client.get("/../../etc/passwd"))[0] == 404
    assert refusal(client.get("/..%2f..%2fapplication.py"))[0] == 404
    assert refusal(client.get("/matte"))[0] == 405


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (MemoryError(), 413, "more memory than this server has"),
        (RuntimeError("secret"), 500, "the matting failed"),
    ],
)
def test_failures_of_the_matting(client, monkeypatch, error, status, message):
    def fail(*arguments, **options):
        raise error

    monkeypatch.setattr(gfm, "matte", fail, raising=False)
    made = refusal(post(client, PNG))
    assert made[0] == status and message in made[1] and "secret" not in made[1]


def test_limit_on_memory_is_handed_on(caplog):
    with open_client(Limits(max_memory=10**6)) as client, caplog.at_level(logging.WARNING):
        status, error = refusal(post(client, PNG))
    assert (status, error) == (
        413,
        "the photograph needs more memory than this server has; send a smaller one",
    )
    assert "give at least" in caplog.text  # to whom runs the server
    with open_client(Limits(max_memory=10**12)) as client:
        assert post(client, PNG).status_code == 200


def test_nothing_is_written_whatever_the_file_is_called(client):
    post(client, PNG, "output=rgba")  # imports and compiles what it needs
    names = ["../../evil.png", "/etc/evil.png", "C:\\evil.png", "a\0b.png", "..", "a" * 3000]
    written: list[object] = []
    watching = True

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if not watching:
            return
        if event == "open" and _writes(arguments):
            written.append(arguments)
        elif event in ("os.mkdir", "os.rename", "os.link", "os.symlink", "os.remove"):
            written.append((event, *arguments))

    sys.addaudithook(watch)  # stays, hence `watching`
    try:
        for name in names:
            for data in (PNG, b"no picture"):
                form = {"image": (name, data)}
                assert client.post("/matte", files=form).status_code in (200, 400, 415)
    finally:
        watching = False
    assert written == []


def _writes(arguments: tuple[object, ...]) -> bool:
    _, mode, flags = arguments
    return any(c in "wax+" for c in mode) if isinstance(mode, str) else bool(flags & 3)
