"""FBA as a graph."""

from __future__ import annotations

from torch import Tensor, nn

from gfm.models.contract import Graph
from gfm.models.fba.network import DISTANCES, FBA, TRIMAP

INPUTS = {"image": 3, "trimap": TRIMAP, "distances": DISTANCES}


class Outputs(nn.Module):
    """A network whose outputs are a tuple of tensors.

    Args:
        network: In eval mode.
    """

    def __init__(self, network: FBA) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor, trimap: Tensor, distances: Tensor) -> tuple[Tensor, ...]:
        """Alpha and, of a network that has them, F and B, fused."""
        made = self.network(image, trimap, distances)
        return tuple(part for part in made if part is not None)


def graph(network: FBA) -> Graph:
    """The network with its named inputs and outputs."""
    return Graph(
        Outputs(network).eval(), INPUTS, network.config.predicted, multiple=network.multiple
    )
