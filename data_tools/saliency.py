"""Saliency of the subject of a picture, without a trained model.

The paper (section 4.1) cleaned BG-20k by object detectors and by eye. A detector needs weights that
are not shipped here, so a classical measure sorts the pictures for the eye: a subject differs in
colour and texture from the borders of its picture (the boundary prior of Wei et al., ECCV 2012,
with the Mahalanobis distances of Zhang et al., ICCV 2015, section 4).

`docs/experiments.md` compares it with other measures.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from data_tools.pictures import VIEW_SIDE, fit
from rssn.imaging.images import Uint8Image
from rssn.imaging.resizing import resize

GRID = 16  # cells along a side
BORDERS = (np.s_[0], np.s_[:, 0], np.s_[:, -1])  # the upper, left and right cells
CENTRE = 0.15  # standard deviation of the centre's weight, in sides of the picture
NOISE = 4.0  # variance that is added to the borders', so that an even border is no singularity
LEAST = 0.1  # distance below which borders count as even: the rest is rounding
EDGE_WEIGHT = 0.5  # of the mean gradient, beside L*, a* and b*


def saliency(image: Uint8Image) -> float:
    """Distance of the centre of a picture from its borders, over that among the borders.

    Each cell of a coarse grid has a colour (CIE Lab) and a texture (mean gradient); its distance is
    that to the most similar of the left, right and upper borders. The lower border is left out:
    subjects stand on it or are cut by it.

    Returns:
        About 1 for a uint8 RGB picture (H, W, 3) that is alike everywhere, larger with a subject.
    """
    cells = _cells(image)
    distance = np.min([_distance(cells, cells[border]) for border in BORDERS], axis=0)
    y, x = np.mgrid[0:GRID, 0:GRID]
    offset = np.hypot(y - (GRID - 1) / 2, x - (GRID - 1) / 2) / GRID
    weight = np.exp(-0.5 * (offset / CENTRE) ** 2)
    around = np.zeros((GRID, GRID), np.bool_)
    for border in BORDERS:
        around[border] = True
    scale = max(distance[around].mean(), LEAST)
    return float((distance * weight).sum() / weight.sum() / scale)


def _cells(image: Uint8Image) -> NDArray[np.float32]:
    """Lab colour and mean gradient of each cell, (GRID, GRID, 4)."""
    lab = cv2.cvtColor(fit(image, VIEW_SIDE).astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    light = np.ascontiguousarray(lab[..., 0])
    gradient = np.hypot(cv2.Sobel(light, cv2.CV_32F, 1, 0), cv2.Sobel(light, cv2.CV_32F, 0, 1))
    features = np.dstack([lab, EDGE_WEIGHT * gradient])
    return resize(features, (GRID, GRID), "area")


def _distance(cells: NDArray[np.float32], border: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mahalanobis distance of each cell from those of a border (GRID, 4), (GRID, GRID)."""
    known = border.astype(np.float64)
    covariance = np.cov(known.T) + NOISE * np.eye(cells.shape[2])
    offset = cells.astype(np.float64) - known.mean(0)
    squared: NDArray[np.float64] = np.einsum(
        "yxi,ij,yxj->yx", offset, np.linalg.inv(covariance), offset
    )
    return np.sqrt(squared)
