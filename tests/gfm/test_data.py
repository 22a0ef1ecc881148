"""Every sample once an epoch, whoever loads it; and what is damaged is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny import draw_matte, draw_photograph, write_photographs, write_shards
from torch.utils.data import DataLoader

from gfm.data import GFMData, Photographs, Pictures
from gfm.samples import CropOptions
from gfm.shard_crops import ShardCrops
from rssn.errors import InputError
from rssn.images import encode_alpha, encode_rgb, write_rgb
from rssn.manifest import Manifest
from rssn.shards import read_shard, write_shard

CROPS = CropOptions(sides=(32, 48), size=32)
SEVEN = {f"s{n}" for n in range(7)}


@pytest.fixture(scope="module")
def seven(tmp_path_factory) -> Path:
    """Seven samples in shards of three, three and one."""
    return write_shards(tmp_path_factory.mktemp("seven") / "shards", (3, 3, 1))


def crops_of(folder, workers=0, rank=0, world=1, epoch=0, seed=0, batch_size=None):
    crops = ShardCrops(folder, CROPS, seed, batch_size, buffer=4)
    crops.rank, crops.world, crops.epoch = rank, world, epoch
    return list(DataLoader(crops, batch_size=None, num_workers=workers, collate_fn=lambda x: x))


@pytest.mark.parametrize("workers", [0, 1, 2])
@pytest.mark.parametrize("world", [1, 2])
def test_every_sample_comes_once_an_epoch(seven, workers, world):
    for epoch in range(2):
        ranks = [crops_of(seven, workers, rank, world, epoch) for rank in range(world)]
        keys = [key for crops in ranks for key, _, _ in crops]
        assert len(keys) == 7 and set(keys) == SEVEN
        assert max(map(len, ranks)) - min(map(len, ranks)) <= 1


@pytest.mark.parametrize(("workers", "world"), [(0, 1), (2, 1), (0, 2), (2, 2)])
def test_ranks_take_the_same_number_of_whole_batches(seven, workers, world):
    left_out = set()
    for epoch in range(8):
        crops = [
            crops_of(seven, workers, rank, world, epoch, batch_size=2) for rank in range(world)
        ]
        assert [len(part) for part in crops] == [6] if world == 1 else [2, 2]
        keys = {key for part in crops for key, _, _ in part}
        assert len(keys) == sum(map(len, crops))
        left_out |= SEVEN - keys
    assert len(left_out) > 3


def test_crops_are_the_same_with_any_number_of_workers(seven):
    alone = {key: planes for key, planes, _ in crops_of(seven)}
    shared = {key: planes for key, planes, _ in crops_of(seven, workers=2)}
    for key, planes in alone.items():
        np.testing.assert_array_equal(shared[key].image, planes.image)
        np.testing.assert_array_equal(shared[key].alpha, planes.alpha)


def test_epochs_and_seeds_differ_and_repeat(seven):
    def summary(**options):
        return [(key, planes.image.tobytes()) for key, planes, _ in crops_of(seven, **options)]

    first, second, other = summary(), summary(epoch=1), summary(seed=1)
    assert first == summary() and second == summary(epoch=1)
    assert [key for key, _ in first] != [key for key, _ in second]
    assert {image for _, image in first}.isdisjoint(image for _, image in second)
    assert {image for _, image in first}.isdisjoint(image for _, image in other)


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_loader_gives_as_many_batches_as_it_says(seven, workers):
    data = GFMData(str(seven), crop=CROPS, batch_size=3, workers=workers)
    loader = data.train_dataloader()
    assert len(loader) == 2
    epochs = [[batch.keys for batch in loader] for _ in range(2)]
    for batches in epochs:
        assert [len(keys) for keys in batches] == [3, 3]
        assert len({key for keys in batches for key in keys}) == 6
    assert epochs[0] != epochs[1]


def test_batches_hold_the_labels_of_the_representation(seven):
    data = GFMData(str(seven), rosta="RIM", crop=CROPS, batch_size=7, workers=0)
    (batch,) = data.train_dataloader()
    assert batch.image.shape == (7, 3, 32, 32) and list(batch.labels) == ["TT", "FT", "BT"]


def damaged_copy(folder: Path, source: Path, change) -> Path:
    """The shards of `source`, the second of them changed."""
    folder.mkdir()
    for path in source.iterdir():
        data = path.read_bytes()
        (folder / path.name).write_bytes(change(data) if path.name == "shard-00001.tar" else data)
    return folder


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(
    "change",
    [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: b"\1" * len(data)],
    ids=["cut", "empty", "overwritten"],
)
def test_damaged_shard_is_named(seven, tmp_path, change, workers):
    folder = damaged_copy(tmp_path / "damaged", seven, change)
    data = GFMData(str(folder), crop=CROPS, batch_size=1, workers=workers)
    with pytest.raises(InputError) as caught:
        list(data.train_dataloader())
    message = str(caught.value)
    assert message.startswith(str(folder / "shard-00001.tar")) and "\n" not in message


def test_shard_with_fewer_samples_than_the_manifest_says_is_named(seven, tmp_path):
    folder = damaged_copy(tmp_path / "short", seven, lambda data: data)
    samples = list(read_shard(folder / "shard-00001.tar"))[:2]
    write_shard(folder / "shard-00001.tar", samples)
    with pytest.raises(InputError, match=r"shard-00001\.tar: holds 2 samples, not 3"):
        crops_of(folder)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("alpha.png", b"no image", "sample s3: alpha: is not an image"),
        ("alpha.png", encode_alpha(draw_matte(8, 9)), r"parts differ in size: .*alpha \(8, 9\)"),
        ("foreground.png", encode_rgb(draw_photograph(0), "png"), r"foreground \(48, 64\)"),
    ],
    ids=["damaged", "size of alpha", "size of foreground"],
)
def test_sample_whose_parts_do_not_fit_is_named(seven, tmp_path, name, data, message):
    folder = damaged_copy(tmp_path / "misfit", seven, lambda data: data)
    samples = list(read_shard(folder / "shard-00001.tar"))
    key, members = samples[0]
    write_shard(folder / "shard-00001.tar", [(key, members | {name: data}), *samples[1:]])
    with pytest.raises(InputError, match=message):
        crops_of(folder)


def test_folder_without_manifest_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"manifest\.json: no such file"):
        GFMData(str(tmp_path)).train_dataloader()
    with pytest.raises(InputError, match=r"data\.shards is not set; give the folder"):
        GFMData().train_dataloader()


def test_batch_larger_than_the_data_is_refused(seven):
    with pytest.raises(InputError, match=r"data\.batch_size=8 on 1 device.* than the 7 samples"):
        GFMData(str(seven), batch_size=8).train_dataloader()
    assert Manifest.read(seven).samples == 7


def test_validation_gives_whole_photographs(tmp_path):
    folder = write_photographs(tmp_path / "photographs", 2)
    given = list(GFMData(validation=str(folder)).val_dataloader())
    assert [name for name, _, _ in given] == ["p0", "p1"]
    _, image, alpha = given[1]
    np.testing.assert_array_equal(image, draw_photograph(1))
    np.testing.assert_array_equal(alpha, draw_matte())
    assert Photographs(folder, side=24)[0][1].shape == (24, 32, 3)
    assert GFMData().val_dataloader() == []
    (folder / "mask" / "p1.png").unlink()
    with pytest.raises(InputError, match=r"p1\.png: photograph without a matte"):
        GFMData(validation=str(folder)).test_dataloader()


def test_prediction_gives_photographs_and_where_their_mattes_go(tmp_path):
    folder = write_photographs(tmp_path / "photographs", 2) / "original"
    out = tmp_path / "made" / "mattes"
    given = list(GFMData(photographs=str(folder), mattes=str(out)).predict_dataloader())
    assert [target for target, _ in given] == [out / "p0.png", out / "p1.png"] and out.is_dir()
    np.testing.assert_array_equal(given[0][1], draw_photograph(0))
    with pytest.raises(InputError, match=r"predict needs data\.photographs"):
        GFMData(photographs=str(folder)).predict_dataloader()
    write_rgb(folder / "p0.jpg", draw_photograph(0))
    with pytest.raises(InputError, match="two photographs differ in their endings alone"):
        Pictures(folder, out)
    (folder / "p0.jpg").unlink()
    with pytest.raises(InputError, match="no folder can be made there"):
        Pictures(folder, folder / "p0.png")
