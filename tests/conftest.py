"""Settings of all tests, made before a library reads them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from disks import mount, unmount

# Test processes share the cores, and threads that wait for one another by spinning make a step of
# training up to fifty times as long. numba's pool, once started, undoes torch's own setting.
for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")

# Processes that tests start import what the tests import, wherever they run.
ROOT = str(Path(__file__).parents[1])
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (ROOT, os.environ.get("PYTHONPATH"))))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of half a megabyte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount(disk, "size=512k")
    yield disk
    unmount(disk)
