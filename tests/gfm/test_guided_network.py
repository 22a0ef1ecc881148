"""The light guided network: its hints, losses, trimaps, and tiles against the whole."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gfm.models.guided.config import GuidedConfig
from gfm.models.guided.hints import Hints, projection
from gfm.models.guided.loss import bands, laplacian, losses, weighted, weights
from gfm.models.guided.network import Guided, restore
from gfm.models.guided.predict import predict
from gfm.models.guided.trimaps import random_trimap

TINY = GuidedConfig(widths=(8, 8, 8, 8, 8), full=4)


def scene(height=64, width=96):
    """A red object before green, its trimap with a band of 16 px."""
    image = np.zeros((height, width, 3), np.uint8)
    image[:, : width // 2] = (200, 20, 20)
    image[:, width // 2 :] = (20, 180, 20)
    trimap = np.full((height, width), 128, np.uint8)
    trimap[:, : width // 2 - 8] = 255
    trimap[:, width // 2 + 8 :] = 0
    return image, trimap


def network(config=TINY):
    torch.manual_seed(0)
    made = Guided(config).eval()
    with torch.no_grad():  # the hints reach the encoder
        made.stem.weight.normal_(0, 0.1)
    return made


def test_package_size():
    parameters = sum(each.numel() for each in Guided().parameters())
    assert parameters * 2 < 12e6  # float16


def test_projection_by_hand():
    foreground = np.float32([[[1, 0, 0]]])
    background = np.float32([[[0, 0, 0]]])
    half = projection(np.float32([[[0.5, 0, 0]]]), foreground, background)
    assert half[0, 0] == pytest.approx(0.5)
    assert projection(background, background, background)[0, 0] == 0.5
    assert projection(np.float32([[[2, 0, 0]]]), foreground, background)[0, 0] == 1


def test_hints_go_on_with_the_known_colours():
    image, trimap = scene()
    made = Hints(image, trimap).guidance()
    np.testing.assert_array_equal(made[0], trimap == 0)
    np.testing.assert_array_equal(made[1], trimap == 255)
    for planes, colour in ((made[2:5], (200, 20, 20)), (made[5:8], (20, 180, 20))):
        np.testing.assert_allclose(planes.transpose(1, 2, 0) * 255, [[colour] * 96] * 64, 1e-5)
    expected = (image[..., 0] == 200).astype(np.float32)
    np.testing.assert_allclose(made[8], expected, atol=0.02)


def test_hints_of_a_part_are_a_part_of_the_hints():
    rng = np.random.default_rng(1)
    image, trimap = scene(70, 90)
    image = rng.integers(0, 256, image.shape, dtype=np.uint8)
    area = np.s_[10:50, 32:80]
    for most in (10**9, 2000):
        hints = Hints(image, trimap, most)
        np.testing.assert_allclose(
            hints.guidance(area), hints.guidance()[:, area[0], area[1]], atol=1e-6
        )


def test_hints_from_halved_maps_are_close():
    image, trimap = scene(128, 160)
    coarse = Hints(image, trimap, 6000)
    assert coarse.step == 2
    np.testing.assert_allclose(coarse.guidance(), Hints(image, trimap).guidance(), atol=1e-4)


def test_hints_without_foreground_are_grey():
    image, trimap = scene()
    trimap[trimap == 255] = 128
    assert (Hints(image, trimap).guidance()[2:5] == 0.5).all()


@pytest.mark.parametrize("size", [(64, 96), (50, 70)])
def test_prediction_has_the_size_of_the_image(size):
    image, trimap = scene(*size)
    made = predict(network(), image, trimap)
    assert made.alpha.shape == size
    assert made.alpha.min() >= 0
    assert made.alpha.max() <= 1
    np.testing.assert_array_equal(made.alpha[trimap == 255], 1)
    np.testing.assert_array_equal(made.alpha[trimap == 0], 0)
    np.testing.assert_array_equal(made.foreground[trimap == 255], image[trimap == 255])
    np.testing.assert_array_equal(made.background[trimap == 0], image[trimap == 0])


def test_blend_of_the_prediction_is_the_image():
    image, trimap = scene()
    made = predict(network(), image, trimap)
    alpha = made.alpha[..., None]
    blend = alpha * made.foreground + (1 - alpha) * made.background
    assert np.abs(blend - image).mean() < 1.5  # levels: rounding, and where F or B is clamped


def test_restored_colours_by_hand():
    image, alpha = torch.full((1, 3, 1, 1), 0.5), torch.full((1, 1, 1, 1), 0.5)
    front, back = torch.full((1, 3, 1, 1), 0.6), torch.full((1, 3, 1, 1), 0.2)
    made = restore(image, alpha, front, back)
    assert [float(each.mean()) for each in made] == pytest.approx([0.7, 0.3])


def test_trimap_without_unknown_pixels_is_the_matte():
    image, trimap = scene()
    trimap[trimap == 128] = 255
    np.testing.assert_array_equal(predict(network(), image, trimap).alpha, trimap == 255)


@pytest.mark.parametrize("axis", [0, 1])
def test_tiles_are_the_whole(axis):
    image, trimap = scene(96, 768)
    trimap[:, 60:700] = 128
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, image.shape, dtype=np.uint8)
    if axis:
        image, trimap = image.transpose(1, 0, 2).copy(), trimap.T.copy()
    model = network()
    whole, tiled = (predict(model, image, trimap, tile).alpha for tile in (None, 512))
    assert np.abs(whole - tiled).mean() < 0.005


def test_losses_of_the_truth_are_zero():
    rng = torch.Generator().manual_seed(0)
    alpha = torch.rand(2, 1, 32, 32, generator=rng)
    front, back = torch.rand(2, 2, 3, 32, 32, generator=rng)
    image = alpha * front + (1 - alpha) * back
    unknown = (torch.rand(2, 1, 32, 32, generator=rng) > 0.5).float()
    terms = losses((alpha, front, back), image, alpha, unknown, (front, back), torch.ones(2))
    assert float(terms["total"]) == pytest.approx(0, abs=1e-5)


def test_alpha_counts_in_the_unknown_region_alone():
    alpha = torch.zeros(1, 1, 32, 32)
    unknown = torch.zeros_like(alpha)
    unknown[..., :16] = 1
    colours = (torch.ones(1, 3, 32, 32), torch.zeros(1, 3, 32, 32))
    made = (alpha + 0.25, *colours)
    terms = losses(made, torch.zeros(1, 3, 32, 32), alpha, unknown, colours, torch.ones(1))
    assert float(terms["alpha"]) == pytest.approx(0.25)
    assert float(terms["composition"]) == pytest.approx(0.75)
    known = losses(made, torch.zeros(1, 3, 32, 32), alpha, 1 - unknown, colours, torch.ones(1))
    assert float(known["alpha"]) == pytest.approx(0.25)


def test_samples_count_by_the_root_of_their_unknown_pixels():
    unknown = torch.zeros(2, 1, 32, 32)
    unknown[0, 0, :1, :4], unknown[1, 0, :8, :2] = 1, 1  # 4 and 16 px
    share = weights(unknown)
    assert share.flatten().tolist() == pytest.approx([2 / 6 / 4, 4 / 6 / 16])
    assert float(weighted(unknown, share)) == pytest.approx(1)


def test_pyramid_of_a_constant_is_zero():
    assert all(float(band.abs().max()) < 1e-6 for band in bands(torch.ones(1, 1, 32, 32)))
    spot = torch.zeros(1, 1, 16, 16)
    spot[..., 8, 8] = 1
    assert float(laplacian(spot, torch.ones(1, 1, 1, 1))) > 0


def test_random_trimaps_are_true_but_for_coarse_masks():
    alpha = np.zeros((80, 80), np.float32)
    alpha[20:60, 20:60] = 1
    wrong = 0
    for seed in range(60):
        trimap = random_trimap(alpha, np.random.default_rng(seed))
        assert set(np.unique(trimap)) <= {0, 128, 255}
        wrong += bool((trimap[alpha > 0] == 0).any() or (trimap[alpha == 0] == 255).any())
    assert wrong < 18
