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
EXPORTED, STATE = ".onnx", ".safetensors"  # each model is there for ONNX Runtime and for PyTorch


def find_packaged(name: str, suffix: str = STATE) -> Path | None:
    """The file of a packaged model by its name; None where there is none.

    Args:
        name: The model's.
        suffix: `EXPORTED` or `STATE`.
    """
    path = FOLDER / f"{name}{suffix}"
    return path if "/" not in name and path.is_file() else None


def is_packaged(name: str) -> bool:
    """Return True for the name of a packaged model."""
    return any(find_packaged(name, suffix) is not None for suffix in (EXPORTED, STATE))


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
