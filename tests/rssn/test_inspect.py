"""Inspection of a build: each kind of damage is found by name."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from builds import problems

from rssn import Manifest
from rssn.imaging.reading import read_rgb
from rssn.inspection.command import inspect_build, main
from rssn.shards.tars import Members, read_shard, write_shard


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


@pytest.mark.integration
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
        (finished, "(plan.json, but no manifest.json)"),
        (tmp_path / "nowhere", "nowhere: "),
        (tmp_path, "manifest.json: "),
    ):
        assert main([str(folder), "--quiet"]) == 2
        assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--sheet", "sheet.png"], "--sheet sheet.png: "),
        (["--json", "nowhere/report.json"], "nowhere: "),
        (["--cache", "somewhere"], "--sample KEY"),
        (["--sample", "photo0-k0"], "--sample needs --foregrounds"),
        (["--sample", "photo0-k0", "--json", "report.json"], "--json "),
        (["--sample", "photo9-k0", "--foregrounds", "x"], "'photo9-k0'"),
    ],
)
def test_usage_errors(
    finished: Path, change: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(finished), "--quiet", *change]) == 2
    assert message in capsys.readouterr().err
