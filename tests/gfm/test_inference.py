"""From a photograph to its matte: strategies, inputs, batches and threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from tiny import build, draw_photograph, enlarged, shared, tensor

import gfm
from gfm.models.glance_focus import predict as system
from gfm.models.options import MatteOptions
from rssn.imaging.errors import InputError
from rssn.imaging.writing import write_rgb

PHOTOGRAPH = draw_photograph(1, 210, 300)


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
