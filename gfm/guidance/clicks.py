"""Clicks of a person on the object and on its background: list, JSON, maps for a network."""

from __future__ import annotations

import dataclasses
import itertools
import json
import operator
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Self, TypeVar, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from gfm.guidance.maps import gaussian_maps
from rssn.imaging.errors import InputError

Real = TypeVar("Real", bound=np.floating[Any])

# Forte's thesis, chapter 3: 0.02, 0.08 and 0.16 of 352 px, as released; the text has other factors.
CLICK_SIGMAS = (7.04, 28.16, 56.32)


class Click(NamedTuple):
    """One click.

    Attributes:
        x: Column of the pixel.
        y: Row of the pixel.
        positive: On the object; False is on its background.
    """

    x: int
    y: int
    positive: bool


@dataclass(frozen=True)
class Clicks:
    """Clicks on one photograph, in the order in which they were made.

    A stroke is a set of clicks. A pixel may be clicked again, but not with both meanings.

    Attributes:
        width: Width of the photograph in px.
        height: Its height in px.
        points: The clicks; triples (x, y, positive) become `Click`.
        steps: Numbers of the clicks that were made at once, in their order: one, or those of a
            stroke; () is one each.
    """

    width: int
    height: int
    points: tuple[Click, ...] = ()
    steps: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Check the clicks.

        Raises:
            InputError: No click, one outside the photograph, two that contradict one another, or
                steps of other clicks.
        """
        for name in ("width", "height"):
            if not _is_whole(value := getattr(self, name)) or value < 1:
                raise InputError(f"{name}={value!r}: give the photograph's {name}, 1 px or more")
        points = tuple(self._checked(index, point) for index, point in enumerate(self.points))
        meanings: dict[tuple[int, int], bool] = {}
        for x, y, positive in points:
            if meanings.setdefault((x, y), positive) != positive:
                raise InputError(
                    f"clicks at x={x}, y={y} contradict one another: one is on the object, one on "
                    "its background; remove one of them"
                )
        object.__setattr__(self, "points", points)
        steps = tuple(self.steps)
        whole = all(_is_whole(step) and step > 0 for step in steps)
        if steps and (not whole or sum(steps) != len(points)):
            raise InputError(
                f"steps={list(steps)} do not add up to {len(points)} clicks; leave them out"
            )
        object.__setattr__(self, "steps", () if all(step == 1 for step in steps) else steps)

    def _checked(self, index: int, point: object) -> Click:
        name = f"clicks[{index}]={point!r}"
        if not isinstance(point, list | tuple) or len(point) != 3:
            raise InputError(f"{name} is not a click; give (x, y, True) or (x, y, False)")
        x, y, positive = point
        if not _is_whole(x) or not _is_whole(y):
            raise InputError(f"{name} has no whole pixel; give its column and row as integers")
        if not isinstance(positive, bool | np.bool_):
            raise InputError(f"{name} has no meaning; give True for the object, else False")
        if not (0 <= x < self.width and 0 <= y < self.height):
            raise InputError(
                f"{name} lies outside the photograph of {self.width}x{self.height} px; x is 0 to "
                f"{self.width - 1}, y 0 to {self.height - 1}"
            )
        return Click(operator.index(x), operator.index(y), bool(positive))

    def __len__(self) -> int:
        return len(self.points)

    def __iter__(self) -> Iterator[Click]:
        return iter(self.points)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the photograph."""
        return self.height, self.width

    def add(self, *points: tuple[int, int, bool]) -> Self:
        """Return these clicks and further ones."""
        added = cast(tuple[Click, ...], points)  # as which they are checked
        steps = (*self.steps, *(1 for _ in points)) if self.steps else ()
        return dataclasses.replace(self, points=(*self.points, *added), steps=steps)

    def add_step(self, *points: tuple[int, int, bool]) -> Self:
        """These clicks and further ones that are made at once."""
        made = self.add(*points)
        before = self.steps or (1,) * len(self)
        return dataclasses.replace(made, steps=(*before, len(points))) if points else made

    def add_stroke(self, path: Iterable[tuple[int, int]], positive: bool = True) -> Self:
        """Return these clicks and one for each pixel of a polyline.

        Args:
            path: Its corners (x, y), one or more.
            positive: On the object.
        """
        corners = [(int(x), int(y)) for x, y in path]
        pixels = dict.fromkeys(corners[:1])
        for begin, end in itertools.pairwise(corners):
            pixels |= dict.fromkeys(_line(begin, end))
        return self.add_step(*((x, y, positive) for x, y in pixels))

    def by_step(self) -> Iterator[tuple[Click, ...]]:
        """The clicks of each step."""
        ends = itertools.accumulate(self.steps or (1,) * len(self))
        for begin, end in itertools.pairwise((0, *ends)):
            yield self.points[begin:end]

    def first(self, count: int) -> Self:
        """The first clicks alone."""
        return dataclasses.replace(self, points=self.points[:count], steps=())

    def resized(self, width: int, height: int) -> Self:
        """The clicks on the photograph in another size; of those on one pixel the last counts."""
        if (width, height) == (self.width, self.height):
            return self
        moved: dict[tuple[int, int], bool] = {}
        for x, y, positive in self.points:
            pixel = (x * width // self.width, y * height // self.height)
            moved.pop(pixel, None)
            moved[pixel] = positive
        points = tuple(Click(x, y, positive) for (x, y), positive in moved.items())
        return dataclasses.replace(self, width=width, height=height, points=points, steps=())

    @property
    def masks(self) -> NDArray[np.bool_]:
        """The clicked pixels (2, H, W): background, object."""
        masks = np.zeros((2, *self.size), np.bool_)
        for x, y, positive in self.points:
            masks[int(positive), y, x] = True
        return masks

    def maps(self, sigmas: tuple[float, ...] = CLICK_SIGMAS) -> NDArray[np.float32]:
        """Gaussians of the distance to the nearest click (2K, H, W), K sigmas; background first."""
        return gaussian_maps(self.masks, sigmas)

    def to_json(self) -> str:
        """The clicks as JSON: width, height, clicks, each [x, y, positive], and steps, if any."""
        values = {"width": self.width, "height": self.height, "clicks": self.points}
        return json.dumps(values | ({"steps": self.steps} if self.steps else {}))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """The clicks that `to_json` wrote.

        Raises:
            InputError: Not such a text, or clicks that do not fit.
        """
        try:
            values: Any = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"clicks are not JSON ({error}); write them with to_json") from None
        wanted = {"width", "height", "clicks"}
        if not isinstance(values, dict) or values.keys() - {"steps"} != wanted:
            raise InputError('clicks are not {"width", "height", "clicks"}; give these three')
        steps = values.get("steps", [])
        if not isinstance(values["clicks"], list) or not isinstance(steps, list):
            raise InputError("clicks hold no list; give [[x, y, true], ...]")
        return cls(values["width"], values["height"], tuple(values["clicks"]), tuple(steps))


def _is_whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _line(begin: tuple[int, int], end: tuple[int, int]) -> list[tuple[int, int]]:
    """The pixels of a straight line, both ends included."""
    steps = max(abs(end[0] - begin[0]), abs(end[1] - begin[1]), 1)
    return [
        (
            begin[0] + round(i * (end[0] - begin[0]) / steps),
            begin[1] + round(i * (end[1] - begin[1]) / steps),
        )
        for i in range(steps + 1)
    ]


def keep_clicked(alpha: NDArray[Real], clicks: Clicks) -> NDArray[Real]:
    """A matte without what is connected to no click on the object.

    Source: the released code of Forte's interactive segmentation. Components are those of
    alpha > 0.5, 8-connected. What lies outside the kept ones becomes 0, also where alpha is 0.5 or
    less.

    Args:
        alpha: Matte (H, W) in [0, 1].
        clicks: Clicks; without one on the object the matte stays as it is.

    Returns:
        A new matte (H, W) of the same type.
    """
    positive = [(y, x) for x, y, positive in clicks if positive]
    if not positive:
        return alpha.copy()
    _, labels = cv2.connectedComponents((alpha > 0.5).astype(np.uint8), connectivity=8)
    kept = {int(labels[pixel]) for pixel in positive} - {0}
    cleaned = alpha.copy()
    cleaned[~np.isin(labels, list(kept))] = 0
    return cleaned
