"""Pack training material and encoder weights for a machine with a GPU that reaches nothing.

Writes a folder for scripts/gpu_train.py: `material.tar`, the pictures of scripts/lite_material.py
as WebP, and `encoder.pth`, the ImageNet weights of an encoder from its package. Quality falls in
steps until the folder and the checkout together stay below `--limit`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import lite_material
import torch

from gfm.encoders.build import build_encoder
from gfm.encoders.packages import package_weights
from rssn.imaging.console import run_command
from rssn.imaging.errors import InputError
from rssn.shards.material import create_material

LIMIT = 60  # MiB
LEVELS = 16  # of the mattes
QUALITIES = (80, 70, 60, 50, 40)


def main() -> int:
    """The command; 0 done, 2 usage."""
    parser = argparse.ArgumentParser(prog="gpu_pack", description=__doc__)
    add = parser.add_argument
    add("--collection", type=Path, required=True, help="folder with list.csv")
    add("--out", type=Path, default=Path("gpu"), help="folder to write (default gpu)")
    add("--encoder", default="tf_efficientnet_lite2", help="timm's name of the encoder")
    add("--side", type=int, default=288, help="shorter side of the pictures in px (default 288)")
    add("--research", action="store_true", help="add the sets that are for research only")
    add("--labelled", type=Path, help="folder of lite_label.py: photographs with made mattes")
    add("--cache", type=Path, default=Path("lite/edges"), help="folder of the edges")
    add("--limit", type=int, default=LIMIT, help=f"MiB, with the checkout (default {LIMIT})")
    options = parser.parse_args()
    return run_command(lambda: run(options))


def run(options: argparse.Namespace) -> None:
    """Write the folder.

    Raises:
        InputError: It does not fit at the lowest quality.
    """
    options.out.mkdir(parents=True, exist_ok=True)
    encoder = build_encoder(f"timm:{options.encoder}")
    body = encoder.body.state_dict()  # type: ignore[union-attr, operator]
    weights = package_weights(options.encoder, body)
    halved = {k: v.half() if v.is_floating_point() else v for k, v in weights.items()}
    torch.save(halved, options.out / "encoder.pth")
    checkout = size_of_checkout()
    everything = list(lite_material.pictures(options))  # about 1.5 GB
    material: Path = options.out / "material.tar"
    for quality in QUALITIES:
        with create_material(material, "webp", quality, LEVELS) as file:
            for made in everything:
                file.add(*made)
        packed = sum(each.stat().st_size for each in options.out.iterdir())
        total = (packed + checkout) / 2**20
        print(f"quality {quality}: {total:.1f} MiB with the checkout")
        if total <= options.limit:
            return
    raise InputError(
        f"{material}: takes {total:.1f} MiB with the checkout, more than {options.limit}; give a "
        f"smaller --side than {options.side}"
    )


def size_of_checkout() -> int:
    """Bytes of the files that git tracks here."""
    listed = subprocess.run(["git", "ls-files", "-z"], capture_output=True, check=True).stdout
    files = [Path(name.decode()) for name in listed.split(b"\0") if name]
    return sum(file.stat().st_size for file in files if file.is_file())


if __name__ == "__main__":
    sys.exit(main())
