"""The light of the background on the foreground."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rssn.imaging.images import Alpha, Uint8Image
from rssn.route.steps.step import Step

_CONTRAST = (0.5, 2.0)  # between which a channel's spread may change

Moments = tuple[NDArray[Any], NDArray[Any]]


@dataclass(frozen=True)
class Harmonise(Step):
    """Moves the colours of F towards those of B, so that both seem to stand in one light.

    After Reinhard, Ashikhmin, Gooch and Shirley, *Color transfer between images* (2001): mean and
    standard deviation of each channel of F become those of B, part of the way.

    Attributes:
        strength: The largest part of the way; each sample draws from 0 to this.

    Note:
        In CIELAB, not in their own space. Standard deviations change by a factor of 2 at most,
        or a plain background would take all contrast from F.
    """

    strength: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        self.demand_share("strength")

    def apply(
        self,
        foreground: Uint8Image,
        alpha: Alpha,
        background: Uint8Image,
        rng: np.random.Generator,
    ) -> tuple[Uint8Image, Uint8Image, dict[str, Any]]:
        """Change F; B stays."""
        share = float(rng.uniform(0, self.strength))
        done = {"share": share}
        lab = _to_lab(foreground)
        mean, deviation = _moments(lab, alpha)
        aim, spread = _moments(_to_lab(background), 1 - alpha)
        contrast = (spread / np.maximum(deviation, 1e-3)).clip(*_CONTRAST)
        moved = (lab - mean) * (1 + share * (contrast - 1)) + mean + share * (aim - mean)
        return _to_rgb(moved), background, done


def _moments(lab: NDArray[Any], weight: Alpha) -> Moments:
    """Mean and standard deviation of each channel of (H, W, 3), weighted by (H, W)."""
    share = (weight if weight.any() else np.ones_like(weight)).astype(np.float64)
    share /= share.sum()
    mean = np.tensordot(share, lab, 2)
    return mean, np.sqrt(np.tensordot(share, (lab - mean) ** 2, 2))


def _to_lab(image: Uint8Image) -> NDArray[Any]:
    return cv2.cvtColor(np.float32(1 / 255) * image, cv2.COLOR_RGB2LAB)


def _to_rgb(lab: NDArray[Any]) -> Uint8Image:
    rgb = cv2.cvtColor(lab.astype(np.float32), cv2.COLOR_LAB2RGB)
    levels: Uint8Image = np.rint((rgb * 255).clip(0, 255)).astype(np.uint8)
    return levels
