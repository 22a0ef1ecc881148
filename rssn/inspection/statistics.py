"""Sums over the samples of a build, counted in many processes, and statistics of them.

All sums are whole numbers, so that the order of addition does not matter.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rssn.imaging.images import Alpha, Uint8Image
from rssn.route.compose import STEPS, Composite, Record, RouteOptions
from rssn.route.sharpness import scaled_size
from rssn.route.steps import MORE_STEPS

LEVELS = ("0", "between", "1")


class Tally:
    """Counts over samples.

    Attributes:
        counts: Samples by 'foreground', 'background', their licences ('' if not known), 'size'
            (height, width), 'step', and 'window' of the blur; 'pixels' by alpha 0, between and 1;
            'colour' and 'squares': sums over the values of the composites by channel; values of
            the samples with F and B by 'difference': |composite - (alpha F + (1 - alpha) B)|.
        samples: Number of samples.
    """

    def __init__(self) -> None:
        self.counts: defaultdict[str, Counter[Any]] = defaultdict(Counter)
        self.samples = 0

    def add(self, other: Tally) -> None:
        """Add the counts of another process."""
        for name, counter in other.counts.items():
            self.counts[name].update(counter)
        self.samples += other.samples

    def count(self, sample: Composite, difference: NDArray[np.integer[Any]]) -> None:
        """Count a composite and its difference from the blend of its parts, (H, W, 3)."""
        record = sample.record
        self.count_record(record)
        for step in (*STEPS, *MORE_STEPS):
            self.counts["step"][step] += record.get(step) is not None
        if record.get("blur"):
            self.counts["window"][record["blur"]["size"]] += 1
        self.count_pixels(sample.alpha)
        self.count_colour(sample.composite)
        self.count_difference(difference)

    def count_record(self, record: Record, samples: int = 1) -> None:
        """Count the foreground, the background and the size in a record."""
        self.samples += samples
        for part in ("foreground", "background"):
            if record.get(part) is not None:
                self.counts[part][record[part]] += 1
                self.counts[f"{part}_licence"][record.get(f"{part}_licence") or ""] += 1
        self.counts["size"][tuple(record["size"])] += 1

    def count_pixels(self, alpha: Alpha) -> None:
        """Count the pixels of a matte (H, W)."""
        none, whole = int((alpha == 0).sum()), int((alpha == 1).sum())
        numbers = (none, alpha.size - none - whole, whole)
        self.counts["pixels"].update(dict(zip(LEVELS, numbers, strict=True)))

    def count_difference(self, difference: NDArray[np.integer[Any]]) -> None:
        """Count the difference of a composite from the blend of its parts, (H, W, 3)."""
        histogram = np.bincount(difference.ravel())
        self.counts["difference"].update(dict(enumerate(histogram.tolist())))

    def count_colour(self, image: Uint8Image) -> None:
        """Count the values of a composite."""
        levels = np.arange(256)
        for channel, name in enumerate("rgb"):
            histogram = np.bincount(image[..., channel].ravel(), minlength=256)
            self.counts["colour"][name] += int(histogram @ levels)
            self.counts["squares"][name] += int(histogram @ levels**2)


def summarise(tally: Tally, route: RouteOptions | None) -> dict[str, Any]:
    """Statistics of a build, in the types that JSON has; `route` is None for tars of others."""
    counts = tally.counts
    values = max(sum(counts["pixels"].values()), 1)
    apart = +counts["difference"]  # without those that did not happen
    total = sum(level * count for level, count in apart.items())
    blend = {"mean": total / (3 * values), "worst": max(apart, default=0)}
    return {
        "samples": tally.samples,
        "foregrounds": _used(counts["foreground"]),
        "backgrounds": _used(counts["background"]),
        "foreground_licences": dict(sorted(counts["foreground_licence"].items())),
        "background_licences": dict(sorted(counts["background_licence"].items())),
        "shorter_side": _spread(min(size) for size in counts["size"].elements()),
        "longer_side": _spread(max(size) for size in counts["size"].elements()),
        "steps": {} if route is None else _steps(tally, route),
        "alpha": {level: counts["pixels"][level] / values for level in LEVELS},
        "colour": {name: _moments(tally, name, values) for name in counts["colour"]},
        "blend_difference": blend if apart else None,
    }


def _used(counts: Counter[str]) -> dict[str, Any]:
    return {"count": len(counts), "samples_of_each": _spread(counts.values())}


def _spread(values: Iterable[int]) -> dict[str, float] | None:
    ordered = sorted(values)
    if not ordered:
        return None
    return {"min": ordered[0], "median": median(ordered), "max": ordered[-1]}


def _steps(tally: Tally, route: RouteOptions) -> dict[str, Any]:
    """Share of the samples with each step, and of the blurred ones with each window."""
    happened = tally.counts["step"]
    samples, blurred = max(tally.samples, 1), max(happened["blur"], 1)
    shares: dict[str, Any] = {
        name: {"share": happened[name] / samples, "wanted": wanted}
        for name, wanted in route.probabilities.items()
    }
    windows = {
        size: {"share": count / blurred, "wanted": None}
        for size, count in tally.counts["window"].items()
    }
    sides = {min(size) for size in tally.counts["size"]}
    if route.blur_probability and (route.blur_reference is None or len(sides) == 1):
        side = min(sides, default=0)
        for size in route.blur_sizes:  # two may scale to the same one
            scaled = scaled_size(size, side, route.blur_reference)
            window = windows.setdefault(scaled, {"share": 0.0, "wanted": None})
            window["wanted"] = (window["wanted"] or 0) + 1 / len(route.blur_sizes)
    shares["windows"] = {str(size): windows[size] for size in sorted(windows)}
    return shares


def _moments(tally: Tally, name: str, values: int) -> dict[str, float]:
    mean = tally.counts["colour"][name] / values
    variance = tally.counts["squares"][name] / values - mean**2
    return {"mean": mean, "deviation": max(variance, 0) ** 0.5}
