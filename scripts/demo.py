"""`make demo`: the whole path, by the commands that a user would type.

Mattes a handful of photographs with the packaged models. Then draws scenes (or takes a folder of
photographs with mattes), composes, trains the packaged model further, and mattes what it never saw,
before and after. Writes a report with both, and fails if a baseline is not beaten.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from rssn.build.sources import find_sources, read_source
from rssn.imaging.console import SOME_FAILED, run_command
from rssn.imaging.errors import FailedInputs, InputError
from rssn.imaging.images import image_files
from rssn.imaging.reading import read_rgb
from rssn.imaging.writing import write_alpha, write_rgb

ROOT = Path(__file__).resolve().parents[1]
MARK = ".demo"
PHOTOGRAPHS = ROOT / "examples/photographs"
MODEL = "lite"
SIDE = 448  # px of the shorter side of scenes and composites, near the focus of the model
SCENES, HELD_OUT, CHECKED = 60, 18, 6  # drawn scenes to train on, to test on, to watch the training
BACKGROUNDS = 40  # drawn, or at least wanted
COMPOSITES = 6  # of each foreground


def main() -> int:
    """Run the demo; returns 0, or the exit code of the step that failed."""
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("demo"))
    parser.add_argument(
        "--data", type=Path, help="folder with original/, mask/ and optionally backgrounds/"
    )
    parser.add_argument(
        "--minutes", type=float, default=4, help="longest time for the training (4)"
    )
    options = parser.parse_args()
    return run_command(lambda: Demo(options.out, options.data, options.minutes).run())


class Demo:
    """One run of the demo in one folder."""

    def __init__(self, out: Path, data: Path | None, minutes: float) -> None:
        if not minutes > 0:
            raise InputError(f"--minutes {minutes:g}: give more than 0")
        self.out, self.data, self.minutes = out, data, minutes
        self.facts: dict[str, str] = {}
        self.failures: list[str] = []

    def run(self) -> None:
        """All steps, one after the other."""
        began = time.monotonic()
        if self.data is not None and not self.data.is_dir():
            raise InputError(f"DATA={self.data}: no such folder; give one with original/ and mask/")
        self.empty_folder()
        out = self.out
        self.step(
            "photographs",
            *("-m", "gfm", "matte", PHOTOGRAPHS, "--out", out / "photographs"),
        )
        self.step(
            "gallery",
            *(ROOT / "scripts/gallery.py", *image_files(PHOTOGRAPHS)),
            *("--columns", 2, "--height", 240, "--out", out / "photographs.jpg"),
        )
        if self.data is None:
            self.draw()
        else:
            self.divide(self.data)
        self.measure("before", MODEL)
        self.step(
            "build",
            *("-m", "rssn.build", "--foregrounds", out / "train"),
            *("--backgrounds", out / "train/backgrounds", "--out", out / "shards"),
            *("--route", ROOT / "configs/demo_route.yaml", "--size", SIDE),
            *("--k", min(COMPOSITES, len(image_files(out / "train/backgrounds")))),
            some_may_fail=True,
        )
        self.step(
            "train",
            *("-m", "gfm", "fit", "--config", ROOT / "configs/finetune.yaml"),
            *("--config", ROOT / "configs/demo.yaml", "--model.model", MODEL),
            *("--data.shards", out / "shards", "--data.validation", out / "check"),
            *("--trainer.logger.init_args.save_dir", out / "run"),
            *("--trainer.max_time", duration(self.minutes)),
        )
        self.measure("after", out / "run/checkpoints/last.safetensors")
        self.facts["the whole path until the report"] = f"{time.monotonic() - began:.0f} s"
        (out / "facts.json").write_text(json.dumps(self.facts))
        of = "drawn scenes" if self.data is None else self.data.name
        self.step(
            "report",
            *("-m", "gfm", "report", "--photos", out / "heldout/original"),
            *("--alpha", out / "heldout/mask", "--mattes", out / "after"),
            *("--evaluation", out / "after.json", "--before", out / "before.json"),
            *("--log", out / "run/metrics.csv", "--gallery", out / "photographs.jpg"),
            *("--backgrounds", out / "heldout/backgrounds", "--facts", out / "facts.json"),
            *("--title", f"The packaged model, trained further on composites of {of}"),
            *("--out", out / "report.html"),
            *(() if self.data is not None else ("--require-better",)),
        )
        sys.stderr.write(f"\nOpen {out / 'report.html'}\n")
        if self.failures:
            raise FailedInputs(self.failures)

    def measure(self, name: str, model: object) -> None:
        """Matte what is held out, and evaluate: a folder and a JSON file of that name."""
        self.step(
            f"matte {name}",
            *("-m", "gfm", "matte", self.out / "heldout/original"),
            *("--model", model, "--out", self.out / name),
            some_may_fail=True,
        )
        self.step(
            f"evaluate {name}",
            *("-m", "gfm", "evaluate", "--pred", self.out / name / "alpha"),
            *("--alpha", self.out / "heldout/mask", "--json", self.out / f"{name}.json"),
            some_may_fail=True,
        )

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
            ("train", SCENES, BACKGROUNDS, 0),
            ("check", CHECKED, 1, 1),
            ("heldout", HELD_OUT, HELD_OUT, 2),
        ):
            self.draw_folder(folder, count, backgrounds, seed)

    def draw_folder(self, folder: str, count: int, backgrounds: int, seed: int) -> None:
        """Draw one folder of scenes."""
        self.step(
            f"draw {folder}",
            *("-m", "data_tools", "synthesize", "--out", self.out / folder, "--count", count),
            *("--backgrounds", backgrounds, "--size", SIDE, "--seed", seed),
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
                pixels = read_source(source, SIDE)
            except InputError as error:
                failures.append(str(error))
                continue
            folder = self.out / ("train" if index % 3 else "heldout")
            for kind in ("original", "mask"):
                (folder / kind).mkdir(parents=True, exist_ok=True)
            write_rgb(folder / "original" / f"{source.id}.png", pixels.image)
            write_alpha(folder / "mask" / f"{source.id}.png", pixels.alpha)
        self.failures += failures
        for part in ("train", "heldout"):
            if not (self.out / part).is_dir():
                raise FailedInputs([*failures, f"{data}: leaves no photograph for {part}/"])
        shutil.copytree(self.out / "heldout", self.out / "check")
        if (data / "backgrounds").is_dir():
            backgrounds = self.readable(image_files(data / "backgrounds"))
            held_out = backgrounds[::10]
            rest = [path for path in backgrounds if path not in held_out] or held_out
            for part, chosen in (("train", rest), ("heldout", held_out)):
                (self.out / part / "backgrounds").mkdir()
                for path in chosen:
                    shutil.copy(path, self.out / part / "backgrounds")
        else:
            self.draw_folder("drawn", 1, BACKGROUNDS, 0)
            for part in ("train", "heldout"):
                shutil.copytree(self.out / "drawn/backgrounds", self.out / part / "backgrounds")

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
