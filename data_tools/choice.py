"""Choice of backgrounds, and the files in which a person reviews it."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from data_tools.candidates import Candidate
from data_tools.duplicates import IN_WORDS, find_pairs, repeated
from data_tools.records import write_json
from rssn.imaging.console import progress
from rssn.imaging.drawing import tiles
from rssn.imaging.errors import InputError, check_least, check_shares
from rssn.imaging.files import whole_file, write_whole
from rssn.imaging.reading import read_rgb
from rssn.imaging.seeding import generator
from rssn.imaging.writing import encode_rgb

Status = Literal["train", "test", "review", "dropped", "duplicate", "small"]
PLACES: tuple[Status, ...] = ("train", "test", "review")
SHEET_TILES, TILE_SIDE = 60, 160  # of a contact sheet; px
COLUMNS = ("name", "place", "saliency", "decision", "source")


@dataclass(frozen=True)
class CurationOptions:
    """Choice of backgrounds.

    Attributes:
        shorter_side: In pixels: smaller images are left out, larger ones shrunk to it.
        saliency: Images above wait for a person's decision; see `data_tools.saliency`.
        test_share: Share of the images that test, in [0, 1].
        seed: Of the split.
    """

    shorter_side: int = 1080
    saliency: float = 1.8
    test_share: float = 0.25
    seed: int = 0

    def __post_init__(self) -> None:
        check_least(16, shorter_side=self.shorter_side)
        check_shares(self, "test_share")
        check_least(0, saliency=self.saliency, seed=self.seed)


@dataclass(frozen=True)
class Choice:
    """Status of an image, and the reason."""

    image: Candidate
    status: Status
    reason: str = ""


@dataclass(frozen=True)
class Curation:
    """Statuses of all images, and a line for each unusable file."""

    choices: tuple[Choice, ...]
    failures: tuple[str, ...]

    def counts(self) -> dict[str, int]:
        """Number of images of each status."""
        return dict(sorted(Counter(each.status for each in self.choices).items()))


def choose(
    images: Sequence[Candidate], options: CurationOptions, decisions: Mapping[str, str]
) -> list[Choice]:
    """Choose the status of each image; of images that are the same the first is taken.

    `decisions` are `keep` or `drop`, by the names of images, of a person.
    """
    least = options.shorter_side
    large = [each for each in images if min(each.height, each.width) >= least]
    copies = repeated(find_pairs([each.signature for each in large]))
    choices = [
        Choice(each, "small", f"{each.width}x{each.height} px, wanted {least} and more")
        for each in images
        if min(each.height, each.width) < least
    ]
    for number, each in enumerate(large):
        decision = decisions.get(each.name, "")
        if number in copies:
            pair = copies[number]
            other = large[pair.first].path
            choices.append(Choice(each, "duplicate", f"{IN_WORDS[pair.likeness]} {other}"))
        elif decision == "drop":
            choices.append(Choice(each, "dropped", "as decided"))
        elif each.saliency > options.saliency and decision != "keep":
            choices.append(Choice(each, "review", "a salient subject?"))
        else:
            choices.append(Choice(each, side_of(each.signature.digest, options)))
    return choices


def side_of(digest: str, options: CurationOptions) -> Literal["train", "test"]:
    """Side of the image with a digest: train or test."""
    drawn = generator(options.seed, "split of backgrounds", digest).random()
    return "test" if drawn < options.test_share else "train"


def read_decisions(path: Path) -> dict[str, str]:
    """Decisions in `review.csv` by the images' names; an `InputError` for other words."""
    if not path.exists():
        return {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:  # Excel puts a mark in front
            rows = list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read ({error}); save it as CSV in UTF-8") from None
    decisions = {}
    for number, row in enumerate(rows, 2):
        decision = (row.get("decision") or "").strip().lower()
        if row.get("name") is None or decision not in ("", "keep", "drop"):
            raise InputError(
                f"{path}, line {number}: decision='{decision}'; write keep, drop or nothing, "
                f"under the columns {', '.join(COLUMNS)}"
            )
        decisions[row["name"]] = decision
    return decisions


def write_review(path: Path, choices: Sequence[Choice], decisions: Mapping[str, str]) -> None:
    """Write waiting images, then taken and dropped ones, the most salient first."""
    order: tuple[Status, ...] = ("review", "train", "test", "dropped")
    rows = [each for each in choices if each.status in order]
    rows.sort(key=lambda each: (order.index(each.status), -each.image.saliency, each.image.name))
    with whole_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for each in rows:
            name, score = each.image.name, f"{each.image.saliency:.3f}"
            writer.writerow((name, each.status, score, decisions.get(name, ""), each.image.path))


def write_sheets(review: Path, waiting: Sequence[Candidate], quiet: bool = False) -> None:
    """Write `sheets/NN.png` of the waiting images, in place of older sheets."""
    (review / "sheets").mkdir(exist_ok=True)
    written = []
    there = [image for image in waiting if (review / image.name).exists()]
    starts = range(0, len(there), SHEET_TILES)
    for number, start in enumerate(progress(starts, "contact sheets", quiet=quiet), 1):
        shown = [
            (read_rgb(review / image.name), f"{image.saliency:.2f} {image.path.stem}")
            for image in there[start : start + SHEET_TILES]
        ]
        written.append(review / "sheets" / f"{number:02d}.png")
        write_whole(written[-1], encode_rgb(tiles(shown, 10, TILE_SIDE, TILE_SIDE), "png"))
    for old in set((review / "sheets").glob("*.png")) - set(written):
        old.unlink()


def write_report(path: Path, curation: Curation, options: CurationOptions) -> None:
    """Write the status of each image, and the options, as JSON."""
    content = {
        "options": asdict(options),
        "counts": curation.counts(),
        "images": [
            {"source": str(each.image.path), "name": each.image.name, "status": each.status}
            | {"reason": each.reason, "saliency": round(each.image.saliency, 4)}
            | {"height": each.image.height, "width": each.image.width}
            for each in curation.choices
        ],
        "failures": list(curation.failures),
    }
    write_json(path, content)
