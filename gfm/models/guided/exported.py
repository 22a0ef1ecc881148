"""The light guided network as a graph."""

from __future__ import annotations

from torch import Tensor, nn

from gfm.models.contract import Graph
from gfm.models.guided.hints import HINTS
from gfm.models.guided.network import MULTIPLE, Colours, Guided

INPUTS = {"image": 3, "guidance": HINTS}


class Outputs(nn.Module):
    """A network for sizes that are multiples of 32.

    Args:
        network: In eval mode.
    """

    def __init__(self, network: Guided) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor, guidance: Tensor) -> tuple[Tensor, ...]:
        """Alpha, F and B, fused with the image."""
        return tuple(self.network.aligned(image, guidance))


def graph(network: Guided) -> Graph:
    """The network with its named inputs and outputs."""
    return Graph(Outputs(network).eval(), INPUTS, Colours._fields, multiple=MULTIPLE)
