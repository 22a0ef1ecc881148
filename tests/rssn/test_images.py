"""Reading and writing what users bring."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from rssn import images
from rssn.errors import InputError

RNG = np.random.default_rng(0)
PHOTO = RNG.integers(0, 256, (12, 8, 3), dtype=np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_lossless_formats_keep_rgb(tmp_path: Path, suffix: str) -> None:
    images.write_rgb(tmp_path / f"a{suffix}", PHOTO)
    np.testing.assert_array_equal(images.read_rgb(tmp_path / f"a{suffix}"), PHOTO)


def test_jpeg_keeps_full_colour_resolution() -> None:
    checks = np.zeros((16, 16, 3), np.uint8)
    checks[::2, ::2] = checks[1::2, 1::2] = (255, 0, 0)
    checks[1::2, ::2] = checks[::2, 1::2] = (0, 0, 255)
    again = images.decode_rgb(images.encode_rgb(checks), "checks").astype(int)
    assert np.abs(again - checks).mean() < 12  # chroma at half resolution would give about 64


@pytest.mark.parametrize(("bits", "step"), [(8, 255), (16, 65535)])
def test_alpha_is_rounded_to_its_bits(tmp_path: Path, bits: int, step: int) -> None:
    alpha = RNG.random((5, 7), dtype=np.float32)
    images.write_alpha(tmp_path / "a.png", alpha, bits)  # type: ignore[arg-type]
    read = images.read_alpha(tmp_path / "a.png")
    assert read.dtype == np.float32
    assert np.abs(read - alpha).max() <= 0.5 / step + 1e-7


def test_exif_orientation_turns_the_picture(tmp_path: Path) -> None:
    picture = Image.fromarray(PHOTO)
    exif = picture.getexif()
    exif[0x0112] = 6  # the camera was turned by 90 degrees
    picture.save(tmp_path / "turned.png", exif=exif)
    np.testing.assert_array_equal(images.read_rgb(tmp_path / "turned.png"), np.rot90(PHOTO, -1))


def test_sixteen_bit_grey_and_palette_photographs_become_rgb(tmp_path: Path) -> None:
    deep = (PHOTO.astype(np.uint16) * 257)[..., ::-1]
    cv2.imwrite(str(tmp_path / "deep.png"), deep)
    np.testing.assert_array_equal(images.read_rgb(tmp_path / "deep.png"), PHOTO)
    Image.fromarray(PHOTO[..., 0]).save(tmp_path / "grey.png")
    np.testing.assert_array_equal(
        images.read_rgb(tmp_path / "grey.png"), np.repeat(PHOTO[..., :1], 3, axis=2)
    )
    palette = Image.fromarray(PHOTO).quantize(16)
    palette.save(tmp_path / "palette.png")
    np.testing.assert_array_equal(
        images.read_rgb(tmp_path / "palette.png"), np.asarray(palette.convert("RGB"))
    )


def test_matte_of_an_rgba_file_is_its_alpha_channel(tmp_path: Path) -> None:
    alpha = RNG.integers(0, 256, (12, 8)) / np.float32(255)
    images.write_rgba(tmp_path / "a.png", PHOTO, alpha.astype(np.float32))
    colours, read = images.read_rgba(tmp_path / "a.png")
    np.testing.assert_array_equal(colours, PHOTO)
    np.testing.assert_allclose(read, alpha, atol=1e-7)
    np.testing.assert_array_equal(images.read_alpha(tmp_path / "a.png"), read)


def test_trimap_levels(tmp_path: Path) -> None:
    images.write_trimap(tmp_path / "t.png", np.array([[0, 1, 2]], np.uint8))
    levels = cv2.imread(str(tmp_path / "t.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(levels, [[0, 128, 255]])


def colour_matte(folder: Path) -> None:
    images.write_rgb(folder / "bad.png", PHOTO)
    images.read_alpha(folder / "bad.png")


def empty_file(folder: Path) -> None:
    (folder / "bad.png").touch()
    images.read_rgb(folder / "bad.png")


def text_file(folder: Path) -> None:
    (folder / "bad.png").write_text("no picture")
    images.read_rgb(folder / "bad.png")


def no_alpha_channel(folder: Path) -> None:
    images.write_rgb(folder / "bad.png", PHOTO)
    images.read_rgba(folder / "bad.png")


@pytest.mark.parametrize(
    ("attempt", "reason"),
    [
        (colour_matte, "colour picture, not a matte"),
        (empty_file, "is empty"),
        (text_file, "not an image"),
        (no_alpha_channel, "no alpha channel"),
        (lambda folder: images.read_rgb(folder / "bad.png"), "cannot be read"),
        (lambda folder: images.write_rgb(folder / "bad.gif", PHOTO), "cannot write"),
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
