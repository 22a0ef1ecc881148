"""AdaMatting as one graph."""

from __future__ import annotations

from torch import Tensor, nn

from gfm.models.adamatting.guide import CHANNELS
from gfm.models.adamatting.network import AdaMatting
from gfm.models.adamatting.predict import OUTPUTS
from gfm.models.contract import Graph


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
