"""Decoders that keep their own messages from stderr; our errors say the same in one line."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import cv2

_WARNINGS = threading.Lock()  # the filters of warnings belong to the whole process


@contextmanager
def quiet_opencv() -> Iterator[None]:
    """Keep OpenCV's messages from stderr.

    Note:
        The level belongs to the whole process: where two threads decode, it may stay silent. A lock
        would be worse, for a process that is forked while another thread holds it waits forever.
    """
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Keep Pillow's warnings from stderr; one thread at a time.

    They are of 100 megapixels, which are welcome (twice that remains an error), and of damage,
    which the readers find or can do without.
    """
    with _WARNINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
