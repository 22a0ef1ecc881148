"""Metadata of model files: texts by keys, the same in safetensors and exports."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from gfm.checkpoints.hashes import HASHES_KEY
from gfm.models.contract import Licence
from rssn.imaging.errors import InputError

SYSTEM_KEY, CONFIG_KEY = "system", "config"
OLD_CONFIG_KEY = "gfm_config"  # of files from before there were several systems
LICENCES_KEY = "licences"  # JSON, a list of `gfm.models.contract.Licence`
MEMORY_KEY = "bytes_per_pixel"  # of exports: JSON, by `run_name`
KEYS = (SYSTEM_KEY, CONFIG_KEY, OLD_CONFIG_KEY, LICENCES_KEY, HASHES_KEY, MEMORY_KEY)


def config_of(metadata: Mapping[str, str]) -> str | None:
    """The configuration (JSON); None where there is none."""
    return metadata.get(CONFIG_KEY) or metadata.get(OLD_CONFIG_KEY)


def run_name(outputs: Sequence[str]) -> str:
    """The key of a run in `MEMORY_KEY`: its outputs."""
    return ",".join(outputs)


def encode_licences(licences: Sequence[Licence]) -> str:
    """Licences as JSON."""
    return json.dumps([each._asdict() for each in licences])


def decode_licences(text: str | None) -> list[Licence]:
    """The licences of `encode_licences`; none where there is no text.

    Raises:
        InputError: The text is damaged.
    """
    try:
        return [Licence(**values) for values in json.loads(text or "[]")]
    except (ValueError, TypeError):
        raise InputError("its list of licences is damaged; get the file again") from None
