"""Side of an image in a split: by its name alone, together with similar images."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from data_tools.duplicates import Pair
from rssn.imaging.errors import InputError, check_least
from rssn.imaging.seeding import generator

Side = Literal["train", "validation"]
SIDES: tuple[Side, Side] = ("train", "validation")


@dataclass(frozen=True)
class SplitOptions:
    """Division of images.

    Attributes:
        validation: Share of the images that validate, between 0 and 1, on average: the names
            decide.
        seed: Another one draws another split.
        together: Regular expression; images in whose names it finds the same text stay together,
            such as `^[a-z]+` for all photographs of one animal, `lynx_01` and `lynx_02`.
    """

    validation: float = 0.2
    seed: int = 0
    together: str | None = None

    def __post_init__(self) -> None:
        if not 0 < self.validation < 1:
            raise InputError(f"validation={self.validation} is not allowed; give between 0 and 1")
        check_least(0, seed=self.seed)
        try:
            re.compile(self.together or "")
        except re.error as error:
            raise InputError(
                f"together={self.together!r} is not a regular expression ({error}); give one such "
                "as '^[a-z]+'"
            ) from None


def group(names: Sequence[str], pairs: Sequence[Pair], together: str | None) -> list[str]:
    """Group of each image, as the first name in it; most images are groups of their own.

    `pairs` are images that are the same or nearly, by their numbers; see `SplitOptions` for
    `together`.
    """
    leaders = list(range(len(names)))

    def leader(number: int) -> int:
        while leaders[number] != number:
            number = leaders[number]
        return number

    links = [(pair.first, pair.second) for pair in pairs]
    met: dict[str, int] = {}
    for number, name in enumerate(names):
        if together is not None and (found := re.search(together, name)) is not None:
            links.append((met.setdefault(found[0], number), number))
    for one, other in links:
        first, second = leader(one), leader(other)
        low, high = sorted((first, second), key=lambda number: names[number])
        leaders[high] = low
    return [names[leader(number)] for number in range(len(names))]


def choose_sides(
    names: Sequence[str],
    groups: Sequence[str],
    options: SplitOptions,
    before: Mapping[str, Side] | None = None,
) -> list[Side]:
    """Side of each image: that of its group, which the group's first name decides.

    A group of images that were divided before keeps its side. A group that joins images of both
    sides trains: images that a network was trained on cannot validate it. An `InputError` if one
    side would stay empty.
    """
    held: dict[str, set[Side]] = {name: set() for name in groups}
    for name, own in zip(names, groups, strict=True):
        if before and name in before:
            held[own].add(before[name])
    draws = {name: generator(options.seed, "split of photographs", name).random() for name in held}
    sides: dict[str, Side] = {
        name: "validation" if draws[name] < options.validation else "train" for name in held
    }
    sides |= {
        name: "train" if "train" in known else "validation" for name, known in held.items() if known
    }
    free = [name for name, known in held.items() if not known]
    if set(sides.values()) != set(SIDES):
        if len(sides) < 2 or not free:
            raise InputError(
                f"all {len(names)} images belong together or to one side; there is nothing to "
                "divide: add others, or give another --together or --out"
            )
        # Of a handful of images none may be below the share, or all: the nearest one changes sides.
        if "train" in sides.values():
            sides[min(free, key=draws.__getitem__)] = "validation"
        else:
            sides[max(free, key=draws.__getitem__)] = "train"
    return [sides[own] for own in groups]
