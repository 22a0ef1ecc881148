"""The group tables of docs/lite.md, from the `bench.json` of `gfm bench`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gfm.bench.intervals import mean_of
from rssn.imaging.console import run_command

GROUPS = {"am": "toys, plants, objects", "p3m": "portraits"}  # by the names' beginnings
OTHERS = "cut-outs of all kinds"


def main() -> int:
    """The command; 0 done, 2 usage."""
    parser = argparse.ArgumentParser(prog="lite_table", description=__doc__)
    parser.add_argument("bench", type=Path, help="bench.json")
    options = parser.parse_args()
    return run_command(lambda: run(options.bench))


def run(bench: Path) -> None:
    """Show both tables as Markdown."""
    methods = [
        each for each in json.loads(bench.read_text())["methods"] if not each["needs_trimap"]
    ]
    sys.stdout.write(f"{group_table(methods)}\n{table(methods)}")


def group_of(name: str) -> str:
    """The group of a photograph."""
    return GROUPS.get(name.partition("_")[0], OTHERS)


def group_table(methods: Sequence[dict[str, Any]]) -> str:
    """A row for each method, MAD with its interval and Grad for each group."""
    groups = [*GROUPS.values(), OTHERS]
    lines = ["| | " + " | ".join(f"{group} MAD | Grad" for group in groups) + " |"]
    lines.append("|---" + "|---:" * 2 * len(groups) + "|")
    for method in methods:
        cells = []
        for group in groups:
            images = [each for each in method["images"] if group_of(each["name"]) == group]
            mad, grad = (mean_of([each[name] for each in images]) for name in ("mad", "grad"))
            cells += (
                ["–", "–"]
                if mad is None or grad is None
                else [
                    f"{mad.value:.4f} ({mad.low:.3f} to {mad.high:.3f})",
                    f"{grad.value:.1f}",
                ]
            )
        lines.append(f"| {method['name']} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def table(methods: Sequence[dict[str, Any]]) -> str:
    """MAD / MSE / Grad of each photograph, worst first by the first method."""
    found = {m["name"]: {each["name"]: each for each in m["images"]} for m in methods}
    first = found[methods[0]["name"]]
    lines = ["| photograph | " + " | ".join(f"{name} MAD / MSE / Grad" for name in found) + " |"]
    lines.append("|---" * (len(found) + 1) + "|")
    for name in sorted(first, key=lambda name: -first[name]["mad"]):
        cells = [
            "{mad:.4f} / {mse:.4f} / {grad:.1f}".format(**images[name]) if name in images else "–"
            for images in found.values()
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
