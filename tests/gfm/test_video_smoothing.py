"""Clips are steadied where nothing moves."""

from __future__ import annotations

import numpy as np
import pytest
from tiny import clip_frame, clip_frames, shared

import gfm
from gfm.models.glance_focus.passes import Maps
from gfm.models.glance_focus.smoothing import MapMemory
from gfm.video import matte_frames
from rssn.imaging.errors import InputError


class FlickeringModel:
    """The object is more likely than not, and every second time a little less likely."""

    system = "glance_focus"
    training = False
    device = "cpu"
    config = gfm.GFMConfig("timm:test_resnet", "TT")

    def __init__(self) -> None:
        self.calls = 0

    def run(self, inputs, outputs):
        plane = np.ones_like(inputs["image"][:, :1])
        if tuple(outputs) == ("focus",):
            return [plane / 2]
        self.calls += 1
        inside = plane * np.float32(0.6 if self.calls % 2 else 0.45)
        return [np.concatenate([1 - inside, 0 * inside, inside], axis=1)]


def planes(channels: int, side: int, level: float) -> np.ndarray:
    return np.full((1, channels, side, side), level, np.float32)


def test_first_frame_is_that_of_the_photograph():
    found = next(matte_frames([clip_frame(0)], shared(), smoothing=0.9))
    wanted = gfm.matte(clip_frame(0), shared(), foreground="none")
    np.testing.assert_array_equal(found.alpha, wanted.alpha)
    np.testing.assert_array_equal(found.trimap, wanted.trimap)


def test_without_it_frames_are_photographs():
    for number, found in enumerate(matte_frames(clip_frames(3), shared(), smoothing=0)):
        wanted = gfm.matte(clip_frame(number), shared(), foreground="none")
        np.testing.assert_array_equal(found.alpha, wanted.alpha)


def test_still_picture_does_not_flicker():
    still = [clip_frame(0)] * 8
    plain = [each.alpha.mean() for each in matte_frames(still, FlickeringModel(), smoothing=0)]
    assert plain == [1, 0] * 4
    found = matte_frames(still, FlickeringModel(), smoothing=0.7)
    assert [each.alpha.mean() for each in found] == [1] * 8


def test_mixture_by_hand():
    memory = MapMemory(0.75)
    grey = np.full((32, 32, 3), 100, np.uint8)
    values = []
    for level, picture in ((1.0, grey), (0.0, grey), (0.0, grey + 10), (0.0, grey + 80)):
        maps = Maps(planes(2, 32, level), planes(1, 32, 0), "FT")
        values.append(float(memory.smooth([maps], picture)[0].glance.mean()))
    part = 0.75 * (1 - 10 / 25.5)  # of a picture that changed by 10 of 255, tolerance 25.5
    np.testing.assert_allclose(values, [1, 0.75, 0.75 * part, 0], atol=1e-6)


def test_only_what_moved_is_new():
    memory = MapMemory(0.9)
    before, now = np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64, 3), np.uint8)
    now[:, 32:] = 200
    for level, picture in ((1.0, before), (0.0, now)):
        maps = Maps(planes(2, 64, level), planes(1, 64, 0), "FT")
        glance = memory.smooth([maps], picture)[0].glance[0, 0]
    np.testing.assert_allclose(glance[:, :29], 0.9, atol=1e-6)
    np.testing.assert_array_equal(glance[:, 35:], 0)


@pytest.mark.parametrize(
    ("smoothing", "message"),
    [
        (1.0, "smoothing=1.0: 0 .none. or more, and below 1"),
        (-0.1, "smoothing=-0.1"),
        (float("nan"), "smoothing=nan"),
    ],
)
def test_parts_out_of_range_are_refused(smoothing, message):
    with pytest.raises(InputError, match=message):
        matte_frames([clip_frame(0)], shared(), smoothing=smoothing)


@pytest.mark.parametrize(("rosta", "strategy"), [("RIM", "hybrid"), ("TT", "resize")])
def test_finished_mattes_are_steadied(rosta, strategy):
    model, options = shared("timm:test_resnet", rosta), gfm.MatteOptions(strategy)
    rng = np.random.default_rng(0)
    grainy = [
        (clip_frame(0) + rng.integers(0, 9, clip_frame(0).shape)).astype(np.uint8) for _ in range(6)
    ]

    def flicker(smoothing):
        found = [each.alpha for each in matte_frames(grainy, model, options, smoothing)]
        return np.abs(np.diff(found, axis=0)).mean()

    assert flicker(0.7) < flicker(0) / 1.5


def test_frames_of_two_sizes_are_refused():
    with pytest.raises(InputError, match="a frame has 64x48 pixels, those before it 128x96"):
        list(matte_frames([clip_frame(0), clip_frame(0, 48, 64)], shared()))
