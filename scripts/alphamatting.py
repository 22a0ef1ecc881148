"""Matte and measure the photographs of alphamatting.com, by the type of their trimaps.

    python -m data_tools prepare --layout alphamatting --source DIR --out alphamatting
    python scripts/alphamatting.py --data alphamatting --model fba.safetensors --out results

Takes every split of the folder. Those with mattes are measured in the unknown region by the
convention of LSA matting, whose figures are the published ones; those without are the site's test
photographs, whose mattes are to be sent there. Further options go to `gfm matte`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from gfm.__main__ import main as run_gfm
from gfm.evaluation.evaluate import Report, evaluate_folders
from gfm.evaluation.published_trimaps import table_beside
from gfm.metrics.inputs import Convention
from rssn.imaging.console import run_command
from rssn.imaging.errors import FailedInputs, InputError
from rssn.imaging.files import whole_file
from rssn.imaging.licences import prepared_data

DATA = "alphamatting"
CONVENTION: Convention = "lsa"
TYPES = {"trimap2": "large", "trimap3": "user"}  # by the end of a split's name; the others: small


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 0 done, 1 some photographs failed, 2 usage."""
    parser = argparse.ArgumentParser(prog="alphamatting", description=__doc__)
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="DIR", help="folder of data_tools prepare")
    add("--model", required=True, help="what gfm matte takes")
    add("--out", type=Path, required=True, metavar="DIR", help="gets mattes and results.json")
    options, more = parser.parse_known_args(arguments)
    return run_command(lambda: run(options, more))


def run(options: argparse.Namespace, more: Sequence[str]) -> None:
    """Matte all splits, measure those with mattes, and show the table."""
    splits = sorted(
        f.parent for f in options.data.glob("*/trimap") if prepared_data(f.parent) == DATA
    )
    if not splits:
        raise InputError(f"{options.data}: no split of data_tools prepare --layout {DATA} in it")
    reports: dict[str, Report] = {}
    for split in splits:
        out = options.out / split.name
        matte(split, out, options.model, more)
        if (split / "mask").is_dir():
            mattes, truth, trimaps = out / "alpha", split / "mask", split / "trimap"
            reports[label(split.name)] = evaluate_folders(
                mattes, truth, trimaps, CONVENTION, 1, True
            )
        else:
            sys.stdout.write(f"{label(split.name)}: mattes to send to the site: {out / 'alpha'}\n")
    means = {name: report.means for name, report in reports.items() if report.images}
    content = {"model": options.model, "convention": CONVENTION, "means": means}
    with whole_file(options.out / "results.json") as part:
        part.write_text(json.dumps(content, indent=2) + "\n")
    if (table := table_beside(means, DATA, CONVENTION)) is not None:
        Console().print(table)
    if failures := [line for report in reports.values() for line in report.failures]:
        raise FailedInputs(failures)


def matte(split: Path, out: Path, model: str, more: Sequence[str]) -> None:
    """Matte a split by its trimaps."""
    code = run_gfm(
        [
            *("matte", str(split / "original"), "--trimap", str(split / "trimap")),
            *("--model", model, "--outputs", "alpha", "--out", str(out), *more),
        ]
    )
    if code:
        raise InputError(f"{split}: gfm matte ended with exit code {code}; see above")


def label(split: str) -> str:
    """A split as the table calls it: set, resolution, type of the trimaps."""
    kind, size, *end = split.split("-")
    return f"{kind}, {size}, {TYPES[end[0]] if end else 'small'} trimaps"


if __name__ == "__main__":
    sys.exit(main())
