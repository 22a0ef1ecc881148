"""Measure corrections by clicks: MAD and SAD after each click, NoC@90, beside GrabCut.

Every set is a folder with original/ and mask/; of `davis` and `ecssd` of the collection the last 50
photographs are kept out of training. Users are the centre of the largest error and 10 px beside it;
sessions are `gfm.Session`, from nothing and from the automatic matte.
"""

from __future__ import annotations

import argparse
import json
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import gfm
from gfm.evaluation.click_models import grabcut, in_sessions
from gfm.evaluation.interaction import Matte, Model, interact
from gfm.guidance.simulated_user import UserName, make_user
from rssn.build.sources import Source, find_sources, read_source
from rssn.imaging.console import progress, run_command
from rssn.imaging.files import whole_file

USERS: tuple[UserName, ...] = ("largest", "noisy")
STARTS = ("nothing", "auto")
SHOWN = (0, 1, 3, 5)  # clicks after which errors are told
TARGET = 0.9
HARD = 0.05  # MAD from which on an automatic matte has to be halved by three clicks
RISE = 1e-6


class Row(NamedTuple):
    """A session: errors and intersections over union after 0, 1, 2 and more clicks."""

    data: str
    name: str
    user: str
    start: str
    mad: list[float]
    sad: list[float]
    iou: list[float]


def main() -> int:
    """The command; 0 done, 2 usage."""
    parser = argparse.ArgumentParser(prog="clicks_table", description=__doc__)
    add = parser.add_argument
    add("--data", type=Path, nargs="+", required=True, help="folders with original/ and mask/")
    add("--last", type=int, help="of each folder, the last photographs in name order alone")
    add("--model", default="clicks-lite", help="model that takes clicks; or grabcut")
    add("--starts", nargs="+", choices=STARTS, default=STARTS)
    add("--users", nargs="+", choices=USERS, default=USERS)
    add("--clicks", type=int, default=20, help="most clicks for NoC (default 20)")
    add("--side", type=int, help="shorter side in px that photographs are shrunk to")
    add("--out", type=Path, required=True, help="file for all sessions, .json")
    options = parser.parse_args()
    return run_command(lambda: run(options))


def run(options: argparse.Namespace) -> None:
    """Measure, write all sessions and print the table."""
    model = grabcut if options.model == "grabcut" else in_sessions(gfm.load_model(options.model))
    rows: list[Row] = []
    for folder in options.data:
        found = find_sources(folder)[0]
        for source in progress(found[-options.last :] if options.last else found, folder.name):
            rows += sessions(model, source, folder.name, options)
        with whole_file(options.out) as part:
            part.write_text(json.dumps([row._asdict() for row in rows]), encoding="utf-8")
    print("\n".join(table(rows)))


def sessions(model: Model, source: Source, data: str, options: argparse.Namespace) -> Iterator[Row]:
    """The sessions on one photograph."""
    pixels = read_source(source, options.side)
    automatic = gfm.matte(pixels.image).alpha if "auto" in options.starts else None
    for user in options.users:
        for start in options.starts:
            first = automatic if start == "auto" else None
            rng = np.random.default_rng([0, zlib.crc32(source.id.encode())])
            mattes = [np.zeros_like(pixels.alpha) if first is None else first]
            row = Row(data, source.id, user, start, [], [], [])
            add_errors(row, mattes[0], pixels.alpha)
            who = make_user(user, rng)
            for step in interact(model, pixels.image, pixels.alpha, who, options.clicks, first):
                add_errors(row, step.alpha, pixels.alpha)
                if len(row.iou) > max(SHOWN) and max(row.iou) >= TARGET:
                    break
            yield row


def add_errors(row: Row, alpha: Matte, truth: NDArray[Any]) -> None:
    """Add the figures of a matte to a session."""
    error = np.abs(alpha - truth, dtype=np.float64)
    found, wanted = alpha >= 0.5, truth >= 0.5
    union = int((found | wanted).sum())
    row.mad.append(float(error.mean()))
    row.sad.append(float(error.sum() / 1000))
    row.iou.append(int((found & wanted).sum()) / union if union else 1.0)


def table(rows: list[Row]) -> Iterator[str]:
    """Lines of the table in Markdown, one for each set, user and start."""
    heads = [f"{name}@{n}" for name in ("MAD", "SAD") for n in SHOWN]
    yield "| set | user | start | " + " | ".join(heads) + " | NoC@90 | rises | hard halved |"
    yield "|---|---|---|" + "---:|" * (len(heads) + 3)
    groups = dict.fromkeys((row.data, row.user, row.start) for row in rows)
    for group in groups:
        chosen = [row for row in rows if (row.data, row.user, row.start) == group]
        means = [
            f"{np.mean([at(getattr(row, name), n) for row in chosen]):.4f}"
            for name in ("mad", "sad")
            for n in SHOWN
        ]
        clicks = np.mean([number_of_clicks(row) for row in chosen])
        changes = np.concatenate([np.diff(row.sad[: max(SHOWN) + 1]) for row in chosen])
        rises = float((changes > RISE).mean()) if changes.size else 0.0
        hard = [row.mad[0] / 2 >= at(row.mad, 3) for row in chosen if row.mad[0] > HARD]
        halved = f"{sum(hard)} of {len(hard)}"
        cells = [*group, *means, f"{clicks:.2f}", f"{100 * rises:.1f} %", halved]
        yield "| " + " | ".join(cells) + " |"


def at(values: list[float], click: int) -> float:
    """The figure after so many clicks; the last one of a session that ended before."""
    return values[min(click, len(values) - 1)]


def number_of_clicks(row: Row, most: int = 20) -> int:
    """Clicks until the target is reached, or the most of the published evaluations."""
    return next((n for n, iou in enumerate(row.iou) if iou >= TARGET), most)


if __name__ == "__main__":
    sys.exit(main())
