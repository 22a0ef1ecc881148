"""FBA as a graph, and an exported graph behind the calls of `FBA`."""

from __future__ import annotations

from torch import Tensor, nn

from gfm.models.contract import ExportedNetwork, Graph, GraphRuntime
from gfm.models.fba.config import FBAConfig
from gfm.models.fba.network import DISTANCES, FBA, TRIMAP, AlphaFB

INPUTS = {"image": 3, "trimap": TRIMAP, "distances": DISTANCES}


def outputs(config: FBAConfig) -> tuple[str, ...]:
    """Names of what a network predicts."""
    return AlphaFB._fields if config.outputs == "alpha_fb" else ("alpha",)


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
        Outputs(network).eval(), INPUTS, outputs(network.config), multiple=network.multiple
    )


class ExportedFBA(ExportedNetwork):
    """An exported network behind the call of `FBA`."""

    system = "fba"
    inputs = tuple(INPUTS)

    def __init__(self, runtime: GraphRuntime, config: FBAConfig) -> None:
        super().__init__(runtime, config, outputs(config))
        self.multiple = config.multiple

    def __call__(self, image: Tensor, trimap: Tensor, distances: Tensor) -> AlphaFB:
        """Matte a batch; see `FBA.forward`."""
        return AlphaFB(*self.run(image, trimap, distances))
