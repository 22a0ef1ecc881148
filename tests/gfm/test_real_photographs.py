"""The packaged models on real photographs, compared with outlines that were drawn by hand."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

import gfm

PHOTOGRAPHS = Path(__file__).parents[2] / "examples/photographs"
# Corners in px, to about 5 px; neither photograph was trained on.
OUTLINES = {
    "corgi": "112,62 128,61 182,85 215,80 245,79 290,83 318,88 345,72 380,69 389,82 378,110 "
    "366,133 364,170 358,215 372,245 378,285 400,305 420,340 437,380 437,420 428,470 "
    "418,511 392,511 360,490 345,473 300,474 265,475 225,486 170,489 150,450 133,425 "
    "118,385 113,330 110,290 113,250 135,232 124,205 125,160 133,130 112,90",
    "plushie": "118,200 118,170 130,145 160,130 183,133 187,150 172,200 180,212 235,217 250,208 "
    "262,195 290,182 310,185 340,185 360,176 369,184 360,205 362,240 376,275 370,292 330,295 "
    "345,315 355,340 345,355 320,350 310,345 312,370 295,383 265,378 240,360 225,325 190,322 "
    "170,315 130,325 105,330 72,335 56,318 62,290 80,272 105,270 118,265 125,240 128,225",
}
REACH = 12  # px around an outline that it says nothing about: its own error, and fur


@pytest.mark.parametrize("name", OUTLINES)
def test_photograph_is_matted_inside_its_outline(name):
    alpha = gfm.matte(PHOTOGRAPHS / f"{name}.jpg", foreground="none").alpha
    corners = np.array([pair.split(",") for pair in OUTLINES[name].split()], np.int32)
    inside = cv2.fillPoly(np.zeros(alpha.shape, np.uint8), [corners], 1)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * REACH + 1, 2 * REACH + 1))
    sure, reached = cv2.erode(inside, disc) > 0, cv2.dilate(inside, disc) > 0
    union = (alpha > 0.5) | (inside > 0)
    assert ((alpha > 0.5) & (inside > 0)).sum() / union.sum() > 0.93
    assert alpha[sure].mean() > 0.99 and alpha[~reached].mean() < 0.01
    assert ((alpha > 0.05) & (alpha < 0.95)).mean() > 0.005  # fur is soft
