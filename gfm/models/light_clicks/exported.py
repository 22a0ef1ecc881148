"""The light click network as a graph, which runs as a whole or as its two parts."""

from __future__ import annotations

from torch import Tensor, nn

from gfm.models.contract import Graph
from gfm.models.light_clicks.config import MULTIPLE
from gfm.models.light_clicks.graphs import FEATURES, LOGITS
from gfm.models.light_clicks.maps import MAPS, STRIDE
from gfm.models.light_clicks.network import LightClicks


class _Outputs(nn.Module):
    """A network with its features among its outputs.

    Args:
        network: In eval mode.
    """

    def __init__(self, network: LightClicks) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor, maps: Tensor, previous: Tensor) -> tuple[Tensor, ...]:
        """The features, finest first, and the logits."""
        features = self.network.encode(image)
        return (*features, self.network.head(maps, previous, *features))


def graph(network: LightClicks) -> Graph:
    """The network; the head runs alone where a call gives the features."""
    return Graph(
        _Outputs(network).eval(),
        {"image": 3, "maps": MAPS, "previous": 1},
        (*FEATURES, LOGITS),
        multiple=MULTIPLE,
        reductions={"maps": STRIDE, "previous": 2},
    )
