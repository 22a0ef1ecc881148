"""`data_tools verify`: find the faults of a data set, each by name.

Nothing is guessed. Swapped red and blue cannot be detected in a picture alone: a blue sky may be an
orange evening. They are reported for foreground colours beside their photograph. The mean colours
are in `stats`.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from data_tools.collection import find_collections, read_collection
from data_tools.duplicates import IN_WORDS, Pair, find_pairs
from data_tools.measurement import NOTES, Finding, FindingKind, Matte, Measurement, measure
from data_tools.records import write_json
from data_tools.work import add_work_options, in_order
from rssn.imaging.errors import FailedInputs

HIGHEST = 0.9  # an alpha that stays below is reported; only glass and smoke should
MOST_NOTES = 20  # on the screen
FEW = 1e-4  # share of fractional pixels of a practically binary matte

MEANING: dict[FindingKind, str] = {
    "pair": "an image or a matte without its partner",
    "image": "an image that cannot be read",
    "matte": "a matte that cannot be read or is coloured",
    "size": "a matte of another size than its image",
    "empty": "alpha is 0 everywhere",
    "full": "alpha is 1 everywhere",
    "inverted": "alpha is higher along the frame than inside",
    "channels": "foreground colours that do not fit their photograph",
    "duplicate": "the same file twice in a collection",
    "leak": "an image that is in two collections, as a copy or nearly",
    "near-duplicate": "an image that is nearly another of its collection",
    "binary": "a matte with hardly any fractional pixel",
    "faint": f"alpha stays below {HIGHEST}",
}


@dataclass(frozen=True)
class Verification:
    """Findings of a verification.

    Attributes:
        folders: The collections, those of `--against` at the end.
        images: Number of usable images of each.
        findings: Faults, then notes, by kind and path.
    """

    folders: tuple[str, ...]
    images: tuple[int, ...]
    findings: tuple[Finding, ...]

    def write(self, path: Path) -> None:
        """Write all as JSON."""
        content = {
            "collections": dict(zip(self.folders, self.images, strict=True)),
            "wrong": sum(finding.wrong for finding in self.findings),
            "findings": [{**asdict(each), "wrong": each.wrong} for each in self.findings],
        }
        write_json(path, content)

    def table(self) -> Table:
        """Number of findings of each kind."""
        counts = Counter(finding.kind for finding in self.findings)
        folders = ", ".join(f"{f} ({n})" for f, n in zip(self.folders, self.images, strict=True))
        table = Table(title=f"Images: {folders}", title_justify="left")
        for name in ("finding", "count", "", "meaning"):
            table.add_column(name, justify="right" if name == "count" else "left")
        for kind, meaning in MEANING.items():
            if counts[kind]:
                mark = "note" if kind in NOTES else "wrong"
                table.add_row(kind, str(counts[kind]), mark, meaning)
        if not counts:
            table.add_row("nothing", "0", "", "pairs, sizes, alpha and duplicates are in order")
        return table


def verify(
    folder: Path, against: Sequence[Path] = (), workers: int | None = None, quiet: bool = False
) -> Verification:
    """Check a data set, and that none of its images is in another.

    Args:
        folder: `original/` + `mask/`, `fg/` + `alpha/`, RGBA images, backgrounds; or a folder of
            such folders, its splits, which are checked against one another.
        against: Other collections, read for leaks only.
        workers: Processes; None takes one per core.
        quiet: Show no progress.
    """
    own = find_collections(folder)
    others = [found for each in against for found in find_collections(each) if found not in own]
    findings: list[Finding] = []
    measured: list[Measurement] = []
    owners: list[int] = []
    for number, each in enumerate((*own, *others)):
        items, unpaired = read_collection(each)
        results = in_order(measure, items, f"verify {each}", workers, quiet)
        usable = [result for result in results if isinstance(result, Measurement)]
        measured += usable
        owners += [number] * len(usable)
        if number < len(own):
            findings += [Finding("pair", line.split(": ")[0], line) for line in unpaired]
            findings += [result for result in results if isinstance(result, Finding)]
            findings += [finding for result in usable for finding in check(result)]
    pairs = find_pairs([each.signature for each in measured])
    findings += [
        _name(pair, measured, owners)
        for pair in pairs
        if min(owners[pair.first], owners[pair.second]) < len(own)
    ]
    order = list(MEANING)
    findings.sort(key=lambda each: (not each.wrong, order.index(each.kind), each.path))
    counts = Counter(owners)
    folders = (*own, *others)
    return Verification(
        tuple(str(each) for each in folders),
        tuple(counts[number] for number in range(len(folders))),
        tuple(findings),
    )


def check(image: Measurement) -> list[Finding]:
    """Findings of an image that can be read."""
    path, findings = str(image.item.path), []
    if image.colours is not None:
        findings.append(Finding("channels", path, image.colours))
    if image.matte is not None:
        for kind, text in _check_matte(image.matte):
            findings.append(Finding(kind, path, f"{path}: {text}"))
    return findings


def _check_matte(matte: Matte) -> list[tuple[FindingKind, str]]:
    if matte.highest == 0:
        return [("empty", "its alpha is 0 everywhere; remove it or give its matte")]
    if matte.lowest == 1:
        return [("full", "its alpha is 1 everywhere; remove it or give its matte")]
    found: list[tuple[FindingKind, str]] = []
    if matte.inverted:
        found.append(("inverted", "its alpha looks inverted: higher along the frame than inside"))
    if matte.transition < FEW:
        found.append(("binary", f"only {matte.transition:.4%} of its alpha is fractional"))
    if matte.highest < HIGHEST:
        found.append(("faint", f"its alpha reaches {matte.highest:.3f} only"))
    return found


def _name(pair: Pair, measured: Sequence[Measurement], owners: Sequence[int]) -> Finding:
    first, second = (str(measured[number].item.path) for number in (pair.first, pair.second))
    text = f"{second}: is {IN_WORDS[pair.likeness]} {first}"
    if owners[pair.first] != owners[pair.second]:
        return Finding("leak", second, text)
    return Finding("duplicate" if pair.likeness == "exact" else "near-duplicate", second, text)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("folder", type=Path, metavar="DIR", help="a data set, or its splits' folder")
    against = "look for leaks from these"
    add("--against", type=Path, nargs="+", default=[], metavar="DIR", help=against)
    add("--json", type=Path, metavar="OUT", help="file for the report")
    add_work_options(parser)


def run(options: argparse.Namespace) -> None:
    """Verify a data set and print the findings."""
    verification = verify(options.folder, options.against, options.workers, options.quiet)
    if options.json is not None:
        verification.write(options.json)
    console = Console()
    console.print(verification.table())
    notes = [f"note: {each.kind}: {each.text}" for each in verification.findings if not each.wrong]
    for note in notes[:MOST_NOTES]:
        console.print(note, markup=False, highlight=False, soft_wrap=True)
    if len(notes) > MOST_NOTES:
        console.print(f"and {len(notes) - MOST_NOTES} notes more; --json OUT writes all of them")
    wrong = [f"{each.kind}: {each.text}" for each in verification.findings if each.wrong]
    if wrong:
        raise FailedInputs(wrong)
