"""The command `python -m data_tools`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rssn.console import run_command
from rssn.errors import InputError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand and return its exit code: 0 done, 1 some inputs failed, 2 usage."""
    parser = argparse.ArgumentParser(
        prog="python -m data_tools", description="Prepare, check and draw data sets for matting."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_synthesize(commands)
    options = parser.parse_args(arguments)
    return run_command(lambda: options.run(options))


def _add_synthesize(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "synthesize",
        help="draw scenes with exact alpha, foreground and background",
        description="Draw scenes with exact alpha, foreground and background. Called again with "
        "the same settings, it draws the missing files only.",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to fill")
    parser.add_argument("--count", type=int, default=64, metavar="N", help="scenes (64)")
    parser.add_argument("--backgrounds", type=int, default=32, metavar="N", help="(32)")
    parser.add_argument("--size", default="512", metavar="N|HxW", help="pixels (512)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="0 or more (0)")
    parser.add_argument("--kinds", default=None, metavar="A,B,...", help="kinds of object (all)")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, metavar="N", help="processes (cores)"
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    parser.set_defaults(run=_synthesize)


def _synthesize(options: argparse.Namespace) -> None:
    from data_tools.scenes.folder import Settings, write_scenes
    from data_tools.scenes.kinds import KINDS

    height, width = _size(options.size)
    kinds = tuple(KINDS) if options.kinds is None else tuple(options.kinds.split(","))
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


if __name__ == "__main__":
    sys.exit(main())
