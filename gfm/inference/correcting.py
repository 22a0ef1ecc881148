"""Correction of a matte by clicks: the whole of it anew, or the part that a click bears on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from gfm.guidance.bands import Mask, Trimap
from gfm.guidance.clicks import Click, Clicks
from gfm.guidance.refinement import grown, trimap_from_matte
from gfm.inference.views import Area, choose_view, clicks_in, close_view, inside, reaches_edge
from gfm.models.contract import ClickEngine, Prediction
from rssn.imaging.images import Alpha, Uint8Image
from rssn.imaging.resizing import resize

CHANGED = (0.5, 0.25)  # of alpha: less is no change; the second if little changes
NOTHING = 0.004  # of the photograph
SURE = 0.9  # least alpha of the pixel of the small size that is clicked on
AROUND = 3  # px of the working size around what changed, for its edges
CONTEXT = 48  # px around that which the refinement sees
REFINED = 400_000  # px, most that are refined after a click; larger parts are shrunk for it
KNOWN = 0.0025  # of the shorter side: radius around a click that is taken as known

Refine = Callable[[Uint8Image, Trimap], Prediction]
"""Photograph (H, W, 3) and trimap to a matte with its colours."""


class Patch(NamedTuple):
    """A part of a matte.

    Attributes:
        area: Rows and columns.
        alpha: (h, w).
        foreground: Colours (h, w, 3); None where they are still to be estimated.
    """

    area: Area
    alpha: Alpha
    foreground: Uint8Image | None


class Corrector(Protocol):
    """Makes the part of a matte that a step of a session changes."""

    def correct(self, alpha: Alpha, clicks: Clicks, new: Sequence[Click]) -> Patch:
        """The part that changes.

        Args:
            alpha: The matte (H, W) before.
            clicks: All clicks so far.
            new: Those of them that were made last.
        """


class WholeCorrector:
    """Predicts the whole photograph anew after every click.

    Args:
        predict: All clicks and the matte before the last to a matte.
    """

    def __init__(self, predict: Callable[[Clicks, Alpha], Prediction]) -> None:
        self._predict = predict

    def correct(self, alpha: Alpha, clicks: Clicks, new: Sequence[Click]) -> Patch:
        """See `Corrector`."""
        made = self._predict(clicks, alpha)
        return Patch(np.s_[0 : alpha.shape[0], 0 : alpha.shape[1]], made.alpha, made.foreground)


class LocalCorrector:
    """Encodes the photograph once, and changes the part of the matte that a click bears on.

    Args:
        engine: Sees the clicks, in a small size.
        photograph: RGB (H, W, 3).
        refine: Makes edges at the photograph's own size.
        most: Px that are refined at once.
    """

    def __init__(
        self, engine: ClickEngine, photograph: Uint8Image, refine: Refine, most: int = REFINED
    ) -> None:
        self._engine, self._photograph = engine, photograph
        self._refine, self._most = refine, most
        self._view: Area | None = None  # of the photograph that `_state` was encoded from
        self._state: Any = None

    def correct(self, alpha: Alpha, clicks: Clicks, new: Sequence[Click]) -> Patch:
        """See `Corrector`."""
        if not _has_object(alpha):
            return self._select(alpha, clicks, new)
        view, size = choose_view(alpha, new, self._view), (alpha.shape[0], alpha.shape[1])
        # What is added is often most of an object, of which a close view shows a part.
        near = None if new[0].positive else close_view(new, view, size)
        if near is not None:
            made, where = self._seen_in(near, self._encode(near), alpha, alpha, clicks, new)
            if not reaches_edge(where, near, size):
                return self._patch_in(near, alpha, made, where, clicks)
        made, where = self._seen_in(view, self._keep(view), alpha, alpha, clicks, new)
        return self._patch_in(view, alpha, made, where, clicks)

    def _select(self, alpha: Alpha, clicks: Clicks, new: Sequence[Click]) -> Patch:
        """The part of a matte without an object that a click selects.

        A small object is seen twice: in the whole photograph, and closely.
        """
        view = choose_view(alpha, new, self._view)
        made, where = self._seen_in(view, self._keep(view), alpha, alpha, clicks, new)
        selected = resize(made * where, (alpha.shape[0], alpha.shape[1]))
        if (closer := choose_view(selected, new, view)) != view:
            view = closer
            made, where = self._seen_in(view, self._keep(view), alpha, selected, clicks, new)
        return self._patch_in(view, alpha, made, where, clicks)

    def _encode(self, view: Area) -> Any:  # noqa: ANN401 - as the engine keeps it
        """The state of a part of the photograph."""
        return self._engine.encode(np.ascontiguousarray(self._photograph[view]))

    def _keep(self, view: Area) -> Any:  # noqa: ANN401 - as the engine keeps it
        """The state of the view of the object, which is encoded if it was not looked at last."""
        if view != self._view:
            self._view, self._state = view, self._encode(view)
        return self._state

    def _seen_in(
        self,
        view: Area,
        state: Any,  # noqa: ANN401 - as the engine keeps it
        alpha: Alpha,
        shown: Alpha,
        clicks: Clicks,
        new: Sequence[Click],
    ) -> tuple[Alpha, Mask]:
        """A part of the matte as the engine corrects it, and where, as `merged` returns them.

        Args:
            view: The part.
            state: Of the engine, for this part.
            alpha: The matte (H, W) before.
            shown: The matte (H, W) that the engine is given.
            clicks: All clicks so far.
            new: Those of them that were made last.
        """
        previous = shown[view] if shown[view].any() else None
        found = self._engine.predict(state, clicks_in(view, clicks), previous)
        height, width = found.shape
        last = clicks_in(view, Clicks(clicks.width, clicks.height, tuple(new)))
        before = resize(alpha[view], (height, width))
        return merged(before, found, last.resized(width, height).points)

    def _patch_in(
        self, view: Area, alpha: Alpha, found: Alpha, wanted: Mask, clicks: Clicks
    ) -> Patch:
        """The part of the photograph that changes.

        Args:
            view: The part that was looked at.
            alpha: The matte (H, W) before.
            found: The corrected matte (h, w) of the view, in the working size.
            wanted: Region (h, w) in which it replaces the one before.
            clicks: All clicks so far.
        """
        seen = clicks_in(view, clicks)
        patch = self._patch(self._photograph[view], alpha[view], found, wanted, seen)
        rows, columns = (
            slice(inner.start + outer.start, inner.stop + outer.start)
            for inner, outer in zip(patch.area, view, strict=True)
        )
        return patch._replace(area=(rows, columns))

    def _patch(
        self, photograph: Uint8Image, alpha: Alpha, found: Alpha, wanted: Mask, clicks: Clicks
    ) -> Patch:
        """The part of a view that changes, refined.

        Args:
            photograph: The view (H, W, 3).
            alpha: Its matte (H, W) before.
            found: The corrected matte (h, w).
            wanted: Region (h, w) in which it replaces the one before.
            clicks: Those in the view, in its px.
        """
        height, width = alpha.shape
        area = _enlarged_area(wanted, (height, width))
        part = alpha[area]
        scale = min(1.0, (self._most / part.size) ** 0.5)
        size = (max(round(part.shape[0] * scale), 8), max(round(part.shape[1] * scale), 8))
        weight = _cut(wanted.astype(np.float32), area, (height, width), size).clip(0, 1)
        coarse = _cut(found, area, (height, width), size).clip(0, 1)
        mixed = resize(part, size) * (1 - weight) + coarse * weight
        image = resize(photograph[area], size)
        side = max(round(min(height, width) * scale), 1)
        trimap = trimap_from_matte(mixed, side=side)
        _set_known(trimap, clicks, area, scale, KNOWN * min(height, width) * scale)
        made = self._refine(np.ascontiguousarray(image), trimap)
        whole = (part.shape[0], part.shape[1])
        share = resize(weight, whole)
        refined = np.asarray(part * (1 - share) + resize(made.alpha, whole) * share, np.float32)
        for x, y, positive in clicks:
            if inside(x, y, area):
                refined[y - area[0].start, x - area[1].start] = positive
        colours = photograph[area].copy()
        if made.foreground is not None:
            soft = (refined > 0) & (refined < 1)
            colours[soft] = resize(made.foreground, whole)[soft]
        return Patch(area, refined, colours)


def merged(before: Alpha, found: Alpha, new: Sequence[Click]) -> tuple[Alpha, Mask]:
    """Join a matte and its correction where they differ around the clicks.

    Clicks on the object only add to it, clicks on the background only take away; so what was right
    elsewhere stays. A matte without an object becomes the new one everywhere.

    Args:
        before: The matte (h, w) that is corrected.
        found: As the model corrected it.
        new: Clicks of one kind in px of both.

    Returns:
        The joined matte (h, w), and the region (h, w) that is to be taken from it.
    """
    positive = new[0].positive
    made = found.copy()
    if begun := _has_object(before):
        made = np.maximum(before, found) if positive else np.minimum(before, found)
    for least in CHANGED:
        changed = np.abs(made - before) > least
        if begun:
            changed &= _connected(changed, new)
        for x, y, _ in new:
            changed[y, x] = True
        where = grown(changed, AROUND)
        if where.mean() >= NOTHING:
            break
    for x, y, _ in new:
        made[y, x] = max(made[y, x], SURE) if positive else min(made[y, x], 1 - SURE)
    return made, where


def _has_object(alpha: Alpha) -> bool:
    return bool((alpha > 0.5).any())


def _connected(changed: Mask, new: Sequence[Click]) -> Mask:
    """The parts of a region (h, w) that clicks lie in."""
    joined = cv2.dilate(changed.astype(np.uint8), np.ones((3, 3), np.uint8))
    _, labels = cv2.connectedComponents(joined, connectivity=8)
    kept = {int(labels[y, x]) for x, y, _ in new} - {0}
    return np.asarray(np.isin(labels, list(kept)))


def _enlarged_area(wanted: Mask, size: tuple[int, int]) -> Area:
    """The rows and columns of a photograph around a region of its small size, with a margin."""
    edges = []
    for axis, length in zip((1, 0), size, strict=True):
        found = np.flatnonzero(wanted.any(axis=axis))
        scale = length / wanted.shape[1 - axis]
        first = int(found[0] * scale) - CONTEXT
        last = int(np.ceil((found[-1] + 1) * scale)) + CONTEXT
        edges.append(slice(max(first, 0), min(last, length)))
    return edges[0], edges[1]


def _cut(
    plane: NDArray[np.float32], area: Area, size: tuple[int, int], wanted: tuple[int, int]
) -> NDArray[np.float32]:
    """Cut an area of a photograph out of a plane (h, w) that shows all of it in a small size.

    Args:
        plane: (h, w).
        area: In px of the photograph.
        size: Height and width of the photograph.
        wanted: Height and width of the result.
    """
    steps = [
        (part.stop - part.start) / target * short / length
        for part, target, short, length in zip(area, wanted, plane.shape, size, strict=True)
    ]
    offsets = [
        (part.start * short / length) + 0.5 * step - 0.5
        for part, step, short, length in zip(area, steps, plane.shape, size, strict=True)
    ]
    matrix = np.array([[steps[1], 0, offsets[1]], [0, steps[0], offsets[0]]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    made = cv2.warpAffine(plane, matrix, wanted[::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(made, np.float32)


def _set_known(trimap: Trimap, clicks: Clicks, area: Area, scale: float, radius: float) -> None:
    """Mark small discs around the clicks as known in a trimap, in place.

    Args:
        trimap: Of an area, at `scale` of its size.
        clicks: In px of the picture that the area is a part of.
        area: Rows and columns.
        scale: Px of the trimap per px of the picture.
        radius: Of the discs, in px of the trimap.
    """
    for x, y, positive in clicks:
        if inside(x, y, area):
            at = (int((x - area[1].start) * scale), int((y - area[0].start) * scale))
            cv2.circle(trimap, at, round(radius), 255 if positive else 0, cv2.FILLED)
