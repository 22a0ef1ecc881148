"""Simulated users: where a person who sees a wrong matte would click next.

Each is a function of the predicted and the true matte. The click goes to the centre of one
connected region of errors: its pixel farthest from the region's border.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from gfm.guidance.clicks import Click
from rssn.imaging.errors import check_choice

UserName = Literal["largest", "costliest", "noisy"]
Matte = NDArray[Any]  # (H, W), bool or float in [0, 1]

LEAST_ERROR = 1 / 255
TIE = 1e-9


class Correction(NamedTuple):
    """A click and the errors that it is to put right.

    Attributes:
        click: The click.
        region: The connected region of errors (H, W) that it was placed in.
    """

    click: Click
    region: NDArray[np.bool_]


User = Callable[[Matte, Matte], Correction | None]


def click_on_largest_error(alpha: Matte, truth: Matte) -> Correction | None:
    """The next click in the largest region of errors (Forte's thesis, section 3.2.2).

    Args:
        alpha: Predicted matte (H, W); alpha >= 0.5 is the object.
        truth: True matte (H, W); values other than 0 and 1 get no click.

    Returns:
        The click, None without an error. Equal areas: the background, then the first in raster
        order.

    Note:
        Without an error the released code clicks on the bottom right pixel as background.
    """
    found = np.asarray(alpha) >= 0.5
    wrong = ((truth == 0) & found, (truth == 1) & ~found)
    return _centre(wrong, np.ones(found.shape))


def click_on_costliest_error(alpha: Matte, truth: Matte) -> Correction | None:
    """The next click in the region with the largest sum of squared errors (thesis, section 5.2.2).

    Args:
        alpha: Predicted matte (H, W).
        truth: True matte (H, W); values other than 0 and 1 get no click.

    Returns:
        The click, None where no error reaches 1/255. Ties as in `click_on_largest_error`.
    """
    error = np.abs(np.asarray(alpha, np.float64) - np.asarray(truth, np.float64))
    seen = error >= LEAST_ERROR
    return _centre(((truth == 0) & seen, (truth == 1) & seen), np.square(error))


@dataclass(frozen=True)
class NoisyUser:
    """A user who clicks beside the centre, though still inside the region of errors.

    Attributes:
        user: The user whose clicks are moved.
        rng: Draws the directions.
        distance: How far a click moves, in px, where the region is that large.
    """

    user: User
    rng: np.random.Generator
    distance: float = 10.0

    def __call__(self, alpha: Matte, truth: Matte) -> Correction | None:
        """The moved click; None without an error."""
        correction = self.user(alpha, truth)
        if correction is None:
            return None
        (x, y, positive), region = correction
        angle = self.rng.uniform(0, 2 * np.pi)
        rows, columns = np.nonzero(region)
        away = (columns - x - self.distance * np.cos(angle)) ** 2
        away += (rows - y - self.distance * np.sin(angle)) ** 2
        nearest = int(np.argmin(away))
        return Correction(Click(int(columns[nearest]), int(rows[nearest]), positive), region)


def make_user(name: UserName, rng: np.random.Generator) -> User:
    """The simulated user of that name.

    Args:
        name: `largest` (chapter 3), `costliest` (chapter 5), or `noisy`: the first, 10 px off.
        rng: Generator of the noisy user.

    Raises:
        InputError: Another name.
    """
    check_choice("user", name, get_args(UserName))
    if name == "noisy":
        return NoisyUser(click_on_largest_error, rng)
    return click_on_largest_error if name == "largest" else click_on_costliest_error


def _centre(
    wrong: tuple[NDArray[np.bool_], NDArray[np.bool_]], cost: NDArray[np.float64]
) -> Correction | None:
    """The centre of the costliest region; `wrong` is where background and object are missed."""
    best: tuple[float, bool, NDArray[np.bool_]] | None = None
    for positive, mask in enumerate(wrong):
        if not mask.any():
            continue
        _, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
        sums = np.bincount(labels.ravel(), weights=cost.ravel())
        sums[0] = -np.inf
        if best is None or sums.max() > best[0] + TIE:
            # OpenCV numbers blocks of pixels, so its order is not quite that of the raster.
            tied = np.isin(labels, np.flatnonzero(sums >= sums.max() - TIE))
            label = labels.ravel()[np.argmax(tied)]
            best = float(sums.max()), bool(positive), labels == label
    if best is None:
        return None
    _, meaning, region = best
    y, x = deepest_pixel(region)
    return Correction(Click(x, y, meaning), region)


def deepest_pixel(region: NDArray[np.bool_]) -> tuple[int, int]:
    """Row and column farthest from the border of a region (H, W) that is not empty.

    The border of the picture is a border of the region, too; ties go to the first in raster order.
    """
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    part = region[top : rows[-1] + 1, left : columns[-1] + 1]
    padded = np.pad(part, 1).astype(np.uint8)
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    # Squares of exact distances are whole numbers: rounding them leaves true ties alone.
    squares = np.rint(np.square(depth.astype(np.float64)))
    y, x = np.unravel_index(int(np.argmax(squares)), squares.shape)
    return top + int(y), left + int(x)
