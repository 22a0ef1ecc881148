"""Files that people call photographs are read as they expect, or refused in one line."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms
from tiny import shared

import gfm
from gfm.__main__ import main
from gfm.checkpoints.files import save_model
from rssn.imaging.errors import InputError
from rssn.imaging.photographs import as_photograph

HEIGHT, WIDTH = 40, 60
Y, X = np.mgrid[0:HEIGHT, 0:WIDTH]
PIXELS = np.dstack([4 * X, 6 * Y, 200 - 2 * X - Y]).astype(np.uint8)
PICTURE = Image.fromarray(PIXELS)
OTHER = Image.fromarray(255 - PIXELS)
GREY = np.asarray(PICTURE.convert("L"))
LEFT = Image.fromarray(np.where(X < WIDTH // 2, 255, 0).astype(np.uint8))  # opaque there
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def by_opencv(pixels: np.ndarray, suffix: str) -> bytes:
    stored = pixels if pixels.ndim == 2 else pixels[..., [2, 1, 0, 3][: pixels.shape[2]]]
    return cv2.imencode(suffix, stored)[1].tobytes()


def animated(kind: str, **options: object) -> bytes:
    return encoded(PICTURE, kind, save_all=True, append_images=[OTHER], **options)


def see_through(mode: str = "RGBA") -> Image.Image:
    colours = PICTURE if mode == "RGBA" else PICTURE.convert("L")
    return Image.merge(mode, (*colours.split(), LEFT))


def sixteen(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype(np.uint16) * 257


def turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


GREYS = np.repeat(GREY[..., None], 3, axis=2)
ON_WHITE = np.where((X < WIDTH // 2)[..., None], PIXELS, 255)
GREYS_ON_WHITE = np.where((X < WIDTH // 2)[..., None], GREYS, 255)
BITS = np.repeat(np.asarray(PICTURE.convert("1"), np.uint8)[..., None] * 255, 3, axis=2)

# Content, what is seen in it, and by how much that may differ in the mean.
GOOD: dict[str, tuple[Callable[[], bytes], np.ndarray, float]] = {
    "animated.gif": (lambda: animated("GIF"), PIXELS, 6),
    "animated.webp": (lambda: animated("WEBP", lossless=True), PIXELS, 0),
    "animated.png": (lambda: animated("PNG"), PIXELS, 0),
    "sixteen.png": (lambda: by_opencv(sixteen(PIXELS), ".png"), PIXELS, 0),
    "sixteen.tiff": (lambda: by_opencv(sixteen(PIXELS), ".tiff"), PIXELS, 0),
    "sixteen_grey.png": (lambda: by_opencv(sixteen(GREY), ".png"), GREYS, 0),
    "sixteen_grey.tiff": (lambda: by_opencv(sixteen(GREY), ".tiff"), GREYS, 0),
    "sixteen_alpha.png": (
        lambda: by_opencv(sixteen(np.asarray(see_through())), ".png"),
        ON_WHITE,
        0,
    ),
    "grey.jpg": (lambda: encoded(PICTURE.convert("L"), "JPEG", quality=95), GREYS, 1),
    "grey.png": (lambda: encoded(PICTURE.convert("L"), "PNG"), GREYS, 0),
    "grey_alpha.png": (lambda: encoded(see_through("LA"), "PNG"), GREYS_ON_WHITE, 0),
    "rgba.png": (lambda: encoded(see_through(), "PNG"), ON_WHITE, 0),
    "rgba.webp": (lambda: encoded(see_through(), "WEBP", lossless=True), ON_WHITE, 0),
    "rgba.tiff": (lambda: encoded(see_through(), "TIFF"), ON_WHITE, 0),
    "cmyk.jpg": (lambda: encoded(PICTURE.convert("CMYK"), "JPEG", quality=97), PIXELS, 2),
    "cmyk.tiff": (lambda: encoded(PICTURE.convert("CMYK"), "TIFF"), PIXELS, 1),
    "lab.tiff": (lambda: encoded(in_lab(), "TIFF"), PIXELS, 2),
    "palette.png": (lambda: encoded(PICTURE.quantize(256), "PNG"), PIXELS, 8),
    "bits.png": (lambda: encoded(PICTURE.convert("1"), "PNG"), BITS, 0),
    "bits.tiff": (lambda: encoded(PICTURE.convert("1"), "TIFF"), BITS, 0),
    "turned.jpg": (
        lambda: encoded(PICTURE, "JPEG", exif=turned(), quality=97, subsampling=0),
        np.rot90(PIXELS, -1),
        2,
    ),
    "turned.png": (
        lambda: encoded(see_through(), "PNG", exif=turned()),
        np.rot90(ON_WHITE, -1),
        0,
    ),
    "png.jpg": (lambda: encoded(PICTURE, "PNG"), PIXELS, 0),
    "one.png": (lambda: encoded(Image.new("RGB", (1, 1), (9, 99, 199)), "PNG"), None, 0),
}


def in_lab() -> Image.Image:
    spaces = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    return ImageCms.profileToProfile(PICTURE, *spaces, outputMode="LAB")


def bomb() -> bytes:
    """A PNG of a few bytes that says it has 60000 x 60000 pixels."""
    file = encoded(Image.new("1", (8, 8)), "PNG")
    head = file[12:16] + struct.pack(">II", 60_000, 60_000) + file[24:29]
    return file[:12] + head + struct.pack(">I", zlib.crc32(head)) + file[33:]


def cut(kind: str) -> bytes:
    data = encoded(PICTURE, kind)
    return data[: len(data) // 2]


def broken(kind: str) -> bytes:
    data = bytearray(encoded(PICTURE, kind))
    data[len(data) // 2] ^= 0xFF
    return bytes(data)


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 200
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'

BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "zero.jpg": (lambda: b"", "is empty (0 bytes); replace or remove it"),
    "text.jpg": (lambda: b"I am a text\n" * 9, "is not an image that can be decoded"),
    "cut.jpg": (lambda: cut("JPEG"), "is a JPEG that was cut short"),
    "half.png": (lambda: cut("PNG"), "is not an image that can be decoded (a PNG"),
    "broken.png": (lambda: broken("PNG"), "is not an image that can be decoded (a PNG"),
    "bomb.png": (
        bomb,
        "has 3,600,000,000 pixels by its header; shrink it to at most 178,956,970",
    ),
    "float.tiff": (
        lambda: encoded(Image.fromarray(GREY / np.float32(255)), "TIFF"),
        "has numbers without a level of white (mode F)",
    ),
    "photograph.heic": (lambda: HEIC, "is a HEIC picture, which is not read; save it as JPEG"),
    "heic.jpg": (lambda: HEIC, "is a HEIC picture, which is not read; save it as JPEG"),
    "drawing.svg": (lambda: SVG, "is an SVG drawing, which is not read; save it as JPEG"),
    "document.png": (lambda: b"%PDF-1.7\n", "is a PDF document, which is not read"),
    "video.jpg": (lambda: b"\0\0\0\x20ftypisom" + b"\0" * 50, "is a video or sound file"),
}


@pytest.mark.parametrize("name", GOOD)
def test_read_as_people_see_it(name, tmp_path, capfd):
    make, wanted, tolerance = GOOD[name]
    (tmp_path / name).write_bytes(make())
    found = as_photograph(tmp_path / name).pixels
    if wanted is None:
        assert found.tolist() == [[[9, 99, 199]]]
    else:
        assert found.shape == wanted.shape and found.dtype == np.uint8
        assert np.abs(found.astype(int) - wanted).mean() <= tolerance
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("name", BAD)
def test_refused_in_one_line(name, tmp_path, capfd):
    make, message = BAD[name]
    (tmp_path / name).write_bytes(make())
    with pytest.raises(InputError) as caught:
        gfm.matte(tmp_path / name, shared())
    assert str(caught.value).startswith(f"{tmp_path / name}: {message}")
    assert "\n" not in str(caught.value) and capfd.readouterr().err == ""


def test_command_names_each_bad_file_once_and_does_the_rest(tmp_path, capfd):
    save_model(shared(), tmp_path / "m.safetensors")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "good.png").write_bytes(encoded(PICTURE, "PNG"))
    (folder / "wide.png").write_bytes(encoded(PICTURE.resize((30_000, 50)), "PNG"))
    (folder / "also.gif").write_bytes(animated("GIF"))
    (folder / "a_folder.jpg").mkdir()
    for name, (make, _) in BAD.items():
        (folder / name).write_bytes(make())
    (folder / "dangling.jpg").symlink_to("nowhere.jpg")
    given = ("matte", folder, "--model", tmp_path / "m.safetensors", "--out", tmp_path / "out")
    assert main([*map(str, given), "--quiet", "--outputs", "alpha"]) == 1
    lines = capfd.readouterr().err.strip().splitlines()
    failed = sorted([*BAD, "dangling.jpg"])
    assert [line.split(": ")[:2] for line in lines] == [
        ["failed", str(folder / name)] for name in failed
    ]
    made = sorted(path.name for path in (tmp_path / "out" / "alpha").iterdir())
    assert made == ["also.png", "good.png", "wide.png"]
    assert Image.open(tmp_path / "out" / "alpha" / "wide.png").size == (30_000, 50)


@pytest.mark.parametrize("kind", ["folder", "unreadable"])
def test_what_is_no_file(kind, tmp_path):
    path = tmp_path / "x.jpg"
    if kind == "folder":
        path.mkdir()
    else:
        path.write_bytes(encoded(PICTURE, "JPEG"))
        path.chmod(0)
        if os.access(path, os.R_OK):
            pytest.skip("this user reads every file")
    with pytest.raises(InputError, match=r"x\.jpg: "):
        gfm.matte(path, shared())


class TestPillow:
    @pytest.mark.parametrize(
        "make",
        [
            lambda: PICTURE,
            lambda: see_through(),
            lambda: see_through("LA"),
            lambda: PICTURE.convert("L"),
            lambda: PICTURE.convert("1"),
            lambda: PICTURE.quantize(64),
            lambda: see_through().quantize(64),
            lambda: PICTURE.convert("CMYK"),
            lambda: in_lab(),
            lambda: Image.fromarray(sixteen(GREY)),
        ],
        ids=["RGB", "RGBA", "LA", "L", "1", "P", "PA", "CMYK", "LAB", "I16"],
    )
    def test_picture_in_memory_is_its_file(self, make, tmp_path):
        image = make()
        kind = "TIFF" if image.mode in ("CMYK", "LAB") else "PNG"
        (tmp_path / "x").write_bytes(encoded(image, kind))
        wanted = as_photograph(tmp_path / "x").pixels
        np.testing.assert_array_equal(as_photograph(image).pixels, wanted)

    def test_premultiplied_and_other_spaces(self):
        np.testing.assert_allclose(
            as_photograph(see_through().convert("RGBa")).pixels, ON_WHITE, atol=1
        )
        found = as_photograph(PICTURE.convert("HSV")).pixels
        assert np.abs(found.astype(int) - PIXELS).mean() < 4

    @pytest.mark.parametrize("mode", ["I", "F"])
    def test_numbers_without_a_range_are_refused(self, mode):
        with pytest.raises(InputError, match=f"mode {mode}"):
            as_photograph(Image.new(mode, (4, 4)))

    def test_cut_file_that_is_opened_and_not_yet_read(self):
        image = Image.open(io.BytesIO(cut("PNG")))
        with pytest.raises(InputError, match="PIL image"):
            as_photograph(image)

    def test_profile_is_kept(self, tmp_path):
        (tmp_path / "p.png").write_bytes(encoded(PICTURE, "PNG", icc_profile=PROFILE))
        opened = Image.open(tmp_path / "p.png")
        for given in (opened, tmp_path / "p.png", str(tmp_path / "p.png")):
            assert as_photograph(given).profile == PROFILE


def test_saved_cut_out_keeps_the_profile(tmp_path):
    (tmp_path / "p.jpg").write_bytes(encoded(PICTURE, "JPEG", icc_profile=PROFILE))
    gfm.matte(tmp_path / "p.jpg", shared()).save(tmp_path / "cut.png")
    assert Image.open(tmp_path / "cut.png").info["icc_profile"] == PROFILE


def test_command_and_function_read_alike(tmp_path: Path):
    save_model(shared(), tmp_path / "m.safetensors")
    (tmp_path / "rgba.png").write_bytes(encoded(see_through(), "PNG"))
    given = ("matte", tmp_path / "rgba.png", "--model", tmp_path / "m.safetensors", "--quiet")
    assert main([*map(str, given), "--out", str(tmp_path / "out"), "--outputs", "rgba"]) == 0
    gfm.matte(tmp_path / "rgba.png", shared()).save(tmp_path / "cut.png")
    one, other = (
        Image.open(path) for path in (tmp_path / "out/rgba/rgba.png", tmp_path / "cut.png")
    )
    np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
