"""`python -m gfm info`: how large a network is and how much it computes, beside what was published.

Everything is counted on tensors without data, so that no weights are made and nothing is computed.
"""

from __future__ import annotations

import argparse
import dataclasses
from dataclasses import dataclass
from functools import partial
from typing import get_args

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from gfm.models.glance_focus.config import GFMConfig, Pyramid, PyramidJoin, Rosta
from gfm.models.glance_focus.network import GFM
from rssn.imaging.errors import InputError

PARTS = ("encoder", "glance", "focus", "rim")


@dataclass(frozen=True)
class Published:
    """Published figures of a network of the paper.

    Attributes:
        parameters: Millions, of GFM-TT (paper, table 7).
        gmac: Billions of multiply-adds at 800x800, of GFM-TT (paper, table 7).
        seconds: For an image of 800x800 on a Tesla V100, of GFM-TT (paper, table 7).
        released_gmac: The same, but counted in the released code, with two glance classes.
        unused: Parameters that the released code holds and never uses, by what they are.
    """

    parameters: float
    gmac: float
    seconds: float
    released_gmac: float
    unused: dict[str, int]


def _classifier(inputs: int) -> int:
    return inputs * 1000 + 1000


_RESNET_STEM = 64 * 3 * 7 * 7 + 2 * 64
_GUIDE = 64 * 512 * 3 * 3 + 64 + 2 * 64

PUBLISHED = {
    "d121": Published(
        46.96,
        244.0,
        0.2085,
        241.24,
        {"classifier": _classifier(1024), "last norm of DenseNet": 2 * 1024},
    ),
    "r34": Published(55.29, 132.28, 0.1734, 131.72, {"classifier": _classifier(512)}),
    "r34_2b": Published(
        126.85,
        1526.79,
        0.2268,
        1522.47,
        {"classifier": _classifier(512), "stem of ResNet": _RESNET_STEM, "psp1": _GUIDE},
    ),
    "r101": Published(497.26, 852.45, 0.1943, 751.09, {"classifier": _classifier(2048)}),
}


def count_parameters(model: GFM) -> dict[str, int]:
    """Learned values of each part that the network has: encoder, glance, focus, rim."""
    parts = {name: getattr(model, name) for name in PARTS}
    return {
        name: sum(parameter.numel() for parameter in part.parameters())
        for name, part in parts.items()
        if part is not None
    }


def count_multiply_adds(model: GFM, height: int, width: int) -> dict[str, int]:
    """Multiply-adds of each part for one image, in its convolutions and linear layers.

    Args:
        model: A network on the meta device.
        height: Of the image, in pixels.
        width: Of the image, in pixels.
    """
    counts = dict.fromkeys(count_parameters(model), 0)

    def count(part: str, layer: nn.Module, inputs: object, output: Tensor) -> None:
        del inputs
        weight = layer.weight
        if isinstance(weight, Tensor):
            counts[part] += output.numel() * weight[0].numel()

    hooks = [
        layer.register_forward_hook(partial(count, part))
        for part in counts
        for layer in getattr(model, part).modules()
        if isinstance(layer, nn.Conv2d | nn.Linear)
    ]
    with torch.no_grad():
        model(torch.empty(1, 3, height, width, device="meta"))
    for hook in hooks:
        hook.remove()
    return counts


def published_for(config: GFMConfig) -> Published | None:
    """Return the published figures of this network, None if the paper has no such network."""
    plain = GFMConfig(config.backbone, config.rosta)
    return PUBLISHED.get(config.backbone) if config.layers() == plain else None


def table(config: GFMConfig, side: int = 800) -> Table:
    """The network's parameters and multiply-adds, and the published ones.

    Args:
        config: The network.
        side: Height and width of the image, in pixels.
    """
    with torch.device("meta"):
        model = GFM(config).eval()
    parameters, macs = count_parameters(model), count_multiply_adds(model, side, side)
    total = sum(parameters.values())
    rows = Table(title=f"GFM-{config.rosta}, {config.backbone}")
    for name in ("", "parameters", f"GMac at {side}x{side}"):
        rows.add_column(name, justify="right" if name else "left")
    for part, count in parameters.items():
        rows.add_row(part, f"{count:,}", f"{macs[part] / 1e9:.2f}")
    rows.add_section()
    rows.add_row("this network", f"{total:,}", f"{sum(macs.values()) / 1e9:.2f}")
    if published := published_for(config):
        for name, count in published.unused.items():
            rows.add_row(f"+ unused {name}", f"{count:,}", "")
        released = f"{total + sum(published.unused.values()):,}"
        single = config.rosta != "RIM" and side == 800
        rows.add_row("= released code", released, str(published.released_gmac) if single else "")
        if config.rosta == "TT":
            gmac = f"{published.gmac:.2f}" if single else ""
            rows.add_row("paper, table 7", f"{published.parameters} M", gmac)
            rows.caption = "GMac of the released code: with two glance classes"
    return rows


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--backbone", default="r34", help="r34 (default), r34_2b, d121, r101 or timm:NAME"
    )
    parser.add_argument("--rosta", choices=get_args(Rosta), default="TT")
    parser.add_argument("--width", type=float, default=1.0, help="factor on the decoders' channels")
    parser.add_argument("--pyramid", choices=get_args(Pyramid), default="all")
    parser.add_argument("--pyramid-join", choices=get_args(PyramidJoin), default="concatenate")
    parser.add_argument(
        "--no-bridge", dest="bridge", action="store_false", help="without the bridge block"
    )
    parser.add_argument("--single-decoder", action="store_true", help="one decoder for both tasks")
    parser.add_argument("--separable", action="store_true", help="3x3 on each channel, then 1x1")
    parser.add_argument("--side", type=int, default=800, help="of the image, in pixels")


def run(options: argparse.Namespace) -> None:
    """Print the table.

    Raises:
        InputError: An option that is not supported.
    """
    if options.side < 1:
        raise InputError(f"--side {options.side}: wanted 1 pixel or more; the paper has 800")
    names = vars(options).keys() & {field.name for field in dataclasses.fields(GFMConfig)}
    config = GFMConfig(**{name: getattr(options, name) for name in names})
    Console().print(table(config, options.side))
