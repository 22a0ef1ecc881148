"""Tiles with captions, of which contact sheets are made."""

from __future__ import annotations

import numpy as np

from rssn.imaging.drawing import CAPTION, GAP, PAPER, tiles

RED = np.full((10, 30, 3), (255, 0, 0), np.uint8)


def test_tiles_lie_in_the_middle_of_their_places():
    drawn = tiles([(RED, "a")] * 3, columns=2, height=40, width=40)
    assert drawn.shape == (GAP + 2 * (40 + CAPTION), GAP + 2 * (40 + GAP), 3)
    assert (drawn[GAP + 15 : GAP + 25, GAP + 5 : GAP + 35] == (255, 0, 0)).all()
    assert (drawn[GAP + 14, GAP : GAP + 40] == PAPER).all()


def test_large_pictures_are_shrunk():
    drawn = tiles([(np.zeros((100, 400, 3), np.uint8), "")], columns=1, height=40, width=40)
    assert (drawn == 0).all(axis=2).sum() == 40 * 10


def test_captions_stay_below_their_tiles():
    drawn = tiles([(RED, "m" * 99), (RED, "")], columns=2, height=40, width=40)
    below = drawn[GAP + 40 : GAP + 40 + CAPTION]
    assert (below[:, : GAP + 40] != PAPER).any() and (below[:, GAP + 40 :] == PAPER).all()
