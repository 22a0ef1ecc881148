"""Verification of the shards of a build, sample by sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from rssn.build.builder import BuildOptions
from rssn.build.executors import Executor, run_all
from rssn.imaging.errors import InputError, one_line
from rssn.imaging.locations import Location, told_errors
from rssn.inspection.sample_checks import (
    Check,
    Names,
    check_indexed,
    check_sample,
    faults_of,
    member_names,
)
from rssn.inspection.statistics import Tally
from rssn.shards.manifest import INDEXED, Manifest
from rssn.shards.tars import Entry, ShardInfo, describe_shard


@dataclass(frozen=True)
class ShardTask:
    """A shard to verify.

    Attributes:
        path: Of the file.
        shard: Its entry in the manifest.
        index: Its entries in the index; None without an index.
        names: Required members of each sample; None in a tar of others, of which only indexed
            samples belong to the data set.
        check: Finds the faults of a sample, given a tally too.
    """

    path: Location
    shard: ShardInfo
    index: tuple[Entry, ...] | None
    names: Names
    check: Check


@dataclass
class Findings:
    """One line per problem, the keys in each shard, and the sums over the samples."""

    problems: list[str] = field(default_factory=list)
    keys: dict[str, list[str]] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)


def inspect_shards(manifest: Manifest, executor: Executor, quiet: bool = True) -> Findings:
    """Verify every shard of a build; a fault of one does not stop the others."""
    findings, index = Findings(), None
    try:
        index = manifest.index()
    except InputError as error:
        findings.problems.append(one_line(error))
    tasks = [
        ShardTask(
            manifest.tars / shard.name,
            shard,
            None if index is None else tuple(index[shard.name]),
            names,
            check,
        )
        for shards, names, check in _kinds(manifest)
        for shard in shards
    ]
    found = run_all(executor, inspect_shard, tasks, "samples", quiet, lambda t: t.shard.samples)
    for each in found:
        findings.problems += each.problems
        findings.keys |= each.keys
        findings.tally.add(each.tally)
    if manifest.content != INDEXED:  # others may number their samples anew in each tar
        findings.problems += _doubled(manifest.folder, findings.keys)
        known = {shard.name for shard in (*manifest.shards, *manifest.backgrounds)}
        there = {path.name for path in manifest.folder.iterdir() if path.suffix == ".tar"}
        findings.problems += [
            f"{manifest.folder / name}: is not in the manifest; move it elsewhere, or remove it"
            for name in sorted(there - known)
        ]
    return findings


def _kinds(manifest: Manifest) -> Iterator[tuple[list[ShardInfo], Names, Check]]:
    """Shards of each kind, the members of their samples, and the check of these."""
    if manifest.parts is not None:
        yield manifest.shards, None, partial(check_indexed, parts=manifest.parts)
        return
    options = BuildOptions.from_dict(manifest.plan.configuration)
    for holds, shards in manifest.kinds.items():
        check = partial(check_sample, holds=holds, options=options)
        yield shards, member_names(holds, options), check


def inspect_shard(task: ShardTask) -> Findings:
    """Verify one shard; runs in a worker."""
    try:
        with told_errors(task.path, "build it again"):
            if not task.path.is_file():
                return Findings([f"{task.path}: is missing; build again with --resume"])
            found = describe_shard(task.path, task.shard.samples)
    except InputError as error:
        return Findings([one_line(error)])
    if task.names is None:
        known = set(task.index or ())
        found = replace(found, entries=tuple(each for each in found.entries if each in known))
    findings = Findings(_shard_problems(found, task))
    findings.keys[task.shard.name] = [entry.key for entry in found.entries]
    reasons = _compared(found.entries, task.index or ()) if found.entries else {}
    # The index still gives the samples before the cut of a shard that is cut short.
    check = partial(task.check, tally=findings.tally)
    for entry in found.entries or task.index or ():
        if wrong := faults_of(task.path, entry, task.names, check):
            reasons.setdefault(entry.key, []).extend(wrong)
    findings.problems += [
        f"{task.path}: sample {key}: {'; '.join(wrong)}" for key, wrong in reasons.items()
    ]
    return findings


def _shard_problems(found: ShardInfo, task: ShardTask) -> list[str]:
    if found != task.shard:
        size = f"{found.bytes:,} bytes in place of {task.shard.bytes:,}"
        what = size if found.bytes != task.shard.bytes else "its SHA-256 differs"
        end = "" if found.entries else ", and its end is missing"
        return [f"{task.path}: is not as it was written ({what}{end}); build again with --resume"]
    wanted = task.shard.samples
    if len(found.entries) != wanted:
        return [f"{task.path}: holds {len(found.entries)} samples, not {wanted}; build it again"]
    if task.index is not None and found.entries != task.index:
        return [
            f"{task.path}: its samples are not where index.json says; build again with --resume"
        ]
    return []


def _compared(found: Sequence[Entry], index: Sequence[Entry]) -> dict[str, list[str]]:
    """Faults of the samples of a shard by the index, if there is one."""
    there, wanted = {entry.key: entry for entry in found}, {entry.key: entry for entry in index}
    reasons: dict[str, list[str]] = {}
    for key in sorted(wanted.keys() | there.keys()) if index else ():
        if key not in there:
            reasons[key] = ["is missing"]
        elif key not in wanted:
            reasons[key] = ["does not belong here"]
        elif (there[key].size, there[key].crc) != (wanted[key].size, wanted[key].crc):
            reasons[key] = ["is not as it was written"]
    return reasons


def _doubled(folder: Location, keys: dict[str, list[str]]) -> Iterator[str]:
    """One line per key that occurs more than once in the build."""
    counts = Counter(key for each in keys.values() for key in each)
    for key in sorted(key for key, count in counts.items() if count > 1):
        shards = [name for name, each in keys.items() for other in each if other == key]
        yield f"{folder / shards[-1]}: sample {key}: has its key {counts[key]} times, in {shards}"
