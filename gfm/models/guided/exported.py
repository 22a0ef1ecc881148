"""The light guided network as a graph, and an exported graph behind its call."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from gfm.models.contract import Graph, GraphRuntime
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


class ExportedGuided:
    """An exported network behind the call of `Guided`.

    Args:
        runtime: What runs the graph.
        config: What the network was built from.
    """

    system = "guided"
    training = False
    device = torch.device("cpu")
    dtype = torch.float32

    def __init__(self, runtime: GraphRuntime, config: GuidedConfig) -> None:
        self.runtime, self.config = runtime, config

    def __call__(self, image: Tensor, guidance: Tensor) -> Colours:
        """Matte a batch; see `Guided.forward`."""
        height, width = image.shape[-2:]
        edges = (0, -width % MULTIPLE, 0, -height % MULTIPLE)
        given = {
            name: np.ascontiguousarray(functional.pad(part, edges, "replicate").numpy())
            for name, part in zip(INPUTS, (image, guidance), strict=True)
        }
        made = self.runtime.run(given, Colours._fields)
        return Colours(*(torch.from_numpy(part)[..., :height, :width] for part in made))
