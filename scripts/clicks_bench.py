"""Time a click on a photograph of 1080x1620: what is encoded once, a click, and a full pass."""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import gfm
from gfm.guidance.simulated_user import click_on_largest_error
from rssn.build.sources import find_sources, read_source
from rssn.imaging.console import progress, run_command
from rssn.imaging.resizing import resize

SIZE = (1080, 1620)
CLICKS = 4


def main() -> int:
    """The command; 0 done, 2 usage."""
    parser = argparse.ArgumentParser(prog="clicks_bench", description=__doc__)
    add = parser.add_argument
    add("--data", type=Path, required=True, help="folder with original/ and mask/")
    add("--model", default="clicks-lite", help="model that takes clicks")
    add("--photographs", type=int, default=8, help="how many (default 8)")
    options = parser.parse_args()
    return run_command(lambda: run(options))


def run(options: argparse.Namespace) -> None:
    """Measure and print medians in ms."""
    model = gfm.load_model(options.model)
    found: dict[str, list[float]] = {}

    def timed(name: str, call: Callable[[], object]) -> None:
        began = time.perf_counter()
        call()
        found.setdefault(name, []).append(1000 * (time.perf_counter() - began))

    for source in progress(find_sources(options.data)[0][: options.photographs], "photographs"):
        pixels = read_source(source, None)
        image = resize(pixels.image, SIZE if np.argmin(pixels.alpha.shape) == 0 else SIZE[::-1])
        truth = resize(pixels.alpha, image.shape[:2]).round(2)
        timed("automatic matte", lambda image=image: gfm.matte(image))  # type: ignore[misc]
        for start in ("auto", "nothing"):
            first = gfm.matte(image) if start == "auto" else None
            session = gfm.Session(image, model, automatic=False, first=first)
            for number in range(CLICKS):
                correction = click_on_largest_error(session.matte.alpha, truth)
                if correction is None:
                    break
                session.click(*correction.click)
                kind = "encode and first click" if number == 0 else "click"
                timed(f"{start}: {kind}", lambda session=session: session.matte)  # type: ignore[misc]
    for name, values in found.items():
        print(f"{name}: {statistics.median(values):.0f} ms, most {max(values):.0f} ({len(values)})")


if __name__ == "__main__":
    sys.exit(main())
