"""GFM as one graph, and its distance from what another runtime makes of that."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import torch
from torch import Tensor, nn

from gfm.export.parity import LIMIT
from gfm.models.contract import Graph
from gfm.models.glance_focus.config import GFMConfig, SingleRosta
from gfm.models.glance_focus.fusion import fuse
from gfm.models.glance_focus.network import GFM, RimMatting
from gfm.models.glance_focus.passes import FOCUS, GLANCE, whole_outputs

INPUT = "image"
FIELDS = ("glance", "focus", "alpha")


def output_names(config: GFMConfig) -> tuple[str, ...]:
    """The outputs of a network's graph: glance, focus, alpha; of RIM also those of each part."""
    if config.rosta != "RIM":
        return FIELDS
    parts = [part_name(field, rosta) for rosta in config.rostas for field in FIELDS]
    return ("alpha", *parts)


def part_name(field: str, rosta: SingleRosta | None = None) -> str:
    """The name of an output: of the network, or of one representation of RIM (`tt_glance`)."""
    return field if rosta is None else f"{rosta.lower()}_{field}"


class _Outputs(nn.Module):
    """The network with its outputs in a row, as `output_names` has them."""

    def __init__(self, network: GFM) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        output = self.network(image)
        if not isinstance(output, RimMatting):
            return output.glance, output.focus, output.alpha
        return (output.alpha, *(field for part in output[:3] for field in part[:3]))


def graph(network: GFM) -> Graph:
    """A network for the exporter; mattes are compared as `matte_distance` has it."""
    names, rosta = output_names(network.config), network.config.rosta
    runs = () if rosta == "RIM" else (GLANCE, FOCUS, GLANCE + FOCUS)
    return Graph(
        _Outputs(network),
        {INPUT: 3},
        names,
        partial(_distances, network),
        runs=(*runs, whole_outputs(rosta)),
    )


def _distances(
    network: GFM, found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The distance (B, C, H, W) of every output, by its name.

    Note:
        The matte of RIM is compared with the integration of the exported parts' mattes, as a tie
        in one of them would move it too.
    """
    distances = {name: (found[name] - wanted[name]).abs() for name in wanted}
    single = network.rim is None
    for rosta in network.config.rostas:
        glance, focus, alpha = (part_name(each, None if single else rosta) for each in FIELDS)
        distances[alpha] = matte_distance(
            found[alpha], wanted[glance], wanted[focus], wanted[alpha], rosta
        )
    if network.rim is not None:
        alphas = [found[part_name("alpha", rosta)] for rosta in network.config.rostas]
        with torch.no_grad():
            integrated = network.rim(alphas).clamp(0, 1)
        distances["alpha"] = (found["alpha"] - integrated).abs()
    return distances


def matte_distance(
    alpha: Tensor, glance: Tensor, focus: Tensor, wanted: Tensor, rosta: SingleRosta
) -> Tensor:
    """Distance of a fused matte from that of PyTorch, class ties apart.

    The fusion takes the most probable class, so that the matte may jump by 1 where two classes are
    equally probable. A probability that is off by `LIMIT` decides otherwise only where the two are
    less than 2 `LIMIT` apart; there, the matte of either class counts as right.

    Args:
        alpha: The exported matte (B, 1, H, W).
        glance: Class probabilities of PyTorch (B, C, H, W).
        focus: Its focus (B, 1, H, W).
        wanted: Its matte (B, 1, H, W).
        rosta: The representation.

    Returns:
        The distance (B, 1, H, W) from the nearest matte that counts as right.
    """
    best = glance.amax(dim=1, keepdim=True)
    nearest = (alpha - wanted).abs()
    for label in range(glance.shape[1]):
        tied = glance[:, label : label + 1] >= best - 2 * LIMIT
        decided = torch.zeros_like(glance)
        decided[:, label] = 1
        distance = (alpha - fuse(decided, focus, rosta)).abs()
        nearest = torch.where(tied, torch.minimum(nearest, distance), nearest)
    return nearest
