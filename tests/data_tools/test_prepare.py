import json

import cv2
import numpy as np
import pytest
from folders import scene, stems, write_part, write_split

from data_tools.__main__ import main
from data_tools.arrangement import FOLDERS
from data_tools.layouts import Folders, find_layout, known_layouts
from data_tools.prepare import prepare
from rssn.build.sources import find_sources
from rssn.imaging.errors import InputError
from rssn.imaging.images import image_files
from rssn.imaging.reading import read_alpha
from rssn.imaging.writing import write_alpha, write_rgb

LAYOUTS = known_layouts()
SPLITS = [
    pytest.param(layout, split, id=f"{layout.name}-{split.name}-{number}")
    for layout in LAYOUTS.values()
    for number, split in enumerate(layout.splits)
    if layout.holds != "objects"
]
AM_2K = LAYOUTS["am-2k"]
TRAIN = AM_2K.splits[0].parts[0]


def command(source, out, *more):
    options = ["--layout", "am-2k", "--quiet", "--workers", "1", *more]
    return main(["prepare", "--source", str(source), "--out", str(out), *options])


@pytest.mark.parametrize(("layout", "split"), SPLITS)
def test_entry_brings_files_to_the_places_that_the_build_reads(layout, split, tmp_path):
    count = write_split(tmp_path / "in", layout, split)
    done = prepare(layout, tmp_path / "in", tmp_path / "out", split.name, workers=1, quiet=True)
    assert done.counts == {split.name: count} and done.failures == ()
    target = tmp_path / "out" / split.name
    images, mattes = FOLDERS[layout.holds]
    part = split.parts[0]
    for stem in stems(part, 2):
        source = tmp_path / "in" / part.images / f"{stem}.jpg"
        assert (target / images / source.name).samefile(source)
        if part.mattes:
            matte = tmp_path / "in" / part.mattes / f"{part.partners(stem)[0]}.png"
            assert (target / mattes / f"{stem}.png").samefile(matte)
        assert (target / "trimap" / f"{stem}.png").exists() == bool(part.trimaps)
    if part.mattes is None:
        assert len(image_files(target / images)) == count
    else:
        sources, failures = find_sources(target)
        assert len(sources) == count and failures == []
        assert {source.is_photograph for source in sources} == {layout.holds == "photographs"}


def test_entries_are_complete():
    for name, layout in LAYOUTS.items():
        assert layout.licence and layout.source and layout.evidence and layout.title
        assert layout.name == name == name.lower()
        for split in layout.splits:
            kept_back = name == "alphamatting" and split.name.startswith("test")
            without = layout.holds == "backgrounds" or kept_back
            assert all((part.mattes is None) == without for part in split.parts)


def test_the_first_order_of_a_split_that_is_there_is_taken(tmp_path):
    layout = LAYOUTS["ppm-100"]
    test = [split for split in layout.splits if split.name == "test"]
    write_split(tmp_path, layout, test[1])
    found = prepare(layout, tmp_path, tmp_path / "out", workers=1, quiet=True)
    assert found.counts == {"test": 2}


def test_the_folder_around_the_archive_is_seen_through(tmp_path):
    write_part(tmp_path / "AM-2k", TRAIN)
    assert prepare(AM_2K, tmp_path, tmp_path / "out", workers=1, quiet=True).counts == {"train": 2}


def test_one_matte_serves_all_composites_of_its_foreground(tmp_path):
    layout = LAYOUTS["composition-1k"]
    part = layout.splits[1].parts[0]
    write_part(tmp_path, part, 1)
    for folder in (part.images, part.trimaps):
        (path,) = (tmp_path / folder).iterdir()
        path.with_name(f"item0_1{path.suffix}").write_bytes(path.read_bytes())
    done = prepare(layout, tmp_path, tmp_path / "out", workers=1, quiet=True)
    assert done.counts == {"test": 2} and not done.failures
    mattes = sorted((tmp_path / "out/test/mask").iterdir())
    assert [matte.name for matte in mattes] == ["item0_0.png", "item0_1.png"]
    assert mattes[0].samefile(mattes[1])


@pytest.fixture
def source(tmp_path):
    write_part(tmp_path / "in", TRAIN, 3)
    return tmp_path / "in"


class TestCommand:
    def test_record_and_licence(self, source, tmp_path, capsys):
        assert command(source, tmp_path / "out") == 0
        assert "release agreement" in capsys.readouterr().out
        record = json.loads((tmp_path / "out/train/prepared.json").read_text())
        assert (record["layout"], record["images"], record["failures"]) == ("am-2k", 3, [])

    def test_again_does_what_is_missing_and_nothing_else(self, source, tmp_path):
        assert command(source, tmp_path / "out", "--copy") == 0
        kept = tmp_path / "out/train/original/item0.jpg"
        before = kept.stat()
        (tmp_path / "out/train/mask/item1.png").unlink()
        assert command(source, tmp_path / "out", "--copy") == 0
        assert (kept.stat().st_ino, kept.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
        assert (tmp_path / "out/train/mask/item1.png").exists()

    def test_another_data_set_in_the_folder(self, source, tmp_path, capsys):
        command(source, tmp_path / "out")
        record = tmp_path / "out/train/prepared.json"
        record.write_text(record.read_text().replace("am-2k", "aim-500"))
        assert command(source, tmp_path / "out") == 2
        assert "holds aim-500 train" in capsys.readouterr().err

    def test_unlike_folder_names_what_was_expected_and_found(self, tmp_path, capsys):
        (tmp_path / "in/training").mkdir(parents=True)
        assert command(tmp_path / "in", tmp_path / "out") == 2
        error = capsys.readouterr().err
        assert "train (train/original/, train/mask/)" in error and "found training/" in error

    def test_folder_that_cannot_be_written(self, source, tmp_path, capsys):
        (tmp_path / "file").touch()
        assert command(source, tmp_path / "file/out") == 2
        assert capsys.readouterr().err.startswith("error: NotADirectoryError: ")

    def test_folder_of_images_and_mattes_is_named_once(self, tmp_path, capsys):
        (tmp_path / "in").mkdir()
        assert command(tmp_path / "in", tmp_path / "out", "--layout", "dapm") == 2
        assert "training (training/) or testing (testing/)" in capsys.readouterr().err

    def test_unknown_names(self, source, tmp_path):
        with pytest.raises(InputError, match="am-2k, pm-10k"):
            find_layout("am2k")
        with pytest.raises(InputError, match="train, validation"):
            prepare(AM_2K, source, tmp_path / "out", "test")
        assert find_layout("AM-2k") is AM_2K
        with pytest.raises(InputError, match=r"\(\?P<name>"):
            Folders("a", image=".+")


INVERTED = (np.hypot(*np.mgrid[-1:1:48j, -1:1:64j]) > 0.6).astype(np.float32)


def truncate(image, matte):
    image.write_bytes(image.read_bytes()[:40])


def link_to_nothing(image, matte):
    image.unlink()
    image.symlink_to("gone.jpg")


DEFECTS = {
    "mask/item0.png: is 30x20 px": lambda image, matte: write_alpha(matte, np.ones((20, 30))),
    "mask/item1.png: looks inverted": lambda image, matte: write_alpha(matte, INVERTED),
    "mask/item2.png: alpha is 0": lambda image, matte: write_alpha(matte, np.zeros((48, 64))),
    "mask/item3.png: is a colour picture": lambda image, matte: write_rgb(matte, scene(1)[0]),
    "original/item4.jpg: is a JPEG that was cut": truncate,
    "original/item5.jpg: cannot be read": link_to_nothing,
    "original/item6.jpg: no matte": lambda image, matte: matte.unlink(),
    "mask/item7.png: no image": lambda image, matte: image.unlink(),
    "original/item8.png: shares its name": lambda image, matte: write_rgb(
        image.with_suffix(".png"), scene(1)[0]
    ),
}


def test_defects_are_named_and_the_other_images_prepared(tmp_path, capsys):
    write_part(tmp_path / "in", TRAIN, len(DEFECTS) + 1)
    train = tmp_path / "in/train"
    for number, spoil in enumerate(DEFECTS.values()):
        spoil(train / f"original/item{number}.jpg", train / f"mask/item{number}.png")
    assert command(tmp_path / "in", tmp_path / "out") == 1
    told = capsys.readouterr().err
    assert [each for each in DEFECTS if f"failed: {train}/{each}" not in told] == []
    assert len(told.splitlines()) == len(DEFECTS)
    left = sorted(path.name for path in (tmp_path / "out/train/original").iterdir())
    assert left == ["item8.jpg", "item9.jpg"]


def test_inverted_mattes_are_taken_as_is(source, tmp_path):
    write_alpha(source / "train/mask/item1.png", INVERTED)
    assert command(source, tmp_path / "out", "--as-is") == 0


def test_trimap_that_is_missing(tmp_path, capsys):
    write_part(tmp_path / "in", AM_2K.splits[1].parts[0])
    (tmp_path / "in/validation/trimap/item1.png").unlink()
    assert command(tmp_path / "in", tmp_path / "out") == 1
    assert "item1.jpg: no trimap" in capsys.readouterr().err


def test_folder_without_images(tmp_path, capsys):
    for folder in TRAIN.required:
        (tmp_path / "in" / folder).mkdir(parents=True)
    assert command(tmp_path / "in", tmp_path / "out") == 2
    assert "train/original" in capsys.readouterr().err


def test_a_matte_stored_as_rgb_or_palette_stays_as_it_is(tmp_path):
    write_part(tmp_path / "in", TRAIN, 1)
    path = tmp_path / "in/train/mask/item0.png"
    alpha = read_alpha(path)
    grey = np.rint(alpha * 255).astype(np.uint8)
    cv2.imwrite(str(path), cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR))
    assert prepare(AM_2K, tmp_path / "in", tmp_path / "out", workers=1, quiet=True).failures == ()
    prepared = tmp_path / "out/train/mask/item0.png"
    assert prepared.read_bytes() == path.read_bytes()
    np.testing.assert_array_equal(read_alpha(prepared), alpha)
