"""Trimaps on disk."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray


def write_trimap(path: Path, trimap: NDArray[np.uint8]) -> None:
    """Write a trimap (H, W) of 0, 1 and 2 as a grey PNG of 0, 128 and 255."""
    assert cv2.imwrite(str(path), np.array([0, 128, 255], np.uint8)[trimap])
