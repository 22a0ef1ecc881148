"""Crops: image, matte and colours stay one, and labels know how far a crop was shrunk."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny import draw_matte, draw_photograph

from gfm.data.crops import ALPHA_BITS, CropOptions, Cropper, Planes, relight
from gfm.data.samples import Crop
from gfm.models.glance_focus.rosta import make_labels
from gfm.models.glance_focus.targets import labelled
from rssn.imaging.blending import blend
from rssn.imaging.crops import cut, cut_alpha
from rssn.imaging.errors import InputError

PLAIN = {"sides": (32,), "size": 32, "transition": 0, "flip": 0}


def take(cropper, planes, rng):
    """A crop of planes in memory, as the training sets take theirs, and its scale."""
    box, size = cropper.place(planes.alpha, rng), cropper.options.size
    cuts = [cut(plane, box, size) for plane in (planes.image, planes.foreground, planes.background)]
    made = Planes(cuts[0], cut_alpha(planes.alpha, box, size), *cuts[1:])
    return cropper.finish(made, rng), size / box.side


def crop(planes, seed=0, **options):
    return take(Cropper(CropOptions(**PLAIN | options)), planes, np.random.default_rng(seed))


def flat_planes(height=80, width=90):
    """A composite of one colour before another, which resizing keeps a composite."""
    alpha = draw_matte(height, width, radius=25, rim=20)
    colours = [np.full((height, width, 3), c, np.uint8) for c in ((200, 90, 40), (60, 120, 160))]
    return Planes(blend(alpha, *colours), alpha, *colours)


@pytest.mark.parametrize("jitter", [0, 0.2, 0.9])
@pytest.mark.parametrize("side", [32, 57, 64])
def test_crops_stay_composites(side, jitter):
    options = {"sides": (side,), "flip": 0.5, "transition": 0.5, "jitter": jitter}
    cropper = Cropper(CropOptions(**PLAIN | options))
    for seed in range(8):
        made, _ = take(cropper, flat_planes(), np.random.default_rng(seed))
        again = blend(made.alpha, made.foreground, made.background)
        # Each plane is rounded on its own, after each step; contrast enlarges the first of them.
        assert np.abs(again.astype(int) - made.image).max() <= (3 if jitter else 1)
        assert (made.image != flat_planes().image[0, 0]).any() or made.alpha.max() == 0


@pytest.mark.parametrize("side", [32, 64])
@pytest.mark.parametrize("flip", [0, 1])
def test_planes_move_together(side, flip):
    picture = draw_photograph(0, 90, 80)
    alpha = (picture[..., 0] / np.float32(255)).astype(np.float32)
    made, _ = crop(Planes(picture, alpha, picture, picture), sides=(side,), flip=flip)
    np.testing.assert_array_equal(made.foreground, made.image)
    np.testing.assert_array_equal(made.background, made.image)
    assert np.abs(made.alpha * 255 - made.image[..., 0]).max() <= 0.51


def test_flip_mirrors():
    kept, _ = crop(flat_planes(), flip=0)
    mirrored, _ = crop(flat_planes(), flip=1)
    for ours, wanted in zip(mirrored, kept.mirrored(), strict=True):
        np.testing.assert_array_equal(ours, wanted)


@pytest.mark.parametrize(
    ("pixel", "wanted"),
    [((40, 50), (16, 18)), ((3, 50), (3, 18)), ((40, 87), (16, 31)), ((79, 0), (31, 0))],
    ids=["inside", "top", "right", "corner"],
)
def test_transition_crops_are_centred_on_a_fractional_pixel(pixel, wanted):
    alpha = np.zeros((80, 90), np.float32)
    alpha[pixel] = 0.5
    picture = draw_photograph(0, 80, 90)
    planes = Planes(picture, alpha, picture, picture)
    for seed in range(3):
        made, _ = crop(planes, seed, transition=1)
        assert np.argwhere(made.alpha == 0.5).tolist() == [list(wanted)]


def test_crops_come_from_everywhere_when_nothing_is_fractional():
    alpha = np.zeros((64, 64), np.float32)
    rows = np.arange(64, dtype=np.uint8)[:, None, None]
    picture = np.broadcast_to(rows, (64, 64, 3))
    planes = Planes(picture, alpha, picture, picture)
    tops = {int(crop(planes, seed, transition=1)[0].image[0, 0, 0]) for seed in range(60)}
    assert tops == {0, 8, 16, 24, 32}


@pytest.mark.parametrize(
    ("side", "size", "scale"), [(32, 32, 1), (64, 32, 0.5), (640, 32, 0.4), (32, 64, 2)]
)
def test_scale_is_that_of_the_crop_that_the_image_allows(side, size, scale):
    made, found = crop(flat_planes(), sides=(side,), size=size)  # the image is 80 x 90
    assert found == scale and made.image.shape == (size, size, 3)


def test_opaque_pixels_stay_opaque_at_any_scale():
    # Area averaging of ones gives 0.9999998 at odd scales; labels ask for exactly 1.
    for side in range(33, 130, 3):
        ones = np.ones((side, side), np.float32)
        picture = draw_photograph(0, side, side)
        made, _ = crop(Planes(picture, ones, picture, picture), sides=(side,))
        assert (made.alpha == 1).all(), side
    assert ALPHA_BITS <= 24  # the grid of the labels' identity


def test_enlarged_crops_are_smooth():
    ramp = np.repeat(np.linspace(0, 1, 32, dtype=np.float32)[None], 32, axis=0)
    picture = draw_photograph(0, 32, 32)
    made, _ = crop(Planes(picture, ramp, picture, picture), size=128)
    assert np.abs(np.diff(made.alpha, axis=1)).max() < 1.5 / 4 / 31


def test_jitter_moves_all_parts_alike():
    """0.8 x + 10 clips nothing: F 200 -> 170, B 40 -> 42, their blend at 0.25 is 80 -> 74."""
    assert relit_levels((80, 200, 40), 0.25, 0.8, 10) == [74, 170, 42]


def test_jitter_that_clips_keeps_the_composition_equation():
    """1.2 x clips F 250 to 255 and takes B 10 to 12.

    The image was 4 below the blend of F and B, 130; it ends 4.8 below their new blend, 133.5, and
    not at 1.2 * 126 = 151.
    """
    assert relit_levels((126, 250, 10), 0.5, 1.2, 0) == [129, 255, 12]
    assert relit_levels((126, None, None), 0.5, 1.2, 0) == [151, None, None]


def relit_levels(levels, alpha, gain, offset):
    """The levels of image, F and B of one pixel after `relight`."""
    image, *parts = (each and np.full((1, 1, 3), each, np.uint8) for each in levels)
    made = relight(Planes(image, np.full((1, 1), alpha, np.float32), *parts), gain, offset)
    return [each if each is None else int(each[0, 0, 0]) for each in (made.image, *made[2:4])]


def test_crops_depend_on_the_generator_alone():
    first, again, other = (crop(flat_planes(), seed, flip=0.5, jitter=0.3)[0] for seed in (1, 1, 2))
    for ours, wanted in zip(first, again, strict=True):
        np.testing.assert_array_equal(ours, wanted)
    assert (first.image != other.image).any()


def test_batch_holds_the_labels_of_each_representation():
    options = {"sides": (64,), "transition": 1}
    samples = [Crop(f"s{seed}", *crop(flat_planes(), seed, **options)) for seed in range(3)]
    batch = labelled(samples, "RIM", kernel=9)
    assert batch.keys == ["s0", "s1", "s2"] and list(batch.targets) == ["TT", "FT", "BT"]
    assert batch.image.shape == (3, 3, 32, 32) and batch.image.dtype == torch.float32
    assert batch.image[1, 2, 3, 4] == samples[1][1].image[3, 4, 2] / np.float32(255)
    for rosta, labels in batch.targets.items():
        assert labels.glance.shape == (3, 32, 32) and labels.glance.dtype == torch.int64
        assert labels.focus.shape == labels.region.shape == (3, 1, 32, 32)
        wanted = make_labels(samples[2][1].alpha, rosta, 9, scale=0.5)
        np.testing.assert_array_equal(labels.glance[2], wanted.glance)
        np.testing.assert_array_equal(labels.focus[2, 0], wanted.focus)
        np.testing.assert_array_equal(labels.region[2, 0], wanted.region)
    assert list(labelled(samples, "FT", None).targets) == ["FT"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sides": ()}, "sides="),
        ({"sides": (16,)}, r"sides=\(16,\): .*32"),
        ({"size": 100}, "size=100"),
        ({"size": 0}, "size=0"),
        ({"transition": 1.5}, r"transition=1\.5"),
        ({"flip": -1}, "flip=-1"),
        ({"jitter": 1}, "jitter=1"),
        ({"kernel": 0}, "kernel=0"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        CropOptions(**options)
