"""`make demo`: the whole path, by the commands that a user would type.

Draws scenes (or takes a folder of photographs), builds shards, trains, mattes photographs that the
model never saw, evaluates, and writes a report. Fails if the model does not beat the baselines.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from rssn.build.sources import find_sources, read_source
from rssn.imaging.console import SOME_FAILED, run_command
from rssn.imaging.errors import FailedInputs, InputError
from rssn.imaging.images import image_files
from rssn.imaging.reading import read_rgb
from rssn.imaging.writing import write_alpha, write_rgb

ROOT = Path(__file__).resolve().parents[1]
MARK = ".demo"
TRAIN_SIDE = 128  # px of the shorter side of composites
GLANCE_SIDE, FOCUS_SIDE = 64, 96  # px of the shorter side in each pass, after configs/demo.yaml


@dataclass(frozen=True)
class Sizes:
    """How large a run is.

    Attributes:
        side: Shorter side of the pictures, in pixels.
        scenes: Drawn scenes to train on.
        held_out: Drawn scenes to test on.
        backgrounds: Drawn backgrounds.
        k: Composites of each foreground.
    """

    side: int
    scenes: int
    held_out: int
    backgrounds: int
    k: int


DRAWN = Sizes(side=256, scenes=220, held_out=36, backgrounds=80, k=5)
REAL = Sizes(side=512, scenes=0, held_out=0, backgrounds=60, k=40)


def main() -> int:
    """Run the demo; returns 0, or the exit code of the step that failed."""
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("demo"))
    parser.add_argument(
        "--data", type=Path, help="folder with original/, mask/ and optionally backgrounds/"
    )
    parser.add_argument(
        "--minutes", type=float, default=6, help="longest time for the training (6)"
    )
    options = parser.parse_args()
    return run_command(lambda: Demo(options.out, options.data, options.minutes).run())


class Demo:
    """One run of the demo in one folder."""

    def __init__(self, out: Path, data: Path | None, minutes: float) -> None:
        if not minutes > 0:
            raise InputError(f"--minutes {minutes:g}: give more than 0")
        self.out, self.data, self.minutes = out, data, minutes
        self.sizes = DRAWN if data is None else REAL
        self.facts: dict[str, str] = {}
        self.failures: list[str] = []

    def run(self) -> None:
        """All steps, one after the other."""
        began = time.monotonic()
        if self.data is not None and not self.data.is_dir():
            raise InputError(f"DATA={self.data}: no such folder; give one with original/ and mask/")
        self.empty_folder()
        if self.data is None:
            self.draw()
        else:
            self.divide(self.data)
        out = self.out
        # Validation and the final mattes see photographs at the scales of the training crops.
        d1, d2 = self.sizes.side / GLANCE_SIDE, self.sizes.side / FOCUS_SIDE
        k = min(self.sizes.k, len(image_files(out / "train/backgrounds")))
        self.step(
            "build",
            *("-m", "rssn.build", "--foregrounds", out / "train"),
            *("--backgrounds", out / "train/backgrounds", "--out", out / "shards"),
            *("--route", ROOT / "configs/demo_route.yaml", "--k", k),
            *("--size", TRAIN_SIDE),
            some_may_fail=True,
        )
        self.step(
            "train",
            *("-m", "gfm", "fit", "--config", ROOT / "configs/demo.yaml"),
            *("--data.shards", out / "shards", "--data.validation", out / "check"),
            *("--model.d1", d1, "--model.d2", d2),
            *("--trainer.logger.init_args.save_dir", out / "run"),
            *("--trainer.max_time", duration(self.minutes)),
        )
        self.step(
            "matte",
            *(ROOT / "scripts/infer.py", out / "heldout/original"),
            *("--model", out / "run/checkpoints/last.safetensors", "--out", out / "mattes"),
            *("--d1", d1, "--d2", d2),
            some_may_fail=True,
        )
        self.step(
            "evaluate",
            *("-m", "gfm", "evaluate", "--pred", out / "mattes/alpha"),
            *("--alpha", out / "heldout/mask", "--json", out / "evaluation.json"),
            some_may_fail=True,
        )
        self.facts["the whole path until the report"] = f"{time.monotonic() - began:.0f} s"
        (out / "facts.json").write_text(json.dumps(self.facts))
        title = "GFM, trained in minutes on composites of drawn scenes"
        if self.data is not None:
            title = f"GFM, trained on composites of {self.data.name}"
        self.step(
            "report",
            *("-m", "gfm", "report", "--photos", out / "heldout/original"),
            *("--alpha", out / "heldout/mask", "--mattes", out / "mattes"),
            *("--evaluation", out / "evaluation.json", "--log", out / "run/metrics.csv"),
            *("--backgrounds", out / "heldout/backgrounds", "--facts", out / "facts.json"),
            *("--title", title, "--out", out / "report.html"),
            *(() if self.data is not None else ("--require-better",)),
        )
        sys.stderr.write(f"\nOpen {out / 'report.html'}\n")
        if self.failures:
            raise FailedInputs(self.failures)

    def empty_folder(self) -> None:
        """Begin with an empty folder; only what a demo wrote before is removed."""
        if self.out.is_dir() and any(self.out.iterdir()):
            if not (self.out / MARK).is_file():
                raise InputError(
                    f"{self.out}: is not empty, and no demo wrote it; give another --out"
                )
            shutil.rmtree(self.out)
        self.out.mkdir(parents=True, exist_ok=True)
        (self.out / MARK).touch()

    def draw(self) -> None:
        """Drawn scenes: some to train on, others to test on, and a few to watch the training."""
        for folder, count, backgrounds, seed in (
            ("train", self.sizes.scenes, self.sizes.backgrounds, 0),
            ("check", 9, 1, 1),
            ("heldout", self.sizes.held_out, self.sizes.held_out, 2),
        ):
            self.draw_folder(folder, count, backgrounds, seed)

    def draw_folder(self, folder: str, count: int, backgrounds: int, seed: int) -> None:
        """Draw one folder of scenes."""
        self.step(
            f"draw {folder}",
            *("-m", "data_tools", "synthesize", "--out", self.out / folder, "--count", count),
            *("--backgrounds", backgrounds, "--size", self.sizes.side, "--seed", seed),
        )

    def divide(self, data: Path) -> None:
        """Photographs with mattes: every third, beginning with the first, is held out."""
        sources, failures = find_sources(data)
        if len(sources) < 3:
            raise InputError(
                f"{data}: holds {len(sources)} photographs with mattes; give 3 or more"
            )
        for index, source in enumerate(sources):
            try:
                pixels = read_source(source, self.sizes.side)
            except InputError as error:
                failures.append(str(error))
                continue
            folder = self.out / ("train" if index % 3 else "heldout")
            for kind in ("original", "mask"):
                (folder / kind).mkdir(parents=True, exist_ok=True)
            write_rgb(folder / "original" / f"{source.id}.png", pixels.image)
            write_alpha(folder / "mask" / f"{source.id}.png", pixels.alpha)
        self.failures += failures
        for folder in ("train", "heldout"):
            if not (self.out / folder).is_dir():
                raise FailedInputs([*failures, f"{data}: leaves no photograph for {folder}/"])
        shutil.copytree(self.out / "heldout", self.out / "check")
        if (data / "backgrounds").is_dir():
            backgrounds = self.readable(image_files(data / "backgrounds"))
            held_out = backgrounds[::10]
            rest = [path for path in backgrounds if path not in held_out] or held_out
            for folder, chosen in (("train", rest), ("heldout", held_out)):
                (self.out / folder / "backgrounds").mkdir()
                for path in chosen:
                    shutil.copy(path, self.out / folder / "backgrounds")
        else:
            self.draw_folder("drawn", 1, self.sizes.backgrounds, 0)
            for folder in ("train", "heldout"):
                shutil.copytree(self.out / "drawn/backgrounds", self.out / folder / "backgrounds")

    def readable(self, pictures: list[Path]) -> list[Path]:
        """The pictures that can be read; the others are named at the end."""
        good = []
        for path in pictures:
            try:
                read_rgb(path)
            except InputError as error:
                self.failures.append(str(error))
            else:
                good.append(path)
        if not good:
            raise FailedInputs(self.failures)
        return good

    def step(self, name: str, *arguments: object, some_may_fail: bool = False) -> None:
        """Run one command of the project, show it, and stop the demo if it fails.

        A step in which only some inputs failed, each named above, ends the demo with exit code 1
        but lets it go on.
        """
        shown = " ".join(str(a) for a in arguments)
        sys.stderr.write(f"\n── {name}: python {shown}\n")
        began = time.monotonic()
        # One core is left to the loader: threads beyond the cores wait for each other.
        threads = max(1, (os.cpu_count() or 2) - 1)
        environment = {"OMP_NUM_THREADS": str(threads), **os.environ}
        command = [sys.executable, *(str(a) for a in arguments)]
        done = subprocess.run(command, check=False, env=environment)
        self.facts[name] = f"{time.monotonic() - began:.0f} s: python {shown}"
        if done.returncode == SOME_FAILED and some_may_fail:
            self.failures.append(f"step '{name}': some inputs, named above")
        elif done.returncode:
            raise FailedInputs([f"step '{name}' ended with exit code {done.returncode}"])


def duration(minutes: float) -> str:
    """The time as Lightning reads it: days, hours, minutes and seconds.

    >>> duration(90.5)
    '00:01:30:30'
    """
    whole, seconds = divmod(round(minutes * 60), 60)
    hours, rest = divmod(whole, 60)
    return f"{hours // 24:02}:{hours % 24:02}:{rest:02}:{seconds:02}"


if __name__ == "__main__":
    sys.exit(main())
