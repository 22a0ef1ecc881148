"""Threads of a run."""

from __future__ import annotations

import os

from rssn.imaging.cores import available_cores


def thread_count() -> int:
    """The threads that a run uses: `OMP_NUM_THREADS`, as for PyTorch, or the cores there are."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdecimal() and int(asked) > 0 else available_cores()
