"""Composites from shards of sources, with objects placed anew in every epoch."""

from __future__ import annotations

import json
from dataclasses import replace

import cv2
import numpy as np

from rssn.imaging.crops import GRID, Box, decode_cut, reduction
from rssn.imaging.images import Alpha, Uint8Image, unit
from rssn.imaging.locations import Location
from rssn.imaging.reading import decode_levels, decode_rgb
from rssn.imaging.seeding import generator
from rssn.route.compose import Composite, RouteOptions, Steps, draw_steps, render
from rssn.stream.arrangement import ArrangementOptions, draw_view, put_before, recolour, warp
from rssn.stream.on_the_fly import SourceShards

LEAST_BACKGROUND = 0.4  # of its shorter side, that a picture shows


class ArrangedShards(SourceShards):
    """Endless square pictures from shards of sources, with objects anywhere.

    A picture depends on the seed, the foreground, k and the epoch alone.
    """

    def __init__(
        self,
        folder: str | Location,
        arrangement: ArrangementOptions | None = None,
        route: RouteOptions | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(folder, route, seed)
        self.arrangement = arrangement or ArrangementOptions()

    def arrange(self, number: int, epoch: int, size: int) -> tuple[Composite, float]:
        """Make picture `number` of an epoch, of `size` px.

        Returns the composite (size, size), and its scale: its px per px of the first object's
        image.
        """
        chosen, k = divmod(number, self.route.k)
        key = self._foregrounds[chosen][1].key
        rng = generator(self.seed, "arranged", key, k, epoch)
        steps = draw_steps(self.route, rng)
        colours, alpha, scale, shorter = self._object(chosen, steps, size, rng)
        record = {"foreground": key, "k": k, "epoch": epoch}
        if rng.random() < self.arrangement.second:
            other = int(rng.integers(len(self._foregrounds)))
            behind = self._object(other, steps, size, rng)
            colours, alpha = put_before((colours, alpha), behind[:2])
            record["behind"] = self._foregrounds[other][1].key
        drawn = self._sampler.draw(f"{key} {epoch}", self.route.k)[k]
        background = self._scenery(drawn, steps, size, rng)
        options = self.route.on_crop(shorter, scale)
        steps = replace(steps, denoise=False)  # done: the denoised images were read
        made = render(colours, alpha, background, steps, options, rng)
        made.record.update(record, background=self._backgrounds[drawn][1].key)
        return made, scale

    def _object(
        self, number: int, steps: Steps, size: int, rng: np.random.Generator
    ) -> tuple[Uint8Image, Alpha, float, int]:
        """Colours and matte of an object in the picture, their scale, the image's shorter side."""
        name, members = self._members("foreground", number)
        levels = decode_levels(members["alpha"], name)
        view = draw_view(levels, size, self.arrangement, rng)
        reduced = reduction(int(view.scale * size), size)
        part = "foreground_denoised" if steps.denoise else "foreground"
        image = decode_rgb(members[part], name, reduced)
        shown = warp(image, view, cv2.BORDER_REPLICATE, reduced)
        alpha = warp(unit(levels), view, cv2.BORDER_CONSTANT).clip(0, 1)
        if rng.random() < 0.5:
            shown, alpha = (
                np.ascontiguousarray(shown[:, ::-1]),
                np.ascontiguousarray(alpha[:, ::-1]),
            )
        shown = recolour(shown, self.arrangement.colour, rng)
        return shown, alpha, 1 / view.scale, min(levels.shape)

    def _scenery(
        self, number: int, steps: Steps, size: int, rng: np.random.Generator
    ) -> Uint8Image:
        """A square of a background, (size, size, 3)."""
        name, members = self._members("background", number)
        part = "background_denoised" if steps.denoise else "background"
        height, width = json.loads(members["record"])["size"]
        side = round(min(height, width) * rng.uniform(LEAST_BACKGROUND, 1))
        side -= side % GRID if side >= GRID else 0
        places = (rng.integers((length - side) // GRID + 1) * GRID for length in (height, width))
        top, left = (int(place) for place in places)
        shown = decode_cut(members[part], Box(top, left, side), size, (height, width), name)
        if rng.random() < 0.5:
            shown = np.ascontiguousarray(shown[:, ::-1])
        return recolour(shown, self.arrangement.colour, rng)
