"""Files of several folders that belong to the same image."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from rssn.imaging.images import image_files


def pair_files(folders: Mapping[str, Path]) -> tuple[dict[str, list[Path]], list[str]]:
    """The files of each stem that all folders hold once, and a line for each other stem."""
    files = {what: image_files(folder) for what, folder in folders.items()}
    counts = {what: Counter(path.stem for path in paths) for what, paths in files.items()}
    by_stem = {what: {path.stem: path for path in paths} for what, paths in files.items()}
    pairs, failures = {}, []
    for stem in sorted(set().union(*counts.values())):
        problems = [
            f"no {what} in {folder}" if not counts[what][stem] else f"{what} twice in {folder}"
            for what, folder in folders.items()
            if counts[what][stem] != 1
        ]
        if problems:
            failures.append(f"{stem}: {', '.join(problems)}")
        else:
            pairs[stem] = [by_stem[what][stem] for what in folders]
    return pairs, failures


def add_true_foregrounds(pairs: dict[str, list[Path]], folder: Path) -> list[str]:
    """Add the true foreground to the files of each stem; those without one are left out."""
    by_stem = {path.stem: path for path in image_files(folder)}
    missing = []
    for stem, paths in list(pairs.items()):
        found = by_stem.get(stem) or by_stem.get(re.sub(r"_\d+$", "", stem))
        if found is None:
            missing.append(f"{stem}: no true foreground in {folder}")
            del pairs[stem]
        else:
            paths.append(found)
    return missing
