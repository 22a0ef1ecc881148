"""Writing scenes and backgrounds to a folder, each file a function of its own settings alone."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from data_tools.scenes.backgrounds import draw_background
from data_tools.scenes.kinds import KINDS
from data_tools.scenes.objects import check_size
from data_tools.scenes.scene import draw_scene
from rssn.console import progress
from rssn.errors import InputError
from rssn.images import encode_alpha, encode_rgb

VERSION = 1  # of the drawing: raise it when the same seed gives another picture
RECORD = "scenes.json"
PARTS = ("original", "mask", "fg", "bg")


@dataclass(frozen=True)
class Settings:
    """What a folder of scenes holds.

    Attributes:
        count: Number of scenes.
        backgrounds: Number of backgrounds.
        height: Height of all pictures in pixels.
        width: Width of all pictures in pixels.
        seed: The number that all pictures come from, 0 or more.
        kinds: Kinds of object, taken in turn.
        version: Of the drawing code.
    """

    count: int = 64
    backgrounds: int = 32
    height: int = 512
    width: int = 512
    seed: int = 0
    kinds: tuple[str, ...] = tuple(KINDS)
    version: int = VERSION

    def __post_init__(self) -> None:
        check_size(self.height, self.width)
        for name in ("count", "backgrounds", "seed"):
            if (value := getattr(self, name)) < 0:
                raise InputError(f"{name}={value} is negative; give 0 or more")
        unknown = [kind for kind in self.kinds if kind not in KINDS]
        if unknown or not self.kinds:
            raise InputError(f"kinds={','.join(self.kinds)!r}: choose from {', '.join(KINDS)}")


def write_scenes(folder: Path, settings: Settings, workers: int = 1, quiet: bool = False) -> None:
    """Draw what is missing of a folder of scenes and backgrounds.

    Writes `original/NAME.png`, `mask/NAME.png`, `fg/NAME.png`, `bg/NAME.png`,
    `backgrounds/bg_NNNN.jpg` and, first, `scenes.json` with the settings. The bytes of a file
    depend on seed, size and its own index and kind, not on the workers or on other files.

    Args:
        folder: Where to write; made where it does not exist.
        settings: What to draw.
        workers: Processes to draw with.
        quiet: Show no progress.

    Raises:
        InputError: The folder holds something else, or fewer than one worker.
    """
    if workers < 1:
        raise InputError(f"workers={workers} is not possible; give 1 or more")
    _claim(folder, settings)
    for name in (*PARTS, "backgrounds"):
        (folder / name).mkdir(exist_ok=True)
    jobs: list[Callable[[], None]] = [
        partial(_write_scene, folder, settings, index) for index in range(settings.count)
    ]
    jobs += [partial(_write_background, folder, settings, i) for i in range(settings.backgrounds)]
    workers = min(workers, max(len(jobs), 1))
    for _ in progress(_done(jobs, workers), "drawing", total=len(jobs), quiet=quiet):
        pass


def _claim(folder: Path, settings: Settings) -> None:
    """Take an empty folder, or one that holds the first pictures of the same settings."""
    record = folder / RECORD
    wanted = json.loads(json.dumps(asdict(settings)))
    if record.is_file():
        try:
            found = json.loads(record.read_text())
        except ValueError as error:
            raise InputError(f"{record}: is not JSON ({error}); give another --out") from None
        if not isinstance(found, dict):
            raise InputError(f"{record}: is not a record of settings; give another --out")
        differing = [name for name in wanted if found.get(name) != wanted[name]]
        grows = all(
            found.get(n, 0) <= wanted[n] for n in differing if n in ("count", "backgrounds")
        )
        if not grows or not {"count", "backgrounds"}.issuperset(differing):
            raise InputError(
                f"{folder}: holds scenes of other settings ({', '.join(differing)} differ); "
                "give another --out, or the settings in its scenes.json"
            )
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: is not an empty folder; give another --out")
    folder.mkdir(parents=True, exist_ok=True)
    _write(record, (json.dumps(wanted, indent=2) + "\n").encode())


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
        _write(path, data)


def _write_background(folder: Path, settings: Settings, index: int) -> None:
    path = folder / "backgrounds" / f"bg_{index:04d}.jpg"
    if not path.exists():
        rng = np.random.default_rng([settings.seed, 1, index])
        _write(path, encode_rgb(draw_background(rng, settings.height, settings.width)))


def _write(path: Path, data: bytes) -> None:
    """Write under a temporary name first, so that a file that exists is whole."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_bytes(data)
    part.replace(path)


def _done(jobs: Iterable[Callable[[], None]], workers: int) -> Iterator[None]:
    """Run the jobs and yield once for each that is done."""
    if workers == 1:
        for job in jobs:
            yield job()
        return
    # One thread each: the processes share the cores, and forked OpenCV threads can hang.
    with ProcessPoolExecutor(
        workers, get_context("spawn"), initializer=cv2.setNumThreads, initargs=(1,)
    ) as pool:
        yield from pool.map(_run, jobs)


def _run(job: Callable[[], None]) -> None:
    job()
