"""Denoising of photographs before they are composed (RSSN, Pipeline 1, step 3)."""

from __future__ import annotations

import ctypes
import math
import os
import re
import warnings
from functools import cache
from numbers import Real
from types import ModuleType
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from rssn.imaging.errors import InputError, check_choice, check_least, how_to_install
from rssn.imaging.extras import named_extras
from rssn.imaging.images import Uint8Image

Backend = Literal["fast", "bm3d"]

_LEAST_PACKAGE_SIZE = 32  # px; the bm3d package crashes on 8 x 8


class DeviceMemoryError(InputError):
    """A GPU ran out of memory, whatever the image."""


@named_extras()
def denoise(
    image: Uint8Image,
    sigma: float | Literal["auto"] = 10,
    backend: Backend = "fast",
    threads: int | None = None,
    device: str = "auto",
) -> Uint8Image:
    """Remove white Gaussian noise by BM3D (Dabov et al., 2007).

    Args:
        image: RGB of shape (H, W, 3), any size from 1 x 1.
        sigma: Standard deviation of the noise in grey levels (0..255), or "auto" for
            `estimate_sigma(image)`.
        backend: "fast" is this package's own implementation; "bm3d" is the authors' package,
            slower by more than an order of magnitude and free for non-commercial use only.
        threads: On the CPU; None takes all cores. The fast backend returns the same bytes for
            every number of threads; the package may not.
        device: Of the fast backend: "cpu", "cuda", "cuda:N", or "auto" for a GPU if there is one.
            Some values of CPU and GPU differ by one grey level.

    Returns:
        The denoised image, RGB of shape (H, W, 3).

    Raises:
        InputError: An argument is invalid, the package for "bm3d" is not installed, the device
            does not exist, or (`DeviceMemoryError`) its memory is full.

    Note:
        The paper gives no noise level for this step; 10 is that of its step 6.

    Example:
        >>> noise = np.random.default_rng(0).normal(0, 10, (64, 64, 3))
        >>> grey = np.rint(128 + noise).clip(0, 255).astype(np.uint8)
        >>> bool(denoise(grey).std() < grey.std() / 4)
        True
    """
    _check_image(image)
    check_least(1, threads=threads)
    check_choice("backend", backend, get_args(Backend))
    device = resolve_device(device, backend)
    level = estimate_sigma(image) if sigma == "auto" else _checked_sigma(sigma)
    if level == 0:
        return image.copy()
    if backend == "bm3d":
        return _denoise_by_package(image, level, threads)
    level *= _luminance_gain(image) / 3**0.5
    if device != "cpu":
        return _denoise_by_torch(image, level, device)
    from rssn.denoising.bm3d_fast import bm3d  # numba takes a second to import

    return bm3d(image, level, threads)


def resolve_device(device: str = "auto", backend: Backend = "fast") -> str:
    """Resolve the device of `denoise` to "cpu", "cuda" or "cuda:N"; an `InputError` without it."""
    if device == "cpu" or (device == "auto" and (backend == "bm3d" or not has_driver())):
        return "cpu"
    if not isinstance(device, str) or not re.fullmatch(r"auto|cuda(:\d+)?", device):
        raise InputError(
            f"device={device!r} is not supported; choose 'auto', 'cpu', 'cuda' or 'cuda:N'"
        )
    if backend == "bm3d":
        raise InputError(
            f"device={device!r} does not go with backend='bm3d', which runs on the CPU; choose "
            "device='cpu' or backend='fast'"
        )
    count = count_gpus()
    if device == "auto":
        return "cuda" if count else "cpu"
    if int(device.partition(":")[2] or 0) >= count:
        raise InputError(
            f"device={device!r} does not exist: torch can use {count} GPUs on this machine; choose "
            "'cpu' or 'auto'"
        )
    return device


def has_driver() -> bool:
    """Return True if NVIDIA's driver is installed, which spares the import of torch otherwise."""
    try:
        ctypes.CDLL("nvcuda.dll" if os.name == "nt" else "libcuda.so.1")
    except OSError:
        return False
    return True


def count_gpus() -> int:
    """Number of GPUs that torch can use; 0 without torch."""
    try:
        import torch
    except ImportError:
        return 0
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _denoise_by_torch(image: Uint8Image, sigma: float, device: str) -> Uint8Image:
    import torch

    from rssn.denoising.bm3d_torch import bm3d

    try:
        return bm3d(image, sigma, device)
    except torch.OutOfMemoryError as error:
        raise DeviceMemoryError(
            f"device={device!r} ran out of memory; denoising takes up to 1.5 GB of it in each "
            "process: run fewer, or choose device='cpu'"
        ) from error


def estimate_sigma(image: Uint8Image) -> float:
    """Estimate the standard deviation of white noise in an RGB image, in grey levels (0..255).

    The luminance is filtered with the second difference along both axes, which removes most of an
    image except its noise (J. Immerkaer, "Fast noise variance estimation", Computer Vision and
    Image Understanding 64(2), 1996), and the median of the magnitudes is scaled to a deviation (D.
    Donoho and I. Johnstone, "Ideal spatial adaptation by wavelet shrinkage", Biometrika 81(3),
    1994). An image with a side below 3 px has none; fine texture over a whole image counts as
    noise.
    """
    _check_image(image)
    if min(image.shape[:2]) < 3:
        return 0.0
    luminance = image.sum(axis=2, dtype=np.float32) / np.float32(_luminance_gain(image))
    residual = np.diff(luminance, n=2, axis=0)
    residual = np.diff(residual, n=2, axis=1)
    gain = 6  # norm of the filter: the outer product of (1, -2, 1) with itself
    normal_median = 0.6745  # of the magnitude of a standard normal variable
    return float(np.median(np.abs(residual)) / (gain * normal_median))


def _luminance_gain(image: Uint8Image) -> float:
    """Noise of R + G + B relative to one channel: grey channels share a single noise."""
    grey = bool((image == image[..., :1]).all())
    return 3 if grey else 3**0.5


def _denoise_by_package(image: Uint8Image, sigma: float, threads: int | None) -> Uint8Image:
    package = bm3d_package()
    profile = package.BM3DProfile()
    profile.num_threads = threads or 0  # 0 takes all cores
    height, width = image.shape[:2]
    missing = [(0, max(0, _LEAST_PACKAGE_SIZE - size)) for size in (height, width)]
    unit = np.pad(image, [*missing, (0, 0)], mode="symmetric") / 255.0
    if _has_flat_channel(unit):
        # bm3d_rgb divides by the range of each opponent channel.
        planes = [_one_plane(package, unit[..., c], sigma, profile) for c in range(3)]
        result = np.stack(planes, axis=2)
    else:
        result = package.bm3d_rgb(unit, sigma / 255, profile)
    return np.clip(np.rint(result[:height, :width] * 255), 0, 255).astype(np.uint8)


def _has_flat_channel(unit: NDArray[np.float64]) -> bool:
    red, green, blue = np.moveaxis(unit, 2, 0)
    channels = (red + green + blue, red - blue, red - 2 * green + blue)
    return any(np.ptp(channel) < 1e-6 for channel in channels)


def _one_plane(
    package: ModuleType, plane: NDArray[np.float64], sigma: float, profile: object
) -> NDArray[np.float64]:
    if np.ptp(plane) == 0:
        return plane
    denoised: NDArray[np.float64] = package.bm3d(plane, sigma / 255, profile)
    return denoised


@cache
def bm3d_package() -> ModuleType:
    """The reference package, loaded once; an `InputError` if it is not installed."""
    try:
        import bm3d
    except ImportError as error:
        raise InputError(
            "backend='bm3d' needs the package bm3d, which is not installed; "
            f"{how_to_install('bm3d')}, or choose backend='fast'"
        ) from error
    warnings.warn(
        "the bm3d package is free for non-commercial use only; backend='fast' has no such limit",
        stacklevel=4,  # the caller of denoise
    )
    package: ModuleType = bm3d
    return package


def _check_image(image: Uint8Image) -> None:
    got = type(image).__name__
    if isinstance(image, np.ndarray):
        if image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3 and image.size:
            return
        got = f"{image.dtype} of shape {image.shape}"
    raise InputError(f"image is {got}; give uint8 RGB of shape (H, W, 3)")


def _checked_sigma(sigma: object) -> float:
    if isinstance(sigma, Real) and not isinstance(sigma, bool) and 0 < float(sigma) < math.inf:
        return float(sigma)
    raise InputError(
        f"sigma={sigma!r} is not supported; give a noise level above 0 in grey levels (0..255), "
        "for example 10, or 'auto'"
    )
