"""Write the perceptual hashes of training material into models that were trained on it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from gfm.checkpoints.files import load_network, save_model
from gfm.checkpoints.hashes import HASHES_KEY, Hashes, decode_hashes, encode_hashes, join_hashes
from rssn.imaging.console import run_command
from rssn.imaging.files import whole_file
from rssn.shards.material import Material


def main() -> int:
    """The command; 0 done, 2 usage."""
    parser = argparse.ArgumentParser(prog="add_hashes", description=__doc__)
    add = parser.add_argument
    add("material", type=Path, help="what they were trained on, .tar")
    add("models", type=Path, nargs="+", help=".safetensors in float16, or .onnx; changed in place")
    options = parser.parse_args()
    return run_command(lambda: run(options.material, options.models))


def run(material: Path, models: Sequence[Path]) -> None:
    """Add the hashes; weights and other metadata stay as they are."""
    hashes = Material(material).hashes
    for path in models:
        if path.suffix == ".onnx":
            add_to_onnx(path, hashes)
            continue
        model = load_network(path, "cpu")
        model.hashes = join_hashes(model.hashes, hashes)
        save_model(model, path, half=True)


def add_to_onnx(path: Path, hashes: Hashes) -> None:
    """Add the hashes to an export."""
    import onnx

    proto = onnx.load(path)
    entries = {entry.key: entry.value for entry in proto.metadata_props}
    entries[HASHES_KEY] = encode_hashes(join_hashes(decode_hashes(entries.get(HASHES_KEY)), hashes))
    onnx.helper.set_model_props(proto, entries)
    with whole_file(path) as part:
        part.write_bytes(proto.SerializeToString())


if __name__ == "__main__":
    sys.exit(main())
