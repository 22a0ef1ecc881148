"""Labels against hand-drawn ones and the identity fusion(labels) == alpha."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gfm.data.crops import on_grid
from gfm.guidance.transition import transition_trimap
from gfm.models.glance_focus.fusion import fuse
from gfm.models.glance_focus.rosta import make_labels
from rssn.imaging.errors import InputError


def fused(labels, rosta):
    """The fusion of labels as if a network had predicted them with certainty."""
    classes = 3 if rosta == "TT" else 2
    glance = np.eye(classes, dtype=np.float32)[labels.glance].transpose(2, 0, 1)
    focus = torch.from_numpy(labels.focus.copy())[None, None]
    return fuse(torch.from_numpy(glance)[None], focus, rosta)[0, 0].numpy()


def at_the_border():
    alpha = np.zeros((12, 12), np.float32)
    alpha[:7, :7], alpha[7, :7] = 1, 0.25
    return alpha


# Opaque and empty pixels are as frequent as fractions, so that sets of several shapes come up.
VALUES = st.one_of(
    st.sampled_from([0.0, 1.0]), st.floats(0, 1, width=32), st.sampled_from([2**-24, 1 - 2**-24])
)
MATTES = arrays(np.float32, st.tuples(st.integers(1, 24), st.integers(1, 24)), elements=VALUES)


@settings(max_examples=200, deadline=None)
@given(MATTES, st.integers(1, 60), st.sampled_from(["TT", "FT", "BT"]), st.floats(0.1, 2))
@example(np.full((3, 3), 1 - 2**-24, np.float32), 2, "BT", 1.0)  # nothing is opaque
@example(np.zeros((8, 5), np.float32), 50, "TT", 1.0)
@example(np.ones((8, 5), np.float32), 1, "FT", 1.0)
@example(np.full((1, 1), 0.5, np.float32), 3, "BT", 1.0)
@example(at_the_border(), 3, "FT", 1.0)
def test_fusion_of_the_labels_is_alpha(alpha, kernel, rosta, scale):
    alpha = on_grid(alpha)
    labels = make_labels(alpha, rosta, kernel, scale)
    np.testing.assert_array_equal(fused(labels, rosta), alpha)
    assert 0 <= labels.focus.min() and labels.focus.max() <= 1


@settings(max_examples=50, deadline=None)
@given(MATTES, st.sampled_from(["TT", "FT", "BT"]))
def test_region_is_where_the_fusion_reads_the_focus(alpha, rosta):
    alpha = on_grid(alpha)
    labels = make_labels(alpha, rosta, 3)
    other = np.where(labels.region, labels.focus, 0).astype(np.float32)
    changed = type(labels)(labels.glance, other, labels.region)
    np.testing.assert_array_equal(fused(changed, rosta), alpha)


def test_labels_drawn_by_hand():
    # OpenCV's 3x3 ellipse is a cross: an erosion takes one pixel off each end of this line.
    alpha = np.array([[0, 0, 0.5, 1, 1, 1, 1, 0.5, 0, 0]], np.float32)
    opaque = [[0, 0, 0, 0, 1, 1, 0, 0, 0, 0]]
    touched = [[0, 1, 1, 1, 1, 1, 1, 1, 1, 0]]
    three = make_labels(alpha, "TT", 3)
    assert three.glance.tolist() == [[0, 1, 1, 1, 2, 2, 1, 1, 1, 0]]
    assert three.focus is alpha and three.region.tolist() == (three.glance == 1).tolist()
    foreground = make_labels(alpha, "FT", 3)
    assert foreground.glance.tolist() == opaque
    assert foreground.focus.tolist() == [[0, 0, 0.5, 1, 0, 0, 1, 0.5, 0, 0]]
    assert foreground.region.tolist() == [[not x for x in opaque[0]]]
    background = make_labels(alpha, "BT", 3)
    assert background.glance.tolist() == touched
    assert background.focus.tolist() == [[0, 1, 0.5, 0, 0, 0, 0, 0.5, 1, 0]]
    assert background.region.tolist() == [[bool(x) for x in touched[0]]]


def test_focus_regions_drawn_by_hand():
    alpha = np.array([[0, 0, 0.5, 1, 1, 1, 1, 0.5, 0, 0]], np.float32)
    trimap_band = [[0, 1, 1, 1, 0, 0, 1, 1, 1, 0]]
    wanted = {
        ("FT", "fusion"): [[1, 1, 1, 1, 0, 0, 1, 1, 1, 1]],
        ("FT", "paper"): [[0, 0, 1, 1, 0, 0, 1, 1, 0, 0]],  # above 0 but not in F
        ("FT", "released"): trimap_band,
        ("BT", "fusion"): [[0, 1, 1, 1, 1, 1, 1, 1, 1, 0]],
        ("BT", "paper"): [[0, 1, 0, 0, 0, 0, 0, 0, 1, 0]],  # in B but not above 0
        ("BT", "released"): trimap_band,
        ("TT", "fusion"): trimap_band,
        ("TT", "paper"): trimap_band,
        ("TT", "released"): trimap_band,
    }
    for (rosta, focus_region), region in wanted.items():
        labels = make_labels(alpha, rosta, 3, focus_region=focus_region)
        assert labels.region.astype(int).tolist() == region, (rosta, focus_region)
        usual = make_labels(alpha, rosta, 3)
        np.testing.assert_array_equal(labels.glance, usual.glance)
        np.testing.assert_array_equal(labels.focus, usual.focus)


def test_released_region_has_the_kernel_of_the_trimap():
    alpha = np.zeros((1, 201), np.float32)
    alpha[0, 60:141] = 1
    region = make_labels(alpha, "FT", focus_region="released").region[0]
    np.testing.assert_array_equal(region, make_labels(alpha, "TT").region[0])
    assert np.flatnonzero(region)[0] == 60 - 12 and not region[100]


def test_trimap_of_a_square_has_round_corners():
    alpha = np.zeros((9, 9), np.float32)
    alpha[2:7, 2:7] = 1
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)
    wanted = np.zeros((9, 9), int)
    wanted[1:8, 2:7] = wanted[2:7, 1:8] = 1
    wanted[3:6, 3:6] = 2
    assert transition_trimap(alpha, cross).tolist() == wanted.tolist()


def test_object_is_not_eroded_from_the_border_of_the_picture():
    labels = make_labels(at_the_border(), "TT", 3)
    assert (labels.glance[:6, :6] == 2).all() and (labels.glance[6, :7] == 1).all()


def test_kernel_is_scaled_with_the_image():
    alpha = np.zeros((1, 201), np.float32)
    alpha[0, 60:141] = 1
    for kernel, scale, reach in ((None, 1.0, 12), (None, 0.52, 6), (9, 1.0, 4), (9, 0.1, 0)):
        glance = make_labels(alpha, "TT", kernel, scale).glance[0]
        assert np.flatnonzero(glance)[0] == 60 - reach
        assert np.flatnonzero(glance == 2)[0] == 60 + reach


def test_grid_mends_what_resizing_leaves_of_opaque_pixels():
    resized = np.array([[0.9999998, 1.0000002, 0.5, 1e-8]], np.float32)
    assert on_grid(resized, 16).tolist() == [[1, 1, 0.5, 0]]
    assert on_grid(resized).max() == 1


@pytest.mark.parametrize(
    ("alpha", "options", "message"),
    [
        (np.zeros((4, 4)), {}, "float64; .*float32"),
        (np.zeros((4, 4, 1), np.float32), {}, r"shape \(4, 4, 1\)"),
        (np.full((4, 4), 255, np.float32), {}, r"255\.0; .*\[0, 1\]"),
        (np.full((4, 4), np.nan, np.float32), {}, "nan"),
        (np.zeros((4, 4), np.float32), {"kernel": 0}, "kernel=0"),
        (np.zeros((4, 4), np.float32), {"scale": 0.0}, "scale=0.0"),
        (
            np.zeros((4, 4), np.float32),
            {"focus_region": "all"},
            "focus_region='all' .*'fusion', 'paper'",
        ),
    ],
    ids=["type", "shape", "range", "nan", "kernel", "scale", "focus region"],
)
def test_bad_mattes_are_refused(alpha, options, message):
    with pytest.raises(InputError, match=message):
        make_labels(alpha, "TT", **options)
