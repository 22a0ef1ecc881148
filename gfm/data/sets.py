"""Training sets: finished composites, sources to compose anew, or photographs."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np

from gfm.data.crops import Cropper, Planes
from gfm.data.licences import licences_of_build, licences_of_photographs
from gfm.models.contract import Licence
from rssn.build.sources import find_sources
from rssn.imaging.crops import cut, cut_alpha, decode_cut
from rssn.imaging.errors import InputError
from rssn.imaging.images import Pixels, Uint8Image
from rssn.imaging.locations import Location, locate
from rssn.imaging.reading import decode_levels, read_rgb
from rssn.route.compose import RouteOptions
from rssn.shards.manifest import Manifest
from rssn.shards.parts import name_parts
from rssn.shards.tars import MEMBERS, read_entry
from rssn.stream.on_the_fly import SourceShards


class TrainingSet(Protocol):
    """Samples by number; each call may come from another process."""

    def __len__(self) -> int: ...

    def key(self, number: int) -> str:
        """Name of a sample."""
        ...

    def crop(
        self, number: int, epoch: int, cropper: Cropper, rng: np.random.Generator
    ) -> tuple[Planes, float]:
        """A random crop of a sample, and its size relative to the whole.

        Raises:
            InputError: The sample cannot be used; the message names it.
        """
        ...

    def licences(self) -> list[Licence]:
        """Sources and licences of what it shows, by their shares of the samples."""
        ...


class FinishedShards:
    """Shards of finished composites, or tars of others, read sample by sample through their index.

    Args:
        manifest: Of the build, or of `rssn.index`.
    """

    def __init__(self, manifest: Manifest) -> None:
        self.manifest, self.tars = manifest, manifest.tars
        index = manifest.index()
        self._entries = [(s.name, entry) for s in manifest.shards for entry in index[s.name]]
        self._names = MEMBERS if manifest.parts is None else None
        keys = {entry.key for _, entry in self._entries}
        self._are_unique = len(keys) == len(self._entries)  # others may number anew in each tar

    def __len__(self) -> int:
        return len(self._entries)

    def key(self, number: int) -> str:
        """Key of a sample, behind the name of its shard where keys come more than once."""
        shard, entry = self._entries[number]
        key = entry.key.removeprefix("./")
        return key if self._are_unique else f"{shard.removesuffix('.tar')}/{key}"

    def crop(
        self, number: int, epoch: int, cropper: Cropper, rng: np.random.Generator
    ) -> tuple[Planes, float]:
        """A random crop, its images decoded no larger than it has to be."""
        del epoch
        name, members = self.members(number)
        levels = decode_levels(members["alpha"], f"{name}alpha")
        shape = (levels.shape[0], levels.shape[1])
        box, size = cropper.place(levels, rng), cropper.options.size
        cuts = {
            part: decode_cut(members[part], box, size, shape, name + part)
            for part in ("composite", "foreground", "background")
            if part in members
        }
        alpha = cut_alpha(levels, box, size)
        planes = Planes(cuts["composite"], alpha, cuts.get("foreground"), cuts.get("background"))
        return cropper.finish(planes, rng), size / box.side

    def licences(self) -> list[Licence]:
        """Those that the manifest records."""
        return licences_of_build(self.manifest)

    def members(self, number: int) -> tuple[str, dict[str, bytes]]:
        """Return the start of messages about a sample, and its encoded parts by name.

        Raises:
            InputError: The shard is damaged there.
        """
        shard, entry = self._entries[number]
        found = read_entry(self.tars / shard, entry, self._names)
        parts = name_parts(found, self.manifest.parts)
        return f"{self.tars / shard}: sample {entry.key}: ", parts


class FreshComposites:
    """Shards of sources, composed anew in every epoch on the crop alone.

    Args:
        shards: The sources and their route.
    """

    def __init__(self, shards: SourceShards) -> None:
        self.shards = shards

    def __len__(self) -> int:
        return len(self.shards)

    def key(self, number: int) -> str:
        """Key of the foreground, and k."""
        return self.shards.key(number)

    def crop(
        self, number: int, epoch: int, cropper: Cropper, rng: np.random.Generator
    ) -> tuple[Planes, float]:
        """A random crop of a new composite."""
        size = cropper.options.size
        made, box = self.shards.compose(number, epoch, partial(cropper.place, rng=rng), size)
        planes = Planes(made.composite, made.alpha, made.foreground, made.background)
        return cropper.finish(planes, rng), size / box.side

    def licences(self) -> list[Licence]:
        """Those that the manifest records."""
        return licences_of_build(self.shards.manifest)


class PhotographFolder:
    """Photographs in original/ with mattes in mask/; their F and B are not known.

    Args:
        folder: Holds the two folders.

    Note:
        The composition loss has nothing to compare then; shards of the route 'original' hold the
        estimated colours.
    """

    def __init__(self, folder: Path) -> None:
        self._sources, failures = find_sources(folder)
        if failures:
            raise InputError(f"training photographs: {'; '.join(failures)}")

    def __len__(self) -> int:
        return len(self._sources)

    def key(self, number: int) -> str:
        """Name of a photograph."""
        return self._sources[number].id

    def crop(
        self, number: int, epoch: int, cropper: Cropper, rng: np.random.Generator
    ) -> tuple[Planes, float]:
        """A random crop of a photograph."""
        del epoch
        image, levels = self.read(number)
        box, size = cropper.place(levels, rng), cropper.options.size
        planes = Planes(cut(image, box, size), cut_alpha(levels, box, size), None, None)
        return cropper.finish(planes, rng), size / box.side

    def licences(self) -> list[Licence]:
        """Those in the lists beside the photographs."""
        return licences_of_photographs(self._sources)

    def read(self, number: int) -> tuple[Uint8Image, Pixels]:
        """A photograph (H, W, 3) and its matte (H, W), levels as stored.

        Raises:
            InputError: They differ in size, or the matte is empty.
        """
        source = self._sources[number]
        levels = decode_levels(source.matte.read_bytes(), str(source.matte))
        image = read_rgb(source.image)
        if image.shape[:2] != levels.shape:
            raise InputError(
                f"{source.image}: is {image.shape[1]}x{image.shape[0]} px, its matte "
                f"{levels.shape[1]}x{levels.shape[0]}; give a matte of the same size"
            )
        if not levels.any():
            raise InputError(f"{source.matte}: is 0 everywhere; remove it or give its matte")
        return image, levels


def open_training_set(
    place: str | Path, route: RouteOptions | None = None, seed: int = 0
) -> TrainingSet:
    """Open the training set in a folder or at an address in an object store.

    Args:
        place: A build of `rssn.build`, finished composites or sources; tars that `rssn.index` has
            indexed; or a folder with original/ and mask/.
        route: For sources: another route than the build's.
        seed: For sources: what the draws derive from.

    Raises:
        InputError: The folder holds none of these, or a route is given for what is not composed.
    """
    folder: Location = locate(place)
    if isinstance(folder, Path) and (folder / "original").is_dir():
        if route is not None:
            raise InputError(
                f"{place}: holds photographs, which no route composes; leave data.route out, or "
                "build shards of them with --content sources"
            )
        return PhotographFolder(folder)
    manifest = Manifest.read(folder)
    if manifest.content == "sources":
        return FreshComposites(SourceShards(folder, route, seed))
    if route is not None:
        raise InputError(
            f"{place}: holds finished composites, whose route is fixed; leave data.route out, or "
            "build with --content sources"
        )
    return FinishedShards(manifest)
