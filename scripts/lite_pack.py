"""Pack trained models as the one of the package: mean weights, in float16, and sizes of passes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gfm.checkpoints.files import save_model
from gfm.checkpoints.means import load_mean
from gfm.checkpoints.packaged import FOLDER, LITE, STATE
from gfm.models.glance_focus.network import GFM
from rssn.imaging.console import run_command


def main() -> int:
    """The command; 0 done, 2 usage."""
    parser = argparse.ArgumentParser(prog="lite_pack", description=__doc__)
    add = parser.add_argument
    add(
        "--model",
        type=Path,
        nargs="+",
        required=True,
        help="of a training run; several: their mean",
    )
    add("--glance-side", type=int, required=True, help="px, shorter side of the glance")
    add("--focus-side", type=int, required=True, help="px, shorter side of the focus")
    add(
        "--out",
        type=Path,
        default=FOLDER / f"{LITE}{STATE}",
        help="file to write (the package's own)",
    )
    options = parser.parse_args()
    return run_command(
        lambda: pack(options.model, options.glance_side, options.focus_side, options.out)
    )


def pack(files: Sequence[Path], glance_side: int, focus_side: int, out: Path) -> None:
    """Write the mean of the models' weights with other sizes of its passes, in half the space.

    Models of one course of training are meant: see `gfm.checkpoints.means.load_mean`.
    """
    model = load_mean(files)
    assert isinstance(model, GFM)
    model.config = replace(model.config, glance_side=glance_side, focus_side=focus_side)
    save_model(model, out, half=True)


if __name__ == "__main__":
    sys.exit(main())
