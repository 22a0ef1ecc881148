"""Rebuilding one sample of a build from its record."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from rssn.build.builder import BuildOptions
from rssn.build.cache import content_digest
from rssn.build.composition import Sample, SampleTask, SourceSample
from rssn.build.sources import find_backgrounds, find_sources
from rssn.imaging.errors import FailedInputs, InputError
from rssn.imaging.locations import Location
from rssn.imaging.reading import read_pixels
from rssn.inspection.sample_checks import member_names
from rssn.route.compose import Record
from rssn.shards.manifest import Manifest, library_versions
from rssn.shards.tars import Entry, Held, Members, read_entry


@dataclass(frozen=True)
class Rebuilt:
    """A sample as stored and as rebuilt.

    Attributes:
        key: Its key.
        stored: Its members in the shard.
        again: Its rebuilt members.
        changed: One line per source or library that differs from the build's.
    """

    key: str
    stored: Members
    again: Members
    changed: list[str]

    def differences(self) -> dict[str, str]:
        """Difference of each member; '' if all its bytes are the same."""
        names = [*self.stored, *(name for name in self.again if name not in self.stored)]
        return {name: _difference(name, self.stored, self.again) for name in names}


def rebuild(
    manifest: Manifest,
    key: str,
    foregrounds: Path,
    backgrounds: Path | None,
    cache: Path | None = None,
) -> Rebuilt:
    """Rebuild a sample from its record, the manifest's settings and its sources.

    Sources are prepared anew without a cache, a stricter check.

    Raises:
        InputError: The sample does not exist, or a folder is missing.
        FailedInputs: A source is missing or unusable, or the sample or its record cannot be read.
    """
    options = BuildOptions.from_dict(manifest.plan.configuration)
    holds, path, entry = _find(manifest, key)
    try:
        stored = read_entry(path, entry, member_names(holds, options))
        record = dict(json.loads(stored["record.json"]))
    except (ValueError, TypeError) as error:  # an InputError is a ValueError
        raise FailedInputs([f"{path}: sample {key} cannot be read ({error})"]) from error
    changed = _other_versions(manifest, options.device)
    front = partial(_source, "foreground", record, foregrounds, changed)
    back = partial(_source, "background", record, backgrounds, changed)
    if holds == "composites":
        behind = back() if options.route.composition else None
        sample: Sample = SampleTask(front(), behind, record.get("k", 0), record.get("seed", 0))
    else:
        sample = front() if holds == "foregrounds" else back()
    with TemporaryDirectory(prefix="rssn-") as folder:
        settings = options.settings(cache or Path(folder))
        try:
            again = sample.members(settings, options.image_format)
        except InputError as error:
            raise FailedInputs([*changed, f"{key}: cannot be made again: {error}"]) from error
    return Rebuilt(key, stored, again, changed)


def _find(manifest: Manifest, key: str) -> tuple[Held, Location, Entry]:
    """Content and path of the shard with a sample, and the sample's entry."""
    index = manifest.index()
    for holds, shards in manifest.kinds.items():
        for shard in shards:
            for entry in index[shard.name]:
                if entry.key == key:
                    return holds, manifest.folder / shard.name, entry
    example = next((entry.key for entries in index.values() for entry in entries), "none at all")
    raise InputError(f"{manifest.folder}: holds no sample '{key}', but for example {example}")


def _source(part: str, record: Record, folder: Path | None, changed: list[str]) -> SourceSample:
    """The foreground or background of a record as it is now; a change is added to `changed`."""
    if folder is None:
        raise InputError(f"the sample has a {part}; give --{part}s")
    there = find_sources(folder)[0] if part == "foreground" else find_backgrounds(folder)
    name = record.get(part)
    if (source := {each.id: each for each in there}.get(str(name))) is None:
        raise FailedInputs([f"{folder}: the {part} {name} is missing"])
    digest = content_digest(*source.files)
    if digest != record.get(f"{part}_digest"):
        files = f"{source.files[0]}{' or its matte' if part == 'foreground' else ''}"
        changed.append(f"{files} is not what the sample was built from")
    return SourceSample(source, digest)


def _other_versions(manifest: Manifest, device: str) -> list[str]:
    """One line per library whose version differs from the build's."""
    before, now = manifest.plan.versions, library_versions(device)
    return [
        f"{name} is {now.get(name)}, the sample was built with {before.get(name)}"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]


def _difference(name: str, stored: Members, again: Members) -> str:
    """Difference of a member; '' if all its bytes are the same."""
    if name not in stored or name not in again:
        return "is missing in the shard" if name not in stored else "is not made any more"
    if stored[name] == again[name]:
        return ""
    if name == "record.json":
        before, now = json.loads(stored[name]), json.loads(again[name])
        names = sorted(key for key in before | now if before.get(key) != now.get(key))
        return ", ".join(f"{key}: {before.get(key)} before, {now.get(key)} now" for key in names)
    before, now = (read_pixels(members[name], name) for members in (stored, again))
    if before.shape != now.shape:
        return f"{before.shape} before, {now.shape} now"
    apart = np.abs(before.astype(int) - now)
    return f"{np.count_nonzero(apart):,} of {apart.size:,} values, by up to {apart.max()} of 255"
