"""Clicks that corrections stand for, as a click model takes them."""

from __future__ import annotations

from gfm.serve.edits import Click, Stroke

MOST = 12  # clicks of a stroke, whose pixels are painted anyway

Point = tuple[int, int, bool]
Steps = list[tuple[Point, ...]]


def click_steps(edits: tuple[Click | Stroke, ...]) -> Steps:
    """Clicks of each correction; one on an earlier one of the other meaning replaces it.

    Strokes become a few clicks along their middle, none where a click is already; those of
    `unknown` are none.
    """
    made: list[dict[tuple[int, int], bool]] = []
    for edit in edits:
        if edit.mark == "unknown":
            continue
        positive = edit.mark == "keep"
        if isinstance(edit, Click):
            for step in made:
                if step.get((edit.x, edit.y), positive) != positive:
                    del step[edit.x, edit.y]
            made.append({(edit.x, edit.y): positive})
        else:
            taken = {pixel for step in made for pixel in step}
            made.append({pixel: positive for pixel in sparse(edit) if pixel not in taken})
    return [tuple((x, y, keep) for (x, y), keep in step.items()) for step in made if step]


def sparse(stroke: Stroke) -> list[tuple[int, int]]:
    """Both ends of a stroke and points between, at least a brush apart."""
    lengths = [0.0]
    for (x0, y0), (x1, y1) in zip(stroke.path, stroke.path[1:], strict=False):
        lengths.append(lengths[-1] + ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5)
    count = 1 + min(MOST - 1, int(lengths[-1] / max(2 * stroke.radius, 1)))
    points = []
    corner = 0
    for number in range(count):
        at = lengths[-1] * (number / (count - 1) if count > 1 else 0.5)
        while corner < len(lengths) - 2 and lengths[corner + 1] < at:
            corner += 1
        points.append(_between(stroke, lengths, corner, at))
    return list(dict.fromkeys(points))


def _between(stroke: Stroke, lengths: list[float], corner: int, at: float) -> tuple[int, int]:
    (x0, y0), (x1, y1) = stroke.path[corner], stroke.path[min(corner + 1, len(stroke.path) - 1)]
    length = lengths[min(corner + 1, len(lengths) - 1)] - lengths[corner]
    part = (at - lengths[corner]) / length if length else 0.0
    return round(x0 + part * (x1 - x0)), round(y0 + part * (y1 - y0))
