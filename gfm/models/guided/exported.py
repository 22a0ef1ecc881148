"""The light guided network as a graph, and an exported graph behind its call."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from gfm.models.contract import ExportedNetwork, Graph, GraphRuntime
from gfm.models.guided.config import GuidedConfig
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


class ExportedGuided(ExportedNetwork):
    """An exported network behind the call of `Guided`."""

    system = "guided"
    inputs = tuple(INPUTS)

    def __init__(self, runtime: GraphRuntime, config: GuidedConfig) -> None:
        super().__init__(runtime, config, Colours._fields)

    def __call__(self, image: Tensor, guidance: Tensor) -> Colours:
        """Matte a batch; see `Guided.forward`."""
        height, width = image.shape[-2:]
        edges = (0, -width % MULTIPLE, 0, -height % MULTIPLE)
        padded = (functional.pad(part, edges, "replicate") for part in (image, guidance))
        return Colours(*(part[..., :height, :width] for part in self.run(*padded)))
