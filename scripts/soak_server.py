"""Ask a server of `gfm serve` a thousand times and see what holds; see `gfm.serve.soak`."""

import argparse
import sys
import tempfile
from pathlib import Path

import torch

from gfm.checkpoints.files import save_model
from gfm.models.glance_focus.config import GFMConfig
from gfm.models.glance_focus.network import GFM
from gfm.serve.soak import SoakOptions, soak
from rssn.imaging.console import run_command
from rssn.imaging.errors import FailedInputs


def main() -> int:
    """Run the test."""
    usual = SoakOptions()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="model file; else a small untrained network")
    parser.add_argument("--requests", type=int, default=usual.requests)
    parser.add_argument("--clients", type=int, default=usual.clients)
    parser.add_argument("--broken", type=float, default=usual.broken, help="share (default 0.05)")
    parser.add_argument("--queue", type=int, default=usual.queue, help="photographs that wait")
    parser.add_argument("--warm-up", type=int, default=usual.warm_up, help="requests")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    options = parser.parse_args()
    return run_command(lambda: run(options))


def run(options: argparse.Namespace) -> None:
    """Print what came out.

    Raises:
        FailedInputs: Some answers were wrong.
    """
    how = SoakOptions(
        options.requests, options.clients, options.broken, options.queue, options.warm_up
    )
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        model = options.model
        if model is None:
            torch.manual_seed(0)
            model = Path(folder) / "small.safetensors"
            save_model(GFM(GFMConfig(backbone="timm:test_resnet", width=0.25)).eval(), model)
        result = soak(model, how, options.quiet)
    print(result)
    if result.wrong:
        raise FailedInputs(result.wrong)


if __name__ == "__main__":
    sys.exit(main())
