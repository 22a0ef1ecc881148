"""Label maps of several objects become photographs with one mask each."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from folders import scene
from scipy.io import savemat

from data_tools.layouts import find_layout
from data_tools.objects import read_labels
from data_tools.prepare import prepare
from rssn.build.sources import find_sources
from rssn.imaging.errors import InputError
from rssn.imaging.reading import read_alpha
from rssn.imaging.writing import write_rgb

SBD = find_layout("sbd")


def labels():
    """Two objects, the second with a void pixel beside it."""
    numbers = np.zeros((48, 64), np.uint8)
    numbers[5:20, 5:20], numbers[25:40, 30:50], numbers[24, 30] = 1, 2, 255
    return numbers


@pytest.fixture
def source(tmp_path):
    root = tmp_path / "in/dataset"
    for name in ("img", "inst"):
        (root / name).mkdir(parents=True)
    for number in range(3):
        write_rgb(root / f"img/2008_{number}.jpg", scene(number)[0])
        savemat(root / f"inst/2008_{number}.mat", {"GTinst": {"Segmentation": labels()}})
    (root / "train.txt").write_text("2008_0\n2008_2\n")
    (root / "val.txt").write_text("2008_1\n2008_9\n")
    return tmp_path / "in"


def test_every_object_gets_its_photograph(source, tmp_path):
    out = tmp_path / "out"
    done = prepare(SBD, source, out, workers=1, quiet=True)
    assert done.counts == {"train": 4, "val": 2}
    (failure,) = done.failures
    assert failure.startswith("2008_9: no such file in")
    sources, failures = find_sources(out / "train")
    assert not failures
    assert [s.id for s in sources] == ["2008_0_1", "2008_0_2", "2008_2_1", "2008_2_2"]
    assert sources[1].image.samefile(source / "dataset/img/2008_0.jpg")
    mask = read_alpha(sources[1].matte)
    assert ((mask == 1) == (labels() == 2)).all()
    assert mask[24, 30] == pytest.approx(127 / 255) and mask[10, 10] == 0
    assert prepare(SBD, source, out, "train", workers=1, quiet=True).counts == {"train": 4}


def test_what_is_no_label_map(source, tmp_path):
    (source / "dataset/inst/2008_0.mat").write_bytes(b"no")
    savemat(source / "dataset/inst/2008_2.mat", {"GTinst": {"Segmentation": labels()[:40]}})
    done = prepare(SBD, source, tmp_path / "out", "train", workers=1, quiet=True)
    assert done.counts == {"train": 0}
    assert "holds no GTinst.Segmentation" in done.failures[0]
    assert "is 64x40 px, its image 64x48" in done.failures[1]


def test_grey_png(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), labels())
    assert (read_labels(tmp_path / "a.png") == labels()).all()
    write_rgb(tmp_path / "b.png", scene(0)[0])
    with pytest.raises(InputError, match="label map"):
        read_labels(tmp_path / "b.png")


def test_composition_100_takes_two_backgrounds(tmp_path):
    layout = find_layout("composition-100")
    part = layout.splits[0].parts[0]
    for folder in (part.images, part.mattes):
        (tmp_path / "in" / folder).mkdir(parents=True)
    image, alpha = scene(0)
    for number in range(3):
        write_rgb(tmp_path / "in" / part.images / f"cat_{number}.png", image)
    levels = np.rint(alpha * 255).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "in" / part.mattes / "cat.png"), levels)
    done = prepare(layout, tmp_path / "in", tmp_path / "out", workers=1, quiet=True)
    assert done.counts == {"test": 2} and not done.failures
