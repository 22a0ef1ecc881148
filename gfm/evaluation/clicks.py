"""Evaluation of a model by simulated clicks on a folder of photographs with their masks."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gfm.evaluation.click_pictures import draw_session
from gfm.evaluation.click_report import ClickReport
from gfm.evaluation.interaction import (
    CLICKS,
    Image,
    Matte,
    Measured,
    Model,
    interact,
    is_matte,
    measure,
)
from gfm.guidance.simulated_user import UserName, make_user
from rssn.build.sources import Source, find_sources, read_source
from rssn.imaging.console import progress
from rssn.imaging.errors import InputError, one_line
from rssn.imaging.licences import prepared_data
from rssn.imaging.writing import write_rgb


@dataclass(frozen=True)
class Protocol:
    """Options of an evaluation by clicks.

    Attributes:
        user: Who clicks; None is `largest` on masks and `costliest` on mattes, as in the thesis.
        clicks: Most clicks on a photograph.
        seed: Of a user who clicks at random.
        start: Makes the matte before the first click; None begins from nothing.
        pictures: Folder for pictures of the sessions; None draws none.
    """

    user: UserName | None = None
    clicks: int = CLICKS
    seed: int = 0
    start: Callable[[Image], Matte] | None = None
    pictures: Path | None = None

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: No click.
        """
        if self.clicks < 1:
            raise InputError(f"clicks={self.clicks}: give 1 or more; published figures have 20")


def evaluate_clicks(
    model: Model,
    folder: Path,
    protocol: Protocol,
    settings: Mapping[str, Any] | None = None,
    quiet: bool = False,
) -> ClickReport:
    """Evaluate a model that a simulated user corrects on each photograph of a folder.

    Args:
        model: What is corrected.
        folder: `original/` and `mask/`, as `data_tools prepare` writes them. The object is 255;
            levels near 128 are void where a mask has no others between 0 and 255.
        protocol: How.
        settings: What the report tells of the model besides.
        quiet: Show no progress.

    Returns:
        Figures of the images, and a failure for each that cannot be read or shows no object.

    Raises:
        InputError: The folder holds no photograph with a mask.
    """
    sources, failures = find_sources(folder)
    if not sources:
        raise InputError(f"{folder}: no photograph has a mask; give original/ and mask/")
    if protocol.pictures is not None:
        protocol.pictures.mkdir(parents=True, exist_ok=True)
    images = {}
    for source in progress(sources, "evaluate-clicks", quiet=quiet):
        try:
            images[source.id] = _evaluate(model, source, protocol)
        except (InputError, MemoryError) as error:
            failures.append(f"{source.id}: {one_line(error)}")
    told = {"data": str(folder), "user": protocol.user, "seed": protocol.seed, **(settings or {})}
    return ClickReport(told, images, sorted(failures), prepared_data(folder))


def _evaluate(model: Model, source: Source, protocol: Protocol) -> Measured:
    pixels = read_source(source, None)
    image, truth = pixels.image, pixels.alpha
    if not (truth == 1).any():
        raise InputError(
            f"{source.matte}: no pixel is 255, so there is no object to click on; remove the "
            "image, or give a mask of 0 and 255"
        )
    soft = is_matte(truth)
    name = protocol.user or ("costliest" if soft else "largest")
    rng = np.random.default_rng([protocol.seed, zlib.crc32(source.id.encode())])
    start = None if protocol.start is None else protocol.start(image)
    user = make_user(name, rng)
    clean = not soft and start is None  # else it would drop what the first matte has right
    steps = interact(model, image, truth, user, protocol.clicks, start, clean)
    if protocol.pictures is not None:
        steps = iter(kept := list(steps))
    measured = measure(steps, truth, protocol.clicks, start)
    if protocol.pictures is not None:
        drawn = draw_session(image, truth, kept, measured.ious)
        write_rgb(protocol.pictures / f"{source.id}.png", drawn)
    return measured
