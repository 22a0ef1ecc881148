"""Looking through the shards of a build: what is wrong with each sample, and what there is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from rssn.build.builder import BuildOptions
from rssn.build.executors import Executor
from rssn.imaging.console import Bar
from rssn.imaging.errors import InputError, one_line
from rssn.imaging.locations import Location, told_errors
from rssn.inspection.sample_checks import Held, check_indexed, check_sample, member_names
from rssn.inspection.statistics import Tally
from rssn.shards.manifest import INDEXED, Manifest
from rssn.shards.tars import Entry, Members, ShardInfo, describe_shard, read_entry

Names = tuple[str, ...] | None


class Check(Protocol):
    """Count a sample and return what is wrong with it."""

    def __call__(self, key: str, members: Members, *, tally: Tally) -> list[str]:
        """Faults of one sample."""


@dataclass(frozen=True)
class ShardTask:
    """A shard to look through.

    Attributes:
        path: Where it lies.
        shard: What the manifest says of it.
        index: What the index says of it; None where there is no index.
        names: The members that each sample has to have, in order; None for any.
        check: Says what is wrong with a sample.
        manifest: Whose it is, without its lists.
    """

    path: Location
    shard: ShardInfo
    index: tuple[Entry, ...] | None
    names: Names
    check: Check
    manifest: Manifest


@dataclass
class Findings:
    """What was found: one line for each problem, the keys in each shard, and the sums."""

    problems: list[str] = field(default_factory=list)
    keys: dict[str, list[str]] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)


def inspect_shards(manifest: Manifest, executor: Executor, quiet: bool = True) -> Findings:
    """Look through every shard of a build; what is wrong with one does not stop the others.

    Args:
        manifest: Of the build, or of tars of others.
        executor: Where the work runs.
        quiet: Show no progress.
    """
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
            replace(manifest, shards=[], failures=[], backgrounds=[]),
        )
        for shards, names, check in _kinds(manifest)
        for shard in shards
    ]
    found = {}
    with Bar("samples", sum(task.shard.samples for task in tasks), quiet) as bar:
        for number, each in executor.run(inspect_shard, tasks):
            found[number] = each
            bar.advance(tasks[number].shard.samples)
    for number in range(len(tasks)):
        findings.problems += found[number].problems
        findings.keys |= found[number].keys
        findings.tally.add(found[number].tally)
    if manifest.content != INDEXED:  # others may number their samples anew in each tar
        findings.problems += _doubled(manifest.folder, findings.keys)
        findings.problems += _unknown(manifest)
    return findings


def _kinds(manifest: Manifest) -> Iterator[tuple[list[ShardInfo], Names, Check]]:
    """The shards of each kind, the members of their samples, and how these are checked."""
    if manifest.parts is not None:
        yield manifest.shards, None, partial(check_indexed, parts=manifest.parts)
        return
    options = BuildOptions.from_dict(manifest.plan.configuration)
    first: Held = "foregrounds" if options.content == "sources" else "composites"
    kinds: tuple[tuple[Held, list[ShardInfo]], ...] = (
        (first, manifest.shards),
        ("backgrounds", manifest.backgrounds),
    )
    for holds, shards in kinds:
        check = partial(check_sample, holds=holds, options=options)
        yield shards, member_names(holds, options), check


def inspect_shard(task: ShardTask) -> Findings:
    """Look through one shard; runs in a worker."""
    try:
        with told_errors(task.path, "build it again"):
            if not task.path.is_file():
                return Findings([f"{task.path}: is missing; build again with --resume"])
            found = describe_shard(task.path, task.shard.samples)
    except InputError as error:
        return Findings([one_line(error)])
    own = task.manifest.own_entries(found.entries, task.index or ())
    found = replace(found, entries=tuple(own))
    findings = Findings(_shard_problems(found, task))
    findings.keys[task.shard.name] = [entry.key for entry in found.entries]
    reasons = _compared(found.entries, task.index or ()) if found.entries else {}
    # Of a shard that is cut short, the index still tells where the samples before the cut lie.
    for entry in found.entries or task.index or ():
        if wrong := _inspect_sample(entry, task, findings.tally):
            reasons.setdefault(entry.key, []).extend(wrong)
    findings.problems += [
        f"{task.path}: sample {key}: {'; '.join(wrong)}" for key, wrong in reasons.items()
    ]
    return findings


def _inspect_sample(entry: Entry, task: ShardTask, tally: Tally) -> list[str]:
    try:
        return task.check(entry.key, read_entry(task.path, entry, task.names), tally=tally)
    except Exception as error:  # whatever is wrong with one sample, the others are looked at
        reason = one_line(error).partition("; build")[0]
        return [reason.removeprefix(f"{task.path}: ").removeprefix(f"sample {entry.key} ")]


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
        return [f"{task.path}: lies otherwise than index.json says; build again with --resume"]
    return []


def _compared(found: Sequence[Entry], index: Sequence[Entry]) -> dict[str, list[str]]:
    """What is wrong with the samples of a shard, going by the index where there is one."""
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
    """One line for each key that stands more than once in the build."""
    counts = Counter(key for each in keys.values() for key in each)
    for key in sorted(key for key, count in counts.items() if count > 1):
        shards = [name for name, each in keys.items() for other in each if other == key]
        yield f"{folder / shards[-1]}: sample {key}: has its key {counts[key]} times, in {shards}"


def _unknown(manifest: Manifest) -> Iterator[str]:
    """One line for each shard in the folder that the manifest does not know."""
    known = {shard.name for shard in (*manifest.shards, *manifest.backgrounds)}
    there = {path.name for path in manifest.folder.iterdir() if path.suffix == ".tar"}
    for name in sorted(there - known):
        yield f"{manifest.folder / name}: is not in the manifest; move it elsewhere, or remove it"
