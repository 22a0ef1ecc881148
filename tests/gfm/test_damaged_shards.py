"""Damaged training samples are named, or counted where that is allowed."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from batches import CROPS, batches_of, keys_of
from tiny import draw_matte, draw_photograph

from gfm.data.module import GFMData
from rssn.imaging.errors import InputError
from rssn.imaging.writing import encode_alpha, encode_rgb
from rssn.shards.manifest import Manifest, Plan
from rssn.shards.tars import describe_shard, read_shard, write_shard


def test_bad_samples_end_the_run_or_are_counted(seven, tmp_path, caplog):
    folder = damaged_copy(tmp_path / "damaged", seven, flip_a_bit)
    with pytest.raises(InputError, match=r"shard-00001\.tar: sample s3 "):
        batches_of(folder)
    (batches,) = batches_of(folder, skip_bad=1)
    keys = keys_of(batches)
    assert len(keys) == 7 and "s3" not in keys and keys.count("s4") == 2
    assert "skipped 1 of 1 allowed" in caplog.text and "sample s3" in caplog.text
    assert len(batches_of(folder, skip_bad=1, epochs=3)) == 3  # one and the same in each
    index = Manifest.read(folder).index()["shard-00001.tar"]
    two = partial(flip_a_bit, at=index[2].offset + 700)  # in s5 as well
    folder = damaged_copy(tmp_path / "more", folder, two)
    with pytest.raises(InputError, match=r"2 bad samples, .*data\.skip_bad .*1"):
        batches_of(folder, skip_bad=1)


def flip_a_bit(data: bytes, at: int = 700) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def damaged_copy(folder: Path, source: Path, change) -> Path:
    """The shards of `source`, the second of them changed."""
    folder.mkdir()
    for path in source.iterdir():
        data = path.read_bytes()
        (folder / path.name).write_bytes(change(data) if path.name == "shard-00001.tar" else data)
    return folder


@pytest.mark.parametrize(
    ("change", "workers"),
    [
        pytest.param(lambda data: data[: len(data) // 2], 2, marks=pytest.mark.integration),
        (lambda data: b"", 0),
        (lambda data: b"\1" * len(data), 0),
    ],
    ids=["cut", "empty", "overwritten"],
)
def test_damaged_shard_is_named(seven, tmp_path, change, workers):
    folder = damaged_copy(tmp_path / "damaged", seven, change)
    data = GFMData(str(folder), crop=CROPS, batch_size=1, workers=workers)
    with pytest.raises(InputError) as caught:
        list(data.train_dataloader())
    message = str(caught.value)
    assert message.startswith(str(folder / "shard-00001.tar")) and "\n" not in message


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("alpha.png", b"no image", "sample s3: alpha: "),
        ("alpha.png", encode_alpha(draw_matte(40, 50)), "s3: composite: .*64x64 px.*matte 50x40"),
        ("foreground.png", encode_rgb(draw_photograph(0), "png"), "s3: foreground: .*64x48 px"),
    ],
    ids=["damaged", "size of alpha", "size of foreground"],
)
def test_sample_whose_parts_do_not_fit_is_named(seven, tmp_path, name, data, message):
    folder = damaged_copy(tmp_path / "misfit", seven, lambda data: data)
    samples = list(read_shard(folder / "shard-00001.tar"))
    key, members = samples[0]
    changed = [(key, members | {name: data}), *samples[1:]]
    shards = Manifest.read(folder).shards
    shards[1] = write_shard(folder / "shard-00001.tar", changed)
    others = [describe_shard(folder / shard.name, shard.samples) for shard in shards]
    Manifest(Plan({}, {}, ""), others, folder=folder).write()
    with pytest.raises(InputError, match=message):
        batches_of(folder)
