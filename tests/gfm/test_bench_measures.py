"""Errors, intervals and order of photographs in `gfm bench`."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from benches import write_cases
from tiny import draw_matte, draw_photograph

from gfm.bench.cases import Pixels, find_cases
from gfm.bench.child import Outcome
from gfm.bench.duplicates import Seen, find_seen, hash_of
from gfm.bench.errors import hair_band, measure
from gfm.bench.intervals import difference, mean_of
from gfm.bench.methods import Method
from gfm.bench.report import Report, Row


class TestErrors:
    def test_of_one_matte_by_hand(self, tmp_path):
        pixels = find_cases(write_cases(tmp_path / "photographs"))[0][0].read()
        found = measure(pixels, np.where(pixels.alpha < 0.5, pixels.alpha + 0.25, pixels.alpha))
        share = (pixels.alpha < 0.5).mean()
        assert found["mad"] == pytest.approx(0.25 * share, rel=1e-4)
        assert found["sad_fg"] == 0 < found["sad_bg"]
        unknown = (pixels.alpha > 0) & (pixels.alpha < 0.5)
        levels = np.rint((pixels.alpha + 0.25)[unknown] * 255) - np.rint(
            pixels.alpha[unknown] * 255
        )
        assert found["unknown_sad"] == pytest.approx(levels.sum() / 255 / 1000)
        assert "sad_alpha_f" not in found

    def test_of_colours(self):
        alpha = draw_matte()
        image = draw_photograph(0)
        pixels = Pixels(image, alpha, None, np.full_like(image, 100))
        found = measure(pixels, alpha, np.full_like(image, 151))
        assert found["sad_alpha_f"] == pytest.approx(3 * 0.2 * float(alpha.sum()) / 1000, rel=1e-4)

    def test_hair_band_is_about_strands(self):
        alpha = np.zeros((400, 400), np.float32)
        alpha[150:350, 100:300] = 1
        alpha[50:150, 120:280:8] = 1  # strands of one pixel
        band = hair_band(alpha)
        assert band[60:140, 120:280:8].all()
        assert band[60:140, 124:272:8].sum() == 0  # half-way between two
        assert not band[200:].any()
        assert not hair_band(draw_matte(400, 400, radius=120, rim=2)).any()


class TestIntervals:
    def test_of_equal_values_are_points(self):
        assert mean_of([0.5] * 4) == (0.5, 0.5, 0.5, 4)
        assert mean_of([]) is None

    def test_pairs_are_compared(self):
        ours, theirs = {"a": 1.0, "b": 9.0, "c": 3.0}, {"a": 2.0, "b": 10.0, "d": 5.0}
        assert difference(ours, theirs) == (-1.0, -1.0, -1.0, 2)

    def test_interval_covers_the_mean_of_normal_values(self):
        rng = np.random.default_rng(1)
        found = [mean_of(rng.normal(0, 1, 25).tolist()) for _ in range(200)]
        assert 0.87 < np.mean([each.low <= 0 <= each.high for each in found]) < 0.99


def noise(seed: int) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    return cv2.resize(coarse, (128, 96), interpolation=cv2.INTER_CUBIC)


def test_photographs_that_were_trained_on_are_named():
    images = {"a": noise(0), "b": noise(1), "c": np.ascontiguousarray(noise(2)[:, ::-1])}
    hashes = {name: hash_of(image) for name, image in images.items()}
    hashes["flat"] = hash_of(np.full((40, 40, 3), 9, np.uint8))
    trained = {"cats": np.array([hash_of(noise(0)).straight], np.uint64)}
    trained["toys"] = np.array([hash_of(noise(n)).straight for n in (2, 5)], np.uint64)
    assert find_seen(hashes, trained) == [Seen("a", "cats", 0, False), Seen("c", "toys", 0, True)]
    assert find_seen(hashes, {}) == []


def test_worst_photographs_lead_and_unmatted_ones_before_them():
    method = Method("a", "folder")
    errors = {name: {"mad": value} for name, value in (("x", 0.1), ("y", 0.3), ("z", 0.2))}
    row = Row(method, Outcome(), errors, {"w": "gone"}, [])
    assert Report("d", list("wxyz"), [], [row]).worst_first() == ["w", "y", "z", "x"]
