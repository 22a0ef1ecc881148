"""Shards and manifests: repeatable bytes, WebDataset reads them, damage is noticed."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import webdataset
from drawings import draw_disc, draw_picture

from rssn import Manifest, decode_sample, read_shard
from rssn.imaging.errors import InputError
from rssn.route.compose import Composite
from rssn.shards.manifest import Plan
from rssn.shards.tars import MEMBERS, Members, encode_sample, sample_key, write_shard


def make_sample(seed: int, image_format: str = "png") -> Members:
    images = [draw_picture(seed + n) for n in range(3)]
    sample = Composite(images[0], draw_disc(), images[1], images[2], {"k": seed})
    return encode_sample(sample, image_format)


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    path = tmp_path / "shard-00000.tar"
    write_shard(path, ((f"key{n}", make_sample(n)) for n in range(3)))
    return path


@pytest.mark.parametrize(("image_format", "loss"), [("jpg", 3), ("png", 0), ("webp", 0)])
def test_sample_comes_back(image_format: str, loss: float) -> None:
    sample = decode_sample(make_sample(5, image_format))
    np.testing.assert_array_equal(sample.alpha, draw_disc())
    difference = np.abs(sample.composite.astype(int) - draw_picture(5))
    assert difference.mean() <= loss
    assert sample.record == {"k": 5}


def test_same_samples_give_the_same_bytes(shard: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.tar"
    write_shard(again, ((f"key{n}", make_sample(n)) for n in range(3)))
    assert again.read_bytes() == shard.read_bytes()
    with tarfile.open(again) as tar:
        assert {(m.mtime, m.uid, m.gid, m.uname, m.mode) for m in tar} == {(0, 0, 0, "", 0o644)}


def test_webdataset_reads_it(shard: Path) -> None:
    samples = list(webdataset.WebDataset(str(shard), shardshuffle=False, empty_check=False))
    assert [sample["__key__"] for sample in samples] == ["key0", "key1", "key2"]
    assert samples[1]["alpha.png"] == make_sample(1)["alpha.png"]
    assert {name.split(".")[0] for name in samples[0] if name[0] != "_"} == set(MEMBERS)


def test_shard_appears_only_when_whole(tmp_path: Path) -> None:
    def failing() -> Iterator[tuple[str, Members]]:
        yield "key0", make_sample(0)
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        write_shard(tmp_path / "shard.tar", failing())
    assert list(tmp_path.iterdir()) == []


def test_reading_counts_samples_and_members(shard: Path) -> None:
    assert [key for key, _ in read_shard(shard, 3)] == ["key0", "key1", "key2"]
    with pytest.raises(InputError, match="3 samples, not 4"):
        list(read_shard(shard, 4))


@pytest.mark.parametrize("cut", ["member", "header", "end", "everything"])
def test_cut_shard_is_noticed(shard: Path, cut: str) -> None:
    with tarfile.open(shard) as tar:
        third = tar.getmembers()[2]
    size = {
        "member": third.offset,
        "header": third.offset + 100,
        "end": shard.stat().st_size - tarfile.RECORDSIZE,
        "everything": 0,
    }[cut]
    shard.write_bytes(shard.read_bytes()[:size])
    with pytest.raises(InputError, match="build it again"):
        list(read_shard(shard))


def test_half_a_sample_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "half.tar"
    with tarfile.open(path, "w") as tar:
        tar.addfile(tarfile.TarInfo("key.composite.jpg"), io.BytesIO())
    with pytest.raises(InputError, match="build it again"):
        list(read_shard(path))


def test_members_that_cannot_be_decoded_are_named() -> None:
    members = make_sample(0)
    with pytest.raises(InputError, match="record is"):
        decode_sample({**members, "record.json": b"{"})
    with pytest.raises(InputError, match="alpha: "):
        decode_sample({**members, "alpha.png": b"no picture"})
    del members["foreground.png"]
    with pytest.raises(InputError, match=r"lacks \['foreground'\]"):
        decode_sample(members)


def test_keys_have_no_dots_and_do_not_meet() -> None:
    assert sample_key("cat_1", 2) == "cat_1-k2"
    names = ["a.b", "a_b", "a b", "ä_b", "x" * 300, "x" * 301, "a/b"]
    keys = [sample_key(name, 0) for name in names]
    assert len(set(keys)) == len(names) and all(key.isascii() for key in keys)
    assert not any("." in key or "/" in key or len(key) > 90 for key in keys)


def test_manifest_comes_back(shard: Path, tmp_path: Path) -> None:
    info = write_shard(shard, [("key0", make_sample(0))])
    plan = Plan({"seed": 1}, {"numpy": "2"}, "abc")
    written = Manifest(plan, [info], ["photo1.png: is empty"], tmp_path)
    written.write()
    manifest = Manifest.read(tmp_path)
    assert manifest == written and manifest.samples == 1


def test_folder_without_manifest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        Manifest.read(tmp_path)
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(InputError, match="is not a manifest"):
        Manifest.read(tmp_path)
