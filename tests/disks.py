"""A disk that is small, full or read-only, where the system lets a test mount one."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest


def mount(disk: Path, options: str) -> None:
    """Mount a disk in memory at an empty folder."""
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no mount command here")
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")


def remount(disk: Path, options: str) -> None:
    """Give the disk another size (`size=1m`), or make it read-only (`ro`)."""
    subprocess.run(["mount", "-o", f"remount,{options}", str(disk)], check=True)


def unmount(disk: Path) -> None:
    """Take it away, also while a process is in it."""
    subprocess.run(["umount", "--lazy", str(disk)], check=True)
