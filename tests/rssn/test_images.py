"""Reading and writing what users bring."""

from __future__ import annotations

import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from rssn.imaging import images, reading, writing
from rssn.imaging.errors import InputError

RNG = np.random.default_rng(0)
PHOTO = RNG.integers(0, 256, (12, 8, 3), dtype=np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_lossless_formats_keep_rgb(tmp_path: Path, suffix: str) -> None:
    writing.write_rgb(tmp_path / f"a{suffix}", PHOTO)
    np.testing.assert_array_equal(reading.read_rgb(tmp_path / f"a{suffix}"), PHOTO)


def test_jpeg_keeps_full_colour_resolution() -> None:
    checks = np.zeros((16, 16, 3), np.uint8)
    checks[::2, ::2] = checks[1::2, 1::2] = (255, 0, 0)
    checks[1::2, ::2] = checks[::2, 1::2] = (0, 0, 255)
    again = reading.decode_rgb(writing.encode_rgb(checks), "checks").astype(int)
    assert np.abs(again - checks).mean() < 12  # chroma at half resolution would give about 64


@pytest.mark.parametrize("bits", [8, 16])
def test_alpha_is_rounded_to_its_bits(tmp_path: Path, bits: int) -> None:
    alpha, path = RNG.random((5, 7), dtype=np.float32), tmp_path / "a.png"
    if bits == 8:
        writing.write_alpha(path, alpha)
    else:
        path.write_bytes(writing.encode(".png", np.rint(alpha * 65535).astype(np.uint16), []))
    read = reading.read_alpha(path)
    assert read.dtype == np.float32
    assert np.abs(read - alpha).max() <= 0.5 / (2**bits - 1) + 1e-7


def test_exif_orientation_turns_the_picture(tmp_path: Path) -> None:
    picture = Image.fromarray(PHOTO)
    exif = picture.getexif()
    exif[0x0112] = 6  # the camera was turned by 90 degrees
    picture.save(tmp_path / "turned.png", exif=exif)
    np.testing.assert_array_equal(reading.read_rgb(tmp_path / "turned.png"), np.rot90(PHOTO, -1))


def oriented(folder: Path, name: str, pixels: np.ndarray, orientation: int) -> Path:
    picture = Image.fromarray(pixels)
    exif = picture.getexif()
    exif[0x0112] = orientation
    options = {"lossless": True, "exact": True} if name.endswith("webp") else {"quality": 100}
    picture.save(folder / name, exif=exif, **options)
    return folder / name


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
def test_mattes_are_turned_as_their_photographs_are(
    suffix: str, orientation: int, tmp_path: Path
) -> None:
    grey = np.repeat(PHOTO[:8, :, :1], 3, axis=2)  # square: a mistake would show in no size
    path = oriented(tmp_path, f"a.{suffix}", grey, orientation)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("L"))
    np.testing.assert_array_equal(reading.read_rgb(path)[..., 0], upright)
    np.testing.assert_array_equal(np.rint(reading.read_alpha(path) * 255), upright)


@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_cutouts_are_turned_upright(suffix: str, tmp_path: Path) -> None:
    cutout = RNG.integers(1, 256, (12, 8, 4), dtype=np.uint8)
    path = oriented(tmp_path, f"a.{suffix}", cutout, 6)
    colours, alpha = reading.read_rgba(path)
    np.testing.assert_array_equal(colours, np.rot90(cutout[..., :3], -1))
    np.testing.assert_array_equal(np.rint(alpha * 255), np.rot90(cutout[..., 3], -1))


def test_broken_exif_leaves_the_matte_as_it_is(tmp_path: Path) -> None:
    path = oriented(tmp_path, "a.jpg", PHOTO[..., 0], 6)
    data = path.read_bytes()
    start = data.index(b"Exif\0\0") + len(b"Exif\0\0")
    path.write_bytes(data[: start + 4] + b"\xff\xff\xff\xff" + data[start + 8 :])
    assert reading.read_alpha(path).shape == PHOTO.shape[:2]


def as_ycck(cmyk: np.ndarray) -> bytes:
    """A JPEG that keeps its inks as YCbCr and black, as Photoshop writes them."""
    ycc = np.asarray(Image.fromarray(cmyk[..., :3].copy()).convert("YCbCr"))
    planes = Image.fromarray(np.dstack([255 - ycc, cmyk[..., 3]]), "CMYK")
    file = BytesIO()
    planes.save(file, "JPEG", quality=100, subsampling=0)
    data = bytearray(file.getvalue())
    data[data.index(b"Adobe") + 11] = 2  # its byte for the transform: YCCK
    return bytes(data)


@pytest.mark.parametrize("is_ycck", [False, True])
def test_inks_become_the_colours_that_they_print(is_ycck: bool, tmp_path: Path) -> None:
    # Cyan, magenta, yellow and black in 0..255; R = (255 - C)(255 - K) / 255, and so on.
    cmyk = np.full((16, 16, 4), (200, 100, 20, 51), np.uint8)
    path = tmp_path / "inks.jpg"
    if is_ycck:
        path.write_bytes(as_ycck(cmyk))
    else:
        Image.fromarray(cmyk, "CMYK").save(path, quality=100)
    np.testing.assert_allclose(reading.read_rgb(path)[8, 8], (44, 124, 188), atol=3)


def with_preview(data: bytes) -> bytes:
    """A JPEG with another one inside its EXIF segment, as cameras write them."""
    preview = b"Exif\0\0" + writing.encode_rgb(PHOTO)
    return data[:2] + b"\xff\xe1" + (len(preview) + 2).to_bytes(2, "big") + preview + data[2:]


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("cut", ["half", "end marker", "zeros"])
def test_jpeg_cut_short_is_refused(cut: str, progressive: bool, tmp_path: Path) -> None:
    file = BytesIO()
    picture = RNG.integers(0, 256, (40, 60, 3), dtype=np.uint8)
    Image.fromarray(picture).save(file, "JPEG", quality=95, progressive=progressive)
    whole = with_preview(file.getvalue())
    path = tmp_path / "a.jpg"
    for good in (whole, whole + b"what cameras append"):
        path.write_bytes(good)
        assert reading.read_rgb(path).shape == picture.shape
    half = whole[: -len(file.getvalue()) // 2]
    zeros = bytes(len(whole) - len(half))  # a download into a file that had its size already
    path.write_bytes({"half": half, "end marker": whole[:-2], "zeros": half + zeros}[cut])
    for read in (reading.read_rgb, reading.read_alpha):
        with pytest.raises(InputError, match=r"a\.jpg: .*JPEG"):
            read(path)


@pytest.mark.parametrize("suffix", ["png", "webp", "tif", "bmp"])
def test_other_formats_cut_short_are_refused(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(PHOTO).save(path)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match="is not an image that can be decoded"):
        reading.read_rgb(path)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC picture"),
        (b"\0\0\0\x20ftypisom", "a video or sound file"),
        (b"%PDF-1.7", "a PDF document"),
        (b'<?xml version="1.0"?><svg xmlns="x"/>', "an SVG drawing"),
    ],
)
def test_kinds_that_are_not_read_are_named(data: bytes, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    for read in (reading.read_rgb, reading.read_alpha, reading.read_rgba):
        with pytest.raises(InputError, match=rf"a\.jpg: .*{kind}"):
            read(path)


def test_broken_file_writes_nothing_to_stderr(tmp_path: Path, capfd) -> None:
    Image.fromarray(PHOTO).save(tmp_path / "a.tif")
    (tmp_path / "a.tif").write_bytes((tmp_path / "a.tif").read_bytes()[:-30])
    with pytest.raises(InputError):
        reading.read_rgb(tmp_path / "a.tif")
    assert capfd.readouterr().err == ""


def test_bmp_with_a_head_of_os2() -> None:
    """Its description has 12 bytes, with sides of 16 bits."""
    rows = np.flip(PHOTO[..., ::-1], 0)  # 8 px of 3 bytes need no filling
    head = struct.pack("<2sIHHI", b"BM", 26 + rows.nbytes, 0, 0, 26)
    data = head + struct.pack("<IHHHH", 12, 8, 12, 1, 24) + rows.tobytes()
    np.testing.assert_array_equal(reading.decode_rgb(data, "a.bmp"), PHOTO)


def test_sixteen_bit_grey_and_palette_photographs_become_rgb(tmp_path: Path) -> None:
    deep = (PHOTO.astype(np.uint16) * 257)[..., ::-1]
    cv2.imwrite(str(tmp_path / "deep.png"), deep)
    np.testing.assert_array_equal(reading.read_rgb(tmp_path / "deep.png"), PHOTO)
    Image.fromarray(PHOTO[..., 0]).save(tmp_path / "grey.png")
    np.testing.assert_array_equal(
        reading.read_rgb(tmp_path / "grey.png"), np.repeat(PHOTO[..., :1], 3, axis=2)
    )
    palette = Image.fromarray(PHOTO).quantize(16)
    palette.save(tmp_path / "palette.png")
    np.testing.assert_array_equal(
        reading.read_rgb(tmp_path / "palette.png"), np.asarray(palette.convert("RGB"))
    )


def test_matte_of_an_rgba_file_is_its_alpha_channel(tmp_path: Path) -> None:
    alpha = RNG.integers(0, 256, (12, 8)) / np.float32(255)
    writing.write_rgba(tmp_path / "a.png", PHOTO, alpha.astype(np.float32))
    colours, read = reading.read_rgba(tmp_path / "a.png")
    np.testing.assert_array_equal(colours, PHOTO)
    np.testing.assert_allclose(read, alpha, atol=1e-7)
    np.testing.assert_array_equal(reading.read_alpha(tmp_path / "a.png"), read)


def colour_matte(folder: Path) -> None:
    writing.write_rgb(folder / "bad.png", PHOTO)
    reading.read_alpha(folder / "bad.png")


def empty_file(folder: Path) -> None:
    (folder / "bad.png").touch()
    reading.read_rgb(folder / "bad.png")


def text_file(folder: Path) -> None:
    (folder / "bad.png").write_text("no picture")
    reading.read_rgb(folder / "bad.png")


def no_alpha_channel(folder: Path) -> None:
    writing.write_rgb(folder / "bad.png", PHOTO)
    reading.read_rgba(folder / "bad.png")


@pytest.mark.parametrize(
    ("attempt", "reason"),
    [
        (colour_matte, "colour picture, not a matte"),
        (empty_file, "is empty"),
        (text_file, "not an image"),
        (no_alpha_channel, "no alpha channel"),
        (lambda folder: reading.read_rgb(folder / "bad.png"), "cannot be read"),
        (lambda folder: writing.write_rgb(folder / "bad.gif", PHOTO), "cannot write"),
    ],
)
def test_errors_name_the_file(
    attempt: Callable[[Path], object], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=reason) as caught:
        attempt(tmp_path)
    assert "bad." in str(caught.value)


def test_folder_without_images_and_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no image"):
        images.image_files(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        images.image_files(tmp_path / "absent")
