"""Statistics, licences and the blend of the samples of a build."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from builds import problems
from drawings import draw_disc, draw_picture

from rssn import Manifest, blend
from rssn.build.builder import BuildOptions
from rssn.build.builder import main as build
from rssn.imaging.errors import InputError
from rssn.imaging.licences import Licences
from rssn.imaging.writing import write_rgb
from rssn.inspection.command import inspect_build
from rssn.route.compose import Composite, RouteOptions
from rssn.shards.manifest import Plan
from rssn.shards.tars import encode_sample, read_shard, write_shard


def hand_made(folder: Path, route: RouteOptions, samples: list[tuple[str, Composite]]) -> None:
    options = BuildOptions(route, image_format="png")
    info = write_shard(
        folder / "shard-00000.tar",
        ((key, encode_sample(sample, "png")) for key, sample in samples),
    )
    Manifest(Plan(options.as_dict(), {}, ""), [info], ["a.png: is empty"], folder).write()


def record_of(name: str, background: str, k: int, **steps: object) -> dict[str, object]:
    return {
        **{"foreground": name, "foreground_digest": "0", "foreground_licence": "CC0"},
        **{"background": background, "background_digest": "1", "background_licence": None},
        **{"source_size": [8, 8], "background_size": [9, 9], "size": [2, 4], "crop": [0, 0]},
        **{"k": k, "seed": 0, "denoise": None, "blur": None, "noise": None},
        **steps,
    }


def test_statistics_by_hand(tmp_path: Path) -> None:
    """Three samples of eight pixels: alpha 0 four times, 1 three times, 51/255 once."""
    alpha = np.array([[0, 0, 0, 0], [1, 1, 1, 0.2]], np.float32)
    white, black = np.full((2, 4, 3), 255, np.uint8), np.zeros((2, 4, 3), np.uint8)
    mixed = blend(alpha, white, black)  # three values of 255, one of 51
    records = [
        record_of("a", "x.png", 0, noise={"sigma": 10}),
        record_of("a", "y.png", 1, blur={"size": 20}),
        record_of("b", "x.png", 0, blur={"size": 60}),
    ]
    samples = [
        (f"{record['foreground']}-k{record['k']}", Composite(mixed, alpha, white, black, record))
        for record in records
    ]
    hand_made(tmp_path, RouteOptions(), samples)
    report = inspect_build(tmp_path, workers=1)
    assert report["problems"] == [] and report["failures"] == ["a.png: is empty"]
    found = report["statistics"]
    assert found["foregrounds"] == {
        "count": 2,
        "samples_of_each": {"min": 1, "median": 1.5, "max": 2},
    }
    assert found["backgrounds"]["count"] == 2
    assert found["foreground_licences"] == {"CC0": 3}
    assert found["background_licences"] == {"": 3}
    assert found["shorter_side"] == {"min": 2, "median": 2, "max": 2}
    assert found["longer_side"] == {"min": 4, "median": 4, "max": 4}
    assert found["alpha"] == {"0": 4 / 8, "between": 1 / 8, "1": 3 / 8}
    steps = found["steps"]
    assert steps["denoise"] == {"share": 0, "wanted": 0.5}
    assert steps["noise"] == {"share": 1 / 3, "wanted": 0.5}
    assert steps["blur"] == {"share": 2 / 3, "wanted": 0.5}
    assert steps["windows"]["20"] == {"share": 0.5, "wanted": 0.2}
    assert steps["windows"]["30"] == {"share": 0, "wanted": 0.2}
    mean = (3 * 255 + 51) / 8
    deviation = ((3 * 255**2 + 51**2) / 8 - mean**2) ** 0.5
    assert found["colour"]["g"] == {"mean": mean, "deviation": pytest.approx(deviation)}
    assert found["blend_difference"] == {"mean": 0, "worst": 0}


def test_the_loss_of_jpeg_is_no_problem(tmp_path: Path) -> None:
    """The worst case: alpha a half all over, three different pictures of noise."""
    rng = np.random.default_rng(0)
    alpha = np.full((64, 64), 128 / 255, np.float32)
    front, behind = (rng.integers(30, 226, (64, 64, 3)).astype(np.uint8) for _ in range(2))
    record = record_of("a", "x", 0, size=[64, 64])
    sample = Composite(blend(alpha, front, behind), alpha, front, behind, record)
    info = write_shard(tmp_path / "shard-00000.tar", [("a-k0", encode_sample(sample))])
    Manifest(Plan(BuildOptions().as_dict(), {}, ""), [info], [], tmp_path).write()
    assert problems(tmp_path) == []


def test_lossless_composites_have_to_be_exact(tmp_path: Path) -> None:
    alpha, front, behind = draw_disc(), draw_picture(1), draw_picture(2)
    off, noisy = blend(alpha, front, behind), blend(alpha, front, behind)
    off[3, 4, 0] += 1
    noisy[:, :, 0] += 1  # what rounding three noisy images may leave
    noisy[5, 6] += 2
    size = {"size": list(alpha.shape)}
    samples = [
        ("a-k0", Composite(off, alpha, front, behind, record_of("a", "x", 0, **size))),
        (
            "a-k1",
            Composite(
                noisy, alpha, front, behind, record_of("a", "x", 1, noise={"sigma": 10}, **size)
            ),
        ),
    ]
    hand_made(tmp_path, RouteOptions(), samples)
    first, second = problems(tmp_path)
    assert "sample a-k0" in first and "1 values differ, by up to 1 of 255" in first
    assert "sample a-k1" in second and "3 values differ, by up to 3 of 255" in second


def test_records_name_content_size_and_licence(
    arguments: list[str], foregrounds: Path, backgrounds: Path, tmp_path: Path
) -> None:
    (foregrounds / "licences.csv").write_text("file,license\noriginal/photo0.png,MIT\n")
    rows = "".join(f"backgrounds/b{n},CC0,\n" for n in range(6))
    (tmp_path / "list.csv").write_text("item,licence,note\n" + rows)
    write_rgb(backgrounds / "b0.png", draw_picture(1, 200, 300))
    out = tmp_path / "out"
    assert build([*arguments, "--size", "40", "--k", "6", "--out", str(out)]) == 0
    records = [
        json.loads(members["record.json"])
        for shard in Manifest.read(out).shards
        for _, members in read_shard(out / shard.name)
    ]
    assert {r["foreground"]: r["foreground_licence"] for r in records} == {
        **{"photo0": "MIT", "photo1": None, "photo2": None, "photo3": None}
    }
    assert {record["background_licence"] for record in records} == {"CC0"}
    sizes = {r["background"]: r["background_size"] for r in records}
    assert sizes["b0.png"] == [200, 300] and sizes["b1.png"] == [48, 90]
    assert {r["foreground"]: r["source_size"] for r in records}["photo1"] == [48, 64]
    assert str(tmp_path) not in json.dumps(records)
    found = inspect_build(out, workers=1)["statistics"]
    assert found["foreground_licences"] == {"": 18, "MIT": 6}


def test_licence_lists(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (tmp_path / "list.csv").write_text("name,licence\npictures/a,B\nother/b,C\n")
    (folder / "list.csv").write_text("size,price\n1,2\n")  # a list of something else
    assert Licences(folder).terms(folder / "a.jpg").licence == "B"
    assert Licences(folder).terms(folder / "b.jpg").licence is None
    (folder / "licences.csv").write_text("\ufefffile,licence\na.jpg,D\nb.jpg,\n", "utf-8")
    assert Licences(folder).terms(folder / "a.jpg").licence == "D"  # the nearer list counts
    for text, message in (
        ("a,b\n", "give file and licence"),
        ("file,licence\na,B\na,C\n", "the licences 'B' and 'C'"),
    ):
        (folder / "licences.csv").write_text(text)
        with pytest.raises(InputError, match=message):
            Licences(folder)
    (folder / "licences.csv").write_bytes(b"file,licence\n\xff\xfe\xff,MIT\n")
    with pytest.raises(InputError, match=r"licences\.csv"):
        Licences(folder)
