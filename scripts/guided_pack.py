"""Pack the averaged weights of a guided training as a model file, in float16, with its licences."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from gfm.checkpoints.files import save_model
from gfm.models.guided.network import Guided
from gfm.models.guided.samples import GuidedSamples
from gfm.models.guided.training import GuidedCommandLine
from rssn.imaging.console import run_command
from rssn.shards.material import Material

AVERAGE = "average.module."


def main() -> int:
    """The command; 0 done, 2 usage."""
    parser = argparse.ArgumentParser(prog="guided_pack", description=__doc__)
    add = parser.add_argument
    add("--config", type=Path, required=True, help="of the training")
    add("--checkpoint", type=Path, required=True, help="of the training, .ckpt")
    add("--material", type=Path, required=True, help="what it was trained on")
    add("--out", type=Path, required=True, help="file to write, .safetensors")
    options = parser.parse_args()
    return run_command(lambda: pack(options))


def pack(options: argparse.Namespace) -> None:
    """Write the model."""
    given = ["--config", str(options.config), "--model.encoder", "null"]
    made = GuidedCommandLine(run=False, args=given)
    kept = torch.load(options.checkpoint, weights_only=True, map_location="cpu")["state_dict"]
    network = Guided(made.model.model.config)
    network.load_state_dict(
        {key.removeprefix(AVERAGE): kept[key] for key in kept if key.startswith(AVERAGE)}
    )
    material = Material(options.material)
    network.licences = GuidedSamples(material, made.datamodule.draw).licences()
    network.hashes = material.hashes
    save_model(network, options.out, half=True)


if __name__ == "__main__":
    sys.exit(main())
