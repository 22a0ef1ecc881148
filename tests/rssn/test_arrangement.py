"""Objects anywhere in a picture: sizes, borders and colours are as asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from drawings import draw_disc, draw_picture

from rssn import ROUTES, blend
from rssn.build.builder import BuildOptions, build
from rssn.imaging.errors import InputError
from rssn.imaging.writing import write_rgb, write_rgba
from rssn.stream.arranged import ArrangedShards
from rssn.stream.arrangement import ArrangementOptions, View, draw_view, put_before, recolour, warp

STILL = ArrangementOptions(
    extents=(0.5, 0.5), turn=0, stretch=1, shift=0, detail=0, second=0, colour=0
)


def corners(view: View) -> np.ndarray:
    """The corners of a view's picture, in px of the image from its upper left edge."""
    edge = view.size - 0.5
    ends = np.array([(-0.5, -0.5, 1), (edge, -0.5, 1), (-0.5, edge, 1), (edge, edge, 1)])
    return ends @ view.matrix.T + 0.5


def matte(height: int, width: int, top: int, left: int, bottom: int, right: int) -> np.ndarray:
    alpha = np.zeros((height, width), np.float32)
    alpha[top:bottom, left:right] = 1
    return alpha


def test_identity_view_shows_the_image_itself():
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    view = View(np.array([[1.0, 0, 0], [0, 1, 0]]), 32)
    np.testing.assert_array_equal(warp(image, view, cv2.BORDER_REPLICATE), image)


@pytest.mark.parametrize("reduced", [1, 2])
def test_shrinking_view_averages_areas(reduced):
    image = np.random.default_rng(0).random((64, 64)).astype(np.float32)
    means = image.reshape(16, 4, 16, 4).mean(axis=(1, 3))
    given = cv2.resize(image, None, fx=1 / reduced, fy=1 / reduced, interpolation=cv2.INTER_AREA)
    view = View(np.array([[4.0, 0, 1.5], [0, 4, 1.5]]), 16)
    np.testing.assert_allclose(warp(given, view, cv2.BORDER_CONSTANT, reduced), means, atol=1e-5)


def test_object_has_the_wanted_extent_and_is_whole():
    alpha = matte(100, 140, 20, 40, 80, 70)
    for seed in range(20):
        view = draw_view(alpha, 120, STILL, np.random.default_rng(seed))
        shown = warp(alpha, view, cv2.BORDER_CONSTANT)
        assert view.scale == pytest.approx(1)  # 60 px of the image are half of 120
        assert shown.sum() == pytest.approx(60 * 30, rel=0.01)


def test_view_reaches_beyond_open_sides_only():
    cut_below = matte(100, 80, 40, 30, 100, 50)  # as a portrait's bust at the lower border
    options = replace(STILL, extents=(0.3, 1.0), turn=15, shift=0.5, stretch=1.3)
    beyond = np.zeros(4, bool)
    for seed in range(200):
        ends = corners(draw_view(cut_below, 96, options, np.random.default_rng(seed)))
        assert ends[:, 1].max() <= 100 + 1e-6
        beyond |= [ends[:, 0].min() < 0, ends[:, 1].min() < 0, ends[:, 0].max() > 80, False]
    assert beyond[:3].all()


def test_view_inside_stays_inside():
    alpha = matte(60, 90, 0, 0, 60, 45)
    options = replace(STILL, extents=(0.3, 1.5), turn=20, shift=0.5, detail=0.5)
    for seed in range(200):
        ends = corners(draw_view(alpha, 64, options, np.random.default_rng(seed), inside=True))
        assert ends.min() >= -1e-6
        assert ends[:, 0].max() <= 90 + 1e-6
        assert ends[:, 1].max() <= 60 + 1e-6


def test_matte_without_an_object_is_seen_too():
    for level in (0.0, 0.2):
        view = draw_view(np.full((40, 40), level, np.float32), 32, STILL, np.random.default_rng(0))
        assert np.isfinite(view.matrix).all()


def test_blending_two_foregrounds_at_once_is_blending_one_after_the_other():
    rng = np.random.default_rng(0)
    near, far, background = rng.integers(0, 256, (3, 16, 16, 3), np.uint8)
    front, behind = rng.random((2, 16, 16)).astype(np.float32)
    front[0], behind[:, 0] = 0, 0
    colours, alpha = put_before((near, front), (far, behind))
    wanted = blend(front, near, blend(behind, far, background)).astype(int)
    assert np.abs(blend(alpha, colours, background).astype(int) - wanted).max() <= 1


def test_colours_change_by_at_most_what_is_asked_for():
    grey = np.full((4, 4, 3), 100, np.uint8)
    np.testing.assert_array_equal(recolour(grey, 0, np.random.default_rng(0)), grey)
    changed = [recolour(grey, 0.2, np.random.default_rng(seed)) for seed in range(50)]
    least = 255 * (100 / 255) ** np.exp(0.2) * 0.7
    most = 255 * (100 / 255) ** np.exp(-0.2) * 1.3
    assert least - 1 <= np.min(changed) < np.max(changed) <= most + 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"extents": (0, 1)}, r"extents=\(0, 1\)"),
        ({"extents": (2, 1)}, r"extents=\(2, 1\)"),
        ({"turn": -1}, "turn=-1"),
        ({"stretch": 0.5}, "stretch=0.5"),
        ({"second": 1}, "second=1"),
    ],
)
def test_impossible_options_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        ArrangementOptions(**change)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shards of three discs and of four backgrounds, with denoised versions."""
    return write_sources(tmp_path_factory.mktemp("arranged"))


def write_sources(folder: Path, background: tuple[int, int] = (48, 64)) -> Path:
    """Build lossless shards of discs, and of backgrounds of this height and width."""
    for part in ("fg", "bg"):
        (folder / part).mkdir()
    for number in range(3):
        write_rgba(folder / "fg" / f"disc{number}.png", draw_picture(number), draw_disc())
    for number in range(4):
        write_rgb(folder / "bg" / f"b{number}.png", draw_picture(number + 9, *background))
    options = BuildOptions(replace(ROUTES["rssn"], k=2), content="sources", image_format="png")
    build(folder / "fg", folder / "bg", folder / "out", options, workers=1)
    return folder / "out"


@pytest.mark.parametrize("side", [6, 9, 16])
def test_small_backgrounds_are_enlarged(tmp_path: Path, side: int):
    shards = ArrangedShards(write_sources(tmp_path, (side, 24)))
    for number in range(len(shards)):
        assert shards.arrange(number, 0, 32)[0].background.shape == (32, 32, 3)


def test_picture_is_the_blend_of_what_it_comes_with(sources: Path):
    route = replace(ROUTES["rssn"], k=2, noise_probability=0)
    shards = ArrangedShards(sources, ArrangementOptions(second=0.5), route)
    behind = 0
    for number in range(len(shards)):
        made, scale = shards.arrange(number, 0, 48)
        assert made.alpha.shape == (48, 48)
        assert scale > 0
        np.testing.assert_array_equal(
            made.composite, blend(made.alpha, made.foreground, made.background)
        )
        behind += "behind" in made.record
    assert 0 < behind < len(shards)


def test_pictures_repeat_and_epochs_differ(sources: Path):
    shards, again = ArrangedShards(sources, seed=5), ArrangedShards(sources, seed=5)
    first, second = shards.arrange(1, 0, 32)[0], again.arrange(1, 0, 32)[0]
    np.testing.assert_array_equal(first.composite, second.composite)
    later = shards.arrange(1, 1, 32)[0]
    assert (later.alpha != first.alpha).any()
