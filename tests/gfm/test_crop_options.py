"""Crops of FBA's training: two objects, another gamma, the same picture at twice the scale."""

from __future__ import annotations

import numpy as np
import pytest

from gfm.data.crops import CropOptions, Planes, bend, put_behind
from gfm.data.loader import CropBatches, Turn
from rssn.imaging.blending import blend
from rssn.imaging.errors import InputError


def planes(seed=0, size=32):
    rng = np.random.default_rng(seed)
    front, back = rng.integers(0, 256, (2, size, size, 3), dtype=np.uint8)
    alpha = rng.integers(0, 256, (size, size)).astype(np.float32) / 255
    return Planes(blend(alpha, front, back), alpha, front, back)


class Samples:
    """Samples whose crops tell which sample they are of and how large their box was."""

    def __len__(self):
        return 5

    def key(self, number):
        return f"s{number}"

    def crop(self, number, epoch, cropper, rng):
        side = int(rng.choice(cropper.options.sides))
        return planes(number), cropper.options.size / side


def rows(batches):
    return [[(crop.key, crop.scale) for crop in batch] for batch in batches]


def test_second_object_lies_behind_the_first():
    front, behind = planes(0), planes(1)
    made = put_behind(front, behind)
    a, b = front.alpha, behind.alpha
    assert np.abs(made.alpha - (a + b * (1 - a))).max() < 1e-4
    assert (made.background == front.background).all()
    seen = blend(a, front.foreground, blend(b, behind.foreground, front.background))
    assert np.abs(made.image.astype(int) - seen).max() <= 2  # F is rounded once more
    with pytest.raises(InputError, match=r"crop\.second"):
        put_behind(front._replace(foreground=None), behind)


def test_gamma_keeps_the_composition_equation():
    made = bend(planes(), 2.0)
    levels = planes().foreground
    assert np.abs(made.foreground - (levels / 255.0) ** 2 * 255).max() <= 0.5
    assert (blend(made.alpha, made.foreground, made.background) == made.image).all()
    bare = planes()._replace(foreground=None, background=None)
    assert (bend(bare, 1.0).image == bare.image).all()


@pytest.mark.parametrize("batch_size", [1, 2])
def test_every_second_batch_shows_the_same_at_twice_the_scale(batch_size):
    options = CropOptions(sides=(128,), size=32, twice=True)
    batches = rows(CropBatches(Samples(), options, batch_size))
    assert sum(map(len, batches)) == 10
    for plain, closer in zip(batches[: 4 // batch_size : 2], batches[1::2], strict=False):
        assert [(key, 2 * scale) for key, scale in plain] == closer
    assert {key for batch in batches for key, _ in batch} == {f"s{n}" for n in range(5)}


def test_epoch_goes_on_where_it_stood():
    options = CropOptions(sides=(128,), size=32, twice=True, second=0.5)
    whole = rows(CropBatches(Samples(), options, 1))
    rest = rows(CropBatches(Samples(), options, 1, turn=Turn(consumed=3)))
    assert rest == whole[3:] and len(whole) == 10


def test_second_objects_are_as_often_as_asked():
    both = CropBatches(Samples(), CropOptions(sides=(64,), size=32, second=1.0), 1)
    for (crop,) in both:
        assert (crop.planes.alpha >= planes(int(crop.key[1])).alpha - 1e-4).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [({"second": 1.5}, r"second=1\.5"), ({"gamma": 1.0}, r"gamma=1\.0")],
)
def test_options_are_checked(options, message):
    with pytest.raises(InputError, match=message):
        CropOptions(**options)
