"""The finished cut-out: colours, composition, files."""

from __future__ import annotations

import numpy as np
import pytest
from tiny import draw_matte, draw_photograph

from gfm.inference.cutout import Matte
from rssn.imaging.blending import blend
from rssn.imaging.errors import InputError
from rssn.imaging.reading import read_rgba


class TestMatte:
    @pytest.fixture
    def cutout(self):
        alpha = draw_matte(48, 64)
        return Matte(alpha, draw_photograph(3), np.ones((48, 64), np.uint8))

    def test_rgba_holds_colours_that_are_not_multiplied(self, cutout):
        assert cutout.rgba.shape == (48, 64, 4) and cutout.rgba.dtype == np.uint8
        np.testing.assert_array_equal(cutout.rgba[..., :3], cutout.foreground)
        np.testing.assert_array_equal(cutout.rgba[..., 3], np.rint(cutout.alpha * 255))

    def test_saved_file_holds_the_rgba(self, cutout, tmp_path):
        cutout.save(tmp_path / "cutout.png")
        colours, alpha = read_rgba(tmp_path / "cutout.png")
        np.testing.assert_array_equal(colours, cutout.foreground)
        np.testing.assert_array_equal(alpha, cutout.alpha)

    def test_on_a_colour_and_on_a_picture(self, cutout):
        red = cutout.on((255, 0, 0))
        assert red[0, 0].tolist() == [255, 0, 0]
        np.testing.assert_array_equal(red[24, 32], cutout.foreground[24, 32])
        picture = draw_photograph(4)
        wanted = blend(cutout.alpha, cutout.foreground, picture)
        np.testing.assert_array_equal(cutout.on(picture), wanted)

    @pytest.mark.parametrize("size", [(96, 128), (24, 32), (10, 200)], ids=str)
    def test_picture_of_another_size_is_resized(self, cutout, size):
        flat = np.full((*size, 3), 77, np.uint8)
        np.testing.assert_array_equal(cutout.on(flat), cutout.on((77, 77, 77)))

    @pytest.mark.parametrize(
        "background",
        [
            np.zeros((48, 64)),
            np.zeros((48, 64, 3)),
            np.zeros((0, 64, 3), np.uint8),
            (0.5, 0.5, 0.5),
            (256, 0, 0),
            (-1, 0, 0),
            (1, 2),
        ],
        ids=["grey", "float", "empty", "float colour", "above", "below", "two"],
    )
    def test_other_backgrounds_are_refused(self, cutout, background):
        with pytest.raises(InputError, match=r"\(H, W, 3\)"):
            cutout.on(background)

    def test_other_endings_and_places_are_refused(self, cutout, tmp_path):
        with pytest.raises(InputError, match=r"cutout\.jpg: .*\.png"):
            cutout.save(tmp_path / "cutout.jpg")
        with pytest.raises(InputError, match=r"none/cutout\.png: "):
            cutout.save(tmp_path / "none" / "cutout.png")
