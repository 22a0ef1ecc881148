"""Samples from a file of material: photographs as they are, and composites made on the fly."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import exp, log, radians

import cv2
import numpy as np
from numpy.typing import NDArray

from gfm.data.crops import ALPHA_BITS, Cropper, Planes, on_grid
from gfm.data.licences import shares
from gfm.models.contract import Licence
from rssn.foreground.colour_fill import fill_colours
from rssn.imaging.errors import InputError
from rssn.imaging.images import Alpha, Uint8Image, unit
from rssn.imaging.reading import Reduction
from rssn.imaging.resizing import resize
from rssn.route.compose import ROUTES, RouteOptions, draw_steps, render
from rssn.shards.material import Material
from rssn.stream.arrangement import (
    ArrangementOptions,
    View,
    draw_view,
    fit,
    put_before,
    recolour,
    warp,
)

BLUR_REFERENCE = 1080  # px of the shorter side that the paper's blur windows are meant for
SEEN = 0.3  # least share of the object that a view of a photograph shows
TRIES = 4
LEAST_BACKGROUND = 0.3  # of a background's shorter side that a picture shows
QUALITIES = (35, 90)  # of the JPEGs that degrade pictures


@dataclass(frozen=True)
class MaterialOptions:
    """Options for drawing samples from material.

    Attributes:
        samples: Samples that count as an epoch.
        composites: Share of samples that are composed; the others are photographs as they are.
        cutouts: Share of the composites whose object is a cut-out; in the others it is taken from a
            photograph by its matte.
        weights: How often pictures of a source are drawn, relative to 1, by the source's name; 0
            leaves them out.
        zoom: Least and greatest side of the view of a photograph, relative to its shorter side. A
            side that the photograph does not have is cut down to it, which squeezes the view.
        turn: Standard deviation of the turn of a photograph, in degrees.
        stretch: Greatest factor by which one side of a view grows against the other.
        colour: Greatest relative change of each colour's brightness and of the gamma.
        degrade: Share of the samples that lose quality: enlarged from less, or saved as JPEG.
        arrangement: How objects of composites are placed.
        route: How they are composed. Nothing is denoised: the pictures have been shrunk.
    """

    samples: int = 16_000
    composites: float = 0.4
    cutouts: float = 0.65
    weights: dict[str, float] = field(default_factory=dict)
    zoom: tuple[float, float] = (0.7, 1.25)
    turn: float = 6.0
    stretch: float = 1.15
    colour: float = 0.2
    degrade: float = 0.25
    arrangement: ArrangementOptions = field(
        default_factory=lambda: ArrangementOptions(
            extents=(0.45, 1.3), turn=8, shift=0.15, detail=0.1, second=0.1, colour=0.2
        )
    )
    route: RouteOptions = field(
        default_factory=lambda: replace(
            ROUTES["rssn"], k=1, denoise_probability=0, blur_reference=BLUR_REFERENCE
        )
    )

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: A value that is not possible.
        """
        for name in ("composites", "cutouts", "degrade"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name}={getattr(self, name)}: a share is between 0 and 1")
        low, high = self.zoom
        if not 0 < low <= high:
            raise InputError(f"zoom={self.zoom}: give two factors above 0, the lower first")
        if self.samples < 1 or self.turn < 0 or self.stretch < 1 or not 0 <= self.colour < 1:
            raise InputError(
                f"samples={self.samples}, turn={self.turn}, stretch={self.stretch}, colour="
                f"{self.colour}: wanted at least 1, 0, 1, and a colour from 0 to below 1"
            )
        if bad := {name: weight for name, weight in self.weights.items() if not weight >= 0}:
            raise InputError(f"weights={bad}: a weight is 0 or more")


class MaterialSet:
    """A training set of any number of samples, each drawn from the material by its generator.

    Args:
        material: The pictures.
        options: How samples are drawn.

    Raises:
        InputError: A weight is of no source, or a kind of picture is missing that the options need.
    """

    def __init__(self, material: Material, options: MaterialOptions) -> None:
        self.material, self.options = material, options
        sources = {picture.source for picture in material.pictures}
        if unknown := sorted(options.weights.keys() - sources):
            raise InputError(
                f"{material.path}: weights name {unknown}, which are no sources of it; choose from "
                f"{sorted(sources)}"
            )
        self._photographs = self._drawn_from("photograph", options.composites < 1)
        self._cutouts = self._drawn_from("cutout", options.composites * options.cutouts > 0)
        self._backgrounds = self._drawn_from("background", options.composites > 0)

    def __len__(self) -> int:
        return self.options.samples

    def key(self, number: int) -> str:
        """The number of a sample."""
        return f"{number:06d}"

    def crop(
        self, number: int, epoch: int, cropper: Cropper, rng: np.random.Generator
    ) -> tuple[Planes, float]:
        """A sample; its labels are made at its own scale."""
        del number, epoch
        return cropper.augment(self.draw(cropper.options.size, rng), rng), 1.0

    def draw(self, size: int, rng: np.random.Generator) -> Planes:
        """Draw a sample.

        Args:
            size: Its side in px.
            rng: Decides everything.
        """
        if rng.random() < self.options.composites:
            image, alpha = self._composite(size, rng)
        else:
            image, alpha = self._photograph(size, rng)
        if rng.random() < 0.5:
            image, alpha = image[:, ::-1], alpha[:, ::-1]
        if rng.random() < self.options.degrade:
            image = degrade(image, rng)
        alpha = on_grid(np.ascontiguousarray(alpha), ALPHA_BITS)
        return Planes(np.ascontiguousarray(image), alpha, None, None)

    def licences(self) -> list[Licence]:
        """Everything that is trained on, by its share of the draws."""
        options = self.options
        of_photographs = 1 - options.composites + options.composites * (1 - options.cutouts)
        kinds = (
            (self._photographs, of_photographs),
            (self._cutouts, options.composites * options.cutouts),
            (self._backgrounds, options.composites),
        )
        pictures = self.material.pictures
        return shares(
            (pictures[number].source, pictures[number].licence, share * float(weight))
            for (numbers, ends), share in kinds
            for number, weight in zip(numbers, np.diff(ends, prepend=0), strict=True)
        )

    def _drawn_from(self, kind: str, needed: bool) -> tuple[list[int], NDArray[np.float64]]:
        """The pictures of a kind that are drawn, and the ends of their shares of [0, 1]."""
        pictures = self.material.pictures
        weights = {
            number: self.options.weights.get(picture.source, 1.0)
            for number, picture in enumerate(pictures)
            if picture.kind == kind
        }
        numbers = [number for number, weight in weights.items() if weight > 0]
        if not numbers and needed:
            raise InputError(
                f"{self.material.path}: holds no {kind} that may be drawn; add some, or change "
                "composites, cutouts and weights"
            )
        ends = np.cumsum([weights[number] for number in numbers])
        return numbers, ends / ends[-1] if numbers else ends

    @staticmethod
    def _pick(of: tuple[list[int], NDArray[np.float64]], rng: np.random.Generator) -> int:
        numbers, ends = of
        return numbers[min(int(np.searchsorted(ends, rng.random(), "right")), len(numbers) - 1)]

    def _photograph(self, size: int, rng: np.random.Generator) -> tuple[Uint8Image, Alpha]:
        number = self._pick(self._photographs, rng)
        levels = self.material.levels(number)
        for _ in range(TRIES):
            view = photograph_view(levels.shape, size, self.options, rng)
            alpha = warp(unit(levels), view, cv2.BORDER_REPLICATE).clip(0, 1)
            if alpha.sum() * view.scale**2 >= SEEN * unit(levels).sum():
                break
        reduced = _reduction(view.scale)
        image = warp(self.material.image(number, reduced), view, cv2.BORDER_REPLICATE, reduced)
        return recolour(image, self.options.colour, rng), alpha

    def _composite(self, size: int, rng: np.random.Generator) -> tuple[Uint8Image, Alpha]:
        options = self.options
        colours, alpha, scale, shorter = self._object(size, rng)
        if rng.random() < options.arrangement.second:
            behind = self._object(size, rng)
            colours, alpha = put_before((colours, alpha), behind[:2])
        steps = draw_steps(options.route, rng)
        background = self._background(size, rng)
        made = render(colours, alpha, background, steps, options.route.on_crop(shorter, scale), rng)
        return made.composite, made.alpha

    def _object(self, size: int, rng: np.random.Generator) -> tuple[Uint8Image, Alpha, float, int]:
        """Colours and matte as a picture shows them, their scale, and the shorter side in px."""
        is_cutout = bool(rng.random() < self.options.cutouts)
        number = self._pick(self._cutouts if is_cutout else self._photographs, rng)
        levels = self.material.levels(number)
        view = draw_view(levels, size, self.options.arrangement, rng)
        reduced = _reduction(view.scale)
        colours = warp(self.material.image(number, reduced), view, cv2.BORDER_REPLICATE, reduced)
        alpha = warp(unit(levels), view, cv2.BORDER_CONSTANT).clip(0, 1)
        if not is_cutout:
            colours = fill_colours(colours, alpha)
        if rng.random() < 0.5:
            colours, alpha = colours[:, ::-1], alpha[:, ::-1]
        colours = recolour(np.ascontiguousarray(colours), self.options.arrangement.colour, rng)
        return colours, np.ascontiguousarray(alpha), 1 / view.scale, min(levels.shape)

    def _background(self, size: int, rng: np.random.Generator) -> Uint8Image:
        number = self._pick(self._backgrounds, rng)
        shape = self.material.pictures[number].size
        options = replace(self.options, zoom=(LEAST_BACKGROUND, 1.0))
        view = photograph_view(shape, size, options, rng)
        reduced = _reduction(view.scale)
        image = warp(self.material.image(number, reduced), view, cv2.BORDER_REPLICATE, reduced)
        if rng.random() < 0.5:
            image = np.ascontiguousarray(image[:, ::-1])
        return recolour(image, self.options.arrangement.colour, rng)


def photograph_view(
    shape: tuple[int, ...], size: int, options: MaterialOptions, rng: np.random.Generator
) -> View:
    """Draw a view of a photograph that stays inside it.

    Args:
        shape: Height and width of the photograph in px.
        size: Side of the view in px.
        options: Its zoom, turn and stretch.
        rng: Decides.
    """
    height, width = shape[:2]
    low, high = options.zoom
    side = exp(rng.uniform(log(low), log(high))) * min(height, width)
    stretch = options.stretch ** rng.uniform(-0.5, 0.5)
    angle = radians(rng.normal(0, options.turn))
    sides = np.array([min(side * stretch, width), min(side / stretch, height)])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = np.array([width, height]) / 2
    free = np.maximum(np.array([width, height]) - sides, 0) / 2
    centre = centre + rng.uniform(-1, 1, 2) * free
    return fit(turn @ np.diag(sides / size), centre, size, (width, height), (True,) * 4)


def degrade(image: Uint8Image, rng: np.random.Generator) -> Uint8Image:
    """Take quality from a picture: enlarge it from half its size or more, or save it as JPEG."""
    if rng.random() < 0.5:
        height, width = image.shape[:2]
        factor = rng.uniform(0.4, 0.9)
        small = resize(image, (round(height * factor), round(width * factor)))
        return resize(small, (height, width))
    quality = int(rng.integers(*QUALITIES))
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB), np.uint8)


def _reduction(scale: float) -> Reduction:
    """Reduction of a picture while it is decoded, for a view of that scale."""
    return 4 if scale >= 4 else 2 if scale >= 2 else 1
