"""Pictures of a material file, drawn by kind and by the weight of their source."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gfm.data.licences import shares
from gfm.models.contract import Licence
from rssn.imaging.errors import InputError
from rssn.shards.material import Kind, Material


class DrawnSamples:
    """Any number of samples, each drawn from the pictures by its generator.

    Args:
        pictures: How they are drawn.
        samples: Number that counts as an epoch.
    """

    def __init__(self, pictures: WeightedPictures, samples: int) -> None:
        self.pictures, self._samples = pictures, samples

    def __len__(self) -> int:
        return self._samples

    def key(self, number: int) -> str:
        """The number of a sample."""
        return f"{number:06d}"

    def licences(self) -> list[Licence]:
        """Sources and licences by their share of the draws."""
        return self.pictures.licences()


class WeightedPictures:
    """Draw pictures of a material file.

    Args:
        material: The pictures.
        weights: How often pictures of a source are drawn, relative to 1, by the source's name; 0
            leaves them out.
        draws: How often a sample draws each kind, on average.

    Raises:
        InputError: A weight is negative or of an unknown source, or no picture is left of a kind
            that samples draw.
    """

    def __init__(
        self, material: Material, weights: Mapping[str, float], draws: Mapping[Kind, float]
    ) -> None:
        self.material, self.draws = material, draws
        sources = {picture.source for picture in material.pictures}
        if unknown := sorted(weights.keys() - sources):
            raise InputError(
                f"{material.path}: weights name {unknown}, which are no sources of it; choose from "
                f"{sorted(sources)}"
            )
        if bad := {name: weight for name, weight in weights.items() if not weight >= 0}:
            raise InputError(f"weights={bad}: a weight is 0 or more")
        self._ends = {}
        for kind in (kind for kind, often in draws.items() if often > 0):
            weighted = {
                number: weight
                for number, picture in enumerate(material.pictures)
                if picture.kind == kind and (weight := weights.get(picture.source, 1.0)) > 0
            }
            if not weighted:
                raise InputError(
                    f"{material.path}: holds no {kind} that may be drawn; add some, or change the "
                    "weights and the shares of the kinds"
                )
            ends = np.cumsum(list(weighted.values()))
            self._ends[kind] = (list(weighted), ends / ends[-1])

    def pick(self, kind: Kind, rng: np.random.Generator) -> int:
        """The number of a picture."""
        numbers, ends = self._ends[kind]
        return numbers[min(int(np.searchsorted(ends, rng.random(), "right")), len(numbers) - 1)]

    def licences(self) -> list[Licence]:
        """Sources and licences by their share of the draws, the largest first."""
        pictures = self.material.pictures
        return shares(
            (pictures[number].source, pictures[number].licence, self.draws[kind] * float(share))
            for kind, (numbers, ends) in self._ends.items()
            for number, share in zip(numbers, np.diff(ends, prepend=0), strict=True)
        )
