"""Do the composition routes matter? The same small network on composites of three routes.

Foregrounds come from photographs with mattes (F estimated), cut-outs and drawn scenes; every third
photograph is held out and only tested on. `coco` composes on pictures that show something, `bg20k`
on pictures that show nothing in particular, `rssn` on these with all its steps. Each route is
trained with several seeds for equally many steps; the table says means and spreads. A run that was
cut off goes on where it stood: finished trainings are kept.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import gfm
from data_tools.scenes.folder import Settings, write_scenes
from gfm.__main__ import main as run_gfm
from gfm.metrics import METRICS, evaluate
from rssn import ROUTES, estimate_foreground
from rssn.build.builder import BuildOptions, build
from rssn.build.sources import Source, find_sources, read_source
from rssn.imaging.console import progress, run_command
from rssn.imaging.errors import InputError
from rssn.imaging.images import image_files
from rssn.imaging.writing import write_rgba

ROOT = Path(__file__).resolve().parents[1]
SIDE = 256  # px, of foregrounds, backgrounds and test photographs on the shorter side


def main() -> int:
    """The command; 0 done, 2 usage."""
    parser = argparse.ArgumentParser(prog="experiment_routes", description=__doc__)
    add = parser.add_argument
    add("--photographs", type=Path, required=True, help="folder with original/ and mask/")
    add("--cutouts", type=Path, nargs="*", default=[], help="folders of RGBA images")
    add("--backgrounds", type=Path, nargs="+", required=True, help="pictures without a subject")
    add("--pictures", type=Path, nargs="+", required=True, help="pictures that show something")
    add("--leave-out", nargs="*", default=[], metavar="NAME", help="pictures not to be used")
    add("--scenes", type=int, default=60, help="drawn foregrounds (60)")
    add("--steps", type=int, default=900, help="of each training, 16 crops each (900)")
    add("--seeds", type=int, default=3)
    add("--out", type=Path, required=True)
    options = parser.parse_args()
    return run_command(lambda: run(options))


def run(options: argparse.Namespace) -> None:
    """Gather the material, train every route with every seed, test, and write the table."""
    sources, failures = find_sources(options.photographs)
    if failures or len(sources) < 3:
        raise InputError(f"{options.photographs}: {failures or 'holds fewer than 3 photographs'}")
    tests = sources[::3]
    foregrounds = options.out / "foregrounds"
    if not foregrounds.is_dir():
        kept = [source for source in sources if source not in tests]
        gather_foregrounds(options.out, [*kept, *cutouts(options.cutouts)], options.scenes)
    rows = []
    for route, folders in routes(options).items():
        shards = build_sources(options.out, route, folders, options.leave_out)
        for seed in range(options.seeds):
            result = options.out / f"{route}_{seed}.json"
            if not result.is_file():
                model = train(options.out, shards, route, seed, options.steps)
                result.write_text(json.dumps(test(model, tests)))
            rows.append({"route": route, "seed": seed, **json.loads(result.read_text())})
    table = summary(rows)
    (options.out / "table.md").write_text(table)
    sys.stdout.write(table)


def routes(options: argparse.Namespace) -> dict[str, Sequence[Path]]:
    """The routes and their backgrounds."""
    plain = options.backgrounds
    return {"coco": options.pictures, "bg20k": plain, "rssn": plain}


def cutouts(folders: Sequence[Path]) -> Iterator[Source]:
    """All RGBA images of some folders."""
    for folder in folders:
        yield from find_sources(folder)[0]


def gather_foregrounds(out: Path, sources: Sequence[Source], scenes: int) -> None:
    """Write every foreground as an RGBA image of the experiment's size."""
    write_scenes(out / "scenes", Settings(count=scenes, backgrounds=1, height=SIDE, width=SIDE))
    drawn = find_sources(out / "scenes")[0]
    part = out / "foregrounds.part"
    part.mkdir(parents=True, exist_ok=True)
    for source in progress([*sources, *drawn], "foregrounds"):
        pixels = read_source(source, SIDE)
        image = pixels.image
        if source.is_photograph:
            image = estimate_foreground(image, pixels.alpha)
        write_rgba(part / f"{source.id}.png", image, pixels.alpha)
    part.rename(out / "foregrounds")


def build_sources(out: Path, route: str, folders: Sequence[Path], leave_out: Sequence[str]) -> Path:
    """Shards of sources for one route, composed anew in every epoch while training."""
    pictures = out / f"pictures_{route}"
    pictures.mkdir(exist_ok=True)
    for folder in folders:
        for path in image_files(folder):
            target = pictures / f"{folder.name}_{path.name}"
            if path.stem not in leave_out and not target.is_symlink():
                target.symlink_to(path.resolve())
    options = replace(ROUTES[route], shorter_side=SIDE, blur_reference=1080)
    shards = out / f"shards_{route}"
    build(
        *(out / "foregrounds", pictures, shards),
        BuildOptions(options, content="sources", extend=True),
        resume=True,
        cache=out / "cache",
        quiet=False,
    )
    return shards


def train(out: Path, shards: Path, route: str, seed: int, steps: int) -> Path:
    """Train from random weights for so many steps; returns the model's file."""
    folder = out / f"run_{route}_{seed}"
    code = run_gfm(
        [
            *("fit", "--config", str(ROOT / "configs/demo.yaml"), "--data.shards", str(shards)),
            *("--data.crop.sides", "[128, 192, 256, 256]", "--seed_everything", str(seed)),
            *("--trainer.max_steps", str(steps), "--data.crop.kernel", "12"),
            *("--trainer.logger.init_args.save_dir", str(folder)),
        ]
    )
    if code:
        raise InputError(f"{folder}: training ended with exit code {code}; see above")
    return folder / "checkpoints" / "last.safetensors"


def test(model_file: Path, sources: Sequence[Source]) -> dict[str, float]:
    """Mean errors over the photographs that were held out, at the experiment's size."""
    model = gfm.load_model(model_file, device="cpu")
    rows = []
    for source in sources:
        pixels = read_source(source, SIDE)
        made = gfm.matte(pixels.image, model, d1=SIDE / 64, d2=SIDE / 96, foreground="none")
        rows.append(evaluate(made.alpha, pixels.alpha))
    return {name: statistics.fmean(row[name] for row in rows) for name in METRICS}


def summary(rows: Sequence[dict[str, object]]) -> str:
    """The table: mean and standard deviation over the seeds."""
    lines = ["| route | " + " | ".join(name.upper() for name in METRICS) + " |"]
    lines.append("|---" * (len(METRICS) + 1) + "|")
    for route in dict.fromkeys(str(row["route"]) for row in rows):
        cells = []
        for name in METRICS:
            values = [float(str(row[name])) for row in rows if row["route"] == route]
            spread = statistics.stdev(values) if len(values) > 1 else 0.0
            cells.append(f"{statistics.fmean(values):.4g} ± {spread:.2g}")
        lines.append(f"| {route} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
