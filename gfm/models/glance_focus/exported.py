"""An exported network behind the calls of `gfm.GFM`: ONNX Runtime or OpenVINO computes it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from gfm.export.parity import LIMIT
from gfm.models.contract import ExportedNetwork, Graph, GraphRuntime
from gfm.models.glance_focus.config import GFMConfig, SingleRosta
from gfm.models.glance_focus.fusion import fuse
from gfm.models.glance_focus.network import GFM, Matting, RimMatting
from gfm.models.images import check_image
from rssn.imaging.errors import InputError

INPUT = "image"
FIELDS = ("glance", "focus", "alpha")


class ExportedGFM(ExportedNetwork):
    """A GFM network in eval mode that another runtime computes.

    Note:
        A graph has no logits among its outputs. Those of a `Matting` are made from its
        probabilities again, equal to the network's up to what a softmax leaves out.
    """

    system = "glance_focus"
    inputs = (INPUT,)

    def __init__(self, runtime: GraphRuntime, config: GFMConfig) -> None:
        super().__init__(runtime, config, output_names(config))

    def forward(self, image: Tensor) -> Matting | RimMatting:
        """Matte a batch.

        Args:
            image: RGB (B, 3, H, W), float, in [0, 1]; any height and width.

        Returns:
            A `Matting`, or a `RimMatting` of an integrating network, at the size of the image.

        Raises:
            InputError: Another shape, an integer type, or values that are NaN or outside [0, 1].
        """
        maps = self._run(image, output_names(self.config))
        if self.config.rosta != "RIM":
            return self._matting(maps)
        tt, ft, bt = (self._matting(maps, rosta) for rosta in self.config.rostas)
        return RimMatting(tt, ft, bt, maps["alpha"])

    __call__ = forward

    def glance_probabilities(self, image: Tensor) -> Tensor:
        """Class probabilities (B, C, H, W) alone; a focus decoder of its own does not run."""
        return self._single(image, "glance")

    def focus_alpha(self, image: Tensor) -> Tensor:
        """Fractional part (B, 1, H, W) alone; a glance decoder of its own does not run."""
        return self._single(image, "focus")

    def _single(self, image: Tensor, name: str) -> Tensor:
        if self.config.rosta == "RIM":
            raise InputError("a RIM network has three glance heads; call it as a whole")
        return self._run(image, (name,))[name]

    def _run(self, image: Tensor, names: tuple[str, ...]) -> dict[str, Tensor]:
        check_image(image, torch.empty(0))
        given = np.ascontiguousarray(image.detach().float().numpy())
        maps = self.runtime.run({INPUT: given}, names)
        return {name: torch.from_numpy(made) for name, made in zip(names, maps, strict=True)}

    def _matting(self, maps: dict[str, Tensor], rosta: SingleRosta | None = None) -> Matting:
        glance, focus, alpha = (maps[part_name(field, rosta)] for field in FIELDS)
        limits = torch.finfo(glance.dtype)  # so that probabilities of 0 and 1 have logits, too
        if self.config.glance_activation == "sigmoid":
            logits = torch.logit(glance, eps=limits.eps / 2)
        else:
            logits = glance.clamp(min=limits.tiny).log()
        return Matting(glance, focus, alpha, logits)


def output_names(config: GFMConfig) -> tuple[str, ...]:
    """The outputs of a network's graph: glance, focus, alpha; of RIM also those of each part."""
    if config.rosta != "RIM":
        return FIELDS
    parts = [part_name(field, rosta) for rosta in config.rostas for field in FIELDS]
    return ("alpha", *parts)


def part_name(field: str, rosta: SingleRosta | None = None) -> str:
    """The name of an output: of the network, or of one representation of RIM (`tt_glance`)."""
    return field if rosta is None else f"{rosta.lower()}_{field}"


class _Outputs(nn.Module):
    """The network with its outputs in a row, as `output_names` has them."""

    def __init__(self, network: GFM) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        output = self.network(image)
        if not isinstance(output, RimMatting):
            return output.glance, output.focus, output.alpha
        return (output.alpha, *(field for part in output[:3] for field in part[:3]))


def graph(network: GFM) -> Graph:
    """A network for the exporter; mattes are compared as `matte_distance` has it."""
    names = output_names(network.config)
    return Graph(_Outputs(network), {INPUT: 3}, names, partial(_distances, network))


def _distances(
    network: GFM, found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The distance (B, C, H, W) of every output, by its name.

    Note:
        The matte of RIM is compared with the integration of the exported parts' mattes, as a tie
        in one of them would move it too.
    """
    distances = {name: (found[name] - wanted[name]).abs() for name in wanted}
    single = network.rim is None
    for rosta in network.config.rostas:
        glance, focus, alpha = (part_name(each, None if single else rosta) for each in FIELDS)
        distances[alpha] = matte_distance(
            found[alpha], wanted[glance], wanted[focus], wanted[alpha], rosta
        )
    if network.rim is not None:
        alphas = [found[part_name("alpha", rosta)] for rosta in network.config.rostas]
        with torch.no_grad():
            integrated = network.rim(alphas).clamp(0, 1)
        distances["alpha"] = (found["alpha"] - integrated).abs()
    return distances


def matte_distance(
    alpha: Tensor, glance: Tensor, focus: Tensor, wanted: Tensor, rosta: SingleRosta
) -> Tensor:
    """Distance of a fused matte from that of PyTorch, class ties apart.

    The fusion takes the most probable class, so that the matte may jump by 1 where two classes are
    equally probable. A probability that is off by `LIMIT` decides otherwise only where the two are
    less than 2 `LIMIT` apart; there, the matte of either class counts as right.

    Args:
        alpha: The exported matte (B, 1, H, W).
        glance: Class probabilities of PyTorch (B, C, H, W).
        focus: Its focus (B, 1, H, W).
        wanted: Its matte (B, 1, H, W).
        rosta: The representation.

    Returns:
        The distance (B, 1, H, W) from the nearest matte that counts as right.
    """
    best = glance.amax(dim=1, keepdim=True)
    nearest = (alpha - wanted).abs()
    for label in range(glance.shape[1]):
        tied = glance[:, label : label + 1] >= best - 2 * LIMIT
        decided = torch.zeros_like(glance)
        decided[:, label] = 1
        distance = (alpha - fuse(decided, focus, rosta)).abs()
        nearest = torch.where(tied, torch.minimum(nearest, distance), nearest)
    return nearest
