"""OpenVINO."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from gfm.checkpoints.metadata import KEYS
from gfm.models.contract import Maps
from gfm.runtimes.once import OnceEach
from gfm.runtimes.refusals import unreadable
from gfm.runtimes.threads import thread_count
from rssn.imaging.errors import InputError, check_choice
from rssn.imaging.extras import require

Precision = Literal["float32", "auto"]


class OpenVino:
    """A `.xml` file, with its weights in the `.bin` file beside it, in OpenVINO.

    Args:
        path: The `.xml` file.
        device: `auto` or `cpu`.
        precision: `float32`, or `auto` to let OpenVINO compute in bfloat16 where the processor does
            that faster.

    Raises:
        InputError: The package is missing, the files are no OpenVINO model, or another device.

    Note:
        One run goes on at a time: a run already uses all the threads.
    """

    device = "cpu"

    def __init__(self, path: Path, device: str = "auto", precision: Precision = "float32") -> None:
        check_choice("precision", precision, get_args(Precision))
        if device not in ("auto", "cpu"):
            raise InputError(
                f"device={device!r}: {path.name} runs on the processor; choose 'cpu' or 'auto', or "
                "load the .safetensors file that it was exported from"
            )
        self._openvino = require("openvino")
        self._core = self._openvino.Core()
        self._path, self._precision = path, precision
        if not (weights := path.with_suffix(".bin")).is_file():
            raise InputError(f"{path}: its weights {weights.name} are not beside it; copy both")
        try:
            self._model = self._core.read_model(path)
        except Exception as error:  # RuntimeError, or one of its own kinds
            raise InputError(unreadable(path, error)) from None
        self.metadata = {
            key: str(self._model.get_rt_info([key]).value)
            for key in KEYS
            if self._model.has_rt_info([key])
        }
        self.inputs = tuple(given.get_any_name() for given in self._model.inputs)
        self.outputs = tuple(output.get_any_name() for output in self._model.outputs)
        self._compiled = OnceEach(self._compile)
        self._lock = Lock()

    def describe(self) -> str:
        """Device and runtime, for people."""
        return f"{self.device}, OpenVINO"

    def run(self, inputs: Mapping[str, NDArray[np.float32]], outputs: Sequence[str]) -> Maps:
        """Compute some outputs (B, C, H, W) of inputs (B, C, H, W), and nothing else."""
        if begun := sorted(set(inputs) & set(self.outputs)):
            raise InputError(
                f"{self._path}: cannot begin at {', '.join(begun)} in OpenVINO; export it as .onnx"
            )
        compiled = self._compiled(tuple(outputs))
        with self._lock:
            maps = compiled(dict(inputs))
        return [maps[name] for name in outputs]

    def _compile(self, outputs: tuple[str, ...]) -> Any:  # noqa: ANN401
        part = self._openvino.Model(
            [self._model.output(name) for name in outputs], self._model.get_parameters()
        )
        options: dict[str, object] = {
            "INFERENCE_NUM_THREADS": thread_count(),
            "PERFORMANCE_HINT": "LATENCY",
            "CPU_RUNTIME_CACHE_CAPACITY": "0",  # or memory grows with every new size of image
        }
        if self._precision == "float32":
            options["INFERENCE_PRECISION_HINT"] = "f32"
        return self._core.compile_model(part, "CPU", options)
