"""AdaMatting as one graph, and an exported graph behind the network's call."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gfm.models.adamatting.config import AdaMattingConfig
from gfm.models.adamatting.guide import CHANNELS
from gfm.models.adamatting.network import AdaMatting, Adaptation
from gfm.models.contract import ExportedNetwork, Graph, GraphRuntime

OUTPUTS = ("probabilities", "alpha")  # of the adapted trimap; before it has its say


class ExportedAdaMatting(ExportedNetwork):
    """An exported network behind the call of `AdaMatting`."""

    system = "adamatting"
    inputs = ("image", "trimap")

    def __init__(self, runtime: GraphRuntime, config: AdaMattingConfig) -> None:
        super().__init__(runtime, config, OUTPUTS)

    def __call__(self, image: Tensor, trimap: Tensor, sparse: bool = False) -> Adaptation:
        """The call of `AdaMatting`, with the last matte alone; `sparse` has no effect."""
        del sparse
        probabilities, alpha = self.run(image, trimap)
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
