"""One rule for the choice of interpolation."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from rssn.imaging.resizing import resize

PHOTO = np.random.default_rng(0).integers(0, 256, (12, 8, 3), np.uint8)


def test_shrinking_averages_areas():
    wanted = PHOTO.reshape(6, 2, 4, 2, 3).mean((1, 3))
    assert np.abs(resize(PHOTO, (6, 4)) - wanted).max() <= 0.5
    plane = PHOTO[..., 0].astype(np.float32)
    np.testing.assert_allclose(resize(plane, (6, 4)), wanted[..., 0], rtol=1e-6)


def test_growing_is_linear():
    ramp = np.array([[0, 1, 2, 3]], np.float32)
    # Pixels are at their centres, and the border goes on beyond the first and the last of them.
    wanted = [[0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3]]
    np.testing.assert_allclose(resize(ramp, (1, 8)), wanted)


@pytest.mark.parametrize(
    ("size", "options", "flag"),
    [
        ((6, 4), {}, cv2.INTER_AREA),
        ((6, 8), {}, cv2.INTER_AREA),
        ((24, 4), {}, cv2.INTER_LINEAR),
        ((24, 16), {"enlarge": "cubic"}, cv2.INTER_CUBIC),
        ((24, 16), {"enlarge": "nearest"}, cv2.INTER_NEAREST),
        ((24, 4), {"enlarge": "area"}, cv2.INTER_AREA),
        ((6, 4), {"shrink": "linear"}, cv2.INTER_LINEAR),
    ],
)
def test_interpolation(size, options, flag):
    wanted = cv2.resize(PHOTO, size[::-1], interpolation=flag)
    np.testing.assert_array_equal(resize(PHOTO, size, **options), wanted)


def test_image_of_that_size_is_given_back():
    assert resize(PHOTO, (12, 8)) is PHOTO
