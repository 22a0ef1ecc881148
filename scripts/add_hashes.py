"""Write the perceptual hashes of training material into a model that was trained on it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from gfm.checkpoints.files import load_network, save_model
from gfm.checkpoints.hashes import join_hashes
from rssn.imaging.console import run_command
from rssn.shards.material import Material


def main() -> int:
    """The command; 0 done, 2 usage."""
    parser = argparse.ArgumentParser(prog="add_hashes", description=__doc__)
    parser.add_argument("model", type=Path, help="a .safetensors file in float16, changed in place")
    parser.add_argument("material", type=Path, help="what it was trained on, .tar")
    options = parser.parse_args()
    return run_command(lambda: add(options.model, options.material))


def add(model_file: Path, material: Path) -> None:
    """Add the hashes; weights and other metadata stay as they are."""
    model = load_network(model_file, "cpu")
    model.hashes = join_hashes(model.hashes, Material(material).hashes)
    save_model(model, model_file, half=True)


if __name__ == "__main__":
    sys.exit(main())
