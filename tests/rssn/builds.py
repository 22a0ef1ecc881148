"""Content of a build."""

from __future__ import annotations

from pathlib import Path

from rssn import Manifest, decode_sample, read_shard
from rssn.imaging.locations import Location
from rssn.inspection.command import inspect_build
from rssn.route.compose import Composite


def contents(folder: Location) -> dict[str, bytes]:
    """Every file of a build but its cache, by its name."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def problems(folder: Path) -> list[str]:
    """Problems that inspection finds, without the folder's name."""
    found = inspect_build(folder, workers=1)["problems"]
    assert isinstance(found, list)
    return [line.replace(f"{folder}/", "") for line in found]


def samples_of(folder: Path) -> dict[str, Composite]:
    """Every sample of a build by its key."""
    manifest = Manifest.read(folder)
    return {
        key: decode_sample(members)
        for shard in manifest.shards
        for key, members in read_shard(folder / shard.name, shard.samples)
    }
