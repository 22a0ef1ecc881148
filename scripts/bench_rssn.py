"""Measure a build of shards against the plain way to the same composites, in one run.

First what no way can save, then each step in the time of one core, then the whole. The plain way
makes one composite at a time with pymatting's closed form and the bm3d package (free for
non-commercial use only; pip install -e '.[bm3d]') and keeps nothing.
"""

import argparse
import os
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numba
import plain_build as benchmark

from data_tools.scenes.folder import Settings, write_scenes
from rssn.build.builder import BuildOptions, build
from rssn.build.sources import find_sources, read_source, shrink
from rssn.imaging.console import run_command
from rssn.imaging.reading import read_rgb
from rssn.route.compose import ROUTES, RouteOptions

BLEND_BYTES = 4 + 3 + 3 + 3  # of a pixel: alpha, F and B are read, the composite is written
ROW = "{:26} {:>12} {:>10} {:>8}"


def main() -> int:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--foregrounds", type=Path, metavar="DIR", help="else drawn scenes")
    add("--backgrounds", type=Path, metavar="DIR")
    add("--k", type=int, default=5, help="composites of each foreground")
    add("--limit", type=int, default=4, help="only so many foregrounds")
    add("--size", type=int, default=1080, metavar="PX", help="shorter side to shrink to")
    add("--workers", type=int, default=os.cpu_count(), help="processes of the build")
    add("--plain", type=int, default=2, metavar="N", help="composites really made the plain way")
    chosen = parser.parse_args()
    if (chosen.foregrounds is None) != (chosen.backgrounds is None):
        parser.error("give both --foregrounds and --backgrounds, or neither for drawn scenes")
    return run_command(lambda: compare(chosen))


def compare(chosen: argparse.Namespace) -> None:
    """Print all that is measured."""
    warnings.simplefilter("ignore")
    route = replace(ROUTES["rssn"], k=chosen.k, shorter_side=chosen.size)
    benchmark.warm_up()
    with TemporaryDirectory(prefix="bench-") as folder:
        foregrounds, backgrounds = chosen.foregrounds, chosen.backgrounds
        if foregrounds is None:
            foregrounds = Path(folder) / "drawn"
            size = {"height": chosen.size, "width": chosen.size * 4 // 3}
            scenes = Settings(chosen.limit, backgrounds=2 * chosen.k, **size)
            write_scenes(foregrounds, scenes, chosen.workers, quiet=True)
            backgrounds = foregrounds / "backgrounds"
        sources = find_sources(foregrounds)[0][: chosen.limit]
        meetings = benchmark.find_meetings(sources, backgrounds, route)
        least = print_limits_and_steps(meetings, route) / chosen.workers
        plain = print_plain_way(meetings, route, chosen.plain)
        clock = benchmark.Clock()
        with clock("build"):
            build(
                foregrounds,
                backgrounds,
                Path(folder) / "out",
                BuildOptions(route, limit=chosen.limit),
                workers=chosen.workers,
            )
    passed, cores = clock.mean("build")
    print(
        f"\nours: {len(meetings)} composites by {chosen.workers} workers, cache empty, from start "
        f"to end: {passed:.1f} s, {cores:.1f} s of cores; decoding and encoding alone need "
        f"{least:.1f} s"
    )
    print(
        f"the plain way takes {plain[0] / passed:.1f} times as long, "
        f"{plain[1] / cores:.1f} times the seconds of cores"
    )


def print_limits_and_steps(meetings: list[benchmark.Meeting], route: RouteOptions) -> float:
    """Measure on the first composite's images; return what decoding and encoding take at least."""
    first = meetings[0]
    cv2.setNumThreads(1)
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    pixels = read_source(first.source, route.shorter_side)
    background = shrink(read_rgb(first.background), route.shorter_side)
    height, width = pixels.alpha.shape
    print(f"on {first.source.id} ({width}x{height} px) and {first.background.name}, one core")
    began = benchmark.core_seconds()
    for source in {meeting.source for meeting in meetings}:
        read_source(source, route.shorter_side)
    for path in {meeting.background for meeting in meetings}:
        read_rgb(path)
    decoding = benchmark.core_seconds() - began
    steps = benchmark.measure_steps(pixels, background)
    encoding = len(meetings) * steps["encode"][1]
    speed = benchmark.copied_bytes_per_second()
    print(f"limits: every source decoded once {decoding:.1f} s, every composite encoded", end=" ")
    print(f"{encoding:.1f} s; memory moves {speed / 1e9:.1f} GB/s, so that a blend takes", end=" ")
    print(f"{BLEND_BYTES * height * width / speed * 1e3:.1f} ms at least\n")
    print(ROW.format("step", "plain ms", "ours ms", "ratio"))
    for name, (plain, ours) in steps.items():
        ratio = "same" if plain is ours else f"{plain / ours:.1f}x"
        print(ROW.format(name, f"{plain * 1e3:.1f}", f"{ours * 1e3:.1f}", ratio), flush=True)
    cv2.setNumThreads(-1)
    numba.set_num_threads(threads)
    return decoding + encoding


def print_plain_way(
    meetings: list[benchmark.Meeting], route: RouteOptions, count: int
) -> tuple[float, float]:
    """Make some composites the plain way; return the seconds, passed and of cores, of all."""
    clock = benchmark.Clock()
    chosen = benchmark.choose(meetings, count)
    for meeting in chosen:
        benchmark.make_plainly(meeting, route, clock)
    print(
        f"\nthe plain way, on all cores that its packages use: {len(chosen)} of {len(meetings)} "
        "composites were made; the mean of each step stands for the others"
    )
    print(ROW.format("step", "mean s", "measured", "needed"))
    passed = cores = 0.0
    for name, needed in benchmark.times_needed(meetings).items():
        measured, (seconds, seconds_of_cores) = len(clock.seconds[name]), clock.mean(name)
        print(ROW.format(name, f"{seconds:.2f}", measured, needed))
        if needed and not measured:
            print(f"{name}: counts as 0 s; give a larger --plain")
        passed += seconds * needed
        cores += seconds_of_cores * needed
    print(f"together {passed:.0f} s, {cores:.0f} s of cores", flush=True)
    return passed, cores


if __name__ == "__main__":
    sys.exit(main())
