"""Key names of AdaMatting's house definition; nothing was ever released."""

from __future__ import annotations

import re

_ENCODER = re.compile(r"(encoder|alpha_encoder)\.(.+)")


def rename(key: str) -> str:
    """Our name for an entry, whose encoders hold torchvision's names.

    Example:
        >>> rename("encoder.layer1.0.conv1.weight")
        'encoder.body.layer1.0.conv1.weight'
    """
    return _ENCODER.sub(r"\1.body.\2", key)
