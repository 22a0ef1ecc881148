"""Photographs of one's own are divided by their names, and their likes stay together."""

import json
import shutil

import numpy as np
import pytest
from folders import background, scene
from trimaps import write_trimap

from data_tools.__main__ import main
from data_tools.duplicates import Pair
from data_tools.records import write_json
from data_tools.sides import SplitOptions, choose_sides, group
from data_tools.split import split
from data_tools.verify import verify
from rssn.build.sources import find_sources
from rssn.imaging.errors import InputError
from rssn.imaging.licences import Licences
from rssn.imaging.seeding import generator
from rssn.imaging.writing import write_alpha, write_rgb, write_rgba

NAMES = [f"p{number}" for number in range(12)]


def write(folder, names, first=0):
    for part in ("original", "mask"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names, first):
        image, alpha = scene(number)
        write_rgb(folder / f"original/{name}.jpg", image)
        write_alpha(folder / f"mask/{name}.png", alpha)


def divide(folder, out, **more):
    return split(folder, out, workers=1, quiet=True, **more)


@pytest.fixture
def photographs(tmp_path):
    write(tmp_path / "photos", NAMES)
    return tmp_path / "photos"


def names_in(folder):
    return sorted(path.stem for path in (folder / "original").iterdir())


class TestSides:
    def test_the_hash_of_the_name_decides(self):
        names = [f"n{number}" for number in range(2000)]
        sides = choose_sides(names, names, SplitOptions(0.3))
        # 600 wanted; four deviations of a binomial are 82
        assert abs(sides.count("validation") - 600) < 82
        draw = generator(0, "split of photographs", "n7").random()
        assert sides[7] == ("validation" if draw < 0.3 else "train")
        fewer = choose_sides(names[:50], names[:50], SplitOptions(0.3))
        assert fewer == sides[:50]
        assert choose_sides(names, names, SplitOptions(0.3, seed=1)) != sides

    def test_groups_are_joined_through_each_other(self):
        names = ["d", "c", "b", "a", "lynx_1", "lynx_2"]
        pairs = [Pair(0, 1, "near"), Pair(1, 3, "mirrored")]
        assert group(names, pairs, None) == ["a", "a", "b", "a", "lynx_1", "lynx_2"]
        assert group(names, pairs, "^[a-z]{2,}")[4:] == ["lynx_1", "lynx_1"]

    def test_what_was_divided_before_stays_and_draws_its_likes(self):
        options = SplitOptions(0.5)
        before = {"a": "validation", "b": "train", "c": "validation"}
        sides = choose_sides(list("abcdef"), list("aacdcf"), options, before)
        # a and b joined train: b was trained on; e follows c
        assert [sides[number] for number in (0, 1, 2, 4)] == [
            "train",
            "train",
            "validation",
            "validation",
        ]

    @pytest.mark.parametrize("share, other", [(0.001, "validation"), (0.999, "train")])
    def test_each_side_gets_something(self, share, other):
        sides = choose_sides(NAMES, NAMES, SplitOptions(share))
        draws = [generator(0, "split of photographs", name).random() for name in NAMES]
        nearest = draws.index(min(draws) if other == "validation" else max(draws))
        assert [number for number, side in enumerate(sides) if side == other] == [nearest]

    def test_one_group_cannot_be_divided(self):
        with pytest.raises(InputError, match="--together"):
            choose_sides(["a", "b"], ["a", "a"], SplitOptions())

    @pytest.mark.parametrize("wrong", [{"validation": 1}, {"seed": -1}, {"together": "("}])
    def test_options_that_are_wrong(self, wrong):
        with pytest.raises(InputError, match=next(iter(wrong))):
            SplitOptions(**wrong)


def test_pairs_go_to_one_side_as_links(photographs, tmp_path, capsys):
    out = tmp_path / "out"
    (photographs / "backgrounds").mkdir()
    write_rgb(photographs / "backgrounds/b.jpg", background(1))
    (photographs / "trimap").mkdir()
    write_trimap(photographs / "trimap/p3.png", np.zeros((48, 64), np.uint8))
    (photographs / "licences.csv").write_text("file,licence\noriginal/p3.jpg,CC0\n")
    command = ["split", str(photographs), "--out", str(out), "--quiet", "--workers", "1"]
    assert main(command) == 0
    sides = {name: side for side in ("train", "validation") for name in names_in(out / side)}
    assert sorted(sides) == sorted(NAMES) and set(sides.values()) == {"train", "validation"}
    for name, side in sides.items():
        for file in (f"original/{name}.jpg", f"mask/{name}.png"):
            assert (out / side / file).samefile(photographs / file)
    assert (out / sides["p3"] / "trimap/p3.png").is_file()
    assert Licences(out / sides["p3"]).terms(out / sides["p3"] / "original/p3.jpg").licence == "CC0"
    assert find_sources(out / "train")[1] == []
    record = json.loads((out / "split.json").read_text())
    assert {each["name"]: each["side"] for each in record["images"]} == sides
    assert sum(record["counts"].values()) == 12
    printed = capsys.readouterr().out
    assert f"{out / 'train'}: {record['counts']['train']} images" in printed


def test_likes_stay_together(photographs, tmp_path):
    for side in ("original", "mask"):
        for path in sorted((photographs / side).glob("p1.*")):
            shutil.copy(path, path.with_stem("zz"))
    image, alpha = scene(5)
    write_rgb(photographs / "original/brighter.png", np.minimum(image * 1.1, 255).astype(np.uint8))
    write_alpha(photographs / "mask/brighter.png", alpha)
    done = divide(photographs, tmp_path / "out", options=SplitOptions(0.5))
    assert done.groups["zz"] == "p1" and done.groups["p5"] == "brighter"
    assert done.sides["zz"] == done.sides["p1"] and done.sides["p5"] == done.sides["brighter"]
    assert sorted(done.group_sizes) == [2, 2]
    found = verify(tmp_path / "out", workers=1, quiet=True).findings
    assert "leak" not in {finding.kind for finding in found}


def test_added_images_leave_the_others_where_they_are(photographs, tmp_path):
    out = tmp_path / "out"
    first = divide(photographs, out)
    write(photographs, [f"q{number}" for number in range(8)], first=20)
    again = divide(photographs, out)
    assert len(again.sides) == 20 and first.sides.items() <= again.sides.items()
    assert again.failures == ()
    assert divide(photographs, tmp_path / "fresh").sides == again.sides


def test_a_group_that_has_grown_over_both_sides_trains(photographs, tmp_path):
    out, record = tmp_path / "out", tmp_path / "out" / "split.json"
    write(photographs, [f"t{number}" for number in range(8)], first=20)
    first = divide(photographs, out)
    assert {side for name, side in first.sides.items() if name[0] == "p"} == {"train", "validation"}
    # As if they had been found to be alike since then.
    record.write_text(record.read_text().replace('"together": null', '"together": "^p"'))
    again = divide(photographs, out, options=SplitOptions(together="^p"))
    assert again.failures == ()
    assert again.sides == {**first.sides, **dict.fromkeys(NAMES, "train")}
    assert set(NAMES) <= set(names_in(out / "train"))
    assert names_in(out / "validation") == sorted(
        name for name, side in first.sides.items() if side == "validation" and name[0] == "t"
    )


def test_cutouts_and_copies(tmp_path):
    folder = tmp_path / "cutouts"
    folder.mkdir()
    for number in range(6):
        image, alpha = scene(number)
        write_rgba(folder / f"c{number}.png", image, alpha)
    write_rgb(folder / "plain.jpg", background(3))
    done = divide(folder, tmp_path / "out", way="copy")
    assert len(done.sides) == 6
    assert [line.split(": ")[1] for line in done.failures] == [
        "has no matte; give original/ + mask/, fg/ + alpha/, or RGBA images"
    ]
    copied = tmp_path / "out" / done.sides["c0"] / "c0.png"
    assert copied.read_bytes() == (folder / "c0.png").read_bytes()
    assert not copied.samefile(folder / "c0.png")


def test_what_cannot_be_used_is_named_and_the_others_are_there(photographs, tmp_path, capsys):
    out = tmp_path / "out"
    command = ["split", str(photographs), "--out", str(out), "--quiet", "--workers", "1"]
    assert main(command) == 0
    before = json.loads((out / "split.json").read_text())["images"]
    (photographs / "original/p0.jpg").unlink()
    (photographs / "original/p1.jpg").unlink()
    (photographs / "mask/p1.png").unlink()
    write(photographs, ["new"], first=30)
    (photographs / "mask/new.png").write_bytes(b"no")
    assert main(command) == 1
    told = capsys.readouterr().err
    assert "failed: " + str(photographs / "mask/p0.png") in told
    assert "p1.jpg: is no longer in" in told and "new.png" in told
    after = json.loads((out / "split.json").read_text())["images"]
    sides = {each["name"]: each["side"] for each in after}
    assert all(sides[each["name"]] == each["side"] for each in before)  # also of those missing


def test_folder_with_a_split_of_other_options(photographs, tmp_path):
    write_json(tmp_path / "out/split.json", {"options": {"seed": 3}, "images": []})
    with pytest.raises(InputError, match="'seed': 3"):
        divide(photographs, tmp_path / "out")


def test_sources_that_cannot_be_divided(tmp_path, photographs):
    with pytest.raises(InputError, match="--out"):
        divide(photographs, photographs / "split")
    with pytest.raises(InputError, match="none: "):
        divide(tmp_path / "none", tmp_path / "out")
    (tmp_path / "only/backgrounds").mkdir(parents=True)
    write_rgb(tmp_path / "only/backgrounds/b.jpg", background(1))
    with pytest.raises(InputError, match="only: "):
        divide(tmp_path / "only", tmp_path / "out")
    assert not (tmp_path / "out").exists()
