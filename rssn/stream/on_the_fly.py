"""Composites from shards of sources, made anew in every epoch, on the crop alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Literal

from rssn.imaging.crops import Box, cut_alpha, decode_cut
from rssn.imaging.errors import InputError
from rssn.imaging.images import Pixels, Uint8Image, unit
from rssn.imaging.locations import Location, locate
from rssn.imaging.reading import decode_levels, decode_rgb
from rssn.imaging.seeding import generator
from rssn.route.backgrounds import BackgroundSampler, decode_covering_box
from rssn.route.compose import Composite, RouteOptions, Steps, draw_steps, render
from rssn.shards.manifest import Manifest
from rssn.shards.parts import name_parts
from rssn.shards.tars import Members, read_entry

Place = Callable[[Pixels], Box]


class SourceShards:
    """Endless composites from shards of `python -m rssn.build --content sources`.

    In every epoch each foreground gets k other backgrounds, with other steps and noise. A composite
    depends on the seed, the foreground, k and the epoch alone.

    Args:
        folder: Folder or address of the build.
        route: Replaces the build's.
        seed: Source of all draws.

    Raises:
        InputError: The folder holds other shards, or nothing denoised for a route that denoises.
    """

    def __init__(
        self, folder: str | Location, route: RouteOptions | None = None, seed: int = 0
    ) -> None:
        self.manifest = Manifest.read(locate(folder))
        configuration = self.manifest.plan.configuration
        if configuration.get("content") != "sources":
            raise InputError(
                f"{folder}: holds finished composites; build with --content sources to compose on "
                "the fly"
            )
        built = RouteOptions.from_dict(configuration["route"], str(folder))
        self.route, self.seed = route or built, seed
        self._variants = ("", "_denoised") if built.denoise_probability else ("",)
        if self.route.denoise_probability and len(self._variants) < 2:
            raise InputError(
                f"{folder}: holds no denoised images; build it with a route that denoises"
            )
        index = self.manifest.index()
        self._foregrounds, self._backgrounds = (
            [(shard.name, entry) for shard in shards for entry in index[shard.name]]
            for shards in (self.manifest.shards, self.manifest.backgrounds)
        )
        self._sampler = BackgroundSampler(len(self._backgrounds), seed)

    def __len__(self) -> int:
        """Composites of an epoch: k of each foreground."""
        return len(self._foregrounds) * self.route.k

    def key(self, number: int) -> str:
        """Name of a composite: that of its foreground, and k."""
        foreground, k = divmod(number, self.route.k)
        return f"{self._foregrounds[foreground][1].key}-k{k}"

    def compose(
        self, number: int, epoch: int = 0, place: Place | None = None, size: int | None = None
    ) -> tuple[Composite, Box]:
        """Make a composite, whole or of a crop.

        Args:
            number: Of the composite, from 0 to `len(self)` - 1.
            epoch: Other numbers give other composites.
            place: Chooses the crop, given the matte's levels (H, W) as stored; None composes the
                whole foreground.
            size: Side in px of the resized crop; None keeps its size.

        Returns:
            The composite, and its box of the whole foreground.

        Raises:
            InputError: A sample is damaged; the message names shard and key.

        Note:
            A crop is resized before it is composed, with the route's windows and noise scaled. It
            differs from a resized part of the whole composite where the blur crosses the border of
            the crop, and in the noise's correlation.
        """
        chosen, k = divmod(number, self.route.k)
        key = self._foregrounds[chosen][1].key
        name, members = self._members("foreground", chosen)
        levels = decode_levels(members["alpha"], name)
        shape = (levels.shape[0], levels.shape[1])
        rng = generator(self.seed, "on the fly", key, k, epoch)
        if place is None:
            box, size, options = Box(0, 0, min(shape)), None, self.route
        else:
            box = place(levels)
            size = size or box.side
            options = self.route.on_crop(min(shape), size / box.side)
        steps = draw_steps(options, rng)
        data = members["foreground_denoised" if steps.denoise else "foreground"]
        drawn = self._sampler.draw(f"{key} {epoch}", self.route.k)[k]
        if size is None:
            foreground, alpha = decode_rgb(data, name), unit(levels)
        else:
            foreground = decode_cut(data, box, size, shape, name)
            alpha = cut_alpha(levels, box, size)
        background = self._background(drawn, steps, shape, box, size)
        made = render(foreground, alpha, background, steps, options, rng)
        made.record.update(foreground=key, k=k, epoch=epoch)
        made.record["background"] = self._backgrounds[drawn][1].key
        return made, box

    def _background(
        self, number: int, steps: Steps, shape: tuple[int, int], box: Box, size: int | None
    ) -> Uint8Image:
        """The background, or the part of it behind the box."""
        name, members = self._members("background", number)
        data = members["background_denoised" if steps.denoise else "background"]
        if size is None:
            return decode_rgb(data, name)
        there = json.loads(members["record"])["size"]
        return decode_covering_box(data, there, shape, steps.position, box, size, name)

    def _members(self, of: Literal["foreground", "background"], number: int) -> tuple[str, Members]:
        """Name in messages, and parts, of a foreground or background."""
        is_front = of == "foreground"
        shard, entry = (self._foregrounds if is_front else self._backgrounds)[number]
        variants = (f"{of}{variant}" for variant in self._variants)
        names = (*(("alpha",) if is_front else ()), *variants, "record")
        members = read_entry(self.manifest.folder / shard, entry, names)
        return f"{shard}, sample {entry.key}", name_parts(members, None)
