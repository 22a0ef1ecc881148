"""Decoders kept from writing to stderr; `InputError`s report the same in one line."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import cv2

_WARNINGS = threading.Lock()  # the filters of warnings belong to the whole process
if hasattr(os, "register_at_fork"):  # or a process forked while a thread holds it waits forever
    os.register_at_fork(
        before=_WARNINGS.acquire,
        after_in_parent=_WARNINGS.release,
        after_in_child=_WARNINGS.release,
    )


@contextmanager
def quiet_opencv() -> Iterator[None]:
    """Keep OpenCV's messages from stderr.

    Note:
        The level belongs to the whole process: while two threads decode, it may stay silent. A lock
        would be worse: a process forked while another thread holds it waits forever.
    """
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Keep Pillow's warnings from stderr: of 100 megapixels, and of damage that readers detect."""
    with _WARNINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
