"""Exported networks as models for matting."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gfm.checkpoints.hashes import HASHES_KEY, decode_hashes
from gfm.checkpoints.metadata import (
    LICENCES_KEY,
    MEMORY_KEY,
    SYSTEM_KEY,
    config_of,
    decode_licences,
    run_name,
)
from gfm.models.contract import GraphRuntime, Maps
from gfm.models.registry import DEFAULT, get_system
from gfm.runtimes.onnx import OnnxRuntime
from gfm.runtimes.openvino import OpenVino
from rssn.imaging.errors import InputError


class Runtime(GraphRuntime, Protocol):
    """Runner of the graph of a file.

    Attributes:
        metadata: Texts of the file, by their keys.
    """

    metadata: dict[str, str]

    @property
    def device(self) -> str:
        """Device that computes."""

    def describe(self) -> str:
        """Device and runtime, for people."""


class ExportedModel:
    """A network that another runtime computes.

    Args:
        runtime: With its graph.
        path: The file, for messages.

    Attributes:
        system: The name of its system.
        config: Its configuration.
        licences: Of the training pictures, as far as they are known.
        hashes: Perceptual hashes of the training pictures by source, likewise.

    Raises:
        InputError: The file holds no configuration, or one that is not known.
    """

    training = False

    def __init__(self, runtime: Runtime, path: Path) -> None:
        self.runtime, self._path = runtime, path
        known = runtime.metadata
        try:
            text = config_of(known)
            if text is None:
                raise InputError(
                    "is no matting model, since it holds no configuration; make the file with "
                    "`python -m gfm export`"
                )
            self.system = known.get(SYSTEM_KEY, DEFAULT)
            self.config: Any = get_system(self.system).config.from_json(text)
            self.licences = decode_licences(known.get(LICENCES_KEY))
            self.hashes = decode_hashes(known.get(HASHES_KEY))
        except InputError as error:
            raise InputError(f"{path}: {error}") from None

    @property
    def device(self) -> str:
        """Device that computes: `cpu`, `cuda`, ..."""
        return self.runtime.device

    def describe(self) -> str:
        """Device and runtime, for people."""
        return self.runtime.describe()

    def run(self, inputs: Mapping[str, NDArray[Any]], outputs: Sequence[str]) -> Maps:
        """Compute some outputs; see `gfm.models.contract.MattingModel`."""
        given = {
            name: np.ascontiguousarray(values, dtype=np.float32) for name, values in inputs.items()
        }
        return self.runtime.run(given, outputs)

    def bytes_per_pixel(self, outputs: Sequence[str]) -> float:
        """Most bytes that `run` allocates for these outputs, per px of its inputs.

        Raises:
            InputError: The file does not state it.
        """
        stated = json.loads(self.runtime.metadata.get(MEMORY_KEY, "{}"))
        try:
            return float(stated[run_name(outputs)])
        except KeyError:
            raise InputError(
                f"{self._path}: does not state how much memory it takes, which max_memory= needs; "
                "make the file again with `python -m gfm export`"
            ) from None


RUNTIMES: dict[str, type[OnnxRuntime] | type[OpenVino]] = {".onnx": OnnxRuntime, ".xml": OpenVino}


def load_exported(path: str | Path, device: str = "auto") -> ExportedModel:
    """Load what `python -m gfm export` wrote.

    Args:
        path: A `.onnx` file, or a `.xml` file with its `.bin` file beside it.
        device: `auto`, or what computes it; see `gfm.runtimes.providers`. A `.xml` file runs on
            the processor.

    Raises:
        InputError: No such file, not an export of this project, or a device or a package that is
            not there.
    """
    path = Path(path)
    if path.suffix not in RUNTIMES:
        raise InputError(f"{path}: is no exported model; choose {' or '.join(RUNTIMES)}")
    if not path.is_file():
        raise InputError(f"{path}: no such file; make it with `python -m gfm export`")
    return ExportedModel(RUNTIMES[path.suffix](path, device), path)
