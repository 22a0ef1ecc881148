"""The package onnxruntime, loaded without its telemetry."""

from __future__ import annotations

import os
from typing import Any

from rssn.imaging.extras import require


def import_onnxruntime() -> Any:  # noqa: ANN401  # it has no types
    """Load onnxruntime so that it sends and keeps nothing about its user.

    Raises:
        InputError: It is missing.

    Note:
        From 1.29 on, wheels of onnxruntime send events about models and runs to Microsoft, and keep
        an identifier in the user's cache, unless the variable is set before the package is loaded
        (Privacy.md beside it). A value of the user's stays.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    return require("onnxruntime")
