"""Foregrounds on disk: the three layouts, what is shrunk how, and what cannot be used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawings import draw_disc, draw_picture

from rssn.build.sources import find_sources, read_source, shrink
from rssn.imaging.errors import InputError
from rssn.imaging.writing import encode, write_alpha, write_rgb, write_rgba


def test_photographs_come_before_cutouts(foregrounds: Path) -> None:
    write_rgba(foregrounds / "cutout.png", draw_picture(9), draw_disc())
    sources, failures = find_sources(foregrounds)
    assert [source.id for source in sources] == ["photo0", "photo1", "photo2", "photo3"]
    assert all(source.is_photograph for source in sources) and failures == []


def test_files_without_partner_are_named(foregrounds: Path) -> None:
    (foregrounds / "mask" / "photo1.png").unlink()
    write_alpha(foregrounds / "mask" / "lonely.png", draw_disc())
    write_rgb(foregrounds / "original" / "photo2.jpg", draw_picture(2))
    sources, failures = find_sources(foregrounds)
    assert [source.id for source in sources] == ["photo0", "photo2", "photo3"]
    text = "\n".join(failures)
    assert "photo1.png: photograph without a matte" in text
    assert "lonely.png: matte without a photograph" in text
    assert "photo2.png: shares its name with photo2.jpg" in text
    assert len(failures) == 3


def test_cutouts_keep_their_colours(tmp_path: Path) -> None:
    picture, alpha = draw_picture(1), draw_disc()
    write_rgba(tmp_path / "a.png", picture, alpha)
    (source,), _ = find_sources(tmp_path)
    pixels = read_source(source, None)
    np.testing.assert_array_equal(pixels.image, picture)
    np.testing.assert_array_equal(pixels.alpha, alpha)
    assert not source.is_photograph


def test_foregrounds_with_alpha_folder(tmp_path: Path) -> None:
    for name in ("fg", "alpha"):
        (tmp_path / name).mkdir()
    write_rgb(tmp_path / "fg" / "a.png", draw_picture(1))
    write_alpha(tmp_path / "alpha" / "a.png", draw_disc())
    (source,), failures = find_sources(tmp_path)
    assert (source.id, source.is_photograph, failures) == ("a", False, [])


def test_shrinking_does_not_bleed_the_colours_outside(tmp_path: Path) -> None:
    alpha = np.zeros((32, 32), np.float32)
    alpha[:, 15:] = 1  # an odd column: averages of two mix inside and outside
    picture = np.zeros((32, 32, 3), np.uint8)
    picture[:, :15], picture[:, 15:] = (0, 255, 0), (200, 0, 0)
    write_rgba(tmp_path / "a.png", picture, alpha)
    (source,), _ = find_sources(tmp_path)
    pixels = read_source(source, 16)
    assert pixels.alpha[0, 7] == np.float32(128 / 255)
    np.testing.assert_array_equal(pixels.image[0, 7], (200, 0, 0))


def test_shrink_keeps_the_aspect_and_never_enlarges() -> None:
    picture = draw_picture(1, 60, 90)
    assert shrink(picture, 20).shape == (20, 30, 3)
    assert shrink(picture, 61) is picture and shrink(picture, None) is picture


def test_16_bit_matte_is_rounded_to_the_8_bits_of_a_shard(foregrounds: Path) -> None:
    fine = np.linspace(0, 1, 48 * 64, dtype=np.float32).reshape(48, 64)
    (foregrounds / "mask" / "photo1.png").write_bytes(
        encode(".png", np.rint(fine * 65535).astype(np.uint16), [])
    )
    source = find_sources(foregrounds)[0][1]
    np.testing.assert_array_equal(
        read_source(source, None).alpha, (np.rint(fine * 255) / 255).astype(np.float32)
    )


def test_unusable_sources_are_named(foregrounds: Path) -> None:
    write_alpha(foregrounds / "mask" / "photo0.png", draw_disc(40, 40))
    write_alpha(foregrounds / "mask" / "photo1.png", np.zeros((48, 64), np.float32))
    (foregrounds / "original" / "photo2.png").write_bytes(b"")
    sources, _ = find_sources(foregrounds)
    for source, message in zip(
        sources, ("40x40 px, its image 48x64", "0 everywhere", "empty"), strict=False
    ):
        with pytest.raises(InputError, match=message):
            read_source(source, None)


def test_folder_without_foregrounds(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        find_sources(tmp_path / "missing")
    with pytest.raises(InputError, match="holds no foreground"):
        find_sources(tmp_path)
    (tmp_path / "original").mkdir()
    with pytest.raises(InputError, match="mask: no such folder"):
        find_sources(tmp_path)
    (tmp_path / "mask").mkdir()
    with pytest.raises(InputError, match="original and mask/: hold no image"):
        find_sources(tmp_path)
