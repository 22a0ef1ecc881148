"""Inspecting a build: each kind of damage is found by name, and samples are made again exactly."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from drawings import draw_disc, draw_picture

from rssn import Manifest, blend
from rssn.build.builder import BuildOptions
from rssn.build.builder import main as build
from rssn.imaging.errors import InputError
from rssn.imaging.licences import Licences
from rssn.imaging.reading import read_rgb
from rssn.imaging.writing import write_rgb
from rssn.inspection.command import inspect_build, main
from rssn.route.compose import Composite, RouteOptions
from rssn.shards.manifest import Plan
from rssn.shards.tars import Members, encode_sample, read_shard, write_shard


def problems(folder: Path) -> list[str]:
    found = inspect_build(folder, workers=1)["problems"]
    assert isinstance(found, list)
    return [line.replace(f"{folder}/", "") for line in found]


def keys_of(folder: Path, number: int) -> list[str]:
    return [key for key, _ in read_shard(folder / f"shard-{number:05d}.tar")]


def rewrite(folder: Path, number: int, change: Callable[[list[tuple[str, Members]]], None]) -> None:
    """Change the samples of a shard, and have manifest and index agree with the result."""
    manifest, index = Manifest.read(folder), Manifest.read(folder).index()
    path = folder / manifest.shards[number].name
    samples = list(read_shard(path))
    change(samples)
    infos = [
        type(info)(**{**vars(info), "entries": tuple(index[info.name])}) for info in manifest.shards
    ]
    infos[number] = write_shard(path, samples)
    Manifest(manifest.plan, infos, manifest.failures, folder).write()


def test_a_clean_build(finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "report.json"
    assert main([str(finished), "--json", str(report), "--workers", "2", "--quiet"]) == 0
    found = json.loads(report.read_text())
    assert found["problems"] == [] and found["shards"] == 4
    assert found["statistics"]["samples"] == 8
    assert found["statistics"]["foregrounds"]["count"] == 4
    assert found["statistics"]["shorter_side"] == {"min": 48, "median": 48, "max": 48}
    assert found == inspect_build(finished, workers=1)  # whatever the number of workers
    assert "match the manifest" in capsys.readouterr().out
    assert read_rgb(finished / "contact.jpg").shape[1] > 1000


def test_a_contact_sheet_that_is_there_is_kept(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (finished / "contact.jpg").write_bytes(b"mine")
    assert main([str(finished), "--workers", "1", "--quiet"]) == 0
    assert (finished / "contact.jpg").read_bytes() == b"mine"
    assert "exists and is kept" in capsys.readouterr().out
    sheet = tmp_path / "sheet.jpg"
    assert main([str(finished), "--workers", "1", "--quiet", "--sheet", str(sheet)]) == 0
    assert read_rgb(sheet).size


def test_a_folder_that_cannot_be_written_to(
    finished: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(path: Path, data: bytes) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("rssn.inspection.command.write_whole", refuse)
    assert main([str(finished), "--workers", "1", "--quiet"]) == 0  # the build itself is well
    assert "contact.jpg: cannot be written (Permission denied)" in capsys.readouterr().out
    named = tmp_path / "named.jpg"
    assert main([str(finished), "--workers", "1", "--quiet", "--sheet", str(named)]) == 1
    assert f"failed: {named}: cannot be written" in capsys.readouterr().err


def test_flipped_bit(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = finished / "shard-00002.tar"
    data = bytearray(path.read_bytes())
    data[700] ^= 1
    path.write_bytes(data)
    first = keys_of(finished, 2)[0]
    shard, sample = problems(finished)
    assert shard.startswith("shard-00002.tar: is not as it was written (its SHA-256 differs)")
    assert sample.startswith(f"shard-00002.tar: sample {first}: is not as it was written")
    assert main([str(finished), "--workers", "1", "--quiet"]) == 1
    assert f"failed: {path}: sample {first}" in capsys.readouterr().err


def test_truncated_shard_is_named_and_read_up_to_the_cut(finished: Path) -> None:
    path = finished / "shard-00001.tar"
    second = keys_of(finished, 1)[1]
    with tarfile.open(path) as tar:
        cut = tar.getmembers()[7].offset
    path.write_bytes(path.read_bytes()[:cut])
    shard, sample = problems(finished)
    assert shard.startswith("shard-00001.tar: is not as it was written (")
    assert "and its end is missing" in shard
    assert sample == f"shard-00001.tar: sample {second}: is damaged or cut short"
    assert inspect_build(finished, workers=1)["statistics"]["samples"] == 7


def test_missing_shard_and_foreign_shard(finished: Path) -> None:
    (finished / "shard-00003.tar").rename(finished / "stray.tar")
    assert problems(finished) == [
        "shard-00003.tar: is missing; build again with --resume",
        "stray.tar: is not in the manifest; move it elsewhere, or remove it",
    ]


def test_removed_member(finished: Path) -> None:
    path, removed = finished / "shard-00000.tar", keys_of(finished, 0)[1]
    with tarfile.open(path) as tar:
        kept = [
            (member, tar.extractfile(member).read())  # type: ignore[union-attr]
            for member in tar
            if not member.name.startswith(f"{removed}.alpha")
        ]
    with tarfile.open(path, "w") as tar:
        for member, data in kept:
            tar.addfile(member, io.BytesIO(data))
    shard, sample = problems(finished)
    assert shard.startswith("shard-00000.tar: is not as it was written")
    assert f"sample {removed}: is not as it was written; holds ('composite', 'foregr" in sample


def test_doubled_keys(finished: Path) -> None:
    in_first, in_second = keys_of(finished, 0)[0], keys_of(finished, 1)[1]

    def double(samples: list[tuple[str, Members]]) -> None:
        samples.append(next(iter(read_shard(finished / "shard-00000.tar"))))

    rewrite(finished, 1, double)
    assert problems(finished) == [
        f"shard-00001.tar: sample {in_first}: has its key 2 times, in "
        "['shard-00000.tar', 'shard-00001.tar']"
    ]
    # Twice in a row they look like one sample with ten members, to WebDataset too.
    rewrite(finished, 1, lambda samples: samples.__setitem__(2, samples[1]))
    found = "\n".join(problems(finished))
    assert f"sample {in_second}: holds ('composite', 'alpha'" in found


def test_record_and_pictures_are_checked(finished: Path) -> None:
    keys = [key for number in range(4) for key in keys_of(finished, number)]

    def change_record(**values: object) -> Callable[[list[tuple[str, Members]]], None]:
        def change(samples: list[tuple[str, Members]]) -> None:
            record = json.loads(samples[0][1]["record.json"]) | values
            samples[0][1]["record.json"] = json.dumps(record).encode()

        return change

    def spoil(samples: list[tuple[str, Members]]) -> None:
        samples[0][1]["record.json"] = b"{"
        samples[1][1]["alpha.png"] = b"no picture"

    def swap(samples: list[tuple[str, Members]]) -> None:
        members = samples[0][1]
        front, behind = members["foreground.jpg"], members["background.jpg"]
        members["foreground.jpg"], members["background.jpg"] = behind, front

    rewrite(finished, 0, change_record(size=[1, 2]))
    rewrite(finished, 1, change_record(seed=5, k=7))
    rewrite(finished, 2, spoil)
    rewrite(finished, 3, swap)
    found = problems(finished)
    assert len(found) == 5
    assert f"sample {keys[0]}: its record has (height, width) [1, 2]" in found[0]
    assert f"sample {keys[2]}: its record is of photo" in found[1]
    assert "seed 5, the manifest 0" in found[1]
    assert f"sample {keys[4]}: its record is not JSON" in found[2]
    assert f"sample {keys[5]}: its alpha: is not an image" in found[3]
    assert f"sample {keys[6]}: its composite is not the blend of its parts" in found[4]


def test_missing_index_is_told_and_the_samples_are_read(finished: Path) -> None:
    (finished / "index.json").unlink()
    (line,) = problems(finished)
    assert line.startswith("index.json: no such file")
    assert inspect_build(finished, workers=1)["statistics"]["samples"] == 8


def test_folders_that_are_no_finished_build(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (finished / "manifest.json").rename(finished / "plan.json")
    for folder, message in (
        (finished, "the build is not finished (plan.json, but no manifest.json)"),
        (tmp_path / "nowhere", "no such folder"),
        (tmp_path, "manifest.json: no such file"),
    ):
        assert main([str(folder), "--quiet"]) == 2
        assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--sheet", "sheet.png"], "is not a JPEG"),
        (["--json", "nowhere/report.json"], "no such folder"),
        (["--cache", "somewhere"], "go with --sample KEY"),
        (["--sample", "photo0-k0"], "--sample needs --foregrounds"),
        (["--sample", "photo0-k0", "--json", "report.json"], "are for the whole build"),
        (["--sample", "photo9-k0", "--foregrounds", "x"], "holds no sample 'photo9-k0'"),
    ],
)
def test_usage_errors(
    finished: Path, change: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(finished), "--quiet", *change]) == 2
    assert message in capsys.readouterr().err


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


ROUTES = [
    ("rssn", "jpg"),
    ("denoise", "png"),
    ("noise", "png"),
    ("blur", "webp"),
    ("original", "jpg"),
]


@pytest.mark.parametrize(("route", "image_format"), ROUTES)
def test_a_sample_is_made_again_bit_by_bit(
    foregrounds: Path,
    backgrounds: Path,
    tmp_path: Path,
    route: str,
    image_format: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    folders = ["--foregrounds", str(foregrounds), "--backgrounds", str(backgrounds)]
    options = ["--route", route, "--format", image_format, "--limit", "2", "--workers", "1"]
    k = 0 if route == "original" else 3
    assert build([*folders, *options, "--out", str(out), "--quiet"]) == 0
    assert problems(out) == []
    assert main([str(out), "--sample", f"photo1-k{k}", *folders]) == 0
    told = capsys.readouterr().out
    assert told.count("the same") == 6 and f"composite.{image_format}" in told


def test_changed_and_missing_sources_are_told(
    finished: Path, foregrounds: Path, backgrounds: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (record,) = (
        json.loads(members["record.json"])
        for number in range(4)
        for key, members in read_shard(finished / f"shard-{number:05d}.tar")
        if key == "photo2-k1"
    )
    again = [str(finished), "--sample", "photo2-k1", "--foregrounds", str(foregrounds)]
    assert main(again) == 2
    assert "give --backgrounds" in capsys.readouterr().err
    again += ["--backgrounds", str(backgrounds)]
    write_rgb(foregrounds / "original" / "photo2.png", draw_picture(77, 64, 48))
    assert main(again) == 1
    told = capsys.readouterr().err
    assert "photo2.png or its matte is not what the sample was built from" in told
    assert "foreground.jpg" in told and "record.json: foreground_digest" in told
    assert "photo2-k1: background" not in told and "alpha.png" not in told
    (backgrounds / record["background"]).unlink()
    assert main(again) == 1
    assert f"the background {record['background']} is missing" in capsys.readouterr().err


def test_a_cache_that_cannot_be_used_is_told_in_one_line(
    finished: Path,
    foregrounds: Path,
    backgrounds: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cache = tmp_path / "cache"
    cache.write_text("a file, not a folder")
    folders = ["--foregrounds", str(foregrounds), "--backgrounds", str(backgrounds)]
    assert main([str(finished), "--sample", "photo0-k0", *folders, "--cache", str(cache)]) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith(f"error: {cache}/") and "(Not a directory)" in told


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
    assert Licences(folder).of(folder / "a.jpg") == "B"
    assert Licences(folder).of(folder / "b.jpg") is None
    (folder / "licences.csv").write_text("\ufefffile,licence\na.jpg,D\nb.jpg,\n", "utf-8")
    assert Licences(folder).of(folder / "a.jpg") == "D"  # the nearer list counts
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


def test_shards_of_sources_are_inspected(
    arguments: list[str], foregrounds: Path, backgrounds: Path, tmp_path: Path
) -> None:
    out = tmp_path / "sources"
    assert build([*arguments, "--content", "sources", "--out", str(out)]) == 0
    report = inspect_build(out, workers=1)
    assert report["problems"] == []
    assert report["statistics"]["foregrounds"]["count"] == 4
    assert report["statistics"]["backgrounds"]["count"] == 6
    index = Manifest.read(out).index()
    folders = ["--foregrounds", str(foregrounds), "--backgrounds", str(backgrounds)]
    for entries in index.values():
        assert main([str(out), "--sample", entries[0].key, *folders]) == 0
    path = out / next(name for name in index if name.startswith("background"))
    data = bytearray(path.read_bytes())
    data[700] ^= 1
    path.write_bytes(data)
    assert any(f"sample {index[path.name][0].key}:" in line for line in problems(out))
