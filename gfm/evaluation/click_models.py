"""Methods that `gfm evaluate-clicks` compares: networks, chains of networks, and GrabCut."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from gfm.evaluation.interaction import Image, Matte, Model, Session
from gfm.guidance.clicks import Clicks
from gfm.guidance.guidance import Guidance
from gfm.inference.cutout import Matte as CutOut
from gfm.inference.matting import regions
from gfm.inference.session import Session as UserSession
from gfm.models.contract import MattingModel, System
from gfm.models.options import MatteOptions
from rssn.imaging.errors import InputError

MatteTrimap = Callable[[Image, NDArray[np.uint8]], Matte]
"""A photograph and a trimap (H, W) of 0, 128 and 255 to a matte (H, W)."""

ROUNDS = 5  # of GrabCut


def of_system(system: System, models: Sequence[Any], options: MatteOptions) -> Model:
    """The sessions of a model that takes clicks, or, where it does not, trimaps of them.

    Args:
        system: Of the models.
        models: As `gfm.inference.matting.check_models` returns them.
        options: How photographs are matted.

    Raises:
        InputError: It takes neither.
    """
    if system.click_engine(models) is not None:
        return in_sessions(models[0])
    if "clicks" not in system.guidance:
        return on_sparse_trimaps(with_trimaps(system, models, options))

    def begin(image: Image, start: Matte | None) -> Session:
        previous = np.zeros(image.shape[:2], np.float32) if start is None else start

        def session(clicks: Clicks) -> Matte:
            nonlocal previous
            mask = previous if system.corrects_matte else None
            guidance = Guidance(mask=mask, clicks=clicks)
            previous = system.predict(models, [image], [guidance], options)[0].alpha
            return previous

        return session

    return begin


def in_sessions(model: MattingModel) -> Model:
    """The sessions of users: `gfm.Session`, with its refinement."""

    def begin(image: Image, start: Matte | None) -> Session:
        first = None if start is None else CutOut(start, image, regions(start))
        session = UserSession(image, model, automatic=False, first=first)
        return lambda clicks: session.click(*clicks.points[-1]).matte.alpha

    return begin


def with_trimaps(system: System, models: Sequence[Any], options: MatteOptions) -> MatteTrimap:
    """The mattes of a model that takes trimaps.

    Args:
        system: Of the models.
        models: As for `of_system`.
        options: As for `of_system`.

    Raises:
        InputError: It takes none.
    """
    if "trimap" not in system.guidance:
        raise InputError(
            f"a model of the system {system.name} takes neither clicks nor trimaps; give one of "
            "clicks, imatting, fba or another that does"
        )

    def matte(image: Image, trimap: NDArray[np.uint8]) -> Matte:
        return system.predict(models, [image], [Guidance(trimap=trimap)], options)[0].alpha

    return matte


def grabcut(image: Image, start: Matte | None) -> Session:
    """OpenCV's GrabCut with the clicks as seeds, begun anew after each click.

    Until both kinds of clicks are there, the outermost pixels are background and the pixels around
    the clicks object.
    """
    bgr = np.ascontiguousarray(image[..., ::-1])

    def session(clicks: Clicks) -> Matte:
        height, width = clicks.size
        mask = np.full((height, width), cv2.GC_PR_BGD, np.uint8)
        if start is not None:
            mask[start >= 0.5] = cv2.GC_PR_FGD
        radius = max(min(height, width) // 20, 1)
        for x, y, positive in clicks:
            probable = cv2.GC_PR_FGD if positive else cv2.GC_PR_BGD
            cv2.circle(mask, (x, y), radius, probable, cv2.FILLED)
        mask[[0, -1]] = mask[:, [0, -1]] = cv2.GC_BGD
        for x, y, positive in clicks:
            mask[y, x] = cv2.GC_FGD if positive else cv2.GC_BGD
        if not np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).any():
            return np.zeros(clicks.size, np.float32)
        models = np.zeros((1, 65)), np.zeros((1, 65))
        cv2.setRNGSeed(0)  # its k-means starts from random centres
        cv2.grabCut(bgr, mask, (0, 0, 1, 1), *models, ROUNDS, cv2.GC_INIT_WITH_MASK)
        return np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)

    return session


def on_sparse_trimaps(matte: MatteTrimap) -> Model:
    """A trimap's model, for which all but the clicked pixels is unknown (thesis, section 5.3.3)."""

    def begin(image: Image, start: Matte | None) -> Session:
        return lambda clicks: matte(image, sparse_trimap(clicks))

    return begin


def in_band(segment: Model, matte: MatteTrimap, width: float) -> Model:
    """A segmentation, whose outline's band is the trimap of a matting (thesis, section 5.3.3).

    Args:
        segment: Segments by clicks; what it made before is fed back to it, not the matte.
        matte: Mattes with a trimap.
        width: Width of the unknown band, in px: 20 and 180 in the thesis.
    """

    def begin(image: Image, start: Matte | None) -> Session:
        session = segment(image, start)
        return lambda clicks: matte(image, band_trimap(session(clicks), width))

    return begin


def sparse_trimap(clicks: Clicks) -> NDArray[np.uint8]:
    """A trimap (H, W) that is known at the clicks alone."""
    background, foreground = clicks.masks
    return np.where(foreground, 255, np.where(background, 0, 128)).astype(np.uint8)


def band_trimap(alpha: Matte, width: float) -> NDArray[np.uint8]:
    """A trimap (H, W) whose unknown band lies around the outline of alpha >= 0.5."""
    inside = alpha >= 0.5
    trimap = np.full(alpha.shape, 128, np.uint8)
    for level, part in ((255, inside), (0, ~inside)):
        if part.all():
            trimap[:] = level
        else:
            depth = cv2.distanceTransform(part.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
            trimap[depth > width / 2] = level
    return trimap
