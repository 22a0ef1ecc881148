"""`data_tools synthesize`: a folder of drawn scenes."""

from __future__ import annotations

import argparse
from pathlib import Path

from data_tools.scenes.folder import Settings, write_scenes
from data_tools.scenes.kinds import DEFAULT_KINDS, KINDS
from data_tools.work import add_work_options
from rssn.imaging.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = "Called again with the same settings, it draws the missing files only."
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to fill")
    parser.add_argument("--count", type=int, default=64, metavar="N", help="scenes (64)")
    parser.add_argument("--backgrounds", type=int, default=32, metavar="N", help="(32)")
    parser.add_argument("--size", default="512", metavar="N|HxW", help="pixels (512)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="0 or more (0)")
    parser.add_argument(
        "--kinds",
        default=",".join(DEFAULT_KINDS),
        metavar="A,B,...",
        help=f"kinds of object, of {', '.join(KINDS)} (%(default)s)",
    )
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
