"""Measures of one image for `verify` and `stats`: size, colours, signature, matte."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import numpy as np

from data_tools.collection import Item
from data_tools.duplicates import Signature, digest_of, signature
from data_tools.matte_checks import looks_inverted, transition_width
from data_tools.pictures import VIEW_SIDE, fit
from data_tools.work import reason
from rssn.imaging.errors import InputError
from rssn.imaging.images import Alpha, Uint8Image, check_size
from rssn.imaging.reading import read_alpha, read_rgb, read_rgba

GREY = 128  # level behind cut-outs, whose transparent colours are arbitrary
BINS = 20  # of the histogram of fractional alpha

Kind = Literal["photograph", "foreground", "cut-out", "background"]
FaultKind = Literal["pair", "image", "matte", "size", "empty", "full", "inverted", "channels"]
FindingKind = FaultKind | Literal["duplicate", "leak", "near-duplicate", "binary", "faint"]
NOTES: frozenset[FindingKind] = frozenset({"near-duplicate", "binary", "faint"})


@dataclass(frozen=True)
class Matte:
    """Values of a matte.

    Attributes:
        bits: 16 if it has values that 8 bits cannot hold, else 8.
        lowest: Its smallest value, in [0, 1].
        highest: Its largest value, in [0, 1].
        background: Share of pixels of alpha 0.
        transition: Share of pixels of alpha between 0 and 1.
        foreground: Share of pixels of alpha 1.
        width: Mean width of the transition in pixels; None without one.
        inverted: It looks inverted.
        fractions: Pixels of the transition in each of 20 equal ranges of alpha.
    """

    bits: int
    lowest: float
    highest: float
    background: float
    transition: float
    foreground: float
    width: float | None
    inverted: bool
    fractions: tuple[int, ...]


@dataclass(frozen=True)
class Measurement:
    """Measures of a usable image.

    Attributes:
        item: Its files.
        kind: Its use.
        height: In pixels.
        width: In pixels.
        signature: For comparison with others.
        colour: Mean R, G and B in levels (of the opaque part).
        colourfulness: After Hasler and Süsstrunk (2003); 0 for grey pictures.
        matte: None for backgrounds.
        colours: Fault of the foreground colours beside a photograph, in words.
    """

    item: Item
    kind: Kind
    height: int
    width: int
    signature: Signature
    colour: tuple[float, float, float]
    colourfulness: float
    matte: Matte | None
    colours: str | None = None


@dataclass(frozen=True)
class Finding:
    """A fault of a file, or a note; `text` begins with the file's name."""

    kind: FindingKind
    path: str
    text: str

    @property
    def wrong(self) -> bool:
        """True for a fault, False for a note."""
        return self.kind not in NOTES


def measure(item: Item) -> Measurement | Finding:
    """Read an item and measure it; the fault of one that cannot be used."""
    fault: FindingKind = "image"
    file = item.path
    try:
        image, alpha, kind = read_image(item)
        if item.matte is not None:
            file, fault = item.matte, "matte"
            alpha = read_alpha(file)
            fault = "size"
            check_size(file, alpha.shape, image.shape)
    except (InputError, OSError) as error:
        return Finding(fault, str(file), reason(file, error))
    height, width = image.shape[:2]
    view = fit(image, VIEW_SIDE)
    opaque = view
    if alpha is not None and kind != "photograph":
        small, weighted = fit(alpha, VIEW_SIDE), fit(image * alpha[..., None], VIEW_SIDE)
        view = np.rint(weighted + (1 - small[..., None]) * GREY).astype(np.uint8)
        opaque = view[small > 0.5] if (small > 0.5).any() else view
    colour, colourfulness = _colours(opaque)
    return Measurement(
        *(item, kind, height, width),
        signature(view, digest_of(item.path)),
        *(colour, colourfulness),
        None if alpha is None else measure_matte(alpha),
        None if alpha is None else _compare_colours(item, image, alpha),
    )


def measure_matte(alpha: Alpha) -> Matte:
    """The values of a matte (H, W) in [0, 1]."""
    levels = alpha * np.float32(255)
    fractional = alpha[(alpha > 0) & (alpha < 1)]
    return Matte(
        16 if bool((np.abs(levels - np.rint(levels)) > 1e-3).any()) else 8,
        *(float(alpha.min()), float(alpha.max())),
        float((alpha == 0).mean()),
        fractional.size / alpha.size,
        float((alpha == 1).mean()),
        transition_width(alpha),
        looks_inverted(alpha),
        tuple(int(n) for n in np.histogram(fractional, BINS, (0, 1))[0]),
    )


def read_image(item: Item) -> tuple[Uint8Image, Alpha | None, Kind]:
    """Picture of an item, the alpha of a cut-out (in the same file), and its kind."""
    if item.kind != "image":
        return read_rgb(item.path), None, item.kind
    if item.path.suffix.lower() not in (".jpg", ".jpeg"):
        with suppress(InputError):  # of another kind, or not readable: the last line raises that
            image, alpha = read_rgba(item.path)
            if (alpha < 1).any():
                return image, alpha, "cut-out"
    return read_rgb(item.path), None, "background"


def _colours(pixels: Uint8Image) -> tuple[tuple[float, float, float], float]:
    """Mean colour and colourfulness of pixels (..., 3)."""
    red, green, blue = (pixels[..., channel].astype(np.float64) for channel in range(3))
    across, along = red - green, (red + green) / 2 - blue
    colourfulness = np.hypot(across.std(), along.std()) + 0.3 * np.hypot(
        across.mean(), along.mean()
    )
    return (float(red.mean()), float(green.mean()), float(blue.mean())), float(colourfulness)


def _compare_colours(item: Item, image: Uint8Image, alpha: Alpha) -> str | None:
    """Fault of the foreground colours F of a photograph: I is F where alpha is 1."""
    if item.colours is None:
        return None
    try:
        colours = read_rgb(item.colours)
    except (InputError, OSError) as error:
        return reason(item.colours, error)
    if colours.shape != image.shape:
        return f"{item.colours}: is of another size than {item.path}; estimate it again"
    inside = alpha == 1
    if not inside.any():
        return None
    seen, given = image[inside].astype(np.int16), colours[inside].astype(np.int16)
    straight, swapped = (float(np.abs(seen - each).mean()) for each in (given, given[:, ::-1]))
    if straight > 8 and swapped < straight / 2:
        return f"{item.colours}: red and blue are swapped against {item.path}; swap them back"
    if straight > 24:
        return (
            f"{item.colours}: differs from {item.path} by {straight:.0f} levels where alpha is 1; "
            "is it of another image?"
        )
    return None
