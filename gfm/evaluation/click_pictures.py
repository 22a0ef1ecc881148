"""Pictures of sessions: the photograph with the clicks so far, and the matte, after some clicks."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from gfm.evaluation.interaction import Image, Matte, Step
from gfm.guidance.clicks import Clicks
from rssn.imaging.drawing import fitted, grey, paste, sheet, write

SHOWN = (1, 2, 3, 5, 10, 20)
SIDE, GAP, CAPTION = 240, 8, 9
OBJECT, BACKGROUND = (40, 200, 60), (230, 40, 40)


def draw_session(image: Image, truth: Matte, steps: Sequence[Step], ious: Sequence[float]) -> Image:
    """Draw a session: above the photograph with all clicks so far, below the matte.

    Args:
        image: Photograph, RGB (H, W, 3).
        truth: True mask or matte (H, W), which stands last.
        steps: All steps.
        ious: Intersection over union after each.

    Returns:
        A picture, uint8 RGB.
    """
    shown = [number for number in SHOWN if number <= len(steps)]
    cells = [
        (f"{number}: IoU {ious[number - 1]:.3f}", steps[number - 1].clicks, steps[number - 1].alpha)
        for number in shown
    ]
    cells.append(("truth", Clicks(image.shape[1], image.shape[0]), truth.astype(np.float32)))
    small = fitted(image, SIDE, SIDE)
    height, width = small.shape[:2]
    onto = sheet(2 * (height + GAP) + CAPTION + 2 * GAP, len(cells) * (width + GAP) + GAP)
    for column, (caption, clicks, alpha) in enumerate(cells):
        left = GAP + column * (width + GAP)
        write(onto, caption, GAP + CAPTION, left, CAPTION)
        top = CAPTION + 3 * GAP
        paste(onto, _with_clicks(small, clicks), top, left)
        paste(onto, fitted(grey(alpha), SIDE, SIDE), top + height + GAP, left)
    return onto


def _with_clicks(small: Image, clicks: Clicks) -> Image:
    drawn = small.copy()
    scale = small.shape[1] / clicks.width
    for x, y, positive in clicks:
        centre = (round((x + 0.5) * scale), round((y + 0.5) * scale))
        cv2.circle(drawn, centre, 4, (255, 255, 255), cv2.FILLED, cv2.LINE_AA)
        cv2.circle(drawn, centre, 3, OBJECT if positive else BACKGROUND, cv2.FILLED, cv2.LINE_AA)
    return drawn
