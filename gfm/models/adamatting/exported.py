"""AdaMatting as one graph, and an exported graph behind the network's call."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from gfm.export.runtimes import check_outputs
from gfm.models.adamatting.config import AdaMattingConfig
from gfm.models.adamatting.guide import CHANNELS
from gfm.models.adamatting.network import AdaMatting, Adaptation
from gfm.models.contract import Graph, GraphRuntime

OUTPUTS = ("probabilities", "alpha")  # of the adapted trimap; before it has its say


class ExportedAdaMatting:
    """A network in eval mode that another runtime computes, on the processor.

    Args:
        runtime: Holds the graph.
        config: Of the network.
    """

    system = "adamatting"
    training = False
    device = torch.device("cpu")
    dtype = torch.float32

    def __init__(self, runtime: GraphRuntime, config: AdaMattingConfig) -> None:
        check_outputs(runtime, OUTPUTS)
        self.runtime, self.config = runtime, config

    def __call__(self, image: Tensor, trimap: Tensor, sparse: bool = False) -> Adaptation:
        """The call of `AdaMatting`, with the last matte alone; `sparse` has no effect."""
        del sparse
        given = {"image": image, "trimap": trimap}
        arrays = {name: np.ascontiguousarray(value.numpy()) for name, value in given.items()}
        probabilities, alpha = map(torch.from_numpy, self.runtime.run(arrays, OUTPUTS))
        return Adaptation(probabilities.clamp(min=torch.finfo(torch.float32).tiny).log(), (alpha,))


class _Outputs(nn.Module):
    """The network with its outputs in a row."""

    def __init__(self, network: AdaMatting) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor, trimap: Tensor) -> tuple[Tensor, Tensor]:
        made = self.network(image, trimap)
        return made.logits.softmax(dim=1), made.alphas[-1]


def graph(network: AdaMatting) -> Graph:
    """A network for the exporter."""
    inputs = {"image": 3, "trimap": CHANNELS[network.config.trimap_encoding]}
    return Graph(_Outputs(network), inputs, OUTPUTS)
