"""`python -m gfm convert RELEASED.pth --backbone ... --rosta ... --out MODEL.safetensors`."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import get_args

from gfm.checkpoints.files import save_model
from gfm.models.glance_focus.config import Rosta
from gfm.models.glance_focus.released import RELEASED_BACKBONES, convert


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("checkpoint", type=Path, metavar="RELEASED.pth")
    parser.add_argument("--backbone", required=True, choices=RELEASED_BACKBONES)
    parser.add_argument("--rosta", required=True, choices=get_args(Rosta))
    parser.add_argument("--out", required=True, type=Path, metavar="MODEL.safetensors")


def run(options: argparse.Namespace) -> None:
    """Convert and say what the checkpoint held besides."""
    conversion = convert(options.checkpoint, options.backbone, options.rosta)
    save_model(conversion.model, options.out)
    groups = Counter(key.split(".")[0] for key in conversion.unused)
    left = ", ".join(f"{count} of {group}.*" for group, count in groups.items()) or "nothing"
    sys.stdout.write(f"{options.out}: written; not needed: {left}\n")
