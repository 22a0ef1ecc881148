"""From a photograph to its matte: passes, strategies, inputs and the finished cut-out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from tiny import build, draw_matte, draw_photograph, shared
from torch.nn import functional

import gfm
from gfm.inference.cutout import Matte
from gfm.models.glance_focus import predict as system
from gfm.models.glance_focus.options import PassOptions, pass_options
from gfm.models.glance_focus.passes import (
    FOCUS,
    GLANCE,
    VIEWS,
    average,
    enlarge,
    pass_size,
    strategy_maps,
    view_size,
)
from gfm.models.options import MatteOptions
from rssn.imaging.blending import blend
from rssn.imaging.errors import InputError
from rssn.imaging.reading import read_rgba
from rssn.imaging.writing import write_rgb

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


def tensor(image):
    return torch.from_numpy(image[None]).permute(0, 3, 1, 2).float() / 255  # channels last


def enlarged(maps, size):
    return functional.interpolate(maps, size=size, mode="bilinear", align_corners=False)


def test_hybrid_is_the_published_schedule():
    model = shared()
    # 210 / 3 = 70 and 300 / 3 = 100, 210 / 2 = 105 and 300 / 2 = 150, floored to multiples of 32.
    third = tensor(cv2.resize(PHOTOGRAPH, (96, 64), interpolation=cv2.INTER_AREA))
    half = tensor(cv2.resize(PHOTOGRAPH, (128, 96), interpolation=cv2.INTER_AREA))
    with torch.no_grad():
        glance = enlarged(model(third).glance, (210, 300))[0].argmax(dim=0).numpy()
        focus = enlarged(model(half).focus, (210, 300))[0, 0].numpy()
    wanted = np.where(glance == 2, 1, np.where(glance == 1, focus, 0))
    made = gfm.matte(PHOTOGRAPH, model, foreground="none")
    np.testing.assert_allclose(made.alpha, wanted, atol=1e-6)
    np.testing.assert_array_equal(made.trimap, glance)
    assert len(np.unique(glance)) == 3


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


@pytest.mark.parametrize("rosta", ["TT", "FT", "BT", "RIM"])
@pytest.mark.parametrize("strategy", ["hybrid", "resize", "full"])
def test_one_pass_strategies(rosta, strategy):
    model = shared("timm:test_resnet", rosta)
    made = gfm.matte(PHOTOGRAPH, model, strategy=strategy, foreground="none")
    assert made.alpha.shape == made.trimap.shape == (210, 300)
    assert made.alpha.dtype == np.float32 and made.trimap.dtype == np.uint8
    assert 0 <= made.alpha.min() and made.alpha.max() <= 1
    assert set(np.unique(made.trimap)) <= ({0, 2} if rosta in ("FT", "BT") else {0, 1, 2})
    if strategy == "hybrid" and rosta != "RIM":
        return
    size = {"full": (288, 192), "resize": (128, 96)}.get(strategy)
    if rosta == "RIM" and strategy != "full":
        size = (96, 64)  # always at 1/3
    small = tensor(cv2.resize(PHOTOGRAPH, size, interpolation=cv2.INTER_AREA))
    with torch.no_grad():
        wanted = enlarged(model(small).alpha, (210, 300))[0, 0]
    # OpenCV places pixels by float32 when it enlarges, up to 2e-5 away from PyTorch.
    np.testing.assert_allclose(made.alpha, wanted.clamp(0, 1).numpy(), rtol=0, atol=5e-5)


def test_array_path_and_pil_image_give_the_same(tmp_path):
    write_rgb(tmp_path / "photo.png", PHOTOGRAPH)
    image = Image.fromarray(PHOTOGRAPH)
    turned = Image.fromarray(PHOTOGRAPH.transpose(1, 0, 2)[:, ::-1])
    turned.getexif()[0x0112] = 8  # to be turned by 90 degrees against the clock
    sideways = PHOTOGRAPH.transpose(1, 0, 2)[:, ::-1]  # not contiguous
    wanted = gfm.matte(PHOTOGRAPH, shared(), foreground="none").alpha
    for given in (tmp_path / "photo.png", str(tmp_path / "photo.png"), image, turned):
        made = gfm.matte(given, shared(), foreground="none")
        np.testing.assert_array_equal(made.alpha, wanted)
    made = gfm.matte(sideways, shared(), foreground="none").alpha
    again = gfm.matte(np.ascontiguousarray(sideways), shared(), foreground="none").alpha
    np.testing.assert_array_equal(made, again)


@pytest.mark.parametrize("size", [(1, 1), (31, 33), (400, 3)], ids=str)
def test_photographs_of_any_size(size):
    made = gfm.matte(draw_photograph(0, *size), shared())
    assert made.alpha.shape == size and made.rgba.shape == (*size, 4)


def test_half_precision_model_gives_float32():
    made = gfm.matte(PHOTOGRAPH, build().bfloat16(), foreground="none")
    assert made.alpha.dtype == np.float32 and np.isfinite(made.alpha).all()


def test_foreground_is_estimated_on_request():
    kept = gfm.matte(PHOTOGRAPH, shared(), foreground="none")
    np.testing.assert_array_equal(kept.foreground, PHOTOGRAPH)
    made = gfm.matte(PHOTOGRAPH, shared(), foreground="multilevel")
    assert made.foreground.dtype == np.uint8 and made.foreground.shape == PHOTOGRAPH.shape
    assert (made.foreground != PHOTOGRAPH).any()
    np.testing.assert_array_equal(made.alpha, kept.alpha)


@pytest.mark.parametrize(
    ("image", "options", "message"),
    [
        (PHOTOGRAPH, {"strategy": "best"}, "strategy='best' .*'hybrid', 'resize' or 'full'"),
        (PHOTOGRAPH, {"foreground": "all"}, "foreground='all'"),
        (PHOTOGRAPH, {"d1": 0.5}, r"d1=0\.5"),
        (PHOTOGRAPH, {"d2": float("nan")}, "d2=nan"),
        (PHOTOGRAPH, {"d2": float("inf")}, "d2=inf"),
        (PHOTOGRAPH / 255, {}, "float64; .*uint8"),
        (PHOTOGRAPH[..., 0], {}, r"shape \(210, 300\)"),
        (PHOTOGRAPH[:0], {}, r"shape \(0, 300, 3\)"),
        ([[1, 2], [3, 4]], {}, "image is a list"),
        ("nowhere.png", {}, r"nowhere\.png: "),
    ],
)
def test_bad_inputs_are_refused(image, options, message):
    with pytest.raises(InputError, match=message):
        gfm.matte(image, shared(), **options)


def test_missing_or_training_model_is_refused():
    with pytest.raises(InputError, match=r"model=\[\]"):
        gfm.matte(PHOTOGRAPH, [])
    with pytest.raises(InputError, match="training mode"):
        gfm.matte(PHOTOGRAPH, build().train())


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


class TestEnsemblesAndViews:
    def test_ensemble_is_the_median_of_its_mattes(self):
        models = [shared("timm:test_resnet", rosta) for rosta in ("TT", "FT", "BT")]
        parts = [gfm.matte(PHOTOGRAPH, model, foreground="none").alpha for model in models]
        made = gfm.matte(PHOTOGRAPH, models, foreground="none")
        np.testing.assert_allclose(made.alpha, np.median(parts, axis=0), atol=1e-6)
        assert set(np.unique(made.trimap)) <= {0, 1, 2}

    def test_flip_averages_before_the_fusion(self):
        model = shared()
        mirrored = np.ascontiguousarray(PHOTOGRAPH[:, ::-1])
        found = []
        for picture, turn in ((PHOTOGRAPH, 1), (mirrored, -1)):
            third = tensor(cv2.resize(picture, (96, 64), interpolation=cv2.INTER_AREA))
            half = tensor(cv2.resize(picture, (128, 96), interpolation=cv2.INTER_AREA))
            with torch.no_grad():
                maps = model.glance_probabilities(third), model.focus_alpha(half)
            found.append([each[..., ::turn] if turn > 0 else each.flip(-1) for each in maps])
        glance, focus = ((one + other) / 2 for one, other in zip(*found, strict=True))
        trimap = enlarged(glance, (210, 300))[0].argmax(dim=0).numpy()
        values = enlarged(focus, (210, 300))[0, 0].numpy()
        made = gfm.matte(PHOTOGRAPH, model, foreground="none", augmentation="flip")
        # The areas of a reduction fall alike on a mirrored image only up to rounding to 8 bits.
        assert (made.trimap != trimap).mean() < 0.02
        wanted = np.where(trimap == 2, 1, np.where(trimap == 1, values, 0))
        assert np.abs(made.alpha - wanted).mean() < 0.02

    @pytest.mark.parametrize("rosta", ["TT", "FT", "RIM"])
    def test_flipped_photograph_gives_the_flipped_matte(self, rosta):
        model = shared("timm:test_resnet", rosta)
        options = {"foreground": "none", "augmentation": "flip", "d1": 1, "d2": 1}
        even = PHOTOGRAPH[:192, :288]  # whole multiples of 32: nothing is resized
        made = gfm.matte(even, model, **options).alpha
        mirrored = gfm.matte(np.ascontiguousarray(even[:, ::-1]), model, **options).alpha
        np.testing.assert_allclose(made[:, ::-1], mirrored, rtol=0, atol=1e-4)

    def test_mean_glance_leaves_the_focus_alone(self):
        model, even = shared(), PHOTOGRAPH[:192, :288]
        mirrored = np.ascontiguousarray(even[:, ::-1])
        mixed = strategy_maps(model, [even], PassOptions(d1=1, augmentation="glance"))
        ways = [PassOptions(d1=d1) for d1 in (1, 8 / 7, 4 / 3)]
        plain = [strategy_maps(model, [even], way) for way in ways]
        other = [strategy_maps(model, [mirrored], way) for way in ways]
        seen = [maps.glance for maps in plain] + [maps.glance[..., ::-1] for maps in other]
        wanted = np.mean([enlarge(glance, (192, 288)) for glance in seen], axis=0)
        np.testing.assert_allclose(mixed.glance, wanted, rtol=0, atol=1e-3)
        np.testing.assert_allclose(mixed.detail, plain[0].detail, atol=1e-6)

    @pytest.mark.parametrize(("side", "wanted"), [(None, "none"), (96, "glance")])
    def test_small_glance_is_a_mean_unless_said_otherwise(self, side, wanted):
        model = build(glance_side=side)
        assert pass_options(MatteOptions(), [model], 300, 400).augmentation == wanted
        assert pass_options(MatteOptions(augmentation="flip"), [model], 9, 9).augmentation == "flip"

    def test_full_augmentation_gives_the_same_size(self):
        made = gfm.matte(PHOTOGRAPH, shared(), foreground="none", augmentation="full")
        assert made.alpha.shape == (210, 300) and 0 <= made.alpha.min() <= made.alpha.max() <= 1


class TestBatches:
    def test_batch_is_each_alone(self):
        sizes = [(210, 300), (96, 128), (212, 301), (210, 300), (1, 1)]
        pictures = [draw_photograph(seed, *size) for seed, size in enumerate(sizes)]
        made = gfm.matte_batch(pictures, shared(), gfm.MatteOptions(), batch_size=2)
        for picture, matte in zip(pictures, made, strict=True):
            alone = gfm.matte(picture, shared())
            np.testing.assert_allclose(matte.alpha, alone.alpha, atol=1e-5)
            assert (matte.trimap != alone.trimap).mean() < 1e-3

    def test_smaller_glances_of_a_batch_are_those_of_each_alone(self):
        # The glance of both has 128 px, that at 7/8 of one 96x96 px, of the other 96x128 px.
        pictures = [draw_photograph(0, 300, 342), draw_photograph(1, 300, 344)]
        model = build(glance_side=128)
        for picture, made in zip(pictures, gfm.matte_batch(pictures, model), strict=True):
            np.testing.assert_array_equal(made.trimap, gfm.matte(picture, model).trimap)

    def test_pictures_of_like_passes_go_together(self, monkeypatch):
        together = []
        whole = system.predict

        def watch(images, *others):
            together.append(len(images))
            return whole(images, *others)

        monkeypatch.setattr(system, "predict", watch)
        # 1/3 and 1/2 of either are 96x64 and 128x96 px.
        pictures = [draw_photograph(0, 210, 300), draw_photograph(1, 228, 300)]
        gfm.matte_batch(pictures, shared(), MatteOptions(foreground="none"))
        assert together == [2]

    def test_empty_batch_is_empty(self):
        assert gfm.matte_batch([], shared()) == []

    def test_batch_size_is_checked(self):
        with pytest.raises(InputError, match="batch_size=0"):
            gfm.matte_batch([PHOTOGRAPH], shared(), batch_size=0)


def test_threads_share_a_network():
    pictures = [draw_photograph(seed, 120 + seed, 150) for seed in range(8)]
    wanted = [gfm.matte(picture, shared()) for picture in pictures]
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda picture: gfm.matte(picture, shared()), pictures * 3))
    for found, alone in zip(made, wanted * 3, strict=True):
        np.testing.assert_array_equal(found.alpha, alone.alpha)
        np.testing.assert_array_equal(found.foreground, alone.foreground)


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
