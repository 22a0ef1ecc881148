"""`python -m gfm convert RELEASED.pth --system NAME ... --out MODEL.safetensors`."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import get_args

from gfm.checkpoints.files import save_model
from gfm.models.contract import ConvertOption
from gfm.models.registry import DEFAULT, SYSTEMS, get_system
from rssn.imaging.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("checkpoint", type=Path, metavar="RELEASED.pth")
    parser.add_argument(
        "--system", choices=list(SYSTEMS), default=DEFAULT, help=f"(default {DEFAULT})"
    )
    parser.add_argument("--variant", help="2020 or head of fba; stream or no_stream of clicks")
    parser.add_argument("--backbone", help="encoder of a GFM checkpoint: r34, r34_2b, d121 or r101")
    parser.add_argument("--rosta", help="representation of a GFM checkpoint: TT, FT, BT or RIM")
    parser.add_argument("--out", required=True, type=Path, metavar="MODEL.safetensors")


def run(options: argparse.Namespace) -> None:
    """Convert, and report what the checkpoint held besides.

    Raises:
        InputError: The checkpoint cannot be read or does not fit, or an option has no effect.
    """
    system = get_system(options.system)
    given = {name: getattr(options, name) for name in get_args(ConvertOption)}
    given = {name: value for name, value in given.items() if value is not None}
    for name in given:
        if name not in system.convert_options:
            raise InputError(
                f"--{name} {given[name]}: has no effect with --system {system.name}; leave it out"
            )
    conversion = system.convert(options.checkpoint, **given)
    save_model(conversion.model, options.out)
    groups = Counter(key.split(".")[0] for key in conversion.unused)
    left = ", ".join(f"{count} of {group}.*" for group, count in groups.items()) or "nothing"
    sys.stdout.write(f"{options.out}: written; not needed: {left}\n")
    for licence in conversion.model.licences:
        sys.stdout.write(f"licence of {licence.source}: {licence.licence}\n")
