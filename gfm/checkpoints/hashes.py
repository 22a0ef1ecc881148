"""Perceptual hashes of the pictures that weights were trained on, in their metadata.

By them a comparison finds test photographs that a model has seen (`gfm.bench.duplicates`). A
thousand take 11 kB.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from rssn.imaging.errors import InputError

HASHES_KEY = "hashes"
Hashes = Mapping[str, NDArray[np.uint64]]
"""By source, the hashes of its pictures (`rssn.imaging.hashing`) in rising order."""

_KIND = np.dtype("<u8")


def encode_hashes(hashes: Hashes) -> str:
    """JSON: by source, the hashes as base64 of little-endian 64-bit integers."""
    return json.dumps(
        {
            source: base64.b64encode(values.astype(_KIND).tobytes()).decode()
            for source, values in hashes.items()
        }
    )


def decode_hashes(text: str | None) -> dict[str, NDArray[np.uint64]]:
    """The hashes of `encode_hashes`; none where there is no text.

    Raises:
        InputError: The text is damaged.
    """
    try:
        return {
            source: np.frombuffer(base64.b64decode(values, validate=True), _KIND).astype(np.uint64)
            for source, values in json.loads(text or "{}").items()
        }
    except (ValueError, TypeError, AttributeError, binascii.Error):
        raise InputError("its list of picture hashes is damaged; get the file again") from None


def join_hashes(first: Hashes, second: Hashes) -> dict[str, NDArray[np.uint64]]:
    """The hashes of both."""
    nothing = np.zeros(0, np.uint64)
    return {
        source: np.union1d(first.get(source, nothing), second.get(source, nothing))
        for source in [*first, *(source for source in second if source not in first)]
    }
