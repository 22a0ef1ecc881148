"""Pack click models as the one of the package: mean weights, in float16."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from gfm.checkpoints.files import save_model
from gfm.checkpoints.hashes import join_hashes
from gfm.checkpoints.means import load_mean
from gfm.checkpoints.packaged import CLICKS, FOLDER
from gfm.models.light_clicks.config import LightClicksConfig
from gfm.models.light_clicks.network import LightClicks
from rssn.imaging.console import run_command
from rssn.shards.material import Material


def main() -> int:
    """The command; 0 done, 2 usage."""
    parser = argparse.ArgumentParser(prog="clicks_pack", description=__doc__)
    add = parser.add_argument
    told = "of a training run; several: their mean"
    add("--model", type=Path, nargs="+", required=True, help=told)
    add("--material", type=Path, help="what it was trained on, .tar: its hashes are kept")
    add("--side", type=int, default=LightClicksConfig.side, help="longer side of the working size")
    add("--out", type=Path, default=FOLDER / f"{CLICKS}.safetensors", help="file to write")
    options = parser.parse_args()
    return run_command(lambda: pack(options))


def pack(options: argparse.Namespace) -> None:
    """Write the model."""
    model = load_mean(options.model)
    assert isinstance(model, LightClicks)
    config = LightClicksConfig(model.config.backbone, model.config.widths, options.side)
    packed = LightClicks(config)
    packed.load_state_dict(model.state_dict())
    packed.licences, packed.hashes = model.licences, model.hashes
    if options.material is not None:
        packed.hashes = join_hashes(packed.hashes, Material(options.material).hashes)
    save_model(packed, options.out, half=True)


if __name__ == "__main__":
    sys.exit(main())
