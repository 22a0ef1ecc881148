"""Whether an exported network computes what PyTorch does, at sizes that exports get wrong."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from gfm.export.exported import FIELDS, part_name
from gfm.inference.matting_model import MattingModel
from gfm.models.glance_focus.config import SingleRosta
from gfm.models.glance_focus.fusion import fuse
from gfm.models.glance_focus.network import GFM, Matting, RimMatting
from rssn.imaging.errors import FailedInputs, one_line

Size = tuple[int, int, int]

# Batch, height and width: two odd images, odd sides, tiny, wide, larger.
SIZES: tuple[Size, ...] = ((2, 31, 97), (1, 33, 75), (1, 5, 7), (1, 40, 320), (1, 251, 190))
LIMIT = 1e-3
ROUNDED_LIMIT = 4e-3  # what backends of lower precision may cost


@dataclass(frozen=True)
class Difference:
    """How far an exported network is from PyTorch, in the output where it is farthest.

    Attributes:
        value: The greatest difference, or the mean one where weights were rounded.
        where: The output, the size of the image, and the place in it.
    """

    value: float
    where: str

    def __str__(self) -> str:
        return f"{self.value:.1e} in {self.where}"


def check_export(
    network: GFM, exported: MattingModel, name: str, rounded: bool = False
) -> Difference:
    """Compare an exported network with the one that it was made from, at the five `SIZES`.

    No value may differ by more than `LIMIT`, the matte as `matte_distance` has it. With rounded
    weights, the mean over an output may not exceed `ROUNDED_LIMIT`.

    Args:
        network: In eval mode, on the processor.
        exported: What was made from it.
        name: Its file, for the messages.
        rounded: The weights of the file are rounded.

    Returns:
        The worst difference.

    Raises:
        FailedInputs: It differs by more, or cannot be run at one of the sizes.
    """
    worst = Difference(0.0, "every output")
    for size in SIZES:
        image = picture(size)
        with torch.no_grad():
            wanted = network(image)
        try:
            found = exported(image)
            distances = _distances(found, wanted, network)
        except Exception as error:  # each runtime has kinds of its own
            shape = "x".join(map(str, image.shape))
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


def picture(size: Size) -> Tensor:
    """Blobs with grain, (B, 3, H, W) in [0, 1]: more for a network to see than noise alone."""
    batch, height, width = size
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(batch, 3, 2 + height // 24, 2 + width // 24, generator=generator)
    blobs = functional.interpolate(coarse, (height, width), mode="bilinear")
    grain = torch.rand(batch, 3, height, width, generator=generator) - 0.5
    return (blobs + 0.2 * grain).clamp(0, 1)


def matte_distance(alpha: Tensor, wanted: Matting, rosta: SingleRosta) -> Tensor:
    """How far a fused matte is from the one of PyTorch, class ties apart.

    The fusion takes the most probable class, so that the matte may jump by 1 where two classes are
    equally probable. A probability that is off by `LIMIT` decides otherwise only where the two are
    less than 2 `LIMIT` apart; there, the matte of either class counts as right.

    Args:
        alpha: The exported matte (B, 1, H, W).
        wanted: What PyTorch says.
        rosta: The representation.

    Returns:
        The distance (B, 1, H, W) from the nearest matte that counts as right.
    """
    best = wanted.glance.amax(dim=1, keepdim=True)
    nearest = (alpha - wanted.alpha).abs()
    for label in range(wanted.glance.shape[1]):
        tied = wanted.glance[:, label : label + 1] >= best - 2 * LIMIT
        decided = torch.zeros_like(wanted.glance)
        decided[:, label] = 1
        distance = (alpha - fuse(decided, wanted.focus, rosta)).abs()
        nearest = torch.where(tied, torch.minimum(nearest, distance), nearest)
    return nearest


def _distances(
    found: Matting | RimMatting, wanted: Matting | RimMatting, network: GFM
) -> dict[str, Tensor]:
    """The distance (B, C, H, W) of every output, by its name.

    Note:
        The matte of RIM is compared with the integration of the exported parts' mattes, as a tie
        in one of them would move it too.
    """
    rostas = network.config.rostas
    if isinstance(found, Matting) and isinstance(wanted, Matting):
        return _part_distances(found, wanted, rostas[0], None)
    if not (isinstance(found, RimMatting) and isinstance(wanted, RimMatting) and network.rim):
        raise ValueError(f"{type(found).__name__} and {type(wanted).__name__}")
    distances: dict[str, Tensor] = {}
    for ours, theirs, rosta in zip(found[:3], wanted[:3], rostas, strict=True):
        distances |= _part_distances(ours, theirs, rosta, rosta)
    with torch.no_grad():
        integrated = network.rim([part.alpha for part in found[:3]]).clamp(0, 1)
    return {"alpha": _absolute(found.alpha, integrated), **distances}


def _part_distances(
    found: Matting, wanted: Matting, rosta: SingleRosta, prefix: SingleRosta | None
) -> dict[str, Tensor]:
    _absolute(found.alpha, wanted.alpha)  # has the right shape
    distances = (
        _absolute(found.glance, wanted.glance),
        _absolute(found.focus, wanted.focus),
        matte_distance(found.alpha, wanted, rosta),
    )
    return {part_name(field, prefix): d for field, d in zip(FIELDS, distances, strict=True)}


def _absolute(found: Tensor, wanted: Tensor) -> Tensor:
    if found.shape != wanted.shape:
        raise ValueError(f"shape {tuple(found.shape)} instead of {tuple(wanted.shape)}")
    return (found - wanted).abs()


def _reduce(output: str, distance: Tensor, size: Size, rounded: bool) -> Difference:
    distance = distance.nan_to_num(nan=torch.inf, posinf=torch.inf)
    of = f"{output} of {size[1]}x{size[2]}"
    if rounded:
        return Difference(float(distance.mean()), of)
    index = int(distance.argmax())
    row, column = index // distance.shape[3] % distance.shape[2], index % distance.shape[3]
    return Difference(float(distance.max()), f"{of} at row {row}, column {column}")
