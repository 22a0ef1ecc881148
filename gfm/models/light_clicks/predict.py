"""Mattes of a photograph by its clicks alone, at the photograph's size."""

from __future__ import annotations

import numpy as np

from gfm.guidance.clicks import Clicks
from gfm.models.light_clicks.engine import ClickEngine, State
from rssn.imaging.images import Alpha
from rssn.imaging.resizing import resize

PASSES = 20  # of a session that is made up for


def correct(engine: ClickEngine, state: State, clicks: Clicks, previous: Alpha | None) -> Alpha:
    """The matte (H, W) after the last click: enlarged, and right at the clicks."""
    alpha = resize(engine.predict(state, clicks, previous), clicks.size).clip(0, 1)
    for x, y, positive in clicks:
        alpha[y, x] = positive
    return alpha


def from_nothing(engine: ClickEngine, state: State, clicks: Clicks) -> Alpha:
    """The matte (H, W) of a session from nothing; more than 20 clicks are taken in 20 steps."""
    count = len(clicks)
    alpha = np.zeros(clicks.size, np.float32)
    steps = np.unique(np.linspace(0, count, min(count, PASSES) + 1).round().astype(int))
    for end in steps[1:].tolist():
        alpha = correct(engine, state, clicks.first(end), alpha)
    return alpha
