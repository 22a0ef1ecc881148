"""Sizes of the passes of glance and focus, and the encoder that they share."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from tiny import build, draw_photograph, shared, tensor

import gfm
from gfm.models.glance_focus.options import PassOptions, pass_options
from gfm.models.glance_focus.passes import (
    FOCUS,
    GLANCE,
    VIEWS,
    average,
    pass_size,
    strategy_maps,
    view_size,
)
from gfm.models.options import MatteOptions

PHOTOGRAPH = draw_photograph(1, 210, 300)


@pytest.mark.parametrize(
    ("height", "width", "reduction", "wanted"),
    [
        (1080, 1920, 3, (352, 640)),  # 360, 640
        (1080, 1920, 2, (512, 960)),  # 540, 960
        (1080, 1920, 1, (896, 1600)),  # 900, 1600
        (4000, 6000, 2, (1056, 1600)),  # 1066.7, 1600
        (6000, 4000, 1, (1600, 1056)),
        (4000, 30, 2, (1600, 32)),
        (3201, 3203, 1, (1568, 1600)),  # 1599.0, 1600
        (1, 1, 3, (32, 32)),
        (63, 64, 1, (32, 64)),
    ],
)
def test_pass_sizes(height, width, reduction, wanted):
    assert pass_size(height, width, reduction) == wanted


def test_longest_side_of_a_large_pass_is_the_limit():
    longest = (*range(1601, 1701), 3203, 4907, 9999)
    assert {pass_size(side, side // 2, 1)[0] for side in longest} == {1600}


@pytest.mark.parametrize(
    ("height", "width", "reduction", "wanted"),
    [
        (1080, 1920, 2, (512, 960)),
        (1080, 1920, 1, (1056, 1600)),
        (4000, 6000, 2, (1600, 1600)),
    ],
)
def test_released_passes_limit_each_side(height, width, reduction, wanted):
    assert pass_size(height, width, reduction, squeeze=True) == wanted


@pytest.mark.parametrize(("released", "wanted"), [(False, (32, 1600)), (True, (64, 1600))])
def test_only_released_checkpoints_squeeze_photographs(released, wanted, monkeypatch):
    model = build(**({"glance_activation": "sigmoid"} if released else {}))
    seen = []
    encode = model.encode
    monkeypatch.setattr(model, "encode", lambda x: seen.append(tuple(x.shape[2:])) or encode(x))
    gfm.matte(draw_photograph(0, 64, 2000), model, strategy="full", foreground="none")
    assert seen == [wanted]


class TestSharedPasses:
    """The encoder runs once if glance and focus see an image alike."""

    @pytest.fixture
    def encoded(self, monkeypatch):
        """The sizes of the images that the encoder is given, in a fresh list."""
        model, sizes = shared(), []
        encode = model.encode
        monkeypatch.setattr(
            model, "encode", lambda x: sizes.append((x.shape[2], x.shape[3])) or encode(x)
        )
        return sizes

    @pytest.mark.parametrize(
        ("options", "wanted"),
        [
            ({}, [(64, 96), (96, 128)]),
            ({"d1": 2.6, "d2": 2.6}, [(64, 96)]),
            ({"d1": 3, "d2": 2.9}, [(64, 96)]),  # one size once it is floored
            ({"d1": 2, "d2": 2, "augmentation": "flip"}, [(96, 128)] * 2),
            # The plain view is shared, the five others are the glance's alone.
            (
                {"d1": 2, "d2": 2, "augmentation": "glance"},
                [(96, 128)] * 2 + [(64, 128)] * 2 + [(64, 96)] * 2,
            ),
        ],
        ids=str,
    )
    def test_encoder_runs_once(self, encoded, options, wanted):
        gfm.matte(PHOTOGRAPH, shared(), foreground="none", **options)
        assert sorted(encoded) == sorted(wanted)

    @pytest.mark.parametrize("augmentation", ["none", "glance", "flip", "full"])
    def test_matte_is_that_of_separate_passes(self, augmentation):
        options = PassOptions(d1=2, d2=2, augmentation=augmentation)
        made = strategy_maps(shared(), [PHOTOGRAPH], options)
        views, maps = VIEWS[augmentation], ([], [])
        for found, outputs, seen in zip(maps, (GLANCE, FOCUS), views, strict=True):
            for view in seen:
                size = view_size(210, 300, 2, view)
                small = cv2.resize(PHOTOGRAPH, size[::-1], interpolation=cv2.INTER_AREA)
                found.append(view.of(shared(), tensor(small).numpy(), outputs))
        glance, focus = (average(found) for found in maps)
        np.testing.assert_allclose(made.glance, glance, rtol=0, atol=1e-5)
        np.testing.assert_allclose(made.detail, focus, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("side", "d1"), [(None, 3.0), (64, 2.0), (32, 4.0), (512, 1.0)])
def test_model_says_at_which_size_it_glances(side, d1):
    model = build(glance_side=side)
    assert pass_options(MatteOptions(), [model], 128, 200).d1 == d1
    assert pass_options(MatteOptions(d1=1.5), [model], 128, 200).d1 == 1.5
    focused = build(glance_side=side, focus_side=32)
    assert pass_options(MatteOptions(), [focused], 128, 200).d2 == 4
    assert pass_options(MatteOptions(), [model], 128, 200).d2 == 2
    photograph = np.random.default_rng(0).integers(0, 256, (128, 200, 3), np.uint8)
    made, wanted = gfm.matte(photograph, model), gfm.matte(photograph, model, d1=d1)
    np.testing.assert_array_equal(made.alpha, wanted.alpha)
