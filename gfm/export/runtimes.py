"""ONNX Runtime and OpenVINO: a graph on disk, of which only the wanted outputs are computed."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, Literal, Protocol, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from gfm.checkpoints.files import (
    CONFIG_KEY,
    LICENCES_KEY,
    OLD_CONFIG_KEY,
    SYSTEM_KEY,
    Device,
)
from gfm.models.contract import GraphRuntime, MattingModel
from gfm.models.registry import DEFAULT, get_system
from rssn.imaging.errors import InputError, check_choice, how_to_install, one_line

Precision = Literal["float32", "auto"]
Maps = list[NDArray[np.float32]]


class Runtime(GraphRuntime, Protocol):
    """What runs the graph of a file.

    Attributes:
        metadata: System, configuration and licences (JSON) of the network, as far as the file
            holds them.
        inputs: Names of the graph's inputs.
        outputs: Names of the graph's outputs.
    """

    metadata: dict[str, str]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def run(self, inputs: Mapping[str, NDArray[np.float32]], outputs: Sequence[str]) -> Maps:
        """Compute some outputs (B, C, H, W) of inputs (B, C, H, W), and nothing else."""


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
        self.metadata = {entry.key: entry.value for entry in model.metadata_props}
        self.inputs = tuple(given.name for given in model.graph.input)
        self.outputs = tuple(output.name for output in model.graph.output)
        self._sessions = _OnceEach(self._start)

    def run(self, inputs: Mapping[str, NDArray[np.float32]], outputs: Sequence[str]) -> Maps:
        """Compute some outputs (B, C, H, W) of inputs (B, C, H, W), and nothing else."""
        session = self._sessions(tuple(outputs))
        needed = {each.name for each in session.get_inputs()}
        given = {name: values for name, values in inputs.items() if name in needed}
        maps: Maps = session.run(list(outputs), given)
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
        self.metadata = {
            key: str(self._model.get_rt_info([key]).value)
            for key in (SYSTEM_KEY, CONFIG_KEY, OLD_CONFIG_KEY, LICENCES_KEY)
            if self._model.has_rt_info([key])
        }
        self.inputs = tuple(given.get_any_name() for given in self._model.inputs)
        self.outputs = tuple(output.get_any_name() for output in self._model.outputs)
        self._compiled = _OnceEach(self._compile)
        self._lock = Lock()

    def run(self, inputs: Mapping[str, NDArray[np.float32]], outputs: Sequence[str]) -> Maps:
        """Compute some outputs (B, C, H, W) of inputs (B, C, H, W), and nothing else."""
        compiled = self._compiled(tuple(outputs))
        with self._lock:
            maps = compiled(dict(inputs))
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


def load_exported(
    path: str | Path, device: Device = "auto", precision: Precision = "float32"
) -> MattingModel:
    """Load what `python -m gfm export` wrote.

    Args:
        path: A `.onnx` file, or a `.xml` file with its `.bin` file beside it.
        device: `auto` or `cpu`. A GPU takes the model that the export was made from.
        precision: `float32`, or `auto` to let OpenVINO compute in bfloat16 where the processor does
            that faster.

    Raises:
        InputError: No such file, not an export of this project, another device, or a package that
            is missing.
    """
    path = Path(path)
    if str(device) not in ("auto", "cpu"):
        raise InputError(
            f"device='{device}': {path.name} runs on the processor; choose 'cpu' or 'auto', or "
            "load the .safetensors file that it was exported from"
        )
    if path.suffix not in RUNTIMES:
        raise InputError(f"{path}: is no exported model; choose {' or '.join(RUNTIMES)}")
    if not path.is_file():
        raise InputError(f"{path}: no such file; make it with `python -m gfm export`")
    runtime = RUNTIMES[path.suffix](path, precision)
    known = runtime.metadata
    text = known.get(CONFIG_KEY) or known.get(OLD_CONFIG_KEY)
    if text is None:
        raise InputError(
            f"{path}: holds no configuration; make the file with `python -m gfm export`"
        )
    try:
        system = get_system(known.get(SYSTEM_KEY, DEFAULT))
        return system.exported(runtime, system.config.from_json(text))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


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
