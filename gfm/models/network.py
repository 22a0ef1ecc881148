"""The base of all networks in PyTorch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gfm.models.config import SystemConfig
from gfm.models.contract import Licence, Maps
from gfm.models.memory import peak_allocation
from gfm.models.registry import get_system

PROBE = 256  # px, side of the image that is sent through a network to count


class MattingNetwork(nn.Module):
    """Base of all networks: configuration, licences, normalisation, device, arrays.

    Args:
        config: With `mean` and `std`, per channel of an image in [0, 1].

    Note:
        The scale 1 / std, not std, is kept: k / 255 * 255 is the exact k that a released network
        saw, which a division by the rounded 1 / 255 does not give.
    """

    system: ClassVar[str]
    config: Any

    def __init__(self, config: SystemConfig) -> None:
        super().__init__()
        self.config = config
        self.licences: list[Licence] = []  # of the training pictures, as far as they are known
        # Perceptual hashes of the training pictures by source; see `gfm.checkpoints.hashes`.
        self.hashes: dict[str, NDArray[np.uint64]] = {}
        self.mean: Tensor
        self.scale: Tensor
        for name, value in normalisation(config).items():
            self.register_buffer(name, value)

    @property
    def device(self) -> torch.device:
        """The device of the weights; inputs must be on it."""
        return self.mean.device

    @property
    def dtype(self) -> torch.dtype:
        """The floating-point type of the weights."""
        return self.mean.dtype

    def normalise(self, image: Tensor) -> Tensor:
        """(image - mean) / std of an image (B, 3, H, W) in [0, 1]."""
        return (image.to(self.mean.dtype) - self.mean) * self.scale

    def maps(self, inputs: Mapping[str, Tensor], outputs: Sequence[str]) -> Mapping[str, Tensor]:
        """Some outputs of the network's graph, and perhaps more, by their names.

        Args:
            inputs: By their names, on the network's device.
            outputs: Names.
        """
        del outputs
        graph = get_system(self.system).graph(self)
        made = graph.module(*(inputs[name] for name in graph.inputs))
        return dict(zip(graph.outputs, made, strict=True))

    def run(self, inputs: Mapping[str, NDArray[Any]], outputs: Sequence[str]) -> Maps:
        """Compute some outputs from arrays; see `gfm.models.contract.MattingModel`."""
        given = {name: torch.from_numpy(values) for name, values in inputs.items()}
        with torch.inference_mode():
            moved = {name: x.to(self.device, self.dtype) for name, x in given.items()}
            made = self.maps(moved, outputs)
            return [np.asarray(made[name].float().cpu().numpy()) for name in outputs]

    def bytes_per_pixel(self, outputs: Sequence[str]) -> float:
        """Most bytes that `run` allocates for these outputs, per px of its inputs."""
        return bytes_per_pixel(self.system, self.config, tuple(outputs), self.dtype.itemsize)

    def describe(self) -> str:
        """Device and runtime, for people."""
        device, why = self.device, ""
        if device.type == "cuda":
            why = f" ({torch.cuda.get_device_name(device)})"
        elif torch.version.cuda is None:
            why = " (this PyTorch is built without CUDA)"
        elif not torch.cuda.is_available():
            why = " (no GPU found)"
        return f"{device}{why}, PyTorch"


def normalisation(config: Any) -> dict[str, Tensor]:  # noqa: ANN401 - any with mean and std
    """The buffers `mean` and `scale`, (1, 3, 1, 1) each, of x -> (x - mean) * scale."""
    return {
        "mean": torch.tensor(config.mean).view(1, 3, 1, 1),
        "scale": torch.tensor([1 / deviation for deviation in config.std]).view(1, 3, 1, 1),
    }


@cache
def bytes_per_pixel(
    system: str, config: SystemConfig, outputs: tuple[str, ...], item_size: int = 4
) -> float:
    """Bytes that a run allocates at its peak per px of its inputs, without the weights.

    Args:
        system: The network's.
        config: The network's.
        outputs: Of the run.
        item_size: Bytes of a value.
    """
    with torch.device("meta"):
        network = get_system(system).build(config).eval()
        graph = get_system(system).graph(network)
        sides = {name: PROBE // graph.reductions.get(name, 1) for name in graph.inputs}
        inputs = {
            name: torch.empty(1, count, sides[name], sides[name])
            for name, count in graph.inputs.items()
        }
    return peak_allocation(lambda: network.maps(inputs, outputs), item_size) / PROBE**2
