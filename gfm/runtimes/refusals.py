"""Words about files that no runtime can run."""

from __future__ import annotations

from pathlib import Path

from rssn.imaging.errors import one_line


def unreadable(path: Path, reason: Exception) -> str:
    """Message about a file that is no graph."""
    told = str(reason) if type(reason) is ValueError else one_line(reason)[:200]
    return f"{path}: cannot be run ({told}); make the file again with `python -m gfm export`"
