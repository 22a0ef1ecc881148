"""Make the packaged models for ONNX Runtime anew, from their weights for PyTorch.

Each `NAME.safetensors` of the package becomes `NAME.onnx`, with float16 weights.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from gfm.checkpoints.files import load_network
from gfm.checkpoints.packaged import EXPORTED, FOLDER, STATE
from gfm.export.exporting import export
from rssn.imaging.console import progress, run_command


def main() -> int:
    """The command; 0 done, 1 differs from PyTorch, 2 usage."""
    parser = argparse.ArgumentParser(prog="export_packaged", description=__doc__)
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help="models to make (all)")
    add("--out", type=Path, default=FOLDER, help="folder to write to (the package's own)")
    add("--quiet", action="store_true", help="no progress bar")
    options = parser.parse_args()
    return run_command(lambda: make(options.names, options.out, options.quiet))


def make(names: list[str], folder: Path, quiet: bool) -> None:
    """Export the models of these names, or all."""
    files = [FOLDER / f"{name}{STATE}" for name in names] or sorted(FOLDER.glob(f"*{STATE}"))
    for file in progress(files, "Export", quiet=quiet):
        made = export(load_network(file, "cpu"), folder / f"{file.stem}{EXPORTED}", half=True)
        sys.stdout.write(f"{file.stem}: {made.size / 1e6:.1f} MB, differs by {made.difference}\n")


if __name__ == "__main__":
    sys.exit(main())
