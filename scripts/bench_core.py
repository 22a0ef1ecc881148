"""Measure an installation: its size on disk, and the first matte of a fresh process.

    python scripts/bench_core.py                                  # this environment
    python scripts/bench_core.py --python core/bin/python         # another one, such as the core's

Seconds are the median of `--runs` processes: by the clock, and of the cores, which other programs
on the machine change less. Memory is the greatest that the process held.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from rssn.imaging.console import run_command
from rssn.imaging.errors import InputError

SIZES = """
import json
from importlib import metadata
sizes = {}
for each in metadata.distributions():
    files = [each.locate_file(name) for name in each.files or ()]
    sizes[each.name] = sum(file.stat().st_size for file in files if file.is_file())
print(json.dumps(sizes))
"""
TOOLS = {"pip", "setuptools", "wheel"}  # of the environment itself

START = """
import resource, sys
{code}
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
NETWORK = """
import gfm
from gfm.checkpoints.files import load_network
from gfm.checkpoints.packaged import STATE, find_packaged
"""
WAYS = {
    "ONNX Runtime": "import gfm; gfm.matte(sys.argv[1], refine='none')",
    "ONNX Runtime, refined": "import gfm; gfm.matte(sys.argv[1])",
    "PyTorch": f"{NETWORK}gfm.matte(sys.argv[1], load_network('lite', 'cpu'), refine='none')",
    "PyTorch, refined": (
        f"{NETWORK}gfm.matte(sys.argv[1], load_network('lite', 'cpu'), "
        "refine=str(find_packaged('guided', STATE)))"
    ),
    "import rembg": "import rembg",
}
PHOTOGRAPH = Path("examples/photographs/portrait.jpg")
NEEDS = {"PyTorch": "torch", "PyTorch, refined": "torch", "import rembg": "rembg"}


class Start(NamedTuple):
    """A process: seconds by the clock, seconds of cores, and bytes at most."""

    seconds: float
    cores: float
    memory: int


def main() -> int:
    """The command; 0 done, 2 usage."""
    parser = argparse.ArgumentParser(prog="bench_core", description=__doc__)
    add = parser.add_argument
    add("--python", type=Path, default=Path(sys.executable), help="of the environment (this one)")
    add(
        "--photograph",
        type=Path,
        default=Path("examples/photographs/portrait.jpg"),
        help="to matte",
    )
    add("--runs", type=int, default=10, help="processes for each way")
    add("--ways", nargs="+", choices=WAYS, default=list(WAYS), metavar="WAY")
    options = parser.parse_args()
    return run_command(lambda: measure(options))


def measure(options: argparse.Namespace) -> None:
    """Print sizes and starts.

    Raises:
        InputError: No such photograph or Python, or fewer than one run.
    """
    for file in (options.python, options.photograph):
        if not file.is_file():
            raise InputError(f"{file}: no such file; check the path")
    if options.runs < 1:
        raise InputError(f"--runs {options.runs}: give 1 or more")
    sizes = json.loads(_output(options.python, SIZES))
    kept = {name: size for name, size in sizes.items() if name not in TOOLS}
    for name, size in sorted(kept.items(), key=lambda pair: -pair[1])[:8]:
        print(f"{name:28} {size / 1e6:8.1f} MB")
    print(f"{'all packages':28} {sum(kept.values()) / 1e6:8.1f} MB, {len(kept)} of them")
    for way in options.ways:
        if way in NEEDS and NEEDS[way] not in map(str.lower, sizes):
            print(f"{way:28} {NEEDS[way]} is not installed")
            continue
        starts = [start(options.python, way, options.photograph) for _ in range(options.runs)]
        seconds, cores, memory = map(statistics.median, zip(*starts, strict=True))
        print(f"{way:28} {seconds:6.2f} s, {cores:6.2f} s of cores, {memory / 1e6:6.0f} MB")


def start(python: Path, way: str, photograph: Path) -> Start:
    """A fresh process that mattes a photograph."""
    before, began = os.times(), time.perf_counter()
    told = _output(python, START.format(code=WAYS[way]), str(photograph.resolve()))
    seconds, after = time.perf_counter() - began, os.times()
    cores = after.children_user + after.children_system
    cores -= before.children_user + before.children_system
    return Start(seconds, cores, int(told.split()[-1]) * 1024)


def _output(python: Path, code: str, *arguments: str) -> str:
    given = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with TemporaryDirectory() as folder:  # or the repository would be imported
        done = subprocess.run(
            [python.absolute(), "-c", code, *arguments],
            capture_output=True,
            text=True,
            cwd=folder,
            env=given,
        )
    if done.returncode:
        raise InputError(f"{python}: fails ({done.stderr.strip().splitlines()[-1]})")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
