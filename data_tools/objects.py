"""Label maps that number the objects of a photograph, and the masks cut out of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_tools.layouts import Folders
from data_tools.placing import Way, place
from rssn.imaging.errors import InputError
from rssn.imaging.images import check_size, files_in
from rssn.imaging.reading import read_pixels, read_rgb
from rssn.imaging.writing import write_alpha

VOID = 255  # label of pixels of no certain object
VOID_LEVEL = 127 / 255  # below one half: not a part of the object in training


def find_labels(root: Path, parts: Sequence[Folders]) -> tuple[list[tuple[Path, Path]], list[str]]:
    """Photographs with their label maps, in name order, and a line for each without one."""
    pairs: list[tuple[Path, Path]] = []
    failures: list[str] = []
    for part in parts:
        photographs, labels = root / part.images, root / (part.mattes or "")
        images = {path.stem: path for path in files_in(photographs)}
        maps = {path.stem: path for path in sorted(labels.iterdir())}
        listed = images if part.names is None else (root / part.names).read_text().split()
        for stem in sorted(listed):
            if stem not in images or stem not in maps:
                folder = labels if stem in images else photographs
                failures.append(f"{stem}: no such file in {folder}")
            else:
                pairs.append((images[stem], maps[stem]))
    return pairs, failures


def take_objects(image: Path, label_map: Path, target: Path, way: Way) -> None:
    """Write the mask of each object, and place its photograph."""
    labels = read_labels(label_map)
    check_size(label_map, labels.shape, read_rgb(image).shape)
    numbers = [int(number) for number in np.unique(labels) if number not in (0, VOID)]
    if not numbers:
        raise InputError(f"{label_map}: numbers no object; remove the image from the list")
    for number in numbers:
        name = f"{image.stem}_{number}"
        mask = target / "mask" / f"{name}.png"
        if not mask.exists():
            alpha = np.where(labels == VOID, VOID_LEVEL, labels == number)
            write_alpha(mask, alpha.astype(np.float32))
        place(image, target / "original" / f"{name}{image.suffix}", way)


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
