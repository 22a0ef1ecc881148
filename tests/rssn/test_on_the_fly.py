"""Composing in the loader: the same route as finished shards, anew in every epoch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from drawings import draw_disc, draw_picture

from rssn import ROUTES, Manifest, RouteOptions, blend
from rssn.build.builder import BuildOptions, build
from rssn.imaging.crops import Box, cut, cut_alpha, decode_cut, place_box, reduction
from rssn.imaging.errors import InputError
from rssn.imaging.reading import read_rgb
from rssn.imaging.writing import encode_rgb
from rssn.route.backgrounds import BackgroundSampler, cover_crop
from rssn.stream.on_the_fly import SourceShards

PLAIN = replace(ROUTES["bg20k"], k=2)


@pytest.fixture
def sources(foregrounds: Path, backgrounds: Path, tmp_path: Path) -> Path:
    """Shards of four foregrounds and six backgrounds, lossless, with denoised versions."""
    options = BuildOptions(RouteOptions(k=2), image_format="png", content="sources")
    build(foregrounds, backgrounds, tmp_path / "sources", options, workers=1)
    return tmp_path / "sources"


def whole(levels: np.ndarray) -> Box:
    return Box(0, 0, min(levels.shape))


def test_shards_hold_every_source_once(sources: Path) -> None:
    manifest = Manifest.read(sources)
    index = manifest.index()
    keys = [entry.key for shard in manifest.shards for entry in index[shard.name]]
    assert sorted(keys) == [f"photo{i}" for i in range(4)]
    assert sum(shard.samples for shard in manifest.backgrounds) == 6


def test_whole_composite_is_the_plain_blend(sources: Path, backgrounds: Path) -> None:
    shards = SourceShards(sources, PLAIN, seed=3)
    sample, _ = shards.compose(5)
    assert shards.key(5) == f"{sample.record['foreground']}-k1"
    pictures = {path.stem: read_rgb(path) for path in sorted(backgrounds.iterdir())}
    name = sample.record["background"].split("_")[0]
    height, width = sample.alpha.shape
    background = cover_crop(pictures[name], height, width, sample.record["crop"])
    np.testing.assert_array_equal(sample.background, background)
    blended = blend(sample.alpha, sample.foreground, background)
    np.testing.assert_array_equal(sample.composite, blended)


def test_crop_is_that_part_of_the_whole(sources: Path) -> None:
    shards = SourceShards(sources, PLAIN)
    for number in range(len(shards)):
        made, _ = shards.compose(number)
        cropped, box = shards.compose(number, place=lambda levels: Box(8, 0, 24))
        part = np.s_[8:32, :24]
        assert box == Box(8, 0, 24)
        np.testing.assert_array_equal(cropped.alpha, made.alpha[part])
        np.testing.assert_array_equal(cropped.foreground, made.foreground[part])
        # The background is cut before it is resized: whole pixels of it, not of the foreground.
        difference = cropped.background.astype(float) - made.background[part]
        assert np.abs(difference).mean() < 6


def test_epochs_and_copies_differ_and_repeat(sources: Path) -> None:
    shards = SourceShards(sources, seed=1)
    first = [shards.compose(n, epoch=0, place=whole, size=16)[0] for n in range(len(shards))]
    again = [shards.compose(n, epoch=0, place=whole, size=16)[0] for n in range(len(shards))]
    later = [shards.compose(n, epoch=1, place=whole, size=16)[0] for n in range(len(shards))]
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a.composite, b.composite)
    assert any(
        a.record["background"] != b.record["background"] for a, b in zip(first, later, strict=True)
    )
    for n in range(0, len(shards), 2):  # k = 2 of one foreground
        assert first[n].record["background"] != first[n + 1].record["background"]


def test_steps_scale_with_the_crop() -> None:
    route = RouteOptions(blur_sizes=(20, 60), noise_sigma=10)
    small = route.on_crop(shorter_side=1080, scale=0.5)
    assert small.blur_sizes == (10, 30) and small.noise_sigma == 5
    large = replace(route, blur_reference=1080).on_crop(shorter_side=540, scale=2)
    assert large.blur_sizes == (20, 60) and large.noise_sigma == 10


def test_noise_of_a_crop_is_that_of_a_shrunk_composite(sources: Path) -> None:
    route = replace(PLAIN, noise_probability=1, noise_sigma=10)
    noisy, _ = SourceShards(sources, route).compose(0, place=whole, size=24)
    clean, _ = SourceShards(sources, replace(route, noise_sigma=0)).compose(0, place=whole, size=24)
    difference = noisy.background.astype(float) - clean.background
    assert difference.std() == pytest.approx(5, rel=0.1)  # 48 px to 24 px: averages of 2 x 2


def test_wrong_folders_say_what_to_do(
    sources: Path, foregrounds: Path, backgrounds: Path, tmp_path: Path
) -> None:
    build(
        foregrounds,
        backgrounds,
        tmp_path / "plain",
        BuildOptions(PLAIN, content="sources"),
        workers=1,
    )
    with pytest.raises(InputError, match="holds no denoised images"):
        SourceShards(tmp_path / "plain", RouteOptions())
    build(foregrounds, backgrounds, tmp_path / "done", BuildOptions(PLAIN), workers=1)
    with pytest.raises(InputError, match="--content sources"):
        SourceShards(tmp_path / "done")
    with pytest.raises(InputError, match="content='sources'"):
        BuildOptions(ROUTES["original"], content="sources")
    shard = sources / Manifest.read(sources).backgrounds[0].name
    data = bytearray(shard.read_bytes())
    data[600] ^= 1
    shard.write_bytes(bytes(data))
    shards = SourceShards(sources)
    with pytest.raises(InputError, match=r"backgrounds-00000\.tar: sample "):
        for number in range(8):
            for epoch in range(8):
                shards.compose(number, epoch)


def test_backgrounds_are_not_listed_by_position() -> None:
    sampler = BackgroundSampler(30)
    lists = [tuple(sampler.draw(f"photo0 {epoch}", 5)) for epoch in range(20)]
    assert len(set(lists)) == 20


@pytest.mark.parametrize(
    ("side", "size", "expected"),
    [(320, 320, 1), (640, 320, 2), (1279, 320, 2), (1280, 320, 4), (9000, 320, 8)],
)
def test_reduction_never_goes_below_the_wanted_size(side: int, size: int, expected: int) -> None:
    assert reduction(side, size) == expected


def test_reduced_decoding_keeps_the_place() -> None:
    """A JPEG decoded at a half shows the same part as one decoded whole and resized."""
    picture = cv2.GaussianBlur(draw_picture(1, 200, 264), (0, 0), 3)
    data = encode_rgb(picture)
    box = Box(40, 64, 128)
    reduced = decode_cut(data, box, 64, picture.shape[:2], "picture")
    plain = cut(picture, box, 64)
    assert np.abs(reduced.astype(float) - plain).mean() < 1.5
    shifted = cut(picture, Box(48, 64, 128), 64)
    assert (
        np.abs(reduced.astype(float) - shifted).mean()
        > 3 * np.abs(reduced.astype(float) - plain).mean()
    )
    with pytest.raises(InputError, match="the matte 270x200"):
        decode_cut(data, box, 64, (200, 270), "picture")


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_mattes_are_shrunk_in_the_steps_of_their_colours(kind: type) -> None:
    """88 px become 40: means of 2x2 first, as a JPEG is decoded at a half, the rest then."""
    alpha = np.random.default_rng(0).integers(0, 256, (96, 120)) / 255
    whole = 1.0 if kind is np.float32 else np.iinfo(kind).max
    halves = alpha[8:, 16:104].reshape(44, 2, 44, 2).mean((1, 3))
    made = cut_alpha(
        np.rint(alpha * whole).astype(kind) if whole > 1 else alpha, Box(8, 16, 88), 40
    )
    expected = cv2.resize(halves, (40, 40), interpolation=cv2.INTER_AREA)
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, expected, atol=1e-5)


def test_boxes_lie_on_the_grid_around_a_transition() -> None:
    levels = np.rint(draw_disc(120, 90) * 255).astype(np.uint8)
    rng = np.random.default_rng(0)
    for _ in range(50):
        top, left, side = place_box(levels, 50, True, rng)
        assert side == 48 and top % 8 == left % 8 == 0
        part = levels[top : top + side, left : left + side]
        assert part.shape == (48, 48)
        assert ((part > 0) & (part < 255)).any()
    assert place_box(np.zeros((5, 9), np.uint8), 50, True, rng)[0::2] == (0, 5)
