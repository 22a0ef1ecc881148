"""Released checkpoints of interactive segmentation: their names, and what becomes of them here."""

from __future__ import annotations

import re

# The released name and ours, as patterns; other entries keep their names.
_NAMES = (
    (r"decoder\.guided_map_conv1\.(.+)", r"filter.expand.\1"),
    (r"decoder\.guided_map_conv2\.(.+)", r"filter.reduce.\1"),
)
_STREAM = re.compile(r"decoder\.usr_encoder\.conv(\d)\.(.+)")


def rename(key: str) -> str:
    """Our name for an entry of a released checkpoint."""
    if match := _STREAM.fullmatch(key):
        return f"stream.convolutions.{int(match[1]) - 1}.{match[2]}"
    for pattern, ours in _NAMES:
        if match := re.fullmatch(pattern, key):
            return match.expand(ours)
    return key
