"""Training crops at the photograph's own scale, with the F and B that made them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import exp, log, radians
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from gfm.data.crops import Planes
from gfm.data.licences import shares
from gfm.data.material import MaterialOptions, degrade, photograph_view
from gfm.guidance.bands import UNKNOWN, Mask, Trimap
from gfm.guidance.refinement import grown
from gfm.models.contract import Licence
from gfm.models.guided.trimaps import random_trimap
from rssn.imaging.errors import InputError
from rssn.imaging.images import Alpha, Pixels, Uint8Image, unit
from rssn.route.compose import ROUTES, RouteOptions, draw_steps, render
from rssn.shards.material import Kind, Material
from rssn.stream.arrangement import OBJECT, TOUCHING, View, fit, put_before, recolour, warp

KEPT = 800  # images and mattes that stay decoded
TRIES = 6
LEAST_UNKNOWN = 0.004  # of a crop
UNSEEN_BAND = 6  # px around an object that is unknown as a whole
MOST_SHRUNK = 3.5  # px of the picture for each px of the crop


class Sample(NamedTuple):
    """One crop with its trimap (H, W) of 0, 128 and 255."""

    planes: Planes
    trimap: Trimap


@dataclass(frozen=True)
class SampleOptions:
    """Options of drawing samples.

    Attributes:
        composites: Share of the samples that are composed; the others are photographs.
        weights: How often pictures of a source are drawn, relative to 1, by the source's name.
        second: Share of the composites with a second object behind the first.
        unseen: Share of these whose second object is unknown as a whole, as a flag that a figure
            holds: the known colours are not its own then.
        textures: Share of the composites whose object gets the colours of another picture.
        behind: Share of the composites before a photograph with an object, not a background.
        close: Share of the crops at about the photograph's own scale; the others show more.
        colour: Greatest relative change of each colour's brightness and of the gamma.
        degrade: Share of the samples that lose quality.
        route: How composites are made.
    """

    composites: float = 0.75
    weights: dict[str, float] = field(default_factory=dict)
    second: float = 0.25
    unseen: float = 0.5
    textures: float = 0.2
    behind: float = 0.15
    close: float = 0.75
    colour: float = 0.25
    degrade: float = 0.2
    route: RouteOptions = field(
        default_factory=lambda: replace(
            ROUTES["rssn"], k=1, denoise_probability=0, blur_reference=1080, noise_sigma=5
        )
    )


class GuidedSamples:
    """Any number of samples, each drawn by its generator.

    Args:
        material: The pictures.
        options: How samples are drawn.

    Raises:
        InputError: A weight is of no source.
    """

    def __init__(self, material: Material, options: SampleOptions) -> None:
        self.material, self.options = material, options
        sources = {picture.source for picture in material.pictures}
        if unknown := sorted(options.weights.keys() - sources):
            raise InputError(
                f"{material.path}: weights name {unknown}, which are no sources of it; choose from "
                f"{sorted(sources)}"
            )
        kinds: tuple[Kind, ...] = ("photograph", "cutout", "background")
        self._ends = {kind: self._shares(kind) for kind in kinds}
        self._decoded: OrderedDict[tuple[int, str], Pixels] = OrderedDict()

    def draw(self, size: int, rng: np.random.Generator) -> Sample:
        """A square crop of `size` px."""
        for _ in range(TRIES):
            sample = self._draw(size, rng)
            if (sample.trimap == UNKNOWN).mean() >= LEAST_UNKNOWN:
                break
        return sample

    def licences(self) -> list[Licence]:
        """Everything that is trained on, by its share of the draws."""
        composites = self.options.composites
        draws = {
            "photograph": 1 - composites + composites * self.options.behind,
            "cutout": composites * (1 + self.options.second),
            "background": composites * (1 - self.options.behind + self.options.textures),
        }
        pictures = self.material.pictures
        return shares(
            (pictures[number].source, pictures[number].licence, draws[kind] * float(share))
            for kind, (numbers, ends) in self._ends.items()
            for number, share in zip(numbers, np.diff(ends, prepend=0), strict=True)
        )

    def _draw(self, size: int, rng: np.random.Generator) -> Sample:
        options = self.options
        unseen: Mask | None = None
        if rng.random() < options.composites:
            made, unseen = self._composite(size, rng)
        else:
            made = self._photograph(size, rng)
        trimap = random_trimap(made.alpha, rng)
        if unseen is not None:
            trimap[unseen] = UNKNOWN
        if rng.random() < 0.5:
            made = Planes(*(None if part is None else _mirrored(part) for part in made))  # type: ignore[arg-type]
            trimap = _mirrored(trimap)
        if rng.random() < options.degrade:
            made = made._replace(image=degrade(made.image, rng))
        return Sample(made, trimap)

    def _composite(self, size: int, rng: np.random.Generator) -> tuple[Planes, Mask | None]:
        options = self.options
        colours, alpha, scale, shorter = self._object(size, rng)
        unseen: Mask | None = None
        if rng.random() < options.second:
            behind = self._object(size, rng)[:2]
            if rng.random() < options.unseen:
                unseen = grown((behind[1] > 0) & (alpha < 1), UNSEEN_BAND)
            colours, alpha = put_before((colours, alpha), behind)
        if rng.random() < options.textures:
            colours = self._behind("background", size, rng)
        kind: Kind = "photograph" if rng.random() < options.behind else "background"
        background = self._behind(kind, size, rng)
        steps = draw_steps(options.route, rng)
        made = render(colours, alpha, background, steps, options.route.on_crop(shorter, scale), rng)
        planes = Planes(made.composite, made.alpha, made.foreground, made.background)
        return planes, unseen

    def _photograph(self, size: int, rng: np.random.Generator) -> Planes:
        number = self._pick("photograph", rng)
        image, levels = self._image(number), self._levels(number)
        view = self._view(levels, size, rng, inside=True)
        alpha = warp(unit(levels), view, cv2.BORDER_REPLICATE).clip(0, 1)
        shown = recolour(warp(image, view, cv2.BORDER_REPLICATE), self.options.colour, rng)
        return Planes(shown, alpha, None, None)

    def _object(self, size: int, rng: np.random.Generator) -> tuple[Uint8Image, Alpha, float, int]:
        """Colours and matte of a cut-out, their scale, and the shorter side in px."""
        number = self._pick("cutout", rng)
        image, levels = self._image(number), self._levels(number)
        view = self._view(levels, size, rng)
        colours = warp(image, view, cv2.BORDER_REPLICATE)
        alpha = warp(unit(levels), view, cv2.BORDER_CONSTANT).clip(0, 1)
        return recolour(colours, self.options.colour, rng), alpha, 1 / view.scale, min(levels.shape)

    def _behind(self, kind: Kind, size: int, rng: np.random.Generator) -> Uint8Image:
        image = self._image(self._pick(kind, rng))
        zoom = (min(size / min(image.shape[:2]), 1.0), 1.0)
        view = photograph_view(image.shape, size, MaterialOptions(zoom=zoom), rng)
        shown = warp(image, view, cv2.BORDER_REPLICATE)
        return recolour(shown, self.options.colour, rng)

    def _view(
        self, levels: Pixels, size: int, rng: np.random.Generator, inside: bool = False
    ) -> View:
        """A crop around a pixel of the transition."""
        height, width = levels.shape
        most = min(max(height, width) / size, MOST_SHRUNK)
        if rng.random() < self.options.close or most <= 1.3:
            scale = exp(rng.uniform(log(0.7), log(1.3)))
        else:
            scale = exp(rng.uniform(log(1.3), log(most)))
        angle, stretch = radians(rng.normal(0, 12)), 1.15 ** rng.uniform(-0.5, 0.5)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        rows, columns = np.nonzero((levels > 5) & (levels < 250))
        if rows.size and rng.random() < 0.95:
            chosen = rng.integers(rows.size)
            centre = np.array([columns[chosen], rows[chosen]], np.float64)
        else:
            centre = rng.uniform(0, 1, 2) * (width, height)
        centre += rng.uniform(-0.35, 0.35, 2) * size * scale
        axes = turn @ np.diag([stretch, 1 / stretch]) * scale
        sides = (True,) * 4 if inside else _cut_sides(unit(levels))
        return fit(axes, centre, size, (width, height), sides)

    def _image(self, number: int) -> Uint8Image:
        return self._kept((number, "image"), self.material.image)

    def _levels(self, number: int) -> Pixels:
        return self._kept((number, "levels"), self.material.levels)

    def _kept(self, key: tuple[int, str], read: Callable[[int], Pixels]) -> Pixels:
        """Pixels of a picture, of which the last ones stay decoded."""
        if key in self._decoded:
            self._decoded.move_to_end(key)
            return self._decoded[key]
        self._decoded[key] = read(key[0])
        if len(self._decoded) > KEPT:
            self._decoded.popitem(last=False)
        return self._decoded[key]

    def _shares(self, kind: Kind) -> tuple[list[int], NDArray[np.float64]]:
        """The pictures of a kind that are drawn, and the ends of their shares of [0, 1]."""
        weights = {
            number: self.options.weights.get(picture.source, 1.0)
            for number, picture in enumerate(self.material.pictures)
            if picture.kind == kind
        }
        numbers = [number for number, weight in weights.items() if weight > 0]
        ends = np.cumsum([weights[number] for number in numbers])
        return numbers, ends / ends[-1]

    def _pick(self, kind: Kind, rng: np.random.Generator) -> int:
        numbers, ends = self._ends[kind]
        return numbers[min(int(np.searchsorted(ends, rng.random(), "right")), len(numbers) - 1)]


def _mirrored(part: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(part[:, ::-1])


def _cut_sides(alpha: Alpha) -> tuple[bool, bool, bool, bool]:
    """Sides where the object is cut: left, top, right and bottom of its picture."""
    lines = (alpha[:, 0], alpha[0], alpha[:, -1], alpha[-1])
    left, top, right, bottom = (bool((line > OBJECT).mean() > TOUCHING) for line in lines)
    return left, top, right, bottom
