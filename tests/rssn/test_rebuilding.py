"""Samples of a build made again from their sources, bit by bit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from builds import problems
from drawings import draw_picture

from rssn import Manifest
from rssn.build.builder import main as build
from rssn.imaging.writing import write_rgb
from rssn.inspection.command import inspect_build, main
from rssn.shards.tars import read_shard

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
    assert f"{foregrounds}/original/photo2.png or its matte " in told
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
