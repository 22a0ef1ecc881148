"""Training sets of several parts, some repeated, some with their objects placed anew."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import cv2
import numpy as np

from gfm.data.crops import Cropper, Planes
from gfm.data.licences import joined, licences_of_build
from gfm.data.sets import FinishedShards, PhotographFolder, TrainingSet, open_training_set
from gfm.models.contract import Licence
from rssn.imaging.errors import InputError
from rssn.imaging.images import unit
from rssn.imaging.locations import locate
from rssn.imaging.reading import decode_levels, decode_rgb
from rssn.route.compose import RouteOptions
from rssn.shards.manifest import Manifest
from rssn.stream.arranged import ArrangedShards
from rssn.stream.arrangement import ArrangementOptions, draw_view, recolour, warp


@dataclass(frozen=True)
class Part:
    """One part of a mixture.

    Attributes:
        shards: What `data.shards` takes.
        repeat: How often an epoch has each of its samples, composed and cropped anew each time.
        arrangement: Place the objects anew; the crop's sides and its share on the transition do
            not matter then. In a folder of photographs the objects stay in their pictures, which
            are seen nearer, turned and recoloured. None crops as usual.
        route: For shards of sources, another route than the one they were built for.
    """

    shards: str
    repeat: int = 1
    arrangement: ArrangementOptions | None = None
    route: RouteOptions | None = None

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: It is repeated less than once.
        """
        if self.repeat < 1:
            raise InputError(f"repeat={self.repeat} of {self.shards}: wanted 1 or more")


class Mixture:
    """Several training sets as one.

    Args:
        sets: The sets, each with how often an epoch repeats it.
    """

    def __init__(self, sets: Sequence[tuple[TrainingSet, int]]) -> None:
        self.sets = list(sets)
        self._ends = list(accumulate(len(samples) * repeat for samples, repeat in self.sets))

    def __len__(self) -> int:
        return self._ends[-1]

    def key(self, number: int) -> str:
        """Number of the set, name of the sample in it, and number of the repetition."""
        part, samples, local, turn = self._find(number)
        return f"{part}/{samples.key(local)}/{turn}"

    def crop(
        self, number: int, epoch: int, cropper: Cropper, rng: np.random.Generator
    ) -> tuple[Planes, float]:
        """A crop of a sample; repetitions are epochs of their own to its set."""
        part, samples, local, turn = self._find(number)
        return samples.crop(local, epoch * self.sets[part][1] + turn, cropper, rng)

    def licences(self) -> list[Licence]:
        """Licences of all sets, by their shares of an epoch."""
        return joined((each.licences(), len(each) * repeat) for each, repeat in self.sets)

    def _find(self, number: int) -> tuple[int, TrainingSet, int, int]:
        """The set and its position, the sample there, and which repetition."""
        part = bisect_right(self._ends, number)
        samples, _ = self.sets[part]
        turn, local = divmod(number - (self._ends[part - 1] if part else 0), len(samples))
        return part, samples, local, turn


class ArrangedComposites:
    """Composites of sources, their objects placed anew.

    Args:
        shards: The sources, their route and how objects are placed.
    """

    def __init__(self, shards: ArrangedShards) -> None:
        self.shards = shards

    def __len__(self) -> int:
        return len(self.shards)

    def key(self, number: int) -> str:
        """Key of the foreground, and k."""
        return self.shards.key(number)

    def crop(
        self, number: int, epoch: int, cropper: Cropper, rng: np.random.Generator
    ) -> tuple[Planes, float]:
        """A new composite."""
        made, scale = self.shards.arrange(number, epoch, cropper.options.size)
        planes = Planes(made.composite, made.alpha, made.foreground, made.background)
        return cropper.finish(planes, rng), scale

    def licences(self) -> list[Licence]:
        """Licences in the manifest."""
        return licences_of_build(self.shards.manifest)


class ArrangedPhotographs(FinishedShards):
    """Finished samples, seen from anywhere inside them: turned, stretched, near or far.

    Args:
        manifest: Of the build.
        arrangement: How. Nothing is composed, so objects have no second one behind them.
    """

    def __init__(self, manifest: Manifest, arrangement: ArrangementOptions) -> None:
        super().__init__(manifest)
        self.arrangement = arrangement

    def crop(
        self, number: int, epoch: int, cropper: Cropper, rng: np.random.Generator
    ) -> tuple[Planes, float]:
        """A part of a sample."""
        del epoch
        name, members = self.members(number)
        levels = decode_levels(members["alpha"], f"{name}alpha")
        view = draw_view(levels, cropper.options.size, self.arrangement, rng, inside=True)
        parts = {
            part: warp(decode_rgb(members[part], name + part), view, cv2.BORDER_REPLICATE)
            for part in ("composite", "foreground", "background")
            if part in members
        }
        alpha = warp(unit(levels), view, cv2.BORDER_REPLICATE).clip(0, 1)
        planes = Planes(parts["composite"], alpha, parts.get("foreground"), parts.get("background"))
        return cropper.finish(planes, rng), 1 / view.scale


class ArrangedFolder(PhotographFolder):
    """Photographs in original/ with mattes in mask/, seen from anywhere inside them.

    Args:
        folder: Holds the two folders. Masks may be binary: resizing softens them.
        arrangement: How; there is no second object.
    """

    def __init__(self, folder: Path, arrangement: ArrangementOptions) -> None:
        super().__init__(folder)
        self.arrangement = arrangement

    def crop(
        self, number: int, epoch: int, cropper: Cropper, rng: np.random.Generator
    ) -> tuple[Planes, float]:
        """A part of a photograph; its colours change as the arrangement says."""
        del epoch
        image, levels = self.read(number)
        view = draw_view(levels, cropper.options.size, self.arrangement, rng, inside=True)
        shown = recolour(warp(image, view, cv2.BORDER_REPLICATE), self.arrangement.colour, rng)
        alpha = warp(unit(levels), view, cv2.BORDER_REPLICATE).clip(0, 1)
        return cropper.finish(Planes(shown, alpha, None, None), rng), 1 / view.scale


def open_mixture(parts: Sequence[Part], seed: int = 0) -> Mixture:
    """Open every part of a mixture.

    Args:
        parts: At least one.
        seed: What the draws derive from.

    Raises:
        InputError: There is no part, or one does not hold what it has to.
    """
    if not parts:
        raise InputError("data.mixture is empty; give at least one part with its shards")
    return Mixture([(_open(part, seed), part.repeat) for part in parts])


def _open(part: Part, seed: int) -> TrainingSet:
    if part.arrangement is None:
        return open_training_set(part.shards, part.route, seed)
    place = locate(part.shards)
    if isinstance(place, Path) and (place / "original").is_dir():
        return ArrangedFolder(place, part.arrangement)
    manifest = Manifest.read(place)
    if manifest.content == "sources":
        return ArrangedComposites(ArrangedShards(part.shards, part.arrangement, part.route, seed))
    if part.route is not None:
        raise InputError(
            f"{part.shards}: holds finished composites, whose route is fixed; leave its route out, "
            "or build with --content sources"
        )
    return ArrangedPhotographs(manifest, part.arrangement)
