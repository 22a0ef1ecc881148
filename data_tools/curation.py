"""`data_tools curate-backgrounds`: make a set of backgrounds as the paper made BG-20k.

Section 4.1: images under 1080 px on the shorter side are left out, the others resized to it;
duplicates are removed; images with salient objects are removed after a review by a person; 15 of 20
train and 5 test. Flagged images wait in `review/` for `keep` or `drop` in `review.csv`; `drop` also
removes images that were not flagged.

Note:
    The side of an image depends on its bytes and the seed alone: the split is 15:5 on average, and
    no image changes sides when others are added or removed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from data_tools.candidates import find_images, measure_all
from data_tools.choice import (
    PLACES,
    Choice,
    Curation,
    CurationOptions,
    choose,
    read_decisions,
    write_report,
    write_review,
    write_sheets,
)
from data_tools.placing import place
from data_tools.records import read_record
from data_tools.work import add_work_options, failures_of
from rssn.build.sources import shrink
from rssn.imaging.errors import FailedInputs, InputError
from rssn.imaging.files import write_whole
from rssn.imaging.reading import read_rgb
from rssn.imaging.writing import encode_rgb

__all__ = ["Choice", "Curation", "CurationOptions", "curate"]

REPORT = "report.json"


def curate(
    sources: Sequence[Path],
    out: Path,
    options: CurationOptions | None = None,
    workers: int | None = None,
    quiet: bool = False,
) -> Curation:
    """Choose, shrink and split backgrounds into `out/train/`, `out/test/` and `out/review/`.

    Writes `review.csv` to decide in, the most salient first, contact sheets of the waiting images
    in `review/sheets/`, and `report.json`. Called again, it applies the decisions and does the
    rest.

    Args:
        sources: Folders of images, searched with all their subfolders.
        out: Folder of the results.
        options: Choice of backgrounds.
        workers: Processes; None takes one per core.
        quiet: Show no progress.

    Raises:
        InputError: A source holds no image, `out` is inside one, or holds images of another size.
    """
    options = options or CurationOptions()
    if any(out.resolve().is_relative_to(source.resolve()) for source in sources):
        raise InputError(f"--out {out} is inside a source; give a folder beside the sources")
    paths = find_images(sources)
    _claim(out, options)
    images, failures = measure_all(paths, out / "measured.jsonl", workers, quiet)
    decisions = read_decisions(out / "review.csv")
    choices = choose(images, options, decisions)
    failures += _arrange(choices, out)
    placed = [(each.image, out / each.status) for each in choices if each.status in PLACES]
    jobs = [
        (image.path, partial(_write, image.path, folder / image.name, options.shorter_side))
        for image, folder in placed
        if not (folder / image.name).exists()
    ]
    failures += failures_of(jobs, "write", workers, quiet)
    waiting = [choice.image for choice in choices if choice.status == "review"]
    waiting.sort(key=lambda image: (-image.saliency, image.name))
    write_review(out / "review.csv", choices, decisions)
    write_sheets(out / "review", waiting, quiet)
    curation = Curation(tuple(choices), tuple(failures))
    write_report(out / REPORT, curation, options)
    return curation


def _arrange(choices: Iterable[Choice], out: Path) -> list[str]:
    """Move results of an earlier run to their place now; a line for each that has none."""
    wanted = {each.image.name: each.status for each in choices if each.status in PLACES}
    dropped = {each.image.name for each in choices if each.status == "dropped"}
    failures = []
    for status in PLACES:
        (out / status).mkdir(exist_ok=True)
    for place_now in PLACES:
        for path in sorted((out / place_now).glob("*.jpg")):
            belongs = wanted.get(path.name, "review" if path.name in dropped else None)
            if belongs is None:
                failures.append(f"{path}: is not among the images chosen now; remove it")
            elif belongs != place_now:
                path.replace(out / belongs / path.name)
    return failures


def _write(source: Path, target: Path, shorter_side: int) -> None:
    """Shrink an image into its place; a JPEG of the right size keeps its bytes."""
    image = read_rgb(source)
    if source.suffix.lower() in (".jpg", ".jpeg") and min(image.shape[:2]) == shorter_side:
        place(source, target, "hard")
    else:
        write_whole(target, encode_rgb(shrink(image, shorter_side), "jpg"))


def _claim(out: Path, options: CurationOptions) -> None:
    """Check that a folder is empty, or that its images have the same size."""
    record = out / REPORT
    side = read_record(record, lambda report: int(report["options"]["shorter_side"]))
    if side is None:
        write_report(record, Curation((), ("not finished",)), options)
    elif side != options.shorter_side:
        raise InputError(
            f"{out}: holds images of {side} px on the shorter side; give another --out, or "
            f"--shorter-side {side}"
        )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    default = CurationOptions()
    add = parser.add_argument
    add("sources", type=Path, nargs="+", metavar="SRC", help="folders, with their subfolders")
    add("--out", type=Path, required=True, metavar="DIR", help="gets train/, test/, review/")
    add("--shorter-side", type=int, default=default.shorter_side, metavar="PX", help="(1080)")
    limit = "hold back above (1.8)"
    add("--saliency", type=float, default=default.saliency, metavar="X", help=limit)
    add("--test-share", type=float, default=default.test_share, metavar="X", help="(0.25)")
    add("--seed", type=int, default=default.seed, metavar="N", help="of the split (0)")
    add_work_options(parser)


def run(options: argparse.Namespace) -> None:
    """Curate backgrounds and report the statuses."""
    chosen = CurationOptions(
        options.shorter_side, options.saliency, options.test_share, options.seed
    )
    done = curate(options.sources, options.out, chosen, options.workers, options.quiet)
    counts = done.counts()
    sys.stdout.writelines(f"{status}: {count} images\n" for status, count in counts.items())
    if counts.get("review"):
        sys.stdout.write(
            f"decide in {options.out / 'review.csv'} (keep or drop), beside review/sheets/, and "
            "call this again\n"
        )
    if done.failures:
        raise FailedInputs(done.failures)
