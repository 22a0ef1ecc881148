"""Photographs of every kind come in upright and in the right colours, and keep their profile."""

from __future__ import annotations

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from rssn.imaging.errors import InputError
from rssn.imaging.photographs import encode_picture, read_photograph

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


# OpenCV reads all three: a part that is shorter than it was, a marker that no file has, a
# description of 8 MB.
WEBP = saved(Image.fromarray(PIXELS), "WEBP", lossless=True)
DAMAGED_WEBP = WEBP[:16] + (len(WEBP) - 40).to_bytes(4, "little") + WEBP[20:]
JPEG = saved(Image.fromarray(PIXELS), "JPEG")
DAMAGED_JPEG = JPEG[:20] + b"\xff\x01" + JPEG[20:]
BMP = saved(Image.fromarray(PIXELS), "BMP")
DAMAGED_BMP = BMP[:16] + b"\x7f" + BMP[17:]


@pytest.mark.parametrize("kind", ["png", "webp", "tiff"])
def test_profile_and_pixels_go_through(kind):
    data = encode_picture(PIXELS, kind, PROFILE)
    again = read_photograph(data)
    np.testing.assert_array_equal(again.pixels, PIXELS)
    assert again.profile == PROFILE
    assert read_photograph(encode_picture(PIXELS, kind)).profile is None


@pytest.mark.parametrize("kind", ["png", "webp", "tiff"])
def test_transparent_colours_are_kept(kind):
    pixels = np.dstack([PIXELS, np.zeros((6, 9), np.uint8)])
    shown = Image.open(io.BytesIO(encode_picture(pixels, kind)))
    np.testing.assert_array_equal(np.asarray(shown), pixels)


@pytest.mark.parametrize("kind", ["png", "tiff"])
def test_sixteen_bits_of_grey_are_kept(kind):
    levels = np.array([[0, 1, 40000], [65535, 256, 255]], np.uint16)
    shown = Image.open(io.BytesIO(encode_picture(levels, kind)))
    np.testing.assert_array_equal(np.asarray(shown).astype(np.uint16), levels)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_turned_upright(kind):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees with the clock
    assert read_photograph(saved(Image.fromarray(PIXELS), kind, exif=exif)).pixels.shape == (
        9,
        6,
        3,
    )


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_parts_are_laid_on_white(mode):
    image = Image.new("RGBA", (4, 4), (200, 0, 0, 0)).convert(mode)
    options = {"transparency": 0} if mode == "P" else {}
    assert (read_photograph(saved(image, **options)).pixels == 255).all()


def test_cmyk_goes_through_no_rgb_profile():
    image = Image.new("RGB", (4, 4), (200, 30, 60)).convert("CMYK")
    found = read_photograph(saved(image, "TIFF"))
    assert np.abs(found.pixels.astype(int) - (200, 30, 60)).max() <= 2
    assert found.profile is None


def test_grey_and_its_profile():
    grey = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()  # not of RGB
    found = read_photograph(saved(Image.new("L", (4, 4), 77), icc_profile=grey))
    assert (found.pixels == 77).all() and found.profile is None


def test_first_frame_of_an_animation():
    frames = [Image.new("RGB", (4, 4), shade) for shade in ("red", "blue")]
    data = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    assert read_photograph(data).pixels[0, 0].tolist() == [255, 0, 0]


def test_sixteen_bits_become_eight():
    data = encode_picture(np.full((3, 3), 40000, np.uint16))
    assert abs(int(read_photograph(data).pixels[0, 0, 0]) - 40000 / 257) < 1


def test_too_many_pixels_are_refused_before_they_are_decoded():
    file = saved(Image.new("1", (8, 8)))
    head = file[12:16] + struct.pack(">II", 60_000, 60_000) + file[24:29]
    bomb = file[:12] + head + struct.pack(">I", zlib.crc32(head)) + file[33:]
    with pytest.raises(InputError, match=r"big\.png: .*3,600,000,000 pixels"):
        read_photograph(bomb, "big.png")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"no picture", "is not an image"),
        (saved(Image.fromarray(PIXELS))[:60], ""),
        (DAMAGED_WEBP, "is not an image that can be decoded .a WebP"),
        (DAMAGED_JPEG, "is not an image that can be decoded .a JPEG"),
        (DAMAGED_BMP, "is not an image that can be decoded .a BMP"),
    ],
    ids=["empty", "text", "cut", "webp", "jpeg", "bmp"],
)
def test_what_is_no_picture_is_said(data, message):
    with pytest.raises(InputError, match=f"x.png: {message}"):
        read_photograph(data, "x.png")


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_damage_that_does_no_harm_is_not_warned_of(kind):
    """Pillow's warnings would stand on stderr between the lines of a command."""
    cut_exif = b"Exif\0\0II*\0\x08\0\0\0\x05\0"  # tells of five entries and ends
    data = saved(Image.fromarray(PIXELS).convert("RGBA"), kind, exif=cut_exif)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_photograph(data).pixels.shape == PIXELS.shape


def test_missing_file_is_said(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_photograph(tmp_path / "none.png")


def test_what_webp_does_not_hold_is_refused():
    with pytest.raises(InputError, match="does not fit into WebP"):
        encode_picture(np.zeros((1, 16384), np.uint8), "webp")
    with pytest.raises(InputError, match="does not fit into WebP"):
        encode_picture(np.zeros((2, 2), np.uint16), "webp")
    with pytest.raises(InputError, match="choose png, webp, tiff"):
        encode_picture(PIXELS, "gif")
