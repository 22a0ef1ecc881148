"""Pack the guided model of a training as the one of the package: float16.

`gfm fit` leaves `checkpoints/last.safetensors`, the average of the weights with their licences. The
checkpoints of earlier trainings hold the average alone: --config and --material give the licences.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
import yaml

from gfm.checkpoints.files import load_network, save_model
from gfm.checkpoints.packaged import FOLDER
from gfm.data.close_ups import CloseUpOptions, CloseUps
from gfm.models.guided.network import Guided
from gfm.models.network import MattingNetwork
from rssn.imaging.console import run_command
from rssn.imaging.errors import InputError
from rssn.shards.material import Material

AVERAGE = "average.module."


def main() -> int:
    """The command; 0 done, 2 usage."""
    parser = argparse.ArgumentParser(prog="guided_pack", description=__doc__)
    add = parser.add_argument
    add("--model", type=Path, help="model file of a training, .safetensors")
    add("--checkpoint", type=Path, help="checkpoint of an earlier training instead, .ckpt")
    add("--config", type=Path, help="options of that training, .yaml")
    add("--material", type=Path, help="what it was trained on, .tar")
    add("--out", type=Path, default=FOLDER / "guided.safetensors", help="file to write")
    options = parser.parse_args()
    return run_command(lambda: pack(options))


def pack(options: argparse.Namespace) -> None:
    """Write the model in half the space.

    Raises:
        InputError: Neither a model nor a whole earlier training is given.
    """
    earlier = (options.checkpoint, options.config, options.material)
    if (options.model is None) == (None in earlier):
        raise InputError("give either --model, or --checkpoint with --config and --material")
    network: MattingNetwork
    if options.model is not None:
        network = load_network(options.model, "cpu")
    else:
        network = read_checkpoint(*earlier)
    save_model(network, options.out, half=True)


def read_checkpoint(checkpoint: Path, config: Path, material: Path) -> Guided:
    """The averaged network of an earlier training, and its licences."""
    kept = torch.load(checkpoint, weights_only=True, map_location="cpu")["state_dict"]
    network = Guided()
    network.load_state_dict(
        {key.removeprefix(AVERAGE): kept[key] for key in kept if key.startswith(AVERAGE)}
    )
    drawn = yaml.safe_load(config.read_text("utf-8"))["data"]["draw"]
    samples = CloseUps(Material(material), CloseUpOptions(**drawn))
    network.licences, network.hashes = samples.licences(), samples.material.hashes
    return network


if __name__ == "__main__":
    sys.exit(main())
