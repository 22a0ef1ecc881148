"""Training click by click: one image, one simulated user, one update after each click."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gfm.guidance.clicks import Clicks, keep_clicked
from gfm.guidance.simulated_user import User

Matte = NDArray[np.float32]

Predict = Callable[[Clicks, Matte], Tensor]
"""All clicks so far and the matte before the last to the matte (1, 1, H, W), with its gradient."""


def click_by_click(
    predict: Predict, truth: Matte, user: User, count: int, clean: bool = True
) -> Iterator[tuple[Clicks, Tensor]]:
    """Place a click, predict, let the caller update the weights, and go on from that matte.

    Source: Forte's thesis, sections 3.2.2 and 5.2.2.

    Args:
        predict: The network that is trained.
        truth: True mask or matte (H, W).
        user: Who clicks on the errors of the last matte; of one that is 0 everywhere at first.
        count: Number of clicks; fewer where no error is left.
        clean: Drop what no click on the object belongs to before the user sees it, as in a session.

    Yields:
        All clicks so far, and the matte (1, 1, H, W) that they led to.

    Note:
        The matte that is fed back carries no gradient: each click is a step of its own.
    """
    clicks = Clicks(truth.shape[1], truth.shape[0])
    seen = np.zeros(truth.shape, np.float32)
    while len(clicks) < count and (correction := user(seen, truth)) is not None:
        clicks = clicks.add(correction.click)
        alpha = predict(clicks, keep_clicked(seen, clicks) if clean else seen)
        yield clicks, alpha
        seen = alpha.detach()[0, 0].float().cpu().numpy()
        if clean:
            seen = keep_clicked(seen, clicks)
