"""Denoising: quality, identities, determinism and errors of both backends."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest

from rssn.denoising import bm3d_transforms
from rssn.denoising import denoise as denoising
from rssn.denoising.bm3d_matching import INDEX_BITS, NO_MATCH, match_blocks, search_offsets
from rssn.denoising.denoise import denoise, estimate_sigma
from rssn.imaging.errors import InputError

needs_package = pytest.mark.skipif(
    importlib.util.find_spec("bm3d") is None, reason="the extra bm3d is not installed"
)


def draw_waves(height: int = 96, width: int = 128) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width]
    phase = (x + 6 * np.sin(y / 9))[..., None] / 4 + np.array([0.0, 1.0, 2.0])
    return np.rint(128 + 60 * np.sin(phase)).astype(np.uint8)


def add_noise(clean: np.ndarray, sigma: float, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, sigma, clean.shape)
    return np.rint(clean + noise).clip(0, 255).astype(np.uint8)


def psnr(image: np.ndarray, clean: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((image.astype(float) - clean) ** 2)))


@pytest.mark.parametrize(("sigma", "gain"), [(10, 8.5), (25, 9.0)])
def test_texture_gains_decibels(sigma: float, gain: float) -> None:
    clean = draw_waves()
    noisy = add_noise(clean, sigma)
    assert psnr(denoise(noisy, sigma), clean) > psnr(noisy, clean) + gain


@needs_package
@pytest.mark.filterwarnings("ignore:the bm3d package")
@pytest.mark.parametrize(("sigma", "gap"), [(10, 0.15), (25, 0.25)])
def test_fast_is_as_good_as_the_package(sigma: float, gap: float) -> None:
    clean = draw_waves(64, 80)
    noisy = add_noise(clean, sigma)
    reference = psnr(denoise(noisy, sigma, "bm3d", threads=1), clean)
    assert psnr(denoise(noisy, sigma), clean) > reference - gap


@pytest.mark.parametrize("colour", [(0, 0, 0), (1, 2, 3), (90, 90, 90), (255, 255, 255)])
@pytest.mark.parametrize("sigma", [1e-30, 10, 80])
def test_flat_image_is_unchanged(colour: tuple[int, int, int], sigma: float) -> None:
    image = np.full((40, 50, 3), colour, np.uint8)
    np.testing.assert_allclose(denoise(image, sigma).astype(int), image, atol=1)


def test_grey_stays_grey() -> None:
    clean = np.repeat(draw_waves()[..., :1], 3, axis=2)
    noisy = np.repeat(add_noise(clean, 10)[..., :1], 3, axis=2)
    result = denoise(noisy, 10)
    assert (result == result[..., :1]).all()
    assert psnr(result, clean) > psnr(noisy, clean) + 6
    assert estimate_sigma(noisy) == pytest.approx(10, rel=0.15)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (8, 8), (7, 300), (97, 130)])
def test_any_size(shape: tuple[int, int]) -> None:
    noisy = add_noise(np.full((*shape, 3), 100, np.uint8), 10)
    result = denoise(noisy, 10)
    assert result.shape == noisy.shape
    assert result.dtype == np.uint8
    assert abs(result.mean() - noisy.mean()) < 0.5
    if min(shape) > 1:
        assert result.std() < noisy.std() / 2


def test_one_pixel_is_unchanged() -> None:
    image = np.array([[[10, 200, 30]]], np.uint8)
    np.testing.assert_array_equal(denoise(image, 10), image)


def test_bytes_do_not_depend_on_threads_or_memory_layout() -> None:
    noisy = add_noise(draw_waves(130, 250), 10)
    results = {denoise(noisy, 10, threads=threads).tobytes() for threads in (1, 2, 5, None)}
    results.add(denoise(np.asfortranarray(noisy), 10).tobytes())
    assert len(results) == 1


def test_input_is_left_alone() -> None:
    noisy = add_noise(draw_waves(), 10)
    noisy.flags.writeable = False
    denoise(noisy, 10)
    flat = np.full((20, 20, 3), 7, np.uint8)
    assert not np.shares_memory(denoise(flat, "auto"), flat)


@pytest.mark.parametrize("sigma", [2, 10, 25])
def test_estimated_sigma_on_a_smooth_image(sigma: float) -> None:
    y, x = np.mgrid[0:128, 0:128]
    smooth = (100 + 0.2 * x + 0.15 * y)[..., None] + np.array([0, 10, 20])
    assert estimate_sigma(add_noise(smooth, sigma)) == pytest.approx(sigma, rel=0.1)


def test_auto_takes_the_estimate() -> None:
    noisy = add_noise(draw_waves(), 12)
    expected = denoise(noisy, estimate_sigma(noisy))
    np.testing.assert_array_equal(denoise(noisy, "auto"), expected)
    y, x = np.mgrid[0:20, 0:30]
    ramp = np.stack([x + 2 * y] * 3, axis=2).astype(np.uint8)  # second differences are zero
    assert estimate_sigma(ramp) == 0
    np.testing.assert_array_equal(denoise(ramp, "auto"), ramp)


def test_matches_agree_with_direct_search() -> None:
    rng = np.random.default_rng(3)
    luminance = rng.integers(0, 256, (30, 40)).astype(np.float32)
    luminance[5:20, 10:30] //= 8  # some patches differ by less than the limit, others by more
    rows, cols, offsets = np.array([0, 9, 22]), np.array([0, 4, 15, 32]), search_offsets(6)
    limit = np.float32(9000)
    matches = match_blocks(luminance, rows, cols, offsets, 16, limit)
    farthest = NO_MATCH >> INDEX_BITS
    scale = np.float32(farthest) / (limit * np.float32(64))
    for r, y in enumerate(rows):
        for c, x in enumerate(cols):
            here = luminance[y : y + 8, x : x + 8]
            expected = [NO_MATCH] * 16
            for index, (dy, dx) in enumerate(offsets):
                if 0 <= y + dy <= 22 and 0 <= x + dx <= 32:
                    there = luminance[y + dy : y + dy + 8, x + dx : x + dx + 8]
                    distance = int(np.square(here - there).sum() * scale)  # sums below 2**24: exact
                    if distance < farthest:
                        expected.append(distance << INDEX_BITS | index)
            assert matches[r, c].tolist() == sorted(expected)[:16]
    assert (matches == NO_MATCH).any()
    assert (matches[..., 0] == 0).all()  # the reference itself


def test_search_begins_at_the_reference_and_covers_the_window() -> None:
    offsets = search_offsets(2)
    assert offsets[0].tolist() == [0, 0]
    assert {tuple(row) for row in offsets.tolist()} == {
        (dy, dx) for dy in range(-2, 3) for dx in range(-2, 3)
    }


@pytest.mark.parametrize("name", ["dct", "bior"])
def test_transforms_are_inverted_and_of_unit_gain(name: str) -> None:
    forward = getattr(bm3d_transforms, f"_{name}")
    inverse = getattr(bm3d_transforms, f"_inverse_{name}")
    block = np.zeros((8, 24), np.float32)
    block[:, :8] = np.eye(8)
    block[:, 8] = 1
    flat = block.ravel().copy()
    forward(flat)
    spectrum = flat.reshape(8, 24)
    np.testing.assert_allclose((spectrum[:, :8] ** 2).sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(spectrum[:, 8], [8**0.5] + [0] * 7, atol=1e-6)
    if name == "dct":
        k, n = np.mgrid[0:8, 0:8]
        basis = np.cos((2 * n + 1) * k * np.pi / 16) * np.where(k == 0, 8**-0.5, 0.5)
        np.testing.assert_allclose(spectrum[:, :8], basis, atol=1e-6)
    else:  # the long filter of Bior1.5, (3 -3 -22 22 128 128 22 -22 -3 3) / 256 * sqrt(2)
        first_mean = np.array([128, 128, 22, -22, 0, 0, -22, 22]) * 2**0.5 / 256
        coarse = spectrum[0, :8] / 8**0.5 + spectrum[1, :8] * _norm(4) / 8**0.5
        fine = coarse * 2**0.5 + spectrum[2, :8] * _norm(2) / 2**0.5
        np.testing.assert_allclose(fine, first_mean, atol=1e-6)
    inverse(flat)
    np.testing.assert_allclose(flat.reshape(8, 24), block, atol=1e-6)


def _norm(details: int) -> float:
    return float((1 + details * (22 / 128) ** 2) ** 0.5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sigma": 0}, "sigma=0 .*'auto'"),
        ({"sigma": -3}, "sigma=-3"),
        ({"sigma": float("nan")}, "sigma=nan"),
        ({"sigma": "high"}, "sigma='high'"),
        ({"sigma": True}, "sigma=True"),
        ({"backend": "cuda"}, "backend='cuda' .*'fast' or 'bm3d'"),
        ({"threads": 0}, "threads=0"),
        ({"image": np.zeros((4, 4), np.uint8)}, r"uint8 of shape \(4, 4\)"),
        ({"image": np.zeros((4, 4, 4), np.uint8)}, r"uint8 of shape \(4, 4, 4\)"),
        ({"image": np.zeros((0, 4, 3), np.uint8)}, r"uint8 of shape \(0, 4, 3\)"),
        ({"image": np.zeros((4, 4, 3), np.float32)}, "image is float32 .*uint8 RGB"),
        ({"image": [[1, 2, 3]]}, "image is list"),
    ],
)
def test_errors_name_the_argument(arguments: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        denoise(**{"image": np.zeros((8, 8, 3), np.uint8), **arguments})


def test_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    denoising.bm3d_package.cache_clear()
    monkeypatch.setitem(sys.modules, "bm3d", None)
    with pytest.raises(InputError, match=r"'\.\[bm3d\]'.*backend='fast'"):
        denoise(np.zeros((8, 8, 3), np.uint8), backend="bm3d")


@needs_package
class TestPackage:
    """The traps of the package: flat opponent channels give NaN, 8 x 8 crashes the process."""

    @pytest.fixture(autouse=True)
    def _no_warning(self) -> None:
        denoising.bm3d_package.cache_clear()
        with pytest.warns(UserWarning, match="non-commercial"):
            denoising.bm3d_package()

    @pytest.mark.parametrize("shape", [(1, 1), (8, 8), (7, 30)])
    def test_tiny(self, shape: tuple[int, int]) -> None:
        noisy = add_noise(np.full((*shape, 3), 100, np.uint8), 10)
        result = denoise(noisy, 10, "bm3d", threads=1)
        assert result.shape == noisy.shape
        assert abs(result.mean() - noisy.mean()) < 1

    def test_grey(self) -> None:
        clean = np.repeat(draw_waves(32, 48)[..., :1], 3, axis=2)
        noisy = np.repeat(add_noise(clean, 10)[..., :1], 3, axis=2)
        result = denoise(noisy, 10, "bm3d", threads=1)
        assert (result == result[..., :1]).all()
        assert psnr(result, clean) > psnr(noisy, clean) + 3

    def test_constant(self) -> None:
        image = np.full((32, 32, 3), (9, 80, 200), np.uint8)
        np.testing.assert_array_equal(denoise(image, 10, "bm3d", threads=1), image)
