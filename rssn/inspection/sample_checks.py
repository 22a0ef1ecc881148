"""Checks of one sample of a shard."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rssn.build.builder import BuildOptions
from rssn.imaging.blending import blend
from rssn.imaging.errors import InputError, one_line
from rssn.imaging.images import ImageFormat
from rssn.imaging.locations import Location
from rssn.inspection.statistics import Tally
from rssn.route.compose import Composite, Record
from rssn.shards.parts import Parts, name_parts
from rssn.shards.tars import MEMBERS, Entry, Held, Members, decode_parts, read_entry, sample_key

Names = tuple[str, ...] | None  # required members of a sample, in order; None allows any
Check = Callable[..., list[str]]  # of key and members: counts a sample, returns its faults

# Mean difference, in grey levels, between a composite and the blend of its parts. As JPEG each of
# the three has its own loss: 0.2 to 0.4 for photographs, 3.9 where alpha is a half all over
# and noise of sigma 25 was added. A photograph's F and B are estimates: 0.1 to 0.6 with that loss.
_JPEG_LOSS, _ESTIMATE_ERROR = 6.0, 2.0

_FOREGROUND_FIELDS = ("foreground", "foreground_digest", "foreground_licence", "source_size")
_BACKGROUND_FIELDS = ("background", "background_digest", "background_licence", "background_size")
_SAMPLE_FIELDS = ("k", "seed")


def member_names(holds: Held, options: BuildOptions) -> tuple[str, ...]:
    """Members, without suffix, of every sample in a shard of this kind."""
    if holds == "composites":
        return MEMBERS
    name = holds.removesuffix("s")
    alpha = ("alpha",) if holds == "foregrounds" else ()
    denoised = (f"{name}_denoised",) if options.route.denoise_probability else ()
    return (*alpha, name, *denoised, "record")


def faults_of(path: Location, entry: Entry, names: Names, check: Check) -> list[str]:
    """Faults of a sample, read from its shard; each is the end of a sentence."""
    try:
        return check(entry.key, read_entry(path, entry, names))
    except Exception as error:  # of one sample, the others are still checked
        return [reason(error, path, entry.key)]


def reason(error: Exception, path: Location, key: str = "") -> str:
    """Message of an error, without the name of the file and the remedy of a build."""
    text = one_line(error).partition("; build")[0].rpartition(f"{path.name}: ")[2]
    return text.removeprefix(f"sample {key} ")


def check_sample(
    key: str, members: Members, holds: Held, options: BuildOptions, tally: Tally
) -> list[str]:
    """Count a sample of a build and return its faults, each as the end of a sentence."""
    record = _read_record(members["record.json"], holds, options)
    images = decode_parts(name_parts(members, None))
    sizes = {name: list(image.shape[:2]) for name, image in images.items()}
    if any(size != record["size"] for size in sizes.values()):
        return [f"its record has (height, width) {record['size']}, its images {sizes}"]
    if holds != "composites":
        tally.count_record(record, samples=int(holds == "foregrounds"))
        if "alpha" in images:
            tally.count_pixels(images["alpha"])
        return []
    sample = Composite(**images, record=record)
    difference = blend_difference(images)
    tally.count(sample, difference)
    return [
        *_record_problems(key, record, options),
        *_blend_problems(sample, difference, options.image_format),
    ]


def check_indexed(key: str, members: Members, parts: Parts, tally: Tally) -> list[str]:
    """Count a sample in a tar of others and return its faults."""
    del key
    images = decode_parts(name_parts(members, parts))
    sizes = {name: image.shape[:2] for name, image in images.items()}
    if len(set(sizes.values())) > 1:
        return [f"its parts differ in size: (height, width) {sizes}"]
    tally.count_record({"size": sizes["alpha"]})
    tally.count_pixels(images["alpha"])
    tally.count_colour(images["composite"])
    if not {"foreground", "background"} <= images.keys():
        return []
    difference = blend_difference(images)
    tally.count_difference(difference)
    return _lossy_problems(difference, _JPEG_LOSS + _ESTIMATE_ERROR)


def blend_difference(images: Mapping[str, NDArray[Any]]) -> NDArray[np.int16]:
    """|composite - (alpha F + (1 - alpha) B)|, (H, W, 3) in grey levels."""
    again = blend(images["alpha"], images["foreground"], images["background"])
    difference: NDArray[np.int16] = np.abs(again.astype(np.int16) - images["composite"])
    return difference


def _read_record(data: bytes, holds: Held, options: BuildOptions) -> Record:
    wanted = ["size"]
    if holds != "backgrounds":
        wanted += _FOREGROUND_FIELDS
    if holds == "backgrounds" or (holds == "composites" and options.route.composition):
        wanted += _BACKGROUND_FIELDS
    if holds == "composites":
        wanted += _SAMPLE_FIELDS
        wanted += (*options.route.probabilities, "crop") if options.route.composition else ()
    try:
        record = json.loads(data)
    except ValueError as error:
        raise InputError(f"its record is not JSON ({error})") from error
    missing = [name for name in wanted if not isinstance(record, dict) or name not in record]
    if missing:
        raise InputError(f"its record lacks {missing}")
    return dict(record)


def _record_problems(key: str, record: Record, options: BuildOptions) -> Iterator[str]:
    if key != sample_key(str(record["foreground"]), record["k"]):
        yield f"its record is of {record['foreground']}, k={record['k']}"
    if record["seed"] != options.seed:
        yield f"its record has seed {record['seed']}, the manifest {options.seed}"


def _blend_problems(
    sample: Composite, difference: NDArray[np.int16], image_format: ImageFormat
) -> Iterator[str]:
    is_photograph = sample.record.get("background") is None
    if is_photograph or image_format == "jpg":
        allowed = _JPEG_LOSS * (image_format == "jpg") + _ESTIMATE_ERROR * is_photograph
        yield from _lossy_problems(difference, allowed)
        return
    wrong = difference > 0
    if sample.record["noise"] is not None:
        # Each of the three was rounded after the noise, which makes 1; where one was clipped too,
        # the noise that is left is not one field any more.
        images = (sample.composite, sample.foreground, sample.background)
        clipped = np.any([(image == 0) | (image == 255) for image in images], axis=0)
        wrong = (difference > 1) & ~clipped
    if wrong.any():
        yield (
            f"its composite is not the blend of its parts: {int(wrong.sum()):,} values differ, "
            f"by up to {int(difference[wrong].max())} of 255"
        )


def _lossy_problems(difference: NDArray[np.int16], allowed: float) -> list[str]:
    if (mean := float(difference.mean())) <= allowed:
        return []
    return [
        f"its composite is not the blend of its parts: {mean:.1f} of 255 apart on average, up to "
        f"{allowed:g} would be loss"
    ]
