"""Compare the training loader with a plain one: milliseconds of one core for a sample.

Shards of 1180x1539 images are built in a temporary folder. All runs use one thread and count
processor time, so that other work on the machine disturbs them little; compare the ratios.
"""

import argparse
import cProfile
import pstats
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from gfm.data.module import GFMData
from rssn.imaging.blending import blend
from rssn.imaging.console import run_command
from rssn.imaging.images import Alpha, Uint8Image, image_files
from rssn.imaging.reading import Reduction, decode_alpha, decode_rgb, read_rgb
from rssn.imaging.writing import encode_alpha
from rssn.route.compose import Composite, RouteOptions
from rssn.shards.manifest import Manifest, Plan
from rssn.shards.tars import encode_images, encode_sample, write_shard

HEIGHT, WIDTH = 1180, 1539
STAGES = {  # of a sample, by the function that does it
    "read": ("read_entry",),
    "decode alpha": ("decode_levels",),
    "decode, cut, resize colours": ("decode_cut", "decode_covering_box"),
    "place": ("place",),
    "cut and resize alpha": ("cut_alpha",),
    "compose": ("render",),
    "flip": ("finish",),
    "label and batch": ("collate",),
}


def main() -> int:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, help="folder of photographs; else drawn ones")
    parser.add_argument("--samples", type=int, default=12, help="in the shards")
    parser.add_argument("--epochs", type=int, default=3, help="of each loader; the best counts")
    options = parser.parse_args()
    return run_command(lambda: compare(options.images, options.samples, options.epochs))


def compare(images: Path | None, count: int, epochs: int) -> None:
    """Build shards and print what a sample costs in each way, and where the time goes."""
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="bench-loader-") as folder:
        finished, sources, encoded = _build(Path(folder), images, count)
        size = np.mean([len(data) for sample in encoded for data in sample[1:]]) / 1000
        print(f"{count} samples of {WIDTH}x{HEIGHT} px, {size:.0f} kB for each colour image")
        ways: dict[str, Callable[[], int]] = {
            "3 JPEGs decoded whole, at 1/8": lambda: _decode_only(encoded, 8),
            "3 JPEGs decoded whole, at full size": lambda: _decode_only(encoded, 1),
            "plain loader, composites": lambda: _plain_epoch(encoded, compose=True),
            "plain loader, photographs": lambda: _plain_epoch(encoded, compose=False),
            "shards of composites or photographs": _epoch(finished),
            "shards of sources, on the fly": _epoch(sources),
        }
        print(f"{'one core':38} {'ms/sample':>10} {'samples/s':>10} {'speed':>7}")
        seconds: dict[str, float] = {}
        for name, way in ways.items():
            seconds[name] = min(_seconds_a_sample(way) for _ in range(epochs))
            baseline = seconds.get("plain loader, composites")
            speed = f"{baseline / seconds[name]:.1f}x" if baseline else ""
            rate = 1 / seconds[name]
            print(f"{name:38} {seconds[name] * 1e3:10.1f} {rate:10.1f} {speed:>7}", flush=True)
        for name in list(ways)[-2:]:
            _print_stages(name, ways[name], seconds[name] * 1e3)


def _seconds_a_sample(way: Callable[[], int]) -> float:
    start = time.process_time()
    samples = way()
    return (time.process_time() - start) / samples


def _epoch(folder: Path) -> Callable[[], int]:
    """One epoch of the training loader in this process, labels included."""
    loader = GFMData(str(folder), batch_size=4, workers=0).train_dataloader()
    return lambda: sum(len(batch.keys) for batch in loader)


def _print_stages(name: str, way: Callable[[], int], whole: float) -> None:
    """Shares of `whole` ms, as the profiler sees them; it slows down what makes many small calls.

    The profiler measures the time on the clock, so other work on the machine blurs the shares.
    """
    profile = cProfile.Profile()
    profile.runcall(way)
    times: dict[str, float] = {}
    stats = pstats.Stats(profile)
    for (_, _, function), (_, _, _, cumulative, _) in stats.stats.items():  # type: ignore[attr-defined]
        times[function] = times.get(function, 0.0) + cumulative
    total: float = stats.total_tt  # type: ignore[attr-defined]
    shares = {stage: sum(times.get(f, 0.0) for f in STAGES[stage]) / total for stage in STAGES}
    shares["rest"] = 1 - sum(shares.values())
    parts = (f"{stage} {share * whole:.1f}" for stage, share in shares.items())
    print(f"{name}, ms: " + ", ".join(parts))


def _decode_only(encoded: list[list[bytes]], reduced: Reduction) -> int:
    for _, *colours in encoded:
        for data in colours:
            decode_rgb(data, "", reduced)
    return len(encoded)


def _plain_epoch(encoded: list[list[bytes]], compose: bool) -> int:
    """An epoch of a loader that decodes whole images: see `_plain_sample`."""
    rng = np.random.default_rng(0)
    for sample in encoded:
        _plain_sample(sample, compose, rng)
    return len(encoded)


def _plain_sample(sample: list[bytes], compose: bool, rng: np.random.Generator) -> None:
    """A sample in the order of the paper's pipeline: everything on whole images, in float64."""
    alpha, (image, foreground, background) = (
        decode_alpha(sample[0], "").astype(np.float64),
        (decode_rgb(data, "") for data in sample[1:]),
    )
    ellipse = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (25, 25))
    opaque, touched = (alpha == 1).astype(np.uint8), (alpha > 0).astype(np.uint8)
    trimap = cv2.erode(opaque, ellipse) + cv2.dilate(touched, ellipse)
    planes: list[NDArray[Any]] = [image, foreground, background]
    if compose:
        behind: NDArray[Any] = cv2.resize(
            background, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR
        )
        behind = cv2.blur(behind, (40, 40)) if rng.random() < 0.5 else behind
        planes = [blend(alpha, foreground * 1.0, behind * 1.0), foreground, behind]
        if rng.random() < 0.5:
            noise = rng.normal(0, 10, image.shape)
            planes = [(plane + noise).clip(0, 255) for plane in planes]
    side = min(int(rng.choice((640, 960, 1280))), HEIGHT)
    top, left = (int(rng.integers(n - side + 1)) for n in (HEIGHT, WIDTH))
    for plane in [*planes, alpha, trimap]:
        part = plane[top : top + side, left : left + side]
        small = cv2.resize(part, (320, 320), interpolation=cv2.INTER_LINEAR)
        torch.from_numpy(np.ascontiguousarray(small)).to(torch.float32)


def _build(folder: Path, images: Path | None, count: int) -> tuple[Path, Path, list[list[bytes]]]:
    """Shards of composites, shards of the same sources, and alpha, composite, F and B encoded.

    Written directly, so that nothing has to be denoised: a blurred copy stands for it.
    """
    composites, encoded = [], []
    foregrounds: list[tuple[str, dict[str, bytes]]] = []
    backgrounds: list[tuple[str, dict[str, bytes]]] = []
    for number, (foreground, background) in enumerate(_pictures(images, count)):
        alpha, key = _matte(number), f"s{number}"
        made = Composite(blend(alpha, foreground, background), alpha, foreground, background)
        members = encode_sample(made)
        composites.append((key, members))
        names = ("composite.jpg", "foreground.jpg", "background.jpg")
        encoded.append([members["alpha.png"], *(members[name] for name in names)])
        record = {"size": [HEIGHT, WIDTH]}
        for name, image, samples in (
            ("foreground", foreground, foregrounds),
            ("background", background, backgrounds),
        ):
            blurred = np.asarray(cv2.GaussianBlur(image, (0, 0), 0.7), np.uint8)
            pair = {name: image, f"{name}_denoised": blurred}
            samples.append((key, encode_images(pair, record, "jpg")))
        foregrounds[-1] = (key, {"alpha.png": encode_alpha(alpha), **foregrounds[-1][1]})
    (finished := folder / "composites").mkdir()
    shards = [write_shard(finished / "shard-00000.tar", composites)]
    Manifest(Plan({}, {}, ""), shards, folder=finished).write()
    (sources := folder / "sources").mkdir()
    configuration = {"content": "sources", "route": RouteOptions(k=1).as_dict()}
    Manifest(
        Plan(configuration, {}, ""),
        [write_shard(sources / "foregrounds-00000.tar", foregrounds)],
        backgrounds=[write_shard(sources / "backgrounds-00000.tar", backgrounds)],
        folder=sources,
    ).write()
    return finished, sources, encoded


def _pictures(folder: Path | None, count: int) -> Iterator[tuple[Uint8Image, Uint8Image]]:
    paths = image_files(folder) if folder else []
    for number in range(count):
        pair = (number, number + count)
        if not paths:
            yield _drawn(pair[0]), _drawn(pair[1])
            continue
        first, second = (read_rgb(paths[n % len(paths)]) for n in pair)
        how = cv2.INTER_CUBIC
        yield (
            np.asarray(cv2.resize(first, (WIDTH, HEIGHT), interpolation=how), np.uint8),
            np.asarray(cv2.resize(second, (WIDTH, HEIGHT), interpolation=how), np.uint8),
        )


def _drawn(seed: int) -> Uint8Image:
    """A picture with the spectrum of photographs, amplitudes that fall with the frequency."""
    rng = np.random.default_rng(seed)
    shape = (HEIGHT, WIDTH)
    frequency = np.hypot(np.fft.fftfreq(HEIGHT)[:, None], np.fft.rfftfreq(WIDTH))
    falling = 1 / np.maximum(frequency, 1 / WIDTH) ** 1.45
    grey, *tints = (
        np.fft.irfft2(np.fft.rfft2(rng.standard_normal(shape)) * falling, shape) for _ in range(3)
    )
    grey, tints = grey / grey.std() * 45, [tint / tint.std() * 12 for tint in tints]
    colours = [grey + tints[0], grey, grey + tints[1]]
    return np.rint(np.dstack(colours) + 120).clip(0, 255).astype(np.uint8)


def _matte(seed: int) -> Alpha:
    """A blob with a hairy rim."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    y, x = y - rng.uniform(0.4, 0.6) * HEIGHT, x - rng.uniform(0.4, 0.6) * WIDTH
    angle, distance = np.arctan2(y, x), np.hypot(y, x)
    hair = 30 * np.sin(180 * angle + 0.05 * distance) + 60 * np.sin(5 * angle)
    alpha = ((380 + hair - distance) / 40 + 0.5).clip(0, 1)
    return (np.rint(alpha * 255) / 255).astype(np.float32)


if __name__ == "__main__":
    sys.exit(main())
