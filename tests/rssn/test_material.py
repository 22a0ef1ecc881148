"""A file of training pictures: what goes in comes out, and what does not fit is refused."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest
import webdataset
from drawings import draw_picture

from rssn.foreground.colour_fill import fill_colours
from rssn.imaging.errors import InputError
from rssn.shards.material import Material, Picture, create_material

IMAGE = draw_picture(0, 24, 32)
ALPHA = np.zeros((24, 32), np.float32)
ALPHA[6:18, 8:20] = 1
ALPHA[5, 8:20] = 128 / 255


def made(path: Path, encoding: str = "webp") -> Material:
    """A file with one picture of each kind."""
    with create_material(path, encoding, 100) as material:
        for kind in ("photograph", "cutout", "background"):
            picture = Picture(f"set/{kind}.1", kind, f"{kind}s", "CC0-1.0", (24, 32))
            material.add(picture, IMAGE, None if kind == "background" else ALPHA)
    return Material(path)


@pytest.mark.parametrize("encoding", ["jpg", "webp"])
def test_pictures_come_out_as_they_went_in(tmp_path: Path, encoding: str):
    material = made(tmp_path / "material.tar", encoding)
    assert [picture.kind for picture in material.pictures] == ["photograph", "cutout", "background"]
    assert material.pictures[1] == Picture("set/cutout.1", "cutout", "cutouts", "CC0-1.0", (24, 32))
    np.testing.assert_array_equal(material.levels(0), np.rint(ALPHA * 255))
    assert np.abs(material.image(2).astype(int) - IMAGE).mean() < 6
    assert material.image(0, 2).shape == (12, 16, 3)
    assert material.sources() == [
        ("photographs", "CC0-1.0", 1),
        ("cutouts", "CC0-1.0", 1),
        ("backgrounds", "CC0-1.0", 1),
    ]


def test_same_pictures_make_the_same_bytes(tmp_path: Path):
    made(tmp_path / "a.tar"), made(tmp_path / "b.tar")
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()


def test_webdataset_reads_the_file(tmp_path: Path):
    made(tmp_path / "material.tar")
    samples = list(webdataset.WebDataset(str(tmp_path / "material.tar"), shardshuffle=False))
    assert [sorted(k for k in s if not k.startswith("__")) for s in samples] == [
        ["alpha.png", "image.webp", "json"],
        ["alpha.png", "image.webp", "json"],
        ["image.webp", "json"],
    ]


@pytest.mark.parametrize(
    ("change", "alpha", "message"),
    [
        ({"licence": " "}, ALPHA, r"a/b: .*licence.*list\.csv"),
        ({}, np.zeros_like(ALPHA), r"a/b: .*matte.* 0 "),
        ({}, None, r"a/b: .*photograph"),
        ({"kind": "background"}, ALPHA, r"a/b: is a background"),
    ],
)
def test_pictures_that_cannot_be_used_are_refused(tmp_path: Path, change, alpha, message):
    picture = Picture("a/b", "photograph", "a", "MIT", (24, 32))._replace(**change)
    with pytest.raises(InputError, match=message), create_material(tmp_path / "m.tar") as material:
        material.add(picture, IMAGE, alpha)
    assert not list(tmp_path.iterdir())


def test_key_may_come_once(tmp_path: Path):
    picture = Picture("a/b", "photograph", "a", "MIT", (24, 32))
    with (
        pytest.raises(InputError, match="a/b: "),
        create_material(tmp_path / "m.tar") as material,
    ):
        material.add(picture, IMAGE, ALPHA)
        material.add(picture, IMAGE, ALPHA)


def test_other_files_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match=r"none\.tar: "):
        Material(tmp_path / "none.tar")
    (tmp_path / "text.tar").write_text("no tar")
    with pytest.raises(InputError, match=r"text\.tar: .*ReadError"):
        Material(tmp_path / "text.tar")
    with tarfile.open(tmp_path / "foreign.tar", "w") as tar:
        tar.add(tmp_path / "text.tar", "picture.jpg")
    with pytest.raises(InputError, match=r"picture\.jpg"):
        Material(tmp_path / "foreign.tar")
    with tarfile.open(tmp_path / "empty.tar", "w"):
        pass
    with pytest.raises(InputError, match=r"empty\.tar: "):
        Material(tmp_path / "empty.tar")


def test_colours_go_on_beyond_the_object():
    image = np.full((16, 16, 3), 200, np.uint8)
    image[4:12, 4:12] = (10, 20, 30)
    alpha = np.zeros((16, 16), np.float32)
    alpha[4:12, 4:12] = 1
    np.testing.assert_array_equal(fill_colours(image, alpha), np.full_like(image, (10, 20, 30)))
    np.testing.assert_array_equal(fill_colours(image, alpha * 0.5), image)  # nothing is known


def test_mattes_of_few_steps_keep_their_ends(tmp_path: Path):
    with create_material(tmp_path / "m.tar", levels=16) as material:
        material.add(Picture("a/b", "photograph", "a", "MIT", (24, 32)), IMAGE, ALPHA)
    levels = Material(tmp_path / "m.tar").levels(0)
    assert set(np.unique(levels)) == {0, 136, 255}  # 128 / 255 is nearest to 8 of 15
    np.testing.assert_array_equal(levels == 255, ALPHA == 1)
