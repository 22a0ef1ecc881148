"""Compare denoisers on the same noisy images: the fast BM3D with the authors' package on one core.

With --device, a GPU with one core instead, without the package: that one (`pip install -e
'.[bm3d]'`) is free for non-commercial use only.
"""

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from rssn.denoising.denoise import denoise, resolve_device
from rssn.imaging.console import run_command
from rssn.imaging.images import Uint8Image, image_files
from rssn.imaging.reading import read_rgb
from rssn.imaging.resizing import resize

Denoiser = Callable[[Uint8Image, float], Uint8Image]


def main() -> int:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, help="folder of clean photographs; else two drawn")
    parser.add_argument("--size", type=int, default=256, help="side of the centre crop (px)")
    parser.add_argument("--sigma", type=float, nargs="+", default=[10, 25], help="noise, 0..255")
    parser.add_argument("--device", metavar="cuda[:N]", help="a GPU to compare with one core")
    options = parser.parse_args()
    return run_command(
        lambda: compare(rivals(options.device), options.images, options.size, options.sigma)
    )


def rivals(device: str | None) -> dict[str, Denoiser]:
    """The two denoisers to compare, by the names they have in the table."""
    fast = partial(denoise, threads=1, device="cpu")
    if device is None:
        return {"bm3d": partial(denoise, backend="bm3d", threads=1), "fast": fast}
    device = resolve_device(device)
    return {"fast": fast, device: partial(denoise, device=device)}


def compare(
    denoisers: dict[str, Denoiser], folder: Path | None, size: int, sigmas: list[float]
) -> None:
    """Print, for every image and noise level, both times and both PSNRs with their ratio or gap."""
    warnings.simplefilter("ignore")
    for each in denoisers.values():
        each(np.zeros((64, 64, 3), np.uint8), 10)  # compile and load outside the clock
    row = "{:24} {:>5} {:>9} {:>9} {:>7} {:>9} {:>9} {:>7}"
    columns = [f"{name} {unit}" for unit in ("s", "dB") for name in denoisers]
    print(row.format("image", "sigma", *columns[:2], "ratio", *columns[2:], "gap"))
    for name, clean in _photographs(folder, size) if folder else _drawings(size):
        for sigma in sigmas:
            noise = np.random.default_rng(0).normal(0, sigma, clean.shape)
            noisy = np.rint(clean + noise).clip(0, 255).astype(np.uint8)
            (slow, slow_psnr), (fast, fast_psnr) = (
                _measure(each, clean, noisy, sigma) for each in denoisers.values()
            )
            figures = [f"{slow:.2f}", f"{fast:.2f}", f"{slow / fast:.1f}x"]
            figures += [f"{slow_psnr:.2f}", f"{fast_psnr:.2f}", f"{fast_psnr - slow_psnr:+.2f}"]
            print(row.format(name[:24], f"{sigma:g}", *figures), flush=True)


def _measure(
    denoiser: Denoiser, clean: Uint8Image, noisy: Uint8Image, sigma: float
) -> tuple[float, float]:
    start = time.perf_counter()
    result = denoiser(noisy, sigma)
    seconds = time.perf_counter() - start
    return seconds, cv2.PSNR(clean, result)


def _photographs(folder: Path, size: int) -> Iterator[tuple[str, Uint8Image]]:
    """Centre crops at half resolution, where a photograph has little noise of its own."""
    for path in image_files(folder):
        image = read_rgb(path)
        height, width = image.shape[:2]
        image = resize(image, (round(height / 2), round(width / 2)))
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
