"""LSA as a graph."""

from __future__ import annotations

from torch import Tensor, nn

from gfm.models.contract import Graph
from gfm.models.lsa.network import LSA

INPUTS = {"image": 3, "trimap": 1}
OUTPUTS = ("alpha",)
STRIDE = 32  # px, of the coarsest level


class Outputs(nn.Module):
    """A network whose output is a tuple.

    Args:
        network: In eval mode.
    """

    def __init__(self, network: LSA) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor, trimap: Tensor) -> tuple[Tensor]:
        """Alpha, not clamped; see `LSA.forward`."""
        return (self.network(image, trimap),)


def graph(network: LSA) -> Graph:
    """The network with its named inputs and outputs."""
    return Graph(Outputs(network).eval(), INPUTS, OUTPUTS, multiple=STRIDE)
