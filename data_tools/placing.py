"""Putting a file under a second name."""

from __future__ import annotations

import filecmp
import shutil
from pathlib import Path
from typing import Literal

from rssn.imaging.files import whole_file

Way = Literal["hard", "symbolic", "copy"]


def place(source: Path, target: Path, way: Way) -> None:
    """Give `source` the name `target` as well; an existing target stays as it is.

    A hard link that the file system refuses becomes a copy.
    """
    if target.exists():
        return
    if way == "symbolic":
        target.symlink_to(source.resolve())
        return
    if way == "hard":
        try:
            target.hardlink_to(source.resolve())
            return
        except OSError:
            pass
    with whole_file(target) as part:
        shutil.copy2(source, part)


def same_file(source: Path, target: Path) -> bool:
    """Whether both are one file, or hold the same bytes."""
    return target.samefile(source) or filecmp.cmp(source, target)
