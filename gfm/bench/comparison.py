"""Methods on photographs: matte, measure, and gather."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from gfm.bench.cases import Case
from gfm.bench.child import Outcome, run_method
from gfm.bench.duplicates import find_seen, hash_of
from gfm.bench.errors import errors_of
from gfm.bench.methods import Method
from gfm.bench.report import Report, Row
from gfm.evaluation.evaluate import Metrics, run_jobs
from rssn.imaging.console import Bar, progress
from rssn.imaging.cores import available_cores
from rssn.imaging.errors import InputError
from rssn.imaging.hashing import PictureHash

MATTES = "mattes"


def matte_path(out: Path, method: Method, name: str) -> Path:
    """Path of a method's matte of a photograph."""
    return out / MATTES / method.name / f"{name}.png"


def compare(
    folder: Path,
    cases: Sequence[Case],
    methods: Sequence[Method],
    out: Path,
    device: str = "auto",
    quiet: bool = False,
) -> tuple[Report, list[str]]:
    """Compare methods on photographs with true mattes.

    Args:
        folder: Of the photographs, for the report.
        cases: The photographs.
        methods: The methods; the others are compared with the first.
        out: Folder that gets the mattes, `mattes/METHOD/PHOTOGRAPH.png`.
        device: Of models of this project.
        quiet: Show no progress.

    Returns:
        The report, and one line for each photograph that cannot be read, which takes no part.

    Raises:
        InputError: None can be read, a method needs trimaps and there are none.
    """
    hashes, failures = _read_hashes(cases, quiet)
    cases = [case for case in cases if case.name in hashes]
    if not cases:
        raise InputError(f"{folder}: no photograph can be read; {failures[0]}")
    with Bar("matte", len(cases) * len(methods), quiet) as bar:
        outcomes = [
            run_method(
                method,
                cases,
                matte_path(out, method, "").parent,
                device,
                partial(bar.advance, note=method.name),
            )
            for method in methods
        ]
    measured = _measure(cases, methods, outcomes, out, quiet)
    rows = []
    for method, outcome, found in zip(methods, outcomes, measured, strict=True):
        errors = {name: each for name, each in found.items() if not isinstance(each, str)}
        more = {name: each for name, each in found.items() if isinstance(each, str)}
        if outcome.ready is not None and not outcome.seconds and not outcome.failures:
            outcome.unusable = f"needs trimaps; put them into {folder / 'trimap'}"
        known = {} if outcome.ready is None else outcome.ready.hashes
        seen = find_seen(hashes, known)
        rows.append(Row(method, outcome, errors, {**outcome.failures, **more}, seen))
    with_trimaps = [case.name for case in cases if case.trimap is not None]
    return Report(str(folder), [case.name for case in cases], with_trimaps, rows), failures


def _read_hashes(
    cases: Sequence[Case], quiet: bool
) -> tuple[dict[str, PictureHash | None], list[str]]:
    """The hashes of the photographs that can be read, and a line for each other."""
    hashes, failures = {}, []
    for case in progress(cases, "read", quiet=quiet):
        try:
            hashes[case.name] = hash_of(case.read().image)
        except (InputError, MemoryError) as error:
            failures.append(f"{case.name}: {error}")
    return hashes, failures


def _measure(
    cases: Sequence[Case],
    methods: Sequence[Method],
    outcomes: Sequence[Outcome],
    out: Path,
    quiet: bool,
) -> list[dict[str, Metrics | str]]:
    """By method, the errors of each matte that was made."""
    wanted = [
        (number, case)
        for number, outcome in enumerate(outcomes)
        for case in cases
        if case.name in outcome.seconds
    ]
    jobs = [partial(errors_of, c, matte_path(out, methods[n], c.name)) for n, c in wanted]
    results = progress(
        run_jobs(jobs, min(available_cores(), max(len(jobs), 1))), "measure", len(jobs), quiet
    )
    found: list[dict[str, Metrics | str]] = [{} for _ in methods]
    for (number, case), result in zip(wanted, results, strict=True):
        found[number][case.name] = result
    return found
