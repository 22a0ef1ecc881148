"""Crops of a material file at the edge of the object, with the F and B that made them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import exp, log, radians

import cv2
import numpy as np

from gfm.data.crops import ALPHA_BITS, Cropper, Planes, on_grid
from gfm.data.material import MaterialOptions, degrade, photograph_view
from gfm.data.weighted import DrawnSamples, WeightedPictures
from gfm.guidance.bands import Mask
from gfm.guidance.refinement import grown
from rssn.imaging.errors import InputError, check_shares
from rssn.imaging.images import Alpha, Pixels, Uint8Image, unit
from rssn.route.compose import ROUTES, RouteOptions, draw_steps, render
from rssn.shards.material import Kind, Material
from rssn.stream.arrangement import View, cut_sides, fit, put_before, recolour, turned, warp

KEPT = 800  # images and mattes that stay decoded
TRIES = 6
BAND = 4  # px around soft pixels that count as the edge
LEAST_EDGE = 0.004  # of a crop
UNSEEN_BAND = 6  # px around an unseen object
MOST_SHRUNK = 3.5  # px of the picture for each px of the crop


@dataclass(frozen=True)
class CloseUpOptions:
    """Options of drawing close-ups.

    Attributes:
        samples: Samples that count as an epoch.
        composites: Share of samples that are composed; the others are photographs as they are.
        weights: How often pictures of a source are drawn, relative to 1, by the source's name; 0
            leaves them out.
        second: Share of composites with a second object behind the first.
        unseen: Share of these whose second object a trimap leaves unknown as a whole, as a flag
            that a figure holds: the known colours are not its own.
        textures: Share of composites whose object gets the colours of a background.
        behind: Share of composites before a photograph with an object, not a background.
        close: Share of crops at 0.7 to 1.3 of the picture's own scale; the others show more.
        colour: Greatest relative change of each colour's brightness and of the gamma.
        degrade: Share of samples that lose quality: enlarged from less, or saved as JPEG.
        route: How composites are made. Nothing is denoised: the pictures have been shrunk.
    """

    samples: int = 16_000
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

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: A share outside [0, 1], or no samples.
        """
        shares = ("composites", "second", "unseen", "textures", "behind", "close", "degrade")
        check_shares(self, *shares)
        if self.samples < 1 or not 0 <= self.colour < 1:
            raise InputError(
                f"samples={self.samples}, colour={self.colour}: wanted at least 1, and a colour "
                "from 0 to below 1"
            )


class CloseUps(DrawnSamples):
    """A training set of any number of close-ups, each drawn from the material by its generator.

    Args:
        material: The pictures.
        options: How samples are drawn.

    Raises:
        InputError: A weight is of no source, or a kind of picture is missing.
    """

    def __init__(self, material: Material, options: CloseUpOptions) -> None:
        self.material, self.options = material, options
        composed = options.composites
        draws: dict[Kind, float] = {
            "photograph": 1 - composed + composed * options.behind,
            "cutout": composed * (1 + options.second),
            "background": composed * (1 - options.behind + options.textures),
        }
        super().__init__(WeightedPictures(material, options.weights, draws), options.samples)
        self._decoded: OrderedDict[tuple[int, str], Pixels] = OrderedDict()

    def crop(
        self, number: int, epoch: int, cropper: Cropper, rng: np.random.Generator
    ) -> tuple[Planes, float]:
        """A sample; its targets are made at its own scale."""
        del number, epoch
        return self.draw(cropper.options.size, rng), 1.0

    def draw(self, size: int, rng: np.random.Generator) -> Planes:
        """Draw a sample.

        Args:
            size: Its side in px.
            rng: Decides everything.

        Returns:
            Its images; F and B for composites alone.
        """
        for _ in range(TRIES):
            planes = self._draw(size, rng)
            soft = (planes.alpha > 0) & (planes.alpha < 1)
            if grown(soft, BAND).mean() >= LEAST_EDGE:
                break
        return planes._replace(alpha=on_grid(planes.alpha, ALPHA_BITS))

    def _draw(self, size: int, rng: np.random.Generator) -> Planes:
        options = self.options
        is_composite = rng.random() < options.composites
        made = self._composite(size, rng) if is_composite else self._photograph(size, rng)
        if rng.random() < 0.5:
            made = made.mirrored()
        if rng.random() < options.degrade:
            made = made._replace(image=degrade(made.image, rng))
        return made

    def _composite(self, size: int, rng: np.random.Generator) -> Planes:
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
        return Planes(made.composite, made.alpha, made.foreground, made.background, unseen)

    def _photograph(self, size: int, rng: np.random.Generator) -> Planes:
        number = self.pictures.pick("photograph", rng)
        image, levels = self._image(number), self._levels(number)
        view = self._view(levels, size, rng, inside=True)
        alpha = warp(unit(levels), view, cv2.BORDER_REPLICATE).clip(0, 1)
        shown = recolour(warp(image, view, cv2.BORDER_REPLICATE), self.options.colour, rng)
        return Planes(shown, alpha, None, None)

    def _object(self, size: int, rng: np.random.Generator) -> tuple[Uint8Image, Alpha, float, int]:
        """Colours and matte of a cut-out, their scale, and the shorter side in px."""
        number = self.pictures.pick("cutout", rng)
        image, levels = self._image(number), self._levels(number)
        view = self._view(levels, size, rng)
        colours = warp(image, view, cv2.BORDER_REPLICATE)
        alpha = warp(unit(levels), view, cv2.BORDER_CONSTANT).clip(0, 1)
        return recolour(colours, self.options.colour, rng), alpha, 1 / view.scale, min(levels.shape)

    def _behind(self, kind: Kind, size: int, rng: np.random.Generator) -> Uint8Image:
        image = self._image(self.pictures.pick(kind, rng))
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
        rows, columns = np.nonzero((levels > 5) & (levels < 250))
        if rows.size and rng.random() < 0.95:
            chosen = rng.integers(rows.size)
            centre = np.array([columns[chosen], rows[chosen]], np.float64)
        else:
            centre = rng.uniform(0, 1, 2) * (width, height)
        centre += rng.uniform(-0.35, 0.35, 2) * size * scale
        axes = turned(angle, (stretch, 1 / stretch)) * scale
        sides = (True,) * 4 if inside else cut_sides(unit(levels))
        return fit(axes, centre, size, (width, height), sides)

    def _image(self, number: int) -> Uint8Image:
        return self._kept((number, "image"), self.material.image)

    def _levels(self, number: int) -> Pixels:
        return self._kept((number, "levels"), self.material.levels)

    def _kept(self, key: tuple[int, str], read: Callable[[int], Pixels]) -> Pixels:
        """Pixels of a picture; those read last stay decoded."""
        if key in self._decoded:
            self._decoded.move_to_end(key)
            return self._decoded[key]
        self._decoded[key] = read(key[0])
        if len(self._decoded) > KEPT:
            self._decoded.popitem(last=False)
        return self._decoded[key]
