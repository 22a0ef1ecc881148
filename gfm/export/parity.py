"""Comparison of an exported graph with PyTorch, at sizes that exports get wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from gfm.models.contract import Graph, GraphRuntime
from rssn.imaging.errors import FailedInputs, one_line

Size = tuple[int, int, int]

# Batch, height and width: two odd images, odd sides, tiny, wide, larger.
SIZES: tuple[Size, ...] = ((2, 31, 97), (1, 33, 75), (1, 5, 7), (1, 40, 320), (1, 251, 190))
LIMIT = 1e-3
ROUNDED_LIMIT = 4e-3  # what backends of lower precision may cost


@dataclass(frozen=True)
class Difference:
    """Largest difference of an exported network from PyTorch, over its outputs.

    Attributes:
        value: The greatest difference, or the mean one where weights were rounded.
        where: The output, the size of the image, and the place in it.
    """

    value: float
    where: str

    def __str__(self) -> str:
        return f"{self.value:.1e} in {self.where}"


def check_export(
    graph: Graph, runtime: GraphRuntime, name: str, rounded: bool = False
) -> Difference:
    """Compare an exported graph with the network that it was made from, at the five `SIZES`.

    No value may differ by more than `LIMIT`, as the graph measures distances. With rounded weights,
    the mean over an output may not exceed `ROUNDED_LIMIT`.

    Args:
        graph: Of a network in eval mode, on the processor.
        runtime: With the exported graph.
        name: Its file, for the messages.
        rounded: The weights of the file are rounded.

    Returns:
        The worst difference.

    Raises:
        FailedInputs: It differs by more, or cannot be run at one of the sizes.
    """
    worst = Difference(0.0, "every output")
    for size in SIZES:
        inputs = example_inputs(graph, size)
        with torch.no_grad():
            wanted = dict(zip(graph.outputs, graph.module(*inputs.values()), strict=True))
        try:
            given = {key: value.numpy() for key, value in inputs.items()}
            made = runtime.run(given, graph.outputs)
            found = dict(zip(graph.outputs, map(torch.from_numpy, made), strict=True))
            distances = compare(graph, found, wanted)
        except Exception as error:  # each runtime has kinds of its own
            shape = "x".join(map(str, inputs[next(iter(inputs))].shape))
            raise FailedInputs(
                [f"{name}: fails for an image of {shape}: {one_line(error)}"]
            ) from error
        differences = [_reduce(output, d, size, rounded) for output, d in distances.items()]
        worst = max([worst, *differences], key=lambda difference: difference.value)
    limit = ROUNDED_LIMIT if rounded else LIMIT
    if worst.value > limit:
        kind = "on the mean" if rounded else "at most"
        raise FailedInputs(
            [f"{name}: differs from PyTorch by {worst}; allowed is {limit:g} {kind}; not written"]
        )
    return worst


def compare(
    graph: Graph, found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]
) -> Mapping[str, Tensor]:
    """The distance (B, C, H, W) of every output, by its name.

    Raises:
        ValueError: An output has another shape.
    """
    for name, value in wanted.items():
        if found[name].shape != value.shape:
            raise ValueError(
                f"{name} has shape {tuple(found[name].shape)} instead of {tuple(value.shape)}"
            )
    if graph.distances is not None:
        return graph.distances(found, wanted)
    return {name: (found[name] - value).abs() for name, value in wanted.items()}


def example_inputs(graph: Graph, size: Size) -> dict[str, Tensor]:
    """Inputs of a graph by their names, with sides that it takes.

    Inputs of three channels are pictures; of others each channel is blobs of 0 and 1.
    """
    batch, height, width = size
    height, width = (-(-side // graph.multiple) * graph.multiple for side in (height, width))
    shown = picture((batch, height, width))
    grey = shown.mean(dim=1, keepdim=True)
    made = {}
    for name, channels in graph.inputs.items():
        levels = [(grey > (i + 1) / (channels + 1)).float() for i in range(channels)]
        whole = shown if channels == 3 else torch.cat(levels, dim=1)
        step = graph.reductions.get(name, 1)
        made[name] = whole[..., ::step, ::step].contiguous()
    return made


def picture(size: Size) -> Tensor:
    """Blobs with grain, (B, 3, H, W) in [0, 1]: more for a network to see than noise alone."""
    batch, height, width = size
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(batch, 3, 2 + height // 24, 2 + width // 24, generator=generator)
    blobs = functional.interpolate(coarse, (height, width), mode="bilinear")
    grain = torch.rand(batch, 3, height, width, generator=generator) - 0.5
    return (blobs + 0.2 * grain).clamp(0, 1)


def _reduce(output: str, distance: Tensor, size: Size, rounded: bool) -> Difference:
    distance = distance.nan_to_num(nan=torch.inf, posinf=torch.inf)
    of = f"{output} of {size[1]}x{size[2]}"
    if rounded:
        return Difference(float(distance.mean()), of)
    index = int(distance.argmax())
    row, column = index // distance.shape[3] % distance.shape[2], index % distance.shape[3]
    return Difference(float(distance.max()), f"{of} at row {row}, column {column}")
