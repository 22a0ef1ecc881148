"""Train the same light network on composites of several routes, and test it on photographs.

    python scripts/experiment_routes.py --collection DIR --out DIR

`coco` composes over pictures with a subject, `bg20k` over as many without, `rssn` over the latter
with all its steps; `rssn-STEP` leaves one step out. Sources are prepared once; the loader composes
anew in every epoch. Each route and seed is a cell with files of its own. A cell that was cut off
goes on from its last checkpoint, several processes share the cells, and `table.md` always shows
those that are finished.

The collection holds `photos` (every third is left out), `labelled/ccp`, `cutouts` (every fourth is
left out) and `cutouts_more` as foregrounds; `backgrounds`, `backgrounds_more` and, for `coco`,
`labelled/ecssd` (without the last 50); and `validation`, the photographs to test on.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import gfm
from data_tools.scenes.folder import Settings, write_scenes
from gfm.__main__ import main as run_gfm
from gfm.metrics import METRICS, evaluate
from rssn import ROUTES, estimate_foreground
from rssn.build.builder import BuildOptions, build
from rssn.build.sources import Source, find_sources, read_source
from rssn.imaging.console import progress, run_command
from rssn.imaging.errors import InputError
from rssn.imaging.files import whole_file
from rssn.imaging.images import image_files
from rssn.imaging.writing import write_rgba
from rssn.route.compose import STEPS, RouteOptions

CONFIG = Path(__file__).resolve().parents[1] / "configs/routes.yaml"
SIDE = 192  # px, of foregrounds and backgrounds on the shorter side
TEST_SIDE = 160  # px, of test photographs
BATCH = 16
SCENES = 60  # drawn foregrounds
EVERY_PERSON = 4  # of labelled/ccp
KEPT_LAST = 50  # of labelled/ecssd, which other measurements are made with
DRAWS = 10_000  # of the bootstrap
FULL = "rssn"
Cell = tuple[str, int]  # route and seed
Rows = dict[str, dict[str, float]]  # metrics of each photograph


def main() -> int:
    """The command; 0 done, 2 usage."""
    parser = argparse.ArgumentParser(prog="experiment_routes", description=__doc__)
    add = parser.add_argument
    add("--collection", type=Path, required=True, metavar="DIR", help="see above")
    add("--samples", type=int, default=8192, help="of each training (8192)")
    add("--seeds", type=int, default=3)
    add("--out", type=Path, required=True, metavar="DIR")
    options = parser.parse_args()
    return run_command(lambda: run(options))


def run(options: argparse.Namespace) -> None:
    """Prepare the sources, train and test every cell, and write the table after each."""
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    with locked(out / "preparation.lock"):
        shards = prepare(options.collection, out)
    tests, failures = find_sources(options.collection / "validation")
    if failures:
        raise InputError(f"{options.collection / 'validation'}: {'; '.join(failures)}")
    for seed in range(options.seeds):
        for name, route in routes().items():
            result = out / f"{name}_{seed}.json"
            with locked(out / f"{name}_{seed}.lock", wait=False) as mine:
                if mine and not result.is_file():
                    plain = shards["coco" if name == "coco" else FULL]
                    model = train(out, (name, seed), plain, route, options.samples // BATCH)
                    with whole_file(result) as part:
                        part.write_text(json.dumps(test(model, tests)))
                    (out / "table.md").write_text(table(read_cells(out)))
    sys.stdout.write(table(read_cells(out)))


def routes() -> dict[str, RouteOptions]:
    """The routes that are compared."""
    full = replace(ROUTES[FULL], shorter_side=SIDE, blur_reference=1080)
    plain = replace(ROUTES["bg20k"], shorter_side=SIDE)
    without: dict[str, dict[str, Any]] = {step: {f"{step}_probability": 0.0} for step in STEPS}
    less = {f"rssn-{step}": replace(full, **changed) for step, changed in without.items()}
    return {FULL: full, "bg20k": plain, "coco": plain, **less}


@contextmanager
def locked(path: Path, wait: bool = True) -> Iterator[bool]:
    """Hold a lock file; True if it is ours, as it always is for those who wait."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True


def prepare(collection: Path, out: Path) -> dict[str, Path]:
    """Shards of sources, by the route that they are built for."""
    foregrounds = out / "foregrounds"
    if not foregrounds.is_dir():
        gather_foregrounds(collection, out)
    plain = image_files(collection / "backgrounds") + image_files(collection / "backgrounds_more")
    ecssd = image_files(collection / "labelled/ecssd/original")[:-KEPT_LAST]
    chosen = np.linspace(0, len(ecssd) - 1, len(plain)).round().astype(int)
    made = {}
    for name, pictures in ((FULL, plain), ("coco", [ecssd[number] for number in chosen])):
        folder = out / f"backgrounds_{name}"
        folder.mkdir(exist_ok=True)
        for path in pictures:
            link = folder / f"{path.parent.name}_{path.name}"
            if not link.is_symlink():
                link.symlink_to(path.resolve())
        made[name] = out / f"shards_{name}"
        options = BuildOptions(routes()[name], content="sources", extend=True)
        build(
            *(foregrounds, folder, made[name], options),
            workers=1,
            resume=True,
            cache=out / "cache",
            quiet=False,
        )
    return made


def gather_foregrounds(collection: Path, out: Path) -> None:
    """Write every foreground as an RGBA image of the experiment's size."""
    write_scenes(out / "scenes", Settings(count=SCENES, backgrounds=1, height=SIDE, width=SIDE))
    cutouts = find_sources(collection / "cutouts")[0]
    more = find_sources(collection / "cutouts_more")[0]
    sources = [
        *(each for n, each in enumerate(find_sources(collection / "photos")[0]) if n % 3),
        *find_sources(collection / "labelled/ccp")[0][::EVERY_PERSON],
        *(each for n, each in enumerate(cutouts) if n % 4),
        *(each for each in more if not each.id.startswith("emoji")),
        *find_sources(out / "scenes")[0],
    ]
    part = out / "foregrounds.part"
    part.mkdir(parents=True, exist_ok=True)
    for number, source in enumerate(progress(sources, "foregrounds")):
        pixels = read_source(source, SIDE)
        image = pixels.image
        if source.is_photograph:
            image = estimate_foreground(image, pixels.alpha)
        write_rgba(part / f"{number:04d}_{source.id}.png", image, pixels.alpha)
    part.rename(out / "foregrounds")


def train(out: Path, cell: Cell, shards: Path, route: RouteOptions, steps: int) -> Path:
    """Train a cell, or go on with it; returns the model's file."""
    name, seed = cell
    folder = out / f"run_{name}_{seed}"
    last = folder / "checkpoints/last.ckpt"
    going_on = ["--ckpt_path", str(last)] if last.is_file() else []
    (folder / "config.yaml").unlink(missing_ok=True)  # which Lightning does not write over
    code = run_gfm(
        [
            *("fit", "--config", str(CONFIG), "--data.shards", str(shards)),
            *("--data.route", json.dumps(route.as_dict()), "--seed_everything", str(seed)),
            *("--trainer.max_steps", str(steps), "--quiet"),
            *("--trainer.logger.init_args.save_dir", str(folder), *going_on),
        ]
    )
    if code:
        raise InputError(f"{folder}: training ended with exit code {code}; see above")
    return last.with_suffix(".safetensors")


def test(model_file: Path, sources: Sequence[Source]) -> Rows:
    """Errors on each photograph."""
    model = gfm.load_model(model_file, device="cpu")
    rows = {}
    for source in sources:
        pixels = read_source(source, TEST_SIDE)
        made = gfm.matte(pixels.image, model, strategy="full", foreground="none", refine="none")
        found = evaluate(made.alpha, pixels.alpha)
        rows[source.id] = {name: found[name] for name in METRICS}
    return rows


def read_cells(out: Path) -> dict[Cell, Rows]:
    """The finished cells."""
    found = {}
    for name in routes():
        for path in sorted(out.glob(f"{name}_[0-9]*.json")):
            found[name, int(path.stem.rpartition("_")[2])] = json.loads(path.read_text())
    return found


def table(cells: dict[Cell, Rows]) -> str:
    """Means over photographs and seeds, and the difference to `rssn` over the seeds of both."""
    lines = [
        "| route | seeds | MAD | SAD | MSE | Grad | Conn | MAD minus that of rssn |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name in dict.fromkeys(route for route, _ in cells):
        seeds = [seed for route, seed in cells if route == name]
        common = [seed for seed in seeds if name != FULL and (FULL, seed) in cells]
        mad = matrix(cells, name, seeds, "mad")
        means = {m: matrix(cells, name, seeds, m).mean() for m in ("sad", "mse", "grad", "conn")}
        shown = "–"
        if common:
            shown = interval(
                matrix(cells, name, common, "mad") - matrix(cells, FULL, common, "mad")
            )
        others = " | ".join(f"{value:.4g}" for value in means.values())
        lines.append(f"| {name} | {len(seeds)} | {interval(mad)} | {others} | {shown} |")
    return "\n".join(lines) + "\n"


def matrix(
    cells: dict[Cell, Rows], route: str, seeds: Sequence[int], metric: str
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """A metric by seed and photograph."""
    names = sorted(next(iter(cells.values())))
    return np.array([[cells[route, seed][name][metric] for name in names] for seed in seeds])


def interval(values: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> str:
    """The mean of (seeds, photographs), and where 95 % of its bootstrap lie.

    Seeds and photographs are both drawn anew.
    """
    rng = np.random.default_rng(0)
    seeds, photographs = (rng.integers(count, size=(DRAWS, count)) for count in values.shape)
    means = values[seeds[:, :, None], photographs[:, None, :]].mean(axis=(1, 2))
    low, high = np.quantile(means, (0.025, 0.975))
    return f"{values.mean():.4f} ({low:.4f} to {high:.4f})"


if __name__ == "__main__":
    sys.exit(main())
