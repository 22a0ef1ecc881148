"""Sums over the samples of a build, counted in many processes and put together, and what they say.

All sums are whole numbers, so that the order in which they are added changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rssn.imaging.images import Alpha, Uint8Image
from rssn.route.compose import STEPS, Composite, Record, RouteOptions
from rssn.route.sharpness import scaled_size
from rssn.route.steps import MORE_STEPS

LEVELS = ("0", "between", "1")


@dataclass
class Tally:
    """What is counted of samples.

    Attributes:
        samples: How many.
        foregrounds: Samples of each foreground, by its name.
        backgrounds: Samples of each background, by its file name.
        foreground_licences: Samples whose foreground has a licence; '' where it is not known.
        background_licences: The same for backgrounds.
        sizes: Samples of each (height, width) in px.
        steps: Samples that were denoised, blurred, given noise, and so on.
        windows: Blurred samples of each window in px.
        pixels: Pixels whose alpha is 0, between, and 1.
        colour: Sum of all values of the composites, for R, G and B.
        squares: Sum of their squares.
        difference: Sum of |composite - (alpha F + (1 - alpha) B)| over all values.
        worst: Its largest value.
        blended: Samples whose F and B are known, so that this was counted.
    """

    samples: int = 0
    foregrounds: Counter[str] = field(default_factory=Counter)
    backgrounds: Counter[str] = field(default_factory=Counter)
    foreground_licences: Counter[str] = field(default_factory=Counter)
    background_licences: Counter[str] = field(default_factory=Counter)
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    windows: Counter[int] = field(default_factory=Counter)
    pixels: Counter[str] = field(default_factory=Counter)
    colour: Counter[str] = field(default_factory=Counter)
    squares: Counter[str] = field(default_factory=Counter)
    difference: int = 0
    worst: int = 0
    blended: int = 0

    def add(self, other: Tally) -> None:
        """Count in what another process counted."""
        for each in fields(self):
            mine, theirs = getattr(self, each.name), getattr(other, each.name)
            if isinstance(mine, Counter):
                mine.update(theirs)
            elif each.name != "worst":
                setattr(self, each.name, mine + theirs)
        self.worst = max(self.worst, other.worst)

    def count(self, sample: Composite, difference: NDArray[np.integer[Any]]) -> None:
        """Count a composite and how far it is from blending its parts, (H, W, 3)."""
        record = sample.record
        self.samples += 1
        self.count_record(record)
        for step in (*STEPS, *MORE_STEPS):
            self.steps[step] += record.get(step) is not None
        if record.get("blur"):
            self.windows[record["blur"]["size"]] += 1
        self.count_pixels(sample.alpha)
        self.count_colour(sample.composite)
        self.count_difference(difference)

    def count_record(self, record: Record) -> None:
        """Count the foreground, the background and the size that a record tells of."""
        for part, names, licences in (
            ("foreground", self.foregrounds, self.foreground_licences),
            ("background", self.backgrounds, self.background_licences),
        ):
            if record.get(part) is not None:
                names[record[part]] += 1
                licences[record.get(f"{part}_licence") or ""] += 1
        self.sizes[tuple(record["size"])] += 1

    def count_pixels(self, alpha: Alpha) -> None:
        """Count the pixels of a matte (H, W)."""
        none, whole = int((alpha == 0).sum()), int((alpha == 1).sum())
        counts = zip(LEVELS, (none, alpha.size - none - whole, whole), strict=True)
        self.pixels.update(dict(counts))

    def count_difference(self, difference: NDArray[np.integer[Any]]) -> None:
        """Count how far a composite is from blending its parts, (H, W, 3)."""
        self.blended += 1
        self.difference += int(difference.sum(dtype=np.int64))
        self.worst = max(self.worst, int(difference.max(initial=0)))

    def count_colour(self, image: Uint8Image) -> None:
        """Count the values of a composite."""
        for channel, name in enumerate("rgb"):
            histogram = np.bincount(image[..., channel].ravel(), minlength=256)
            levels = np.arange(256)
            self.colour[name] += int(histogram @ levels)
            self.squares[name] += int(histogram @ levels**2)


def summarise(tally: Tally, route: RouteOptions | None) -> dict[str, Any]:
    """The statistics of a build, in the types that JSON has.

    Args:
        tally: Over all its samples.
        route: With which it was built; None where it was not.
    """
    values = max(sum(tally.pixels.values()), 1)
    return {
        "samples": tally.samples,
        "foregrounds": _used(tally.foregrounds),
        "backgrounds": _used(tally.backgrounds),
        "foreground_licences": dict(sorted(tally.foreground_licences.items())),
        "background_licences": dict(sorted(tally.background_licences.items())),
        "shorter_side": _spread(min(size) for size in tally.sizes.elements()),
        "longer_side": _spread(max(size) for size in tally.sizes.elements()),
        "steps": {} if route is None else _steps(tally, route),
        "alpha": {level: tally.pixels[level] / values for level in LEVELS},
        "colour": {name: _moments(tally, name, values) for name in "rgb"} if tally.colour else {},
        "blend_difference": {"mean": tally.difference / (3 * values), "worst": tally.worst}
        if tally.blended
        else None,
    }


def _used(counts: Counter[str]) -> dict[str, Any]:
    return {"count": len(counts), "samples_of_each": _spread(counts.values())}


def _spread(values: Iterable[int]) -> dict[str, float] | None:
    ordered = sorted(values)
    if not ordered:
        return None
    return {"min": ordered[0], "median": median(ordered), "max": ordered[-1]}


def _steps(tally: Tally, route: RouteOptions) -> dict[str, Any]:
    """The share of the samples with each step, and of the blurred ones with each window."""
    samples, blurred = max(tally.samples, 1), max(tally.steps["blur"], 1)
    shares: dict[str, Any] = {
        name: {"share": tally.steps[name] / samples, "wanted": wanted}
        for name, wanted in route.probabilities.items()
    }
    windows = {
        size: {"share": count / blurred, "wanted": None}
        for size, count in sorted(tally.windows.items())
    }
    sides = {min(size) for size in tally.sizes}
    if route.blur_probability and (route.blur_reference is None or len(sides) == 1):
        side = min(sides, default=0)
        for size in route.blur_sizes:  # two may scale to the same one
            scaled = scaled_size(size, side, route.blur_reference)
            window = windows.setdefault(scaled, {"share": 0.0, "wanted": None})
            window["wanted"] = (window["wanted"] or 0) + 1 / len(route.blur_sizes)
    shares["windows"] = {str(size): windows[size] for size in sorted(windows)}
    return shares


def _moments(tally: Tally, name: str, values: int) -> dict[str, float]:
    mean = tally.colour[name] / values
    return {"mean": mean, "deviation": max(tally.squares[name] / values - mean**2, 0) ** 0.5}
