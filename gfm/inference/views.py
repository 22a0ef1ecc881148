"""The part of a photograph that a click model looks at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gfm.guidance.bands import Mask
from gfm.guidance.clicks import Click, Clicks
from rssn.imaging.images import Alpha

MARGIN = 0.35  # of the object's longer side, around it in a view
LEAST_MARGIN = 32  # px
LARGE = 0.6  # of the photograph: a larger view is the whole
CLOSE = 256  # px, least side of a close view
CLOSER = 0.6  # of the longer side of a view: a close view is shorter, or it shows no more
FRAME = 0.06  # of the sides of a view, along its edges

Area = tuple[slice, slice]
"""Rows and columns."""


def choose_view(alpha: Alpha, new: Sequence[Click], current: Area | None) -> Area:
    """The part of a photograph to look at: the object and the new clicks, and what is around them.

    Small objects are seen larger so (as in f-BRS, Sofiiuk et al. 2020, section 3.4).

    Args:
        alpha: The matte (H, W) before.
        new: The clicks.
        current: The part that was looked at last, which stays while it is good enough.
    """
    whole = np.s_[0 : alpha.shape[0], 0 : alpha.shape[1]]
    solid = alpha > 0.5
    if not solid.any():
        return whole
    ends = []
    for axis, at in ((1, [each.y for each in new]), (0, [each.x for each in new])):
        found = np.flatnonzero(solid.any(axis=axis))
        ends.append((min(int(found[0]), *at), max(int(found[-1]), *at) + 1))
    longest = max(stop - start for start, stop in ends)
    margin = max(round(MARGIN * longest), LEAST_MARGIN)
    rows, columns = (
        slice(max(start - margin, 0), min(stop + margin, length))
        for (start, stop), length in zip(ends, alpha.shape, strict=True)
    )
    if _size(rows, columns) > LARGE * alpha.size:
        return whole
    if current is not None and _size(*current) <= 2 * _size(rows, columns):
        near = margin // 3
        pairs = zip(ends, current, alpha.shape, strict=True)
        if all(
            part.start <= max(start - near, 0) and part.stop >= min(stop + near, length)
            for (start, stop), part, length in pairs
        ):
            return current
    return rows, columns


def close_view(new: Sequence[Click], view: Area, size: tuple[int, int]) -> Area | None:
    """A square around new clicks, in which small corrections are seen larger than in a view.

    Args:
        new: The clicks.
        view: The part of the photograph that shows the whole object.
        size: Height and width of the photograph.

    Returns:
        The square, or None if it would be hardly smaller than the view.
    """
    ends = [
        (min(each.y for each in new), max(each.y for each in new) + 1),
        (min(each.x for each in new), max(each.x for each in new) + 1),
    ]
    longest = max(stop - start for start, stop in ends)
    side = max(CLOSE, round((1 + 2 * MARGIN) * longest))
    if side >= CLOSER * max(part.stop - part.start for part in view):
        return None
    starts = [
        max(min((first + last - side) // 2, length - side), 0)
        for (first, last), length in zip(ends, size, strict=True)
    ]
    rows, columns = (
        slice(start, min(start + side, length)) for start, length in zip(starts, size, strict=True)
    )
    return rows, columns


def reaches_edge(where: Mask, view: Area, size: tuple[int, int]) -> bool:
    """Return True if a region may go on outside the view that it was found in.

    Args:
        where: The region (h, w), in some size of the view.
        view: A part of the photograph.
        size: Height and width of the photograph.
    """
    for axis, (part, length) in enumerate(zip(view, size, strict=True)):
        lines = np.asarray(where.any(axis=1 - axis))
        frame = max(round(FRAME * lines.size), 1)
        before = part.start > 0 and bool(lines[:frame].any())
        if before or (part.stop < length and bool(lines[-frame:].any())):
            return True
    return False


def clicks_in(view: Area, clicks: Clicks) -> Clicks:
    """The clicks in a part of the photograph, in its px."""
    rows, columns = view
    points = tuple(
        Click(x - columns.start, y - rows.start, positive)
        for x, y, positive in clicks
        if inside(x, y, view)
    )
    return Clicks(columns.stop - columns.start, rows.stop - rows.start, points)


def inside(x: int, y: int, area: Area) -> bool:
    """Return True if a pixel lies in an area."""
    rows, columns = area
    return bool(rows.start <= y < rows.stop and columns.start <= x < columns.stop)


def _size(rows: slice, columns: slice) -> int:
    return int((rows.stop - rows.start) * (columns.stop - columns.start))
