"""Composites by the protocol of Deep Image Matting."""

from __future__ import annotations

import numpy as np
import pytest

from data_tools.__main__ import main
from data_tools.composition import PER_FOREGROUND, compose_all, composite, plan
from rssn.imaging.errors import InputError
from rssn.imaging.reading import read_alpha, read_rgb
from rssn.imaging.writing import write_alpha, write_rgb


def plain(level, height=6, width=8):
    return np.full((height, width, 3), level, np.uint8)


@pytest.fixture
def split(tmp_path):
    """Two foregrounds and six backgrounds, each of a level of its own."""
    for folder in ("in/fg", "in/alpha", "backgrounds"):
        (tmp_path / folder).mkdir(parents=True)
    for name, level in (("a", 100), ("b", 200)):
        write_rgb(tmp_path / f"in/fg/{name}.png", plain(level))
        write_alpha(tmp_path / f"in/alpha/{name}.png", np.full((6, 8), 0.2, np.float32))
    for number in range(6):
        write_rgb(tmp_path / f"backgrounds/{number}.png", plain(10 * number))
    return tmp_path


def test_composite_by_hand():
    alpha = np.float32([[0, 0.5, 1]])
    made = composite(plain(100, 1, 3), alpha, plain(51, 1, 3))
    assert made[0, :, 0].tolist() == [51, 75, 100]  # 75.5 is cut to 75


def test_background_is_cut_at_the_bottom_and_the_right():
    background = plain(0, 4, 6)
    background[:2, :3] = 9
    assert (composite(plain(0, 2, 3), np.zeros((2, 3), np.float32), background) == 9).all()


def test_small_background_is_enlarged_to_cover():
    made = composite(plain(0, 40, 10), np.zeros((40, 10), np.float32), plain(7, 8, 8))
    assert made.shape == (40, 10, 3)
    assert (made == 7).all()


def test_no_background_is_used_twice(split):
    tasks = plan(split / "in", split / "backgrounds", 3)
    used = [[path.stem for path in task[2]] for task in tasks]
    assert used == [["0", "1", "2"], ["3", "4", "5"]]


def test_the_list_decides_the_order(split):
    (split / "names.txt").write_text("5.png\n4.png\n0.png\n1.png\n")
    tasks = plan(split / "in", split / "backgrounds", 2, split / "names.txt")
    assert [path.stem for task in tasks for path in task[2]] == ["5", "4", "0", "1"]


def test_too_few_backgrounds_are_refused(split):
    with pytest.raises(InputError, match="8 in all"):
        plan(split / "in", split / "backgrounds", 4)


def test_composites_and_their_mattes_are_written(split):
    out = split / "out"
    arguments = (split / "in", split / "backgrounds", out, 3, None, 1, True)
    assert compose_all(*arguments) == []
    assert sorted(path.name for path in (out / "original").iterdir()) == [
        f"{name}_{number}.png" for name in "ab" for number in range(3)
    ]
    assert (read_rgb(out / "original/b_1.png") == 72).all()  # 0.2 of 200 and 0.8 of 40
    assert read_alpha(out / "mask/b_1.png")[0, 0] == pytest.approx(0.2, abs=1e-3)


def test_matte_of_another_size_is_a_failure(split):
    write_alpha(split / "in/alpha/a.png", np.ones((3, 3), np.float32))
    failures = compose_all(split / "in", split / "backgrounds", split / "out", 3, None, 1, True)
    assert len(failures) == 1
    assert "a.png" in failures[0]


def test_command(split, monkeypatch):
    monkeypatch.setitem(PER_FOREGROUND, "train", 2)
    download = split / "download/Training_set"
    download.mkdir(parents=True)
    for part in ("fg", "alpha"):
        (split / "in" / part).rename(download / part)
    options = ["--layout", "adobe-dim", "--source", str(split / "download"), "--quiet"]
    options += ["--out", str(split / "out"), "--workers", "1"]
    backgrounds = str(split / "backgrounds")
    assert main(["prepare", *options, "--compose", backgrounds]) == 0
    assert len(list((split / "out/train-composites/original").iterdir())) == 4
    assert main(["prepare", *options, "--names", "x.txt"]) == 2


def test_photographs_are_not_composed(split, tmp_path):
    options = ["--layout", "ppm-100", "--source", str(tmp_path / "p"), "--out", str(tmp_path / "o")]
    for part in ("image", "matte"):
        (tmp_path / "p" / part).mkdir(parents=True)
    write_rgb(tmp_path / "p/image/a.png", plain(3, 40, 40))
    alpha = np.zeros((40, 40), np.float32)
    alpha[10:30, 10:30] = 1
    write_alpha(tmp_path / "p/matte/a.png", alpha)
    compose = ["--compose", str(split / "backgrounds"), "--quiet", "--workers", "1"]
    assert main(["prepare", *options, *compose]) == 2
