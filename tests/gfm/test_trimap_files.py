"""Trimaps as people give them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from guided import draw_trimap

from gfm.guidance.trimap_files import check_trimap, has_unknown, read_trimap
from rssn.imaging.errors import InputError

GOOD = draw_trimap(40, 60)
SOLID = np.where(GOOD == 255, 255, 0).astype(np.uint8)


def spoil(**changes):
    """The good trimap, with levels replaced."""
    trimap = GOOD.copy()
    for old, new in changes.items():
        trimap[int(old[1:]) == GOOD] = new
    return trimap


@pytest.mark.parametrize("trimap", [GOOD, np.dstack([GOOD] * 3), GOOD.astype(np.int64)])
def test_trimap_is_taken(tmp_path, trimap):
    assert (check_trimap(trimap, (40, 60)) == GOOD).all()
    cv2.imwrite(str(tmp_path / "t.png"), trimap.astype(np.uint8))
    read = read_trimap(tmp_path / "t.png", (40, 60))
    assert (read == GOOD).all() and read.dtype == np.uint8


@pytest.mark.parametrize(
    ("trimap", "message"),
    [
        (GOOD[:-1], "60x39 px .*60x40"),
        (spoil(_128=127), "levels 127; "),
        (np.arange(2400).reshape(40, 60) % 256, "levels 1, 2, 3, 4 and 249 more"),
        (np.full((40, 60), 128), "no known pixel"),
        (255 - GOOD, "inverted"),
        (np.dstack([GOOD] * 4), "alpha channel"),
        (np.dstack([GOOD, GOOD, SOLID]), "colours"),
        (GOOD[0], r"shape \(60,\)"),
    ],
)
def test_bad_trimap_is_refused_with_a_remedy(tmp_path, trimap, message):
    with pytest.raises(InputError, match=message):
        check_trimap(trimap, (40, 60))
    if trimap.ndim > 1:
        cv2.imwrite(str(tmp_path / "bad.png"), trimap.astype(np.uint8))
        with pytest.raises(InputError, match=rf"bad\.png: .*{message}"):
            read_trimap(tmp_path / "bad.png", (40, 60))


def test_inverted_trimap_of_an_object_that_reaches_the_border():
    bust = np.zeros((40, 60), np.uint8)
    bust[10:, 10:50] = 128
    bust[14:, 14:46] = 255
    assert (check_trimap(bust) == bust).all()
    inverted = np.where(bust == 128, 128, 255 - bust)
    with pytest.raises(InputError, match="inverted"):
        check_trimap(inverted)


def test_object_that_fills_the_border_is_no_inversion():
    close = np.full((40, 60), 255, np.uint8)
    close[:5, :5] = 0
    assert (check_trimap(close) == close).all()


def test_no_unknown_pixel_passes():
    assert has_unknown(GOOD) and not has_unknown(SOLID)
    assert (check_trimap(SOLID) == SOLID).all()
