"""`data_tools synthesize`: a folder of drawn scenes and backgrounds."""

from __future__ import annotations

import argparse
import json
import operator
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from data_tools.records import read_record, write_json
from data_tools.scenes.backgrounds import draw_background
from data_tools.scenes.kinds import DEFAULT_KINDS, KINDS
from data_tools.scenes.objects import LEAST_SIDE
from data_tools.scenes.scene import draw_scene
from data_tools.work import add_work_options, in_order
from rssn.imaging.errors import InputError, check_least
from rssn.imaging.files import write_whole
from rssn.imaging.writing import encode_alpha, encode_rgb

VERSION = 1  # of the drawing: raise it when the same seed gives another picture
RECORD = "scenes.json"
PARTS = ("original", "mask", "fg", "bg")
COUNTS = ("count", "backgrounds")  # may be raised later


@dataclass(frozen=True)
class Settings:
    """Content of a folder of scenes.

    Attributes:
        count: Number of scenes.
        backgrounds: Number of backgrounds.
        height: Height of all pictures in pixels.
        width: Width of all pictures in pixels.
        seed: Source of all pictures, 0 or more.
        kinds: Kinds of object, taken in turn; not all of `KINDS` by default.
        version: Of the drawing code.
    """

    count: int = 64
    backgrounds: int = 32
    height: int = 512
    width: int = 512
    seed: int = 0
    kinds: tuple[str, ...] = DEFAULT_KINDS
    version: int = VERSION

    def __post_init__(self) -> None:
        check_least(LEAST_SIDE, height=self.height, width=self.width)
        check_least(0, count=self.count, backgrounds=self.backgrounds, seed=self.seed)
        unknown = [kind for kind in self.kinds if kind not in KINDS]
        if unknown or not self.kinds:
            raise InputError(f"kinds={','.join(self.kinds)!r}: choose from {', '.join(KINDS)}")


def write_scenes(
    folder: Path, settings: Settings, workers: int | None = 1, quiet: bool = False
) -> None:
    """Draw the missing files of a folder of scenes and backgrounds.

    Writes `original/NAME.png`, `mask/NAME.png`, `fg/NAME.png`, `bg/NAME.png`,
    `backgrounds/bg_NNNN.jpg` and, first, `scenes.json` with the settings. The bytes of a file
    depend on seed, size and its own index and kind, not on the workers (None takes one per core) or
    on other files. An `InputError` if the folder holds something else.
    """
    _claim(folder, settings)
    for name in (*PARTS, "backgrounds"):
        (folder / name).mkdir(exist_ok=True)
    jobs: list[Callable[[], None]] = [
        partial(_write_scene, folder, settings, index) for index in range(settings.count)
    ]
    jobs += [partial(_write_background, folder, settings, i) for i in range(settings.backgrounds)]
    in_order(operator.call, jobs, "drawing", workers, quiet)


def _claim(folder: Path, settings: Settings) -> None:
    """Check that a folder is empty, or holds the first pictures of the same settings."""
    wanted = json.loads(json.dumps(asdict(settings)))  # with lists for tuples
    found = read_record(folder / RECORD, _read_settings)
    if found is not None:
        differing = [name for name in wanted if found.get(name) != wanted[name]]
        if any(name not in COUNTS or found[name] > wanted[name] for name in differing):
            raise InputError(
                f"{folder}: holds scenes of other settings ({', '.join(differing)} differ); "
                "give another --out, or the settings in its scenes.json"
            )
    write_json(folder / RECORD, wanted)


def _read_settings(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, **{name: int(record[name]) for name in COUNTS}}


def _write_scene(folder: Path, settings: Settings, index: int) -> None:
    kind = settings.kinds[index % len(settings.kinds)]
    paths = [folder / part / f"{kind}_{index:04d}.png" for part in PARTS]
    if all(path.exists() for path in paths):
        return
    rng = np.random.default_rng([settings.seed, 0, index])
    scene = draw_scene(rng, settings.height, settings.width, kind)
    encoded = (
        encode_rgb(scene.image, "png"),
        encode_alpha(scene.alpha),
        encode_rgb(scene.foreground, "png"),
        encode_rgb(scene.background, "png"),
    )
    for path, data in zip(paths, encoded, strict=True):
        write_whole(path, data)


def _write_background(folder: Path, settings: Settings, index: int) -> None:
    path = folder / "backgrounds" / f"bg_{index:04d}.jpg"
    if not path.exists():
        rng = np.random.default_rng([settings.seed, 1, index])
        write_whole(path, encode_rgb(draw_background(rng, settings.height, settings.width)))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = "Called again with the same settings, it draws the missing files only."
    add = parser.add_argument
    add("--out", type=Path, required=True, metavar="DIR", help="folder to fill")
    add("--count", type=int, default=64, metavar="N", help="scenes (64)")
    add("--backgrounds", type=int, default=32, metavar="N", help="(32)")
    add("--size", default="512", metavar="N|HxW", help="pixels (512)")
    add("--seed", type=int, default=0, metavar="N", help="0 or more (0)")
    kinds = f"kinds of object, of {', '.join(KINDS)} (%(default)s)"
    add("--kinds", default=",".join(DEFAULT_KINDS), metavar="A,B,...", help=kinds)
    add_work_options(parser)


def run(options: argparse.Namespace) -> None:
    """Draw the scenes."""
    height, width = _size(options.size)
    kinds = tuple(options.kinds.split(","))
    settings = Settings(
        options.count, options.backgrounds, height, width, seed=options.seed, kinds=kinds
    )
    write_scenes(options.out, settings, options.workers, options.quiet)


def _size(text: str) -> tuple[int, int]:
    """Read '512' or '384x512' as height and width."""
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(side.isdecimal() for side in sides):
        raise InputError(
            f"--size {text!r} is not a size; give pixels like 512, or HxW like 384x512"
        )
    return int(sides[0]), int(sides[-1])
