"""ONNX Runtime."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gfm.models.contract import Maps
from gfm.runtimes.once import OnceEach
from gfm.runtimes.onnx_file import OnnxFile
from gfm.runtimes.onnx_package import import_onnxruntime
from gfm.runtimes.providers import CPU, Provider, choose_provider
from gfm.runtimes.refusals import unreadable
from gfm.runtimes.threads import thread_count
from rssn.imaging.errors import InputError, one_line

log = logging.getLogger("gfm")


class OnnxRuntime:
    """A `.onnx` file in ONNX Runtime.

    Args:
        path: The file; it is read again for each new choice of outputs.
        device: `auto` or the name of a provider; see `gfm.runtimes.providers`.

    Attributes:
        metadata: Texts of the file, by their keys.
        inputs: Names of the graph's inputs.
        outputs: Names of its outputs.

    Raises:
        InputError: The package is missing, the file is no ONNX graph, or the provider is not there.
    """

    def __init__(self, path: Path, device: str = "auto") -> None:
        self._runtime = import_onnxruntime()
        self._path = path
        file = self._read()
        self.metadata, self.inputs, self.outputs = file.metadata, file.inputs, file.outputs
        self._provider = choose_provider(device, self._runtime.get_available_providers())
        self._sessions = OnceEach(self._start)

    @property
    def device(self) -> str:
        """Device that computes: `cpu`, `cuda`, ..."""
        return self._provider.device

    def describe(self) -> str:
        """Device and runtime, for people."""
        return f"{self.device}, ONNX Runtime"

    def run(self, inputs: Mapping[str, NDArray[np.float32]], outputs: Sequence[str]) -> Maps:
        """Compute some outputs (B, C, H, W) of inputs (B, C, H, W), and nothing else."""
        provider = self._provider
        try:
            begun = tuple(sorted(set(inputs) & set(self.outputs)))
            session = self._sessions((tuple(outputs), begun))
            given = {each.name: inputs[each.name] for each in session.get_inputs()}
            maps: Maps = session.run(list(outputs), given)
        except InputError:
            raise
        except Exception as error:  # of a base class of its own
            self._give_up(provider, error)
            return self.run(inputs, outputs)
        return maps

    def _read(self) -> OnnxFile:
        try:
            return OnnxFile(self._path.read_bytes())
        except (ValueError, OSError) as error:
            raise InputError(unreadable(self._path, error)) from None

    def _start(self, run: tuple[tuple[str, ...], tuple[str, ...]]) -> Any:  # noqa: ANN401
        """A session for some outputs, and for outputs of the graph that are given instead."""
        outputs, given = run
        if missing := sorted(set(outputs) - set(self.outputs)):
            raise InputError(
                f"{self._path}: its graph lacks the output {', '.join(missing)}; make the file "
                "again with `python -m gfm export`"
            )
        provider = self._provider
        options = self._runtime.SessionOptions()
        options.intra_op_num_threads = thread_count()
        options.log_severity_level = 4  # fatal; errors are raised as well
        # The arena keeps what one run took, and rounds up: 1.5 GB instead of 0.9, and no faster.
        options.enable_cpu_mem_arena = False
        # Threads sleep while they wait, or another busy program slows each run manyfold.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            session = self._runtime.InferenceSession(
                self._read().part(outputs, given),
                options,
                providers=[(provider.name, provider.options)],
                enable_fallback=0,  # which would print, and go on with the processor
            )
        except Exception as error:  # of a base class of its own
            if provider.name == CPU:
                raise InputError(unreadable(self._path, error)) from None
            raise
        if session.get_providers()[0] != provider.name:
            raise RuntimeError("its libraries cannot be loaded")
        return session

    def _give_up(self, provider: Provider, error: Exception) -> None:
        """Go on with the processor where that may be.

        Raises:
            MemoryError: A run on the processor finds too little memory.
            InputError: The provider was asked for by its name.
        """
        if provider.name == CPU:
            if "alloc" in str(error).lower():
                raise MemoryError(one_line(error)) from error
            raise error
        if not provider.may_fall_back:
            raise InputError(
                f"device={provider.device!r}: {provider.name} fails ({one_line(error)[:200]}); "
                "choose 'cpu', or 'auto', which falls back to it"
            ) from error
        log.warning(
            "%s fails (%s); going on with the processor", provider.name, one_line(error)[:200]
        )
        self._provider, self._sessions = Provider(CPU), OnceEach(self._start)
