"""`POST /matte`: the answers are those of `gfm.matte` on what `gfm matte` would read."""

from __future__ import annotations

import io
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms
from serving import (
    PHOTOGRAPH,
    PNG,
    assert_same,
    decode,
    matte_of,
    open_client,
    post,
    saved,
)
from tiny import draw_photograph, shared

import gfm
from rssn.imaging.writing import encode_rgb

PICTURE = Image.fromarray(PHOTOGRAPH)
OTHER = Image.fromarray(draw_photograph(2, 96, 128))
DEEP = PHOTOGRAPH[..., ::-1].astype(np.uint16) * 257  # 16 bits, BGR
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
TURNED = Image.Exif()
TURNED[0x0112] = 6  # orientation: a quarter turn

KINDS = {
    "jpg": encode_rgb(PHOTOGRAPH, "jpg"),
    "webp": encode_rgb(PHOTOGRAPH, "webp"),
    "bmp": saved(PICTURE, "BMP"),
    "tiff": saved(PICTURE, "TIFF"),
    "cmyk": saved(PICTURE.convert("CMYK"), "JPEG"),
    "grey": saved(PICTURE.convert("L"), "PNG"),
    "transparent": saved(Image.merge("RGBA", (*PICTURE.split(), OTHER.split()[0])), "PNG"),
    "palette": saved(PICTURE.quantize(64), "PNG"),
    "palette with a hole": saved(PICTURE.quantize(64), "PNG", transparency=7),
    "tiff16": cv2.imencode(".tiff", DEEP)[1].tobytes(),
    "png16": cv2.imencode(".png", DEEP)[1].tobytes(),
    "turned": saved(PICTURE, "JPEG", exif=TURNED),
    "profile": saved(PICTURE, "JPEG", icc_profile=PROFILE),
    "animated webp": saved(PICTURE, "WEBP", save_all=True, append_images=[OTHER], lossless=True),
    "animated png": saved(PICTURE, "PNG", save_all=True, append_images=[OTHER]),
    "1x1": encode_rgb(PHOTOGRAPH[:1, :1], "png"),
    "wide": encode_rgb(draw_photograph(0, 1, 30_000), "png"),
}


@pytest.fixture(scope="module")
def client():
    with open_client() as client:
        yield client


@pytest.fixture(scope="module")
def expected():
    """Result for the photograph without a server."""
    return gfm.matte(PHOTOGRAPH, shared())


@pytest.mark.parametrize("kind", ["png", "webp"])
@pytest.mark.parametrize("output", ["rgba", "alpha", "foreground", "trimap"])
def test_pictures_are_those_of_matte(client, expected, output, kind):
    answer = post(client, PNG, f"output={output}&format={kind}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, f"image/{kind}")
    wanted = {
        "rgba": expected.rgba,
        "alpha": np.rint(expected.alpha * 255),
        "foreground": expected.foreground,
        "trimap": np.array([0, 128, 255])[expected.trimap],
    }[output]
    if output in ("alpha", "trimap") and kind == "webp":  # it knows no grey
        wanted = np.repeat(wanted[..., None], 3, axis=2)
    assert_same(decode(answer.content), wanted)


def test_form_and_body_are_the_same(client):
    form = client.post("/matte", files={"anything": ("photo.png", PNG)}, data={"note": "x"})
    assert form.status_code == 200
    assert form.content == post(client, PNG).content == post(client, PNG, "format=png").content
    shouted = {"Content-Type": form.request.headers["content-type"].replace("m", "M", 1)}
    again = client.post("/matte", content=form.request.content, headers=shouted)
    assert again.content == form.content


@pytest.mark.parametrize("name", ["trimap", "mask"])
def test_guidance_goes_to_the_packaged_guided_model(client, name):
    levels = np.full((96, 128), 0, np.uint8)
    levels[20:70, 30:100] = 255
    if name == "trimap":
        levels[15:75, 20:30] = 128
    files = {"image": ("a.png", PNG), name: (f"{name}.png", saved(Image.fromarray(levels), "PNG"))}
    answer = client.post("/matte?output=alpha", files=files)
    assert answer.status_code == 200
    guided = gfm.matte(PHOTOGRAPH, **{name: levels})
    assert_same(decode(answer.content), np.rint(guided.alpha * 255))


@pytest.mark.parametrize("data", KINDS.values(), ids=KINDS)
def test_kinds_of_files_are_read_as_by_the_command(client, data):
    answer = post(client, data)
    assert answer.status_code == 200
    assert_same(decode(answer.content), matte_of(data).rgba)


def test_what_kinds_look_like(client):
    made = {name: decode(post(client, KINDS[name], "output=foreground").content) for name in KINDS}
    assert made["turned"].shape == (128, 96, 3)
    plain = decode(post(client, PNG, "output=foreground").content)
    for name in ("tiff", "tiff16", "png16", "animated webp", "animated png"):
        assert_same(made[name], plain)


def test_profile_goes_along_with_colours(client):
    def profile(data: bytes) -> bytes | None:
        return Image.open(io.BytesIO(data)).info.get("icc_profile")

    for output, wanted in (("rgba", PROFILE), ("foreground", PROFILE), ("alpha", None)):
        for kind in ("png", "webp"):
            answer = post(client, KINDS["profile"], f"output={output}&format={kind}")
            assert profile(answer.content) == wanted
    assert profile(post(client, PNG).content) is None


def test_type_that_the_client_claims_is_not_believed(client):
    wanted = post(client, PNG).content
    for claimed in ("text/html", "image/jpeg", "application/x-www-form-urlencoded", "nonsense"):
        answer = client.post("/matte", content=PNG, headers={"Content-Type": claimed})
        assert answer.content == wanted
    form = {"image": ("page.html", PNG, "text/html")}
    assert client.post("/matte", files=form).content == wanted


def test_requests_at_once_get_their_own_answers(client):
    sizes = [(40 + 8 * n, 90 - 6 * n) for n in range(9)]
    photographs = [draw_photograph(n, *size) for n, size in enumerate(sizes)]
    with ThreadPoolExecutor(len(sizes)) as pool:
        made = pool.map(lambda p: post(client, encode_rgb(p, "png")), photographs)
    for photograph, answer in zip(photographs, made, strict=True):
        assert_same(decode(answer.content), gfm.matte(photograph, shared()).rgba)


@pytest.mark.integration
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")
def test_memory_is_flat_over_100_requests_(client):
    def megabytes() -> float:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def ask(count: int) -> None:
        for number in range(count):
            size = (60 + 37 * number % 130, 60 + 53 * number % 130)
            data = encode_rgb(draw_photograph(number, *size), "png")
            post(client, data[: len(data) // 2] if number % 20 == 0 else data, "output=rgba")

    ask(40)
    before = megabytes()
    ask(100)
    assert megabytes() - before < 15
