"""Backpropagating refinement: fit the matte to its trimap at inference (LSA paper, section 4.3).

Right inside a known region of the trimap alpha should be 1 or 0 already, and just beside it too. A
network may miss that, for it has learnt on other trimaps. So features of its decoder are scaled and
shifted, by a few numbers that vary smoothly over the image, until the matte agrees: gradient
descent on those numbers, with the network as it is.

The encoder runs once. A step costs a pass of the decoder forward and one backward, and keeps the
decoder's activations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from gfm.blocks.modulation import Modulate
from gfm.models.windows import windows
from rssn.imaging.errors import InputError, check_choice

Form = Literal["paper", "released"]
GRID = 256  # the numbers at stride s form a square of 256 / s
DEVIATION_WEIGHT = 0.1
MULTIPLE = 64  # of the sides of a photograph that is refined
LARGEST, TILE = 1536, 1024  # px; a larger photograph is refined in tiles of that side


class Refinable(Protocol):
    """A trimap-guided network whose decoder can be refined."""

    @property
    def device(self) -> torch.device:
        """Device that its inputs must be on."""
        ...

    def encode(self, image: Tensor, trimap: Tensor) -> Any:  # noqa: ANN401 - its own affair
        """Everything the decoder reads, for an image (B, 3, H, W) and its trimap (B, 1, H, W)."""
        ...

    def decode(self, features: Any, modulate: Modulate) -> Tensor:  # noqa: ANN401
        """Alpha (B, 1, H, W), which may leave [0, 1].

        The outputs of the decoder's blocks pass `gfm.blocks.modulation.modulated`.
        """
        ...


@dataclass(frozen=True)
class RefinementOptions:
    """Options of backpropagating refinement.

    Attributes:
        steps: Gradient steps in the paper's form; passes in the released code's, whose last one
            takes no step.
        rate: Learning rate.
        form: `paper`, or `released` for what the authors' program does. See the note.

    Note:
        The paper constrains the pixels on both sides of the boundary of each known region. The
        released code constrains the unknown pixels with one of the region among their eight
        neighbours, counts 0.1 more of each, compares with the initial alpha before it is clamped,
        and returns the alpha before the last step.
    """

    steps: int = 100
    rate: float = 20.0
    form: Form = "paper"

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: A value that is not possible.
        """
        check_choice("form", self.form, get_args(Form))
        if self.steps < 1 or not self.rate > 0:
            raise InputError(
                f"steps={self.steps}, rate={self.rate}: give at least one step and a rate above 0"
            )


class Refined(NamedTuple):
    """A refined matte and how it came about.

    Attributes:
        alpha: (1, 1, H, W) in [0, 1].
        costs: Boundary and deviation cost before each step, (steps, 2).
        scales: Logarithm of the scale, A of the paper, by the power of two of the stride.
        shifts: B of the paper, likewise.
    """

    alpha: Tensor
    costs: Tensor
    scales: dict[int, Tensor]
    shifts: dict[int, Tensor]


def refine(
    network: Refinable,
    image: Tensor,
    trimap: Tensor,
    options: RefinementOptions | None = None,
    inside: Tensor | None = None,
) -> Refined:
    """Refine the matte of one image.

    Args:
        network: In eval mode. Its weights stay.
        image: RGB (1, 3, H, W) in [0, 1].
        trimap: (1, 1, H, W): 0 background, 0.5 unknown, 1 foreground.
        options: How.
        inside: Boolean (1, 1, H, W), the photograph in a padded image: nothing else is compared.

    Returns:
        The matte and the costs. Without known or without unknown pixels nothing is refined.

    Note:
        Alpha is clamped before it is compared. Where the network's output is outside [0, 1] no
        gradient flows, and if it is so everywhere, nothing changes.
    """
    options = options or RefinementOptions()
    modulation = Modulation()
    # Inference mode, which callers may be in, keeps nothing to go back through.
    with torch.inference_mode(False):
        with torch.no_grad():
            features = network.encode(image.clone(), trimap.clone())
            start = network.decode(features, modulation)
        cost = Costs(start, trimap, options.form, inside)
        alpha, costs = start, []
        last = options.steps - (options.form == "released")
        for step in range(options.steps if cost.is_defined else 0):
            with torch.enable_grad():
                alpha = network.decode(features, modulation)
                boundary, deviation = cost(alpha)
                costs.append(torch.stack([boundary.detach(), deviation.detach()]))
                if step < last:
                    modulation.descend(boundary + DEVIATION_WEIGHT * deviation, options.rate)
        if costs and options.form == "paper":
            with torch.no_grad():
                alpha = network.decode(features, modulation)
    trace = torch.stack(costs) if costs else start.new_zeros(0, 2)
    return Refined(alpha.detach().clamp(0, 1), trace, modulation.scales, modulation.shifts)


def refine_in_tiles(
    network: Refinable,
    image: Tensor,
    trimap: Tensor,
    options: RefinementOptions | None = None,
    inside: Tensor | None = None,
    tile: int = TILE,
) -> Tensor:
    """Refine the matte of an image too large to go back through at once.

    Args:
        network: As for `refine`, like all but the last.
        image: RGB (1, 3, H, W) in [0, 1].
        trimap: (1, 1, H, W).
        options: How.
        inside: Boolean (1, 1, H, W) or None.
        tile: Side of a tile in pixels, a multiple of 32 above 256.

    Returns:
        Alpha (1, 1, H, W) in [0, 1].

    Note:
        Each tile is encoded and refined by itself, with grids of its own, and they fade into each
        other over 64 pixels.
    """
    height, width = image.shape[-2:]
    alpha = torch.zeros_like(trimap)
    for row in windows(height, tile):
        for column in windows(width, tile):
            area = (..., slice(row.start, row.stop), slice(column.start, column.stop))
            part = None if inside is None else inside[area]
            refined = refine(network, image[area], trimap[area], options, part).alpha
            weights = torch.from_numpy(row.weights[:, None] * column.weights)
            alpha[area] += refined * weights.to(alpha)
    return alpha


def refine_photograph(
    network: Refinable, image: NDArray[np.uint8], trimap: NDArray[np.uint8], steps: int
) -> NDArray[np.float32]:
    """Refine the matte of a photograph, in the paper's form; a large one in tiles.

    Args:
        network: In eval mode.
        image: RGB (H, W, 3).
        trimap: (H, W): 0 background, 128 unknown, 255 foreground.
        steps: Gradient steps.

    Returns:
        Alpha (H, W); 0 and 1 where the trimap is known.
    """
    height, width = trimap.shape
    borders = ((0, -height % MULTIPLE), (0, -width % MULTIPLE))
    picture = np.pad(image, (*borders, (0, 0)), "reflect").transpose(2, 0, 1)[None]
    known = np.pad(trimap, borders, "reflect")[None, None]
    colours, hints = (torch.from_numpy(x).to(network.device) / 255 for x in (picture, known))
    inside = torch.zeros_like(hints, dtype=torch.bool)
    inside[..., :height, :width] = True
    options = RefinementOptions(steps)
    if max(trimap.shape) > LARGEST:
        alpha = refine_in_tiles(network, colours, hints, options, inside)
    else:
        alpha = refine(network, colours, hints, options, inside).alpha
    made = alpha[0, 0, :height, :width].cpu().numpy()
    return np.select([trimap == 0, trimap == 255], [np.float32(0), np.float32(1)], made)


class Modulation:
    """Scale and shift of a decoder's features by small grids, which begin without effect.

    Attributes:
        scales: Logarithm of the scale (1, C, g, g), by the power of two of the stride.
        shifts: Likewise.
    """

    def __init__(self) -> None:
        self.scales: dict[int, Tensor] = {}
        self.shifts: dict[int, Tensor] = {}

    def __call__(self, power: int, features: Tensor) -> Tensor:
        """Modulate features (1, C, H, W) of a block at stride 2^power."""
        if power not in self.scales:
            shape = (1, features.shape[1], GRID >> power, GRID >> power)
            for grids in (self.scales, self.shifts):
                grids[power] = features.new_zeros(shape).requires_grad_()
        scale, shift = (
            functional.interpolate(
                grids[power], size=features.shape[-2:], mode="bicubic", align_corners=False
            )
            for grids in (self.scales, self.shifts)
        )
        return scale.exp() * features + shift

    def descend(self, cost: Tensor, rate: float) -> None:
        """Take one step against the gradient of a cost."""
        grids = [*self.scales.values(), *self.shifts.values()]
        gradients = torch.autograd.grad(cost, grids)
        with torch.no_grad():
            for grid, gradient in zip(grids, gradients, strict=True):
                grid -= rate * gradient


class Costs:
    """Costs C1 and C2 of an alpha, given the trimap and the initial alpha.

    Args:
        start: Initial alpha (1, 1, H, W), not clamped.
        trimap: As `refine` takes it.
        form: Of the paper or the released code.
        inside: Where alphas are compared; everywhere when None.
    """

    def __init__(
        self, start: Tensor, trimap: Tensor, form: Form = "paper", inside: Tensor | None = None
    ) -> None:
        inside = torch.ones_like(trimap, dtype=torch.bool) if inside is None else inside
        background, foreground = (trimap < 0.25) & inside, (trimap > 0.75) & inside
        self.unknown = inside & ~(background | foreground)
        if form == "paper":
            self.background = both_sides(background, inside & ~background)
            self.foreground = both_sides(foreground, inside & ~foreground)
        else:
            self.background = self.unknown & _near(background)
            self.foreground = self.unknown & _near(foreground)
        self.sizes = int(self.background.sum()), int(self.foreground.sum())
        self.count = sum(self.sizes) + (0 if form == "paper" else 0.2)
        self.start = start.clamp(0, 1) if form == "paper" else start

    @property
    def is_defined(self) -> bool:
        """There are pixels on a boundary, and unknown ones."""
        return sum(self.sizes) > 0 and bool(self.unknown.any())

    def __call__(self, raw: Tensor) -> tuple[Tensor, Tensor]:
        """The cost of the boundary and that of the deviation, of a raw alpha (1, 1, H, W)."""
        alpha = raw.clamp(0, 1)
        boundary = alpha[self.background].square().sum()
        boundary = boundary + (1 - alpha[self.foreground]).square().sum()
        moved = (alpha - self.start)[self.unknown].abs().mean()
        return boundary / self.count, moved.square()


def both_sides(region: Tensor, others: Tensor) -> Tensor:
    """Pixels of two regions, boolean (1, 1, H, W), with a pixel of the other beside them."""
    return (region & _cross(others)) | (others & _cross(region))


def _cross(region: Tensor) -> Tensor:
    """The region and its four neighbours."""
    across = functional.max_pool2d(region.float(), (1, 3), stride=1, padding=(0, 1))
    down = functional.max_pool2d(region.float(), (3, 1), stride=1, padding=(1, 0))
    return (across + down) > 0


def _near(region: Tensor) -> Tensor:
    """The region and its eight neighbours."""
    return functional.max_pool2d(region.float(), 3, stride=1, padding=1) > 0
