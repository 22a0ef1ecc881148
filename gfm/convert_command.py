"""`python -m gfm convert RELEASED.pth --backbone ... --rosta ... --out MODEL.safetensors`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from gfm.checkpoint import save_model
from gfm.convert import RELEASED_BACKBONES, RELEASED_ROSTAS, convert


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("checkpoint", type=Path, metavar="RELEASED.pth")
    parser.add_argument("--backbone", required=True, choices=RELEASED_BACKBONES)
    parser.add_argument("--rosta", required=True, choices=RELEASED_ROSTAS)
    parser.add_argument("--out", required=True, type=Path, metavar="MODEL.safetensors")


def run(options: argparse.Namespace) -> None:
    """Convert and say what the checkpoint held besides."""
    conversion = convert(options.checkpoint, options.backbone, options.rosta)
    save_model(conversion.model, options.out)
    groups: dict[str, int] = {}
    for key in conversion.unused:
        groups[key.split(".")[0]] = groups.get(key.split(".")[0], 0) + 1
    left = ", ".join(f"{count} of {group}.*" for group, count in groups.items()) or "nothing"
    sys.stdout.write(f"{options.out}: written; not needed: {left}\n")
