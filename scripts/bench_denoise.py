"""Compare the fast BM3D with the authors' package: one thread each, the same noisy images.

The package (`pip install gfm-matting[bm3d]`) is free for non-commercial use only.
"""

import argparse
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from rssn.console import run_command
from rssn.denoising import Backend, denoise
from rssn.images import Uint8Image, image_files, read_rgb


def main() -> int:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, help="folder of clean photographs; else two drawn")
    parser.add_argument("--size", type=int, default=256, help="side of the centre crop (px)")
    parser.add_argument("--sigma", type=float, nargs="+", default=[10, 25], help="noise, 0..255")
    options = parser.parse_args()
    return run_command(lambda: compare(options.images, options.size, options.sigma))


def compare(folder: Path | None, size: int, sigmas: list[float]) -> None:
    """Print, for every image and noise level, both times and both PSNRs with their ratio or gap."""
    warnings.simplefilter("ignore")
    denoise(np.zeros((16, 16, 3), np.uint8), threads=1)  # compile outside the clock
    row = "{:24} {:>5} {:>9} {:>9} {:>7} {:>9} {:>9} {:>7}"
    print(row.format("image", "sigma", "bm3d s", "fast s", "ratio", "bm3d dB", "fast dB", "gap"))
    for name, clean in _photographs(folder, size) if folder else _drawings(size):
        for sigma in sigmas:
            noise = np.random.default_rng(0).normal(0, sigma, clean.shape)
            noisy = np.rint(clean + noise).clip(0, 255).astype(np.uint8)
            (slow, slow_psnr), (fast, fast_psnr) = (
                _measure(backend, clean, noisy, sigma) for backend in ("bm3d", "fast")
            )
            figures = [f"{slow:.2f}", f"{fast:.2f}", f"{slow / fast:.1f}x"]
            figures += [f"{slow_psnr:.2f}", f"{fast_psnr:.2f}", f"{fast_psnr - slow_psnr:+.2f}"]
            print(row.format(name[:24], f"{sigma:g}", *figures), flush=True)


def _measure(
    backend: Backend, clean: Uint8Image, noisy: Uint8Image, sigma: float
) -> tuple[float, float]:
    start = time.perf_counter()
    result = denoise(noisy, sigma, backend, threads=1)
    seconds = time.perf_counter() - start
    return seconds, cv2.PSNR(clean, result)


def _photographs(folder: Path, size: int) -> Iterator[tuple[str, Uint8Image]]:
    """Centre crops at half resolution, where a photograph has little noise of its own."""
    for path in image_files(folder):
        image = read_rgb(path)
        image = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        top, left = (max(0, n - size) // 2 for n in image.shape[:2])
        yield path.stem, image[top : top + size, left : left + size]


def _drawings(size: int) -> Iterator[tuple[str, Uint8Image]]:
    """Waves, and discs over a gradient."""
    y, x = np.mgrid[0:size, 0:size] / 64
    colours = np.array([0.0, 1.0, 2.0])
    waves = 128 + 80 * np.sin(8 * (x + np.sin(y))[..., None] + colours)
    yield "waves", np.rint(waves).astype(np.uint8)
    distance = np.hypot(x % 1 - 0.5, y % 1 - 0.5)[..., None]
    disc = ((0.4 - distance) * 64 + 0.5).clip(0, 1)  # its rim is 1 px wide
    picture = disc * (220 - 60 * colours) + (1 - disc) * (40 + 20 * (x + y)[..., None])
    yield "discs", np.rint(picture.clip(0, 255)).astype(np.uint8)


if __name__ == "__main__":
    sys.exit(main())
