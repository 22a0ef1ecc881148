"""Models that come with the package: `lite` mattes, `guided` refines, `clicks-lite` corrects."""

from __future__ import annotations

import functools
import logging
from pathlib import Path

from rssn.imaging.errors import InputError

log = logging.getLogger("gfm")

FOLDER = Path(__file__).parent / "weights"
LITE = "lite"  # name of the model that takes a photograph alone
GUIDED = "guided"  # name of the model that takes trimaps and masks
CLICKS = "clicks-lite"  # name of the model that takes clicks
# An export serves both runtimes. A state lies beside it in the repository, to export from, and is
# left out of wheels.
EXPORTED, STATE = ".onnx", ".safetensors"


def find_packaged(name: str, *suffixes: str) -> Path | None:
    """The file of a packaged model by its name; None where there is none.

    Args:
        name: The model's.
        suffixes: Kinds of files, the first that is there is taken; `STATE`, then `EXPORTED`.
    """
    paths = (FOLDER / f"{name}{suffix}" for suffix in suffixes or (STATE, EXPORTED))
    return next((path for path in paths if "/" not in name and path.is_file()), None)


def is_packaged(name: str) -> bool:
    """Return True for the name of a packaged model."""
    return find_packaged(name) is not None


def automatic_model() -> str:
    """The name of the model where none is named; says once in the log how to get a better one.

    Raises:
        InputError: The installation has no weights.
    """
    if not is_packaged(LITE):
        raise InputError(
            "no model is named, and none comes with this installation; name one that "
            "`python -m gfm fit` trained, or convert a released one: python -m gfm convert "
            "RELEASED.pth --backbone r34 --rosta TT --out MODEL.safetensors"
        )
    _announce()
    return LITE


@functools.cache
def _announce() -> None:
    log.warning(
        "no model is named: taking the small one of the package (%s), which finds people, animals "
        "and things that stand out. A larger one: python -m gfm convert RELEASED.pth --backbone "
        "r34 --rosta TT --out MODEL.safetensors, then name MODEL.safetensors",
        LITE,
    )
