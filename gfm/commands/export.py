"""`python -m gfm export --model MODEL --format onnx|openvino --out FILE`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

from gfm.checkpoints.files import load_network
from gfm.export.exporting import Format, export
from rssn.imaging.console import Bar


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--model", help=".safetensors file, its folder, or hub id (the small one inside)"
    )
    parser.add_argument("--format", required=True, choices=get_args(Format))
    parser.add_argument(
        "--out", required=True, type=Path, metavar="FILE", help=".onnx, or .xml for openvino"
    )
    parser.add_argument(
        "--half", action="store_true", help="store the weights in float16: half the bytes"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def run(options: argparse.Namespace) -> None:
    """Export, and say how far the result is from PyTorch."""
    network = load_network(options.model, "cpu")
    with Bar("Export", total=5 if options.half else 3, quiet=options.quiet) as bar:

        @contextmanager
        def step(name: str) -> Iterator[None]:
            bar.advance(0, note=name)
            yield
            bar.advance(note=name)

        made = export(network, options.out, options.format, options.half, step)
    names = " and ".join(str(path) for path in made.paths)
    kind = "on the mean, weights rounded" if options.half else "at most"
    sys.stdout.write(
        f"{names}: written, {made.size / 1e6:.1f} MB; differs from PyTorch by "
        f"{made.difference} ({kind})\n"
    )
