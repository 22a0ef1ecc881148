"""Denoising in torch: the same as the compiled version, and the choice of the device."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from drawings import draw_picture

from rssn.build import builder as build
from rssn.build import preparation
from rssn.build.sources import find_backgrounds
from rssn.denoising import bm3d_torch
from rssn.denoising import denoise as denoising
from rssn.denoising.bm3d_fast import bm3d as bm3d_compiled
from rssn.denoising.bm3d_matching import NO_MATCH, search_offsets
from rssn.denoising.bm3d_matching import match_blocks as match_compiled
from rssn.denoising.bm3d_torch_matching import match_blocks
from rssn.denoising.denoise import DeviceMemoryError, denoise, resolve_device
from rssn.imaging.errors import InputError
from rssn.imaging.writing import write_rgb
from rssn.route.compose import RouteOptions
from rssn.shards.manifest import Manifest


def noisy_picture(height: int, width: int, sigma: float) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, sigma, (height, width, 3))
    return np.rint(draw_picture(3, height, width) + noise).clip(0, 255).astype(np.uint8)


def test_groups_are_those_of_the_compiled_version() -> None:
    rng = np.random.default_rng(3)
    luminance = rng.integers(0, 256, (40, 52)).astype(np.float32)  # whole numbers: sums are exact
    luminance[5:20, 10:30] //= 8  # some patches differ by less than the limit, others by more
    rows, cols, limit = np.array([3, 6, 9, 31]), np.arange(0, 45, 4), np.float32(9000)
    expected = match_compiled(luminance, rows, cols, search_offsets(6), 16, limit)
    found = match_blocks(torch.from_numpy(luminance), rows, cols, 6, 16, limit)
    np.testing.assert_array_equal(found.numpy().reshape(expected.shape), expected)
    assert (expected == NO_MATCH).any() and (expected[..., 15] != NO_MATCH).any()


@pytest.mark.parametrize("sigma", [10, 25])
def test_result_is_that_of_the_compiled_version(
    sigma: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    noisy = noisy_picture(60, 101, sigma)
    monkeypatch.setattr(bm3d_torch, "TILE", 48)  # six tiles
    difference = np.abs(bm3d_torch.bm3d(noisy, sigma).astype(int) - bm3d_compiled(noisy, sigma))
    assert difference.max() <= 1
    assert difference.mean() < 0.01
    assert np.abs(noisy.astype(int) - bm3d_compiled(noisy, sigma)).mean() > sigma / 2


@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (7, 30)])
def test_any_size(shape: tuple[int, int]) -> None:
    noisy = noisy_picture(*shape, 10)
    difference = bm3d_torch.bm3d(noisy, 10).astype(int) - bm3d_compiled(noisy, 10)
    assert np.abs(difference).max() <= 1


def test_haar_of_four() -> None:
    root = 0.5**0.5
    expected = [
        [0.5, 0.5, 0.5, 0.5],
        [0.5, 0.5, -0.5, -0.5],
        [root, -root, 0, 0],
        [0, 0, root, -root],
    ]
    np.testing.assert_allclose(bm3d_torch.haar_matrix(4), expected, atol=1e-7)
    np.testing.assert_allclose(
        bm3d_torch.haar_matrix(32) @ bm3d_torch.haar_matrix(32).T, np.eye(32), atol=1e-6
    )


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_gpu_gives_what_the_cpu_gives_and_the_same_every_time() -> None:
    noisy = noisy_picture(300, 301, 10)
    first = bm3d_torch.bm3d(noisy, 10, "cuda")
    assert first.tobytes() == bm3d_torch.bm3d(noisy, 10, "cuda").tobytes()
    difference = np.abs(first.astype(int) - bm3d_torch.bm3d(noisy, 10, "cpu"))
    assert difference.max() <= 1
    assert difference.mean() < 0.01


@pytest.mark.parametrize(
    ("driver", "gpus", "device", "expected"),
    [
        (False, 0, "auto", "cpu"),
        (True, 0, "auto", "cpu"),
        (True, 2, "auto", "cuda"),
        (True, 2, "cuda:1", "cuda:1"),
        (False, 1, "cuda", "cuda"),  # AMD's torch calls its devices so, too
        (True, 2, "cpu", "cpu"),
    ],
)
def test_device_is_resolved(
    driver: bool, gpus: int, device: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(denoising, "has_driver", lambda: driver)
    monkeypatch.setattr(denoising, "count_gpus", lambda: gpus)
    assert resolve_device(device) == expected
    assert resolve_device("auto", "bm3d") == "cpu"


@pytest.mark.parametrize(
    ("device", "backend", "message"),
    [
        ("tpu", "fast", "device='tpu' .*'cuda:N'"),
        ("cuda:x", "fast", "device='cuda:x'"),
        (0, "fast", "device=0"),
        ("cuda:1", "fast", "device='cuda:1' .* 1 GPU"),
        ("cuda", "bm3d", "device='cuda' .*backend='bm3d'"),
    ],
)
def test_errors_name_the_device(
    device: str, backend: denoising.Backend, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(denoising, "count_gpus", lambda: 1)
    with pytest.raises(InputError, match=message):
        denoise(np.zeros((8, 8, 3), np.uint8), backend=backend, device=device)


@pytest.mark.integration
def test_cpu_does_not_load_torch() -> None:
    code = (
        "import sys, numpy; from rssn import denoise;"
        "denoise(numpy.zeros((8, 8, 3), numpy.uint8), device='cpu');"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_gpu_out_of_memory_is_told_and_ends_a_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> np.ndarray:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(bm3d_torch, "bm3d", fail)
    monkeypatch.setattr(denoising, "count_gpus", lambda: 1)
    write_rgb(tmp_path / "a.png", noisy_picture(8, 8, 10))
    settings = preparation.Settings(RouteOptions(), "closed_form", tmp_path, "cuda")
    with pytest.raises(DeviceMemoryError, match="device='cuda'"):
        preparation.prepare(settings, (find_backgrounds(tmp_path)[0], True))


def test_cached_images_of_one_device_are_not_taken_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    levels = {"cpu": 10, "cuda": 20}

    def fill(image: np.ndarray, *_: object, device: str, threads: int) -> np.ndarray:
        return np.full_like(image, levels[device])

    monkeypatch.setattr(denoising, "denoise", fill)
    write_rgb(tmp_path / "a.png", draw_picture(0, 8, 8))
    for device in ("cpu", "cuda", "cpu"):
        settings = preparation.Settings(RouteOptions(), "closed_form", tmp_path, device)
        source = preparation.prepared_source(settings, find_backgrounds(tmp_path)[0], "digest")
        assert (source.denoised() == levels[device]).all()


def test_a_build_records_its_device_and_goes_on_with_no_other(
    foregrounds: Path,
    backgrounds: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(denoising, "count_gpus", lambda: 1)
    folders = ["--foregrounds", str(foregrounds), "--backgrounds", str(backgrounds)]
    options = ["--route", "blur", "--k", "1", "--workers", "1", "--quiet"]
    arguments = [*folders, *options, "--out", str(tmp_path / "out")]
    assert build.main([*arguments, "--device", "cuda"]) == 0
    assert "torch" in Manifest.read(tmp_path / "out").plan.versions
    assert build.main([*arguments, "--device", "cuda", "--resume"]) == 0
    assert build.main([*arguments, "--resume"]) == 2
    assert "setting device is 'cpu', " in capsys.readouterr().err
    assert build.main([*arguments, "--device", "cuda", "--executor", "ray"]) == 2
    assert "executor='ray'" in capsys.readouterr().err
