"""ONNX Runtime and OpenVINO: a graph on disk, of which only the wanted outputs are computed."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, Literal, Protocol, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from gfm.checkpoints.files import CONFIG_KEY
from rssn.imaging.errors import InputError, check_choice, how_to_install, one_line

Precision = Literal["float32", "auto"]
Maps = list[NDArray[np.float32]]

INPUT = "image"


class Runtime(Protocol):
    """What runs the graph of a file.

    Attributes:
        config: The network's configuration as JSON, from the file; None where it holds none.
        outputs: Names of the graph's outputs.
    """

    config: str | None
    outputs: tuple[str, ...]

    def run(self, image: NDArray[np.float32], outputs: Sequence[str]) -> Maps:
        """Compute some outputs (B, C, H, W) of an image (B, 3, H, W), and nothing else."""


class OnnxRuntime:
    """A `.onnx` file in ONNX Runtime.

    Args:
        path: The file; it is read again for each new choice of outputs.
        precision: ONNX Runtime always computes a float32 graph in float32.

    Raises:
        InputError: A package is missing, or the file is no ONNX graph.

    Note:
        ONNX Runtime computes every node of a graph, whatever outputs are asked for. Each choice of
        outputs therefore gets a session on the nodes that it needs.
    """

    def __init__(self, path: Path, precision: Precision = "float32") -> None:
        check_choice("precision", precision, get_args(Precision))
        self._onnx = require("onnx", "onnx")
        self._runtime = require("onnxruntime", "onnx")
        self._path = path
        model = self._read()
        self.config = {entry.key: entry.value for entry in model.metadata_props}.get(CONFIG_KEY)
        self.outputs = tuple(output.name for output in model.graph.output)
        self._sessions = _OnceEach(self._start)

    def run(self, image: NDArray[np.float32], outputs: Sequence[str]) -> Maps:
        """Compute some outputs (B, C, H, W) of an image (B, 3, H, W), and nothing else."""
        maps: Maps = self._sessions(tuple(outputs)).run(list(outputs), {INPUT: image})
        return maps

    def _read(self) -> Any:  # noqa: ANN401  # onnx is loaded only where it is used
        try:
            model = self._onnx.load(self._path)
        except Exception as error:  # protobuf's own kind, by its version
            raise InputError(_unreadable(self._path, error)) from None
        if not model.graph.node:
            raise InputError(_unreadable(self._path, "it holds no graph"))
        return model

    def _start(self, outputs: tuple[str, ...]) -> Any:  # noqa: ANN401
        model = self._read()
        keep_needed(model.graph, outputs)
        options = self._runtime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3  # errors
        try:
            return self._runtime.InferenceSession(
                model.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # of a base class of its own
            raise InputError(_unreadable(self._path, error)) from None


class OpenVino:
    """A `.xml` file, with its weights in the `.bin` file beside it, in OpenVINO.

    Args:
        path: The `.xml` file.
        precision: `float32`, or `auto` to let OpenVINO compute in bfloat16 where the processor does
            that faster.

    Raises:
        InputError: The package is missing, or the files are no OpenVINO model.

    Note:
        One run goes on at a time: a run already uses all the threads.
    """

    def __init__(self, path: Path, precision: Precision = "float32") -> None:
        check_choice("precision", precision, get_args(Precision))
        self._openvino = require("openvino", "openvino")
        self._core = self._openvino.Core()
        self._path, self._precision = path, precision
        if not (weights := path.with_suffix(".bin")).is_file():
            raise InputError(f"{path}: its weights {weights.name} are not beside it; copy both")
        try:
            self._model = self._core.read_model(path)
        except Exception as error:  # RuntimeError, or one of its own kinds
            raise InputError(_unreadable(path, error)) from None
        known = self._model.has_rt_info([CONFIG_KEY])
        self.config = str(self._model.get_rt_info([CONFIG_KEY]).value) if known else None
        self.outputs = tuple(output.get_any_name() for output in self._model.outputs)
        self._compiled = _OnceEach(self._compile)
        self._lock = Lock()

    def run(self, image: NDArray[np.float32], outputs: Sequence[str]) -> Maps:
        """Compute some outputs (B, C, H, W) of an image (B, 3, H, W), and nothing else."""
        compiled = self._compiled(tuple(outputs))
        with self._lock:
            maps = compiled(image)
        return [maps[name] for name in outputs]

    def _compile(self, outputs: tuple[str, ...]) -> Any:  # noqa: ANN401
        part = self._openvino.Model(
            [self._model.output(name) for name in outputs], self._model.get_parameters()
        )
        options: dict[str, object] = {
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "PERFORMANCE_HINT": "LATENCY",
            "CPU_RUNTIME_CACHE_CAPACITY": "0",  # or memory grows with every new size of image
        }
        if self._precision == "float32":
            options["INFERENCE_PRECISION_HINT"] = "f32"
        return self._core.compile_model(part, "CPU", options)


RUNTIMES: dict[str, type[OnnxRuntime] | type[OpenVino]] = {".onnx": OnnxRuntime, ".xml": OpenVino}


def require(package: str, extra: str) -> Any:  # noqa: ANN401
    """An optional package.

    Raises:
        InputError: It is not installed; with the line that installs it.
    """
    try:
        return importlib.import_module(package)
    except ImportError:
        raise InputError(f"the package {package} is missing; {how_to_install(extra)}") from None


def keep_needed(graph: Any, outputs: Sequence[str]) -> None:  # noqa: ANN401
    """Remove from an ONNX graph, in place, what the outputs of these names do not depend on."""
    needed, dropped = set(outputs), []
    for index in reversed(range(len(graph.node))):  # ONNX sorts nodes behind what they take
        if needed.isdisjoint(graph.node[index].output):
            dropped.append(index)
        else:
            needed.update(graph.node[index].input)
    for index in dropped:
        del graph.node[index]
    for entries in (graph.initializer, graph.output, graph.value_info):
        for index in reversed(range(len(entries))):
            if entries[index].name not in needed:
                del entries[index]


class _OnceEach:
    """Makes one thing for each key, once, whichever thread asks first."""

    def __init__(self, make: Callable[[tuple[str, ...]], Any]) -> None:
        self._make = make
        self._made: dict[tuple[str, ...], Any] = {}
        self._lock = Lock()

    def __call__(self, key: tuple[str, ...]) -> Any:  # noqa: ANN401
        with self._lock:
            if key not in self._made:
                self._made[key] = self._make(key)
            return self._made[key]


def _unreadable(path: Path, reason: object) -> str:
    if isinstance(reason, Exception):
        reason = one_line(reason)[:200]
    return f"{path}: cannot be run ({reason}); make the file again with `python -m gfm export`"
