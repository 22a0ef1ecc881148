"""Checks of the data by `gfm sanity`: crops, labels, colours and validation photographs."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from gfm.data.crops import CropOptions, Cropper, Planes
from gfm.data.module import Photographs
from gfm.data.samples import Crop
from gfm.data.sets import TrainingSet
from rssn.imaging.errors import InputError, one_line
from rssn.imaging.seeding import generator
from rssn.shards.tars import safe_key

Verdict = Literal["OK", "look at this", "wrong"]

SAMPLES = 50
LOOKED_AT = 5  # validation photographs that are read
NOTICED, BROKEN = 3.0, 8.0  # grey levels; JPEG and resizing leave about 1
# What the key of a sample holds beside the name of its foreground: k, and in a mixture the number
# of the part in front and the repetition behind.
BESIDE_NAME = re.compile(r"^\d+/|(-k\d+)?(/\d+)?$")


class Finding(NamedTuple):
    """One line of the answer: what was looked at, how it is, the figure and the remedy."""

    verdict: Verdict
    name: str
    text: str


@dataclass(frozen=True)
class Reading:
    """Crops that were read.

    Attributes:
        crops: Of samples spread over the set.
        failures: One line for each sample that could not be read.
        seconds: Mean time for a crop in one process.
    """

    crops: list[Crop]
    failures: list[str]
    seconds: float


def read_crops(
    samples: TrainingSet,
    options: CropOptions,
    seed: int,
    seconds: float,
    count: int = SAMPLES,
    augment: Path | None = None,
) -> Reading:
    """Crop samples spread evenly over the set, for at most so many seconds."""
    numbers = np.unique(np.linspace(0, len(samples) - 1, count).astype(int)).tolist()
    generator(seed, "sanity").shuffle(numbers)  # so that a time limit leaves no region out
    cropper, crops, failures = Cropper(options, augment), [], []
    begin = time.monotonic()
    for number in numbers:
        key = samples.key(number)
        rng = generator(seed, "crop", key, 0)
        try:
            crops.append(Crop(key, *samples.crop(number, 0, cropper, rng)))
        except InputError as error:
            failures.append(one_line(error))
        if time.monotonic() - begin > seconds:
            break
    spent = time.monotonic() - begin
    return Reading(crops, failures, spent / max(1, len(crops)))


def check_reading(reading: Reading, total: int, skip_bad: int) -> Finding:
    """Check that samples can be read.

    Args:
        reading: Of some of the samples.
        total: How many there are.
        skip_bad: How many damaged ones the run leaves out.
    """
    tried = len(reading.crops) + len(reading.failures)
    text = f"{len(reading.crops)} of {tried} samples were read, of {total} in all"
    if not reading.failures:
        return Finding("OK", "samples", text)
    text += f"; the first that was not: {reading.failures[0]} (data.skip_bad allows {skip_bad})"
    verdict: Verdict = "wrong" if len(reading.failures) > skip_bad else "look at this"
    return Finding(verdict, "samples", text)


def check_transition(crops: Sequence[Crop]) -> Finding:
    """Check that the mattes have fractional pixels, and that the crops hold a boundary."""
    name = "mattes"
    alphas = [crop.planes.alpha for crop in crops]
    fractional = sum(bool(((alpha > 0) & (alpha < 1)).any()) for alpha in alphas)
    flat = [c.key for c, a in zip(crops, alphas, strict=True) if a.min() == a.max()]
    text = f"{fractional} of {len(crops)} crops hold fractional pixels, {len(flat)} one value alone"
    if fractional == 0:
        return Finding("wrong", name, f"{text}: masks, not mattes; there is no detail to learn")
    if fractional < len(crops) / 2:
        remedy = "raise data.crop.transition or give larger data.crop.sides"
        return Finding("look at this", name, f"{text}; {remedy}")
    return Finding("OK", name, text)


def check_recomposition(crops: Sequence[Crop]) -> Finding:
    """Check that F and B blended by alpha equal the image, as the composition loss assumes."""
    name = "F and B"
    errors = {
        crop.key: error for crop in crops if (error := recomposition(crop.planes)) is not None
    }
    if not errors:
        text = "none are known, so the composition loss is left out; build shards of the route"
        return Finding("look at this", name, f"{text} 'original' to have them")
    worst = max(errors, key=lambda key: errors[key])
    mean = sum(errors.values()) / len(errors)
    text = (
        f"blended again they differ from the image by {mean:.2f} of 255 levels on average, "
        f"by {errors[worst]:.2f} in the worst, {worst}"
    )
    if errors[worst] > BROKEN:
        return Finding("wrong", name, f"{text}; F or B belongs to another image: build them again")
    if errors[worst] > NOTICED:
        return Finding("look at this", name, f"{text}; see how F was estimated there")
    return Finding("OK", name, text)


def recomposition(planes: Planes) -> float | None:
    """Mean distance of alpha F + (1 - alpha) B from the image, in grey levels; None without F."""
    if planes.foreground is None or planes.background is None:
        return None
    alpha = planes.alpha[..., None]
    blended = alpha * planes.foreground + (1 - alpha) * planes.background
    return float(np.abs(blended - planes.image).mean())


def check_validation(folder: str | None, side: int | None, training: Sequence[str]) -> Finding:
    """Check that there are validation photographs with mattes, and none is trained on.

    Args:
        folder: As `GFMData` has it.
        side: Likewise.
        training: Keys of the training samples, as `TrainingSet.key` gives them.
    """
    name = "validation"
    if folder is None:
        text = "no photographs are given, so the best model will not be known; set data.validation"
        return Finding("look at this", name, text)
    try:
        photographs = Photographs(Path(folder), side)
        for number in range(min(LOOKED_AT, len(photographs))):
            photographs[number]
    except InputError as error:
        return Finding("wrong", name, one_line(error))
    trained = {BESIDE_NAME.sub("", key).rpartition("/")[2] for key in training}.union(training)
    names = [source.id for source in photographs.sources]
    common = sorted(name for name in names if not trained.isdisjoint((name, safe_key(name))))
    text = f"{len(photographs)} photographs with mattes"
    if common:
        text += f"; {len(common)} are named as training samples, such as {common[0]}: take them out"
        return Finding("look at this", name, text)
    return Finding("OK", name, text)
