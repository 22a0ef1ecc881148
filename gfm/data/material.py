"""Samples from a file of material: photographs as they are, and composites made on the fly."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import exp, log, radians

import cv2
import numpy as np

from gfm.data.crops import ALPHA_BITS, Cropper, Planes, on_grid
from gfm.data.weighted import DrawnSamples, WeightedPictures
from rssn.foreground.colour_fill import fill_colours
from rssn.imaging.errors import InputError, check_shares
from rssn.imaging.images import Alpha, Uint8Image, unit
from rssn.imaging.reading import Reduction
from rssn.imaging.resizing import resize
from rssn.route.compose import ROUTES, RouteOptions, draw_steps, render
from rssn.shards.material import Kind, Material
from rssn.stream.arrangement import (
    ArrangementOptions,
    View,
    draw_view,
    fit,
    put_before,
    recolour,
    turned,
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
        check_shares(self, "composites", "cutouts", "degrade")
        low, high = self.zoom
        if not 0 < low <= high:
            raise InputError(f"zoom={self.zoom}: give two factors above 0, the lower first")
        if self.samples < 1 or self.turn < 0 or self.stretch < 1 or not 0 <= self.colour < 1:
            raise InputError(
                f"samples={self.samples}, turn={self.turn}, stretch={self.stretch}, colour="
                f"{self.colour}: wanted at least 1, 0, 1, and a colour from 0 to below 1"
            )


class MaterialSet(DrawnSamples):
    """A training set of any number of samples, each drawn from the material by its generator.

    Args:
        material: The pictures.
        options: How samples are drawn.

    Raises:
        InputError: A weight is of no source, or a kind of picture is missing that the options need.
    """

    def __init__(self, material: Material, options: MaterialOptions) -> None:
        self.material, self.options = material, options
        composed = options.composites
        draws: dict[Kind, float] = {
            "photograph": 1 - composed * options.cutouts,
            "cutout": composed * options.cutouts,
            "background": composed,
        }
        super().__init__(WeightedPictures(material, options.weights, draws), options.samples)

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

    def _photograph(self, size: int, rng: np.random.Generator) -> tuple[Uint8Image, Alpha]:
        number = self.pictures.pick("photograph", rng)
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
        number = self.pictures.pick("cutout" if is_cutout else "photograph", rng)
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
        number = self.pictures.pick("background", rng)
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
    centre = np.array([width, height]) / 2
    free = np.maximum(np.array([width, height]) - sides, 0) / 2
    centre = centre + rng.uniform(-1, 1, 2) * free
    return fit(turned(angle, sides / size), centre, size, (width, height), (True,) * 4)


def degrade(image: Uint8Image, rng: np.random.Generator) -> Uint8Image:
    """Degrade a picture: enlarge it from half its size or more, or save it as JPEG."""
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
