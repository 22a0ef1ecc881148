"""The models that come with the package: `lite` mattes, `guided` refines."""

from __future__ import annotations

import functools
import logging
from pathlib import Path

from rssn.imaging.errors import InputError

log = logging.getLogger("gfm")

FOLDER = Path(__file__).parent / "weights"
FILE = FOLDER / "lite.safetensors"
GUIDED = "guided"  # name of the model that takes trimaps and masks


def find_packaged(name: str) -> Path | None:
    """The file of a packaged model by its name; None where there is none."""
    path = FOLDER / f"{name}.safetensors"
    return path if "/" not in name and path.is_file() else None


def packaged_path() -> Path:
    """The file of the model; says once in the log what it is and how to get a better one.

    Raises:
        InputError: The installation has no weights.
    """
    if not FILE.is_file():
        raise InputError(
            "no model is named, and none comes with this installation; name one that "
            "`python -m gfm fit` trained, or convert a released one: python -m gfm convert "
            "RELEASED.pth --backbone r34 --rosta TT --out MODEL.safetensors"
        )
    _announce()
    return FILE


@functools.cache
def _announce() -> None:
    log.warning(
        "no model is named: taking the small one of the package (%s), which finds people, animals "
        "and things that stand out. A larger one: python -m gfm convert RELEASED.pth --backbone "
        "r34 --rosta TT --out MODEL.safetensors, then name MODEL.safetensors",
        FILE.stem,
    )
