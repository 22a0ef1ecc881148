"""Label maps that number the objects of a photograph, and the masks cut out of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_tools.layouts import Folders
from data_tools.placing import Way, place
from data_tools.work import reason
from rssn.imaging.errors import InputError
from rssn.imaging.images import check_size, files_in
from rssn.imaging.reading import read_pixels, read_rgb
from rssn.imaging.writing import write_alpha

VOID = 255  # label of pixels of no certain object
VOID_LEVEL = 127 / 255  # below one half: not a part of the object in training


@dataclass(frozen=True)
class ObjectJob:
    """A photograph, its label map, and the folder that gets both for each object."""

    image: Path
    labels: Path
    target: Path


def object_jobs(parts: Sequence[Folders], target: Path) -> tuple[list[ObjectJob], list[str]]:
    """Photographs with label maps, in name order, and a line for each without one."""
    jobs: list[ObjectJob] = []
    failures: list[str] = []
    for part in parts:
        images = {path.stem: path for path in files_in(Path(part.images))}
        maps = {path.stem: path for path in sorted(Path(part.mattes or "").iterdir())}
        listed = images if part.names is None else Path(part.names).read_text().split()
        for stem in sorted(listed):
            if stem not in images or stem not in maps:
                folder = part.images if stem not in images else part.mattes
                failures.append(f"{stem}: no such file in {folder}")
            else:
                jobs.append(ObjectJob(images[stem], maps[stem], target))
    if not jobs and not failures:
        raise InputError(f"{parts[0].images}: holds no image; is the download complete?")
    return jobs, failures


def take_objects(job: ObjectJob, way: Way) -> str | None:
    """Write the mask of each object, and place its photograph; the reason if that fails."""
    try:
        labels = read_labels(job.labels)
        check_size(job.labels, labels.shape, read_rgb(job.image).shape)
        numbers = [int(number) for number in np.unique(labels) if number not in (0, VOID)]
        if not numbers:
            raise InputError(f"{job.labels}: numbers no object; remove the image from the list")
        for number in numbers:
            name = f"{job.image.stem}_{number}"
            mask = job.target / "mask" / f"{name}.png"
            if not mask.exists():
                alpha = np.where(labels == VOID, VOID_LEVEL, labels == number)
                write_alpha(mask, alpha.astype(np.float32))
            image = job.target / "original" / f"{name}{job.image.suffix}"
            place(job.image, image, way)
    except (InputError, OSError) as error:
        return reason(job.image, error)
    return None


def read_labels(path: Path) -> NDArray[np.uint8]:
    """Number of the object at each pixel (H, W): 0 background, 255 void.

    Reads a `.mat` file of SBD (`GTinst.Segmentation`), or a PNG of grey levels. A palette PNG,
    which OpenCV decodes to colours, is refused.
    """
    if path.suffix == ".mat":
        from scipy.io import loadmat
        from scipy.io.matlab import MatReadError

        try:
            labels = loadmat(path)["GTinst"]["Segmentation"][0, 0]
        except (MatReadError, ValueError, KeyError, IndexError, NotImplementedError) as error:
            raise InputError(
                f"{path}: holds no GTinst.Segmentation ({error}); fetch the file again"
            ) from None
        return np.asarray(labels, np.uint8)
    labels = read_pixels(path)
    if labels.ndim != 2 or labels.dtype != np.uint8:
        raise InputError(f"{path}: is not a label map; give a grey PNG of 8 bits or a .mat of SBD")
    return np.asarray(labels, np.uint8)
