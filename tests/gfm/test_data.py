"""Every sample once an epoch, whoever loads it; and what is damaged is named."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import chain, product
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import draw_matte, draw_photograph, write_photographs, write_shards

from gfm.data.crops import CropOptions
from gfm.data.loader import CropBatches, TrainingLoader, Turn, batch_sizes
from gfm.data.material import MaterialOptions
from gfm.data.mixture import Part
from gfm.data.module import GFMData, Photographs, Pictures
from gfm.data.sets import open_training_set
from gfm.models.glance_focus.targets import GFMTargets
from rssn.build.builder import BuildOptions
from rssn.build.builder import build as build_shards
from rssn.imaging.errors import InputError
from rssn.imaging.writing import encode_alpha, encode_rgb, write_rgb
from rssn.route.compose import RouteOptions
from rssn.shards.manifest import Manifest, Plan
from rssn.shards.tars import describe_shard, read_shard, write_shard
from rssn.stream.arrangement import ArrangementOptions

CROPS = CropOptions(sides=(32, 48), size=32)
SEVEN = {f"s{n}" for n in range(7)}


@pytest.fixture(scope="module")
def seven(tmp_path_factory) -> Path:
    """Seven samples in shards of three, three and one."""
    return write_shards(tmp_path_factory.mktemp("seven") / "shards", (3, 3, 1))


def batches_of(folder, workers=0, rank=0, world=1, epochs=1, seed=0, batch_size=2, skip_bad=0):
    """The batches of each epoch on one device."""
    samples = open_training_set(str(folder), seed=seed)
    crops = CropBatches(samples, CROPS, batch_size, seed, skip_bad, Turn(rank, world))
    loader = TrainingLoader(crops, workers)
    return [list(loader) for _ in range(epochs)]


def keys_of(batches):
    return [key for batch in batches for key in batch.keys]


# `test_no_batch_is_empty_or_too_large` has all sizes and numbers of devices.
@pytest.mark.parametrize(
    ("workers", "world", "batch_size"), [(0, 1, 3), (0, 3, 2), (1, 2, 20), (2, 3, 1)]
)
def test_every_sample_comes_once_an_epoch(seven, workers, world, batch_size):
    options = {"workers": workers, "world": world, "batch_size": batch_size, "epochs": 2}
    ranks = [batches_of(seven, rank=rank, **options) for rank in range(world)]
    for epoch in range(2):
        assert len({len(rank[epoch]) for rank in ranks}) == 1  # or one device waits for ever
        keys = [key for rank in ranks for key in keys_of(rank[epoch])]
        assert len(keys) == 7 and set(keys) == SEVEN


@pytest.mark.parametrize(
    ("count", "batch_size", "world", "sizes"),
    [
        (8, 2, 2, [[2, 2], [2, 2]]),
        (7, 2, 2, [[2, 2], [2, 1]]),
        (9, 2, 2, [[2, 2], [2, 1], [1, 1]]),
        (33, 32, 1, [[17], [16]]),
        (48, 32, 1, [[32], [16]]),
        (5, 8, 2, [[3, 2]]),
        (5, 1, 4, [[2, 1, 1, 1]]),
        (2, 4, 2, [[1, 1]]),
    ],
)
def test_last_steps_share_what_is_left(count, batch_size, world, sizes):
    assert batch_sizes(count, batch_size, world) == sizes


def test_no_batch_is_empty_or_too_large():
    for count in range(1, 60):
        for batch_size in range(1, 9):
            for world in range(1, min(count, 5) + 1):
                sizes = [size for step in batch_sizes(count, batch_size, world) for size in step]
                assert sum(sizes) == count and min(sizes) >= 1
                assert max(sizes) <= batch_size + (batch_size == 1 and world > 1)


def test_batches_are_the_same_with_any_number_of_workers(seven):
    (alone,), (shared,) = batches_of(seven), batches_of(seven, workers=2)
    assert keys_of(alone) == keys_of(shared)
    for a, b in zip(alone, shared, strict=True):
        assert torch.equal(a.image, b.image) and torch.equal(a.alpha, b.alpha)


def test_epochs_and_seeds_differ_and_repeat(seven):
    def summary(seed):
        made = batches_of(seven, epochs=2, seed=seed, batch_size=1)
        return [[(b.keys[0], b.image.numpy().tobytes()) for b in epoch] for epoch in made]

    (first, second), (other, _) = summary(0), summary(1)
    assert [first, second] == summary(0)
    assert [key for key, _ in first] != [key for key, _ in second]
    assert {image for _, image in first}.isdisjoint(image for _, image in second)
    assert {image for _, image in first}.isdisjoint(image for _, image in other)


@pytest.mark.parametrize(("workers", "done"), [(0, 0), (0, 1), (0, 4), (0, 6), (2, 3)])
def test_loader_goes_on_where_its_state_stood(seven, workers, done):
    """Four batches an epoch: stop after `done` of them, go on in another loader."""
    whole = [batch for epoch in batches_of(seven, epochs=3) for batch in epoch]

    def loader():
        crops = CropBatches(open_training_set(str(seven)), CROPS, 2)
        return TrainingLoader(crops, workers)

    def flow(source):
        while True:
            yield from source

    first, second = loader(), loader()
    batches = flow(first)
    for _ in range(done):
        next(batches)
    second.load_state_dict(first.state_dict())
    for batch, wanted in zip(flow(second), whole[done:], strict=False):
        assert batch.keys == wanted.keys and torch.equal(batch.image, wanted.image)


def test_rest_of_an_epoch_is_shared_as_the_end_of_a_whole_one():
    """At the same size and number of devices; at others nothing is lost or doubled either."""
    sizes = ((1, 1), (2, 1), (3, 1), (1, 2), (2, 2), (1, 3), (5, 3))
    for consumed, (batch_size, world) in product(range(9), sizes):
        crops = CropBatches(range(9), CROPS, batch_size, turn=Turn(0, world))
        ends = [sum(map(sum, crops.sizes()[:step])) for step in range(len(crops) + 1)]
        left = crops.sizes(consumed)
        assert sum(map(sum, left)) == 9 - consumed and len(left) <= len(crops)
        if consumed in ends:
            assert left == crops.sizes()[ends.index(consumed) :]


@pytest.mark.parametrize(
    ("before", "after"), [((2, 1), (1, 1)), ((2, 1), (1, 3)), ((1, 2), (5, 1)), ((2, 2), (3, 2))]
)
def test_loader_goes_on_with_other_sizes_and_devices(seven, before, after):
    """A step was taken; every sample that is left comes once, then whole epochs."""

    def loaders(batch_size, world):
        samples = open_training_set(str(seven))
        crops = [CropBatches(samples, CROPS, batch_size, turn=Turn(n, world)) for n in range(world)]
        return [TrainingLoader(one) for one in crops]

    first, then = loaders(*before), loaders(*after)
    seen = keys_of(next(iter(loader)) for loader in first)
    for loader in then:
        loader.load_state_dict(first[0].state_dict())
    for had in (seen, []):
        batches = [list(loader) for loader in then]
        assert len({len(one) for one in batches}) == 1
        assert sorted([*had, *keys_of(chain(*batches))]) == sorted(SEVEN)


def test_rest_that_is_too_small_for_the_devices_is_refused(seven):
    crops = CropBatches(open_training_set(str(seven)), CROPS, 1, turn=Turn(0, 3))
    with pytest.raises(InputError, match=r"2 samples .*3 devices"):
        TrainingLoader(crops).load_state_dict({"epoch": 0, "consumed": 5})


def test_older_checkpoint_counts_batches_of_the_present_size(seven):
    loader = TrainingLoader(CropBatches(open_training_set(str(seven)), CROPS, 2))
    loader.load_state_dict({"epoch": 3, "done": 2})
    assert loader.state_dict() == {"epoch": 3, "consumed": 4} and loader.done == 2


def test_data_module_says_how_many_steps_there_are(seven):
    data = GFMData(str(seven), crop=CROPS, batch_size=3, workers=0)
    loader = data.train_dataloader()
    assert len(loader) == 3 and [len(batch.keys) for batch in loader] == [3, 2, 2]
    again = GFMData(str(seven), crop=CROPS, batch_size=3, workers=0)
    again.load_state_dict(data.state_dict())
    assert keys_of(again.train_dataloader()) == keys_of(loader)  # both in the second epoch


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


def test_batches_hold_the_labels_of_the_representation(seven):
    data = GFMData(str(seven), targets=GFMTargets("RIM"), crop=CROPS, batch_size=7, workers=0)
    (batch,) = data.train_dataloader()
    assert batch.image.shape == (7, 3, 32, 32) and list(batch.targets) == ["TT", "FT", "BT"]


def test_focus_is_trained_where_the_options_say(seven):
    regions = {}
    for name in ("fusion", "paper"):
        crop = replace(CROPS, kernel=9, focus_region=name)
        data = GFMData(str(seven), targets=GFMTargets("FT"), crop=crop, batch_size=7, workers=0)
        (batch,) = data.train_dataloader()
        labels = batch.targets["FT"]
        beyond = {"fusion": batch.alpha >= 0, "paper": batch.alpha > 0}[name]
        wanted = (labels.glance[:, None] == 0) & beyond
        assert torch.equal(labels.region, wanted.float())
        regions[name] = labels.region
    assert regions["fusion"].sum() > regions["paper"].sum() > 0
    with pytest.raises(InputError, match=r"focus_region='all' .*'fusion'"):
        replace(CROPS, focus_region="all")


def test_photographs_are_cropped_as_they_are(tmp_path):
    folder = write_photographs(tmp_path / "photographs", 3)
    (batches,) = batches_of(folder)
    assert sorted(keys_of(batches)) == ["p0", "p1", "p2"]
    assert batches[0].foreground is None and batches[0].background is None
    (folder / "mask" / "p1.png").unlink()
    with pytest.raises(InputError, match=r"p1\.png: "):
        batches_of(folder)


def test_route_that_has_no_effect_is_refused(seven, tmp_path):
    folder = write_photographs(tmp_path / "photographs", 1)
    with pytest.raises(InputError, match=r"photographs, .*data\.route"):
        GFMData(str(folder), route=RouteOptions()).samples()
    part = Part(str(seven))
    with pytest.raises(InputError, match=r"data\.route .*data\.shards"):
        GFMData(mixture=[part], route=RouteOptions()).samples()
    with pytest.raises(InputError, match=r"data\.draw .*data\.material"):
        GFMData(str(seven), draw=MaterialOptions()).samples()
    arranged = Part(str(seven), arrangement=ArrangementOptions(), route=RouteOptions())
    for each in (replace(part, route=RouteOptions()), arranged):
        with pytest.raises(InputError, match="finished composites"):
            GFMData(mixture=[each]).samples()


@pytest.mark.integration
def test_sources_are_composed_anew_every_epoch(tmp_path):
    folder = write_photographs(tmp_path / "photographs", 2)
    route = RouteOptions(k=2, denoise_probability=0, shorter_side=None)
    options = BuildOptions(route, image_format="png", content="sources")
    backgrounds = write_photographs(tmp_path / "more", 5) / "original"
    build_shards(folder, backgrounds, tmp_path / "sources", options, workers=1)
    first, second = batches_of(tmp_path / "sources", epochs=2)
    keys = ["p0-k0", "p0-k1", "p1-k0", "p1-k1"]
    assert sorted(keys_of(first)) == sorted(keys_of(second)) == keys
    images = {image.numpy().tobytes() for batch in first + second for image in batch.image}
    assert len(images) == 8
    for batch in first:
        again = batch.alpha * batch.foreground + (1 - batch.alpha) * batch.background
        assert (again - batch.image).abs().mean() < 0.02  # but for noise that is clipped
    with pytest.raises(InputError, match="finished composites"):
        open_training_set(write_shards(tmp_path / "done", (1,)), route)


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
        (lambda data: data[: len(data) // 2], 2),
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


def test_folder_without_manifest_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"manifest\.json: "):
        GFMData(str(tmp_path)).train_dataloader()
    with pytest.raises(InputError, match=r"data\.shards"):
        GFMData().train_dataloader()


def test_more_devices_than_samples_are_refused(seven):
    with pytest.raises(InputError, match=r"7 training samples .*8 devices"):
        batches_of(seven, world=8)
    for options in ({"batch_size": 0}, {"workers": -1}, {"skip_bad": -1}):
        with pytest.raises(InputError, match="no negative numbers"):
            GFMData(str(seven), **options).train_dataloader()


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
    with pytest.raises(InputError, match=r"p1\.png: "):
        GFMData(validation=str(folder)).test_dataloader()
    for name in ("original", "mask"):
        (tmp_path / "empty" / name).mkdir(parents=True)
    empty = str(tmp_path / "empty")
    for ask in (GFMData(validation=empty).val_dataloader, GFMData(empty).train_dataloader):
        with pytest.raises(InputError, match="empty/original and mask/: "):
            ask()


def test_prediction_gives_photographs_and_where_their_mattes_go(tmp_path):
    folder = write_photographs(tmp_path / "photographs", 2) / "original"
    out = tmp_path / "made" / "mattes"
    given = list(GFMData(photographs=str(folder), mattes=str(out)).predict_dataloader())
    assert [target for target, _ in given] == [out / "p0.png", out / "p1.png"] and out.is_dir()
    np.testing.assert_array_equal(given[0][1], draw_photograph(0))
    with pytest.raises(InputError, match=r"data\.photographs"):
        GFMData(photographs=str(folder)).predict_dataloader()
    write_rgb(folder / "p0.jpg", draw_photograph(0))
    with pytest.raises(InputError, match="two photographs"):
        Pictures(folder, out)
    (folder / "p0.jpg").unlink()
    with pytest.raises(InputError, match="no folder can be made there"):
        Pictures(folder, folder / "p0.png")
