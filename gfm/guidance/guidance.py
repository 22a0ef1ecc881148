"""Guidance of a person: a trimap, a mask, clicks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gfm.guidance.clicks import Clicks
from gfm.guidance.masks import trimap_from_mask
from rssn.imaging.errors import InputError

GuidanceKind = Literal["trimap", "mask", "clicks"]


@dataclass(frozen=True)
class Guidance:
    """Guidance for one photograph of height H and width W; each part may be absent.

    Attributes:
        trimap: uint8 (H, W): 0 background, 128 unknown, 255 foreground.
        mask: A coarse matte, float32 (H, W) in [0, 1].
        clicks: Clicks on the object and on its background.
    """

    trimap: NDArray[np.uint8] | None = None
    mask: NDArray[np.float32] | None = None
    clicks: Clicks | None = None

    @property
    def given(self) -> tuple[GuidanceKind, ...]:
        """The kinds that are present."""
        kinds: tuple[GuidanceKind, ...] = ("trimap", "mask", "clicks")
        return tuple(kind for kind in kinds if getattr(self, kind) is not None)

    def trimap_of(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The trimap (H, W) that is given, or that the mask becomes on a photograph (H, W, 3).

        Raises:
            InputError: There is neither.
        """
        if self.trimap is not None:
            return self.trimap
        if self.mask is None:
            raise InputError("the model needs a trimap or a mask; give one")
        return trimap_from_mask(self.mask, image)
