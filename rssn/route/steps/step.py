"""What a step of composing is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from rssn.imaging.errors import InputError
from rssn.imaging.images import Alpha, Uint8Image


@dataclass(frozen=True)
class Step(ABC):
    """Something that is done to F and B before they are blended, and the options of it.

    It comes after denoising, cropping and blurring. The composite is the blend of what it returns,
    so that the losses and `rssn.inspect` find alpha F + (1 - alpha) B in it.

    Attributes:
        probability: How often it happens.
    """

    probability: float = 0.5

    def __post_init__(self) -> None:
        self.demand_share("probability")

    @abstractmethod
    def apply(
        self,
        foreground: Uint8Image,
        alpha: Alpha,
        background: Uint8Image,
        rng: np.random.Generator,
    ) -> tuple[Uint8Image, Uint8Image, dict[str, Any]]:
        """Change F and B.

        Args:
            foreground: F, uint8 (H, W, 3); not to be written to.
            alpha: The matte, float32 (H, W) in [0, 1].
            background: B, uint8 (H, W, 3); not to be written to.
            rng: A generator that no other step draws from.

        Returns:
            The new F and B, and what was done, for the sample's record, in types that JSON has.
        """

    def on_crop(self, scale: float) -> Self:
        """The same step for a crop that is resized by `scale` first: lengths in px change."""
        del scale
        return self

    def demand_share(self, name: str) -> None:
        """Refuse an option that is no number from 0 to 1.

        Raises:
            InputError: It is not.
        """
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise InputError(f"{name}={value!r} is not allowed; give 0 to 1")
