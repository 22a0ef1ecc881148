"""Every sample once an epoch, whoever loads it."""

from __future__ import annotations

from itertools import chain, product

import pytest
import torch
from batches import CROPS, SEVEN, batches_of, keys_of

from gfm.data.loader import CropBatches, TrainingLoader, Turn, batch_sizes
from gfm.data.sets import open_training_set
from rssn.imaging.errors import InputError


# `test_no_batch_is_empty_or_too_large` has all sizes and numbers of devices.
@pytest.mark.parametrize(
    ("workers", "world", "batch_size"),
    [
        (0, 1, 3),
        (0, 3, 2),
        (0, 2, 20),
        pytest.param(2, 3, 1, marks=pytest.mark.integration),
    ],
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


@pytest.mark.integration
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


@pytest.mark.parametrize(
    ("workers", "done"),
    [(0, 0), (0, 1), (0, 4), (0, 6), pytest.param(2, 3, marks=pytest.mark.integration)],
)
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
