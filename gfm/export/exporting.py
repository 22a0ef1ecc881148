"""Write a network as one ONNX or OpenVINO graph, and only if it computes what PyTorch does."""

from __future__ import annotations

import copy
import json
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, get_args

import numpy as np
import torch

from gfm.checkpoints.files import metadata_of
from gfm.checkpoints.metadata import KEYS, MEMORY_KEY, run_name
from gfm.export.parity import Difference, check_export, example_inputs
from gfm.models.contract import Graph
from gfm.models.network import MattingNetwork
from gfm.models.registry import get_system
from gfm.runtimes.model import RUNTIMES
from rssn.imaging.errors import FailedInputs, InputError, check_choice, one_line
from rssn.imaging.extras import require
from rssn.imaging.files import whole_file, write_errors

Format = Literal["onnx", "openvino"]
SUFFIXES: dict[Format, str] = {"onnx": ".onnx", "openvino": ".xml"}
OPSET = 18
SMALL = 1024  # values; a tensor with fewer stays in float32
HALF_MAX = float(np.finfo(np.float16).max)

Step = Callable[[str], AbstractContextManager[object]]


@dataclass(frozen=True)
class Export:
    """Files of an export, and their check.

    Attributes:
        paths: The files: one of ONNX; graph and weights of OpenVINO.
        size: Bytes of the files together.
        difference: The greatest difference from PyTorch that the check saw.
    """

    paths: tuple[Path, ...]
    size: int
    difference: Difference


def export(
    model: MattingNetwork,
    path: str | Path,
    format: Format = "onnx",
    half: bool = False,
    step: Step = nullcontext,
) -> Export:
    """Write the network, with normalisation and fusion, for images of any number and size.

    The file has its name only once it was compared with PyTorch (`gfm.export.parity`); a file of
    that name from before stays when the new one is refused. Its metadata holds the configuration,
    so that `gfm.load_model` needs nothing else, and the licences.

    Args:
        model: The network; it stays as it is, the file holds its eval mode.
        path: Where to: `.onnx`, or `.xml` for OpenVINO, which keeps the weights beside it in a
            `.bin` file.
        format: The kind of file.
        half: Store the weights in float16, in half the bytes; they are computed with in float32.
        step: Is called with what is done next, and gives a context to do it in.

    Raises:
        InputError: Another ending, a package that is missing, or no place to write.
        FailedInputs: The graph cannot be made, or differs from PyTorch.

    Note:
        Weights are rounded to float16 after a check of the graph with the exact ones, as a
        difference in the graph would otherwise hide behind the rounding.
    """
    path = Path(path)
    check_choice("format", format, get_args(Format))
    if path.suffix != SUFFIXES[format]:
        raise InputError(
            f"{path}: format='{format}' is saved as {SUFFIXES[format]}; change the ending"
        )
    write = _WRITERS[format]
    for package in ("onnx", "onnxscript", *(("openvino",) if format == "openvino" else ())):
        require(package)
    network = copy.deepcopy(model).cpu().float().eval().requires_grad_(False)
    with _folder_beside(path) as folder:
        graph = get_system(network.system).graph(network)
        with step("trace"):
            proto = _bare(_trace(graph, str(path)))
        for key, text in _metadata(network, graph).items():
            proto.metadata_props.add(key=key, value=text)
        for rounded in (False, True) if half else (False,):
            made = folder / ("half" if rounded else "exact") / path.name
            made.parent.mkdir()
            with step("write"):
                write(proto, made, rounded)
            with step("compare"):
                difference = check_export(graph, RUNTIMES[made.suffix](made), str(path), rounded)
        paths = _publish(made, path)
        return Export(paths, sum(file.stat().st_size for file in paths), difference)


def _metadata(network: MattingNetwork, graph: Graph) -> dict[str, str]:
    """That of any file of the model, and the memory that each run takes."""
    memory = {
        run_name(outputs): network.bytes_per_pixel(outputs)
        for outputs in graph.runs or (graph.outputs,)
    }
    return {**metadata_of(network), MEMORY_KEY: json.dumps(memory)}


@contextmanager
def _folder_beside(path: Path) -> Iterator[Path]:
    """A folder that is there until the end, on the disk of `path`."""
    with write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}.") as folder:
            yield Path(folder)


def _publish(made: Path, path: Path) -> tuple[Path, ...]:
    """Give the files in the folder of `made` their names beside `path`, that of `path` last."""
    others = sorted(other for other in made.parent.iterdir() if other != made)
    for file in (*others, made):
        with whole_file(path.with_name(file.name)) as part:
            file.replace(part)
    return (path, *(path.with_name(other.name) for other in others))


def _trace(graph: Graph, name: str) -> Any:  # noqa: ANN401  # onnx is loaded only where it is used
    """The graph as an ONNX model."""
    free: list[dict[int, Any]] = [{0: "batch", 2: "height", 3: "width"}] * len(graph.inputs)
    if graph.multiple > 1:
        batch, rows, columns = (torch.export.Dim(name) for name in ("batch", "rows", "columns"))
        steps = [graph.multiple // graph.reductions.get(name, 1) for name in graph.inputs]
        free = [{0: batch, 2: step * rows, 3: step * columns} for step in steps]
    inputs = example_inputs(graph, (2, 64, 96))
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # of the exporter, about itself
            program = torch.onnx.export(
                graph.module,
                tuple(inputs.values()),
                dynamo=True,
                dynamic_shapes=tuple(free),
                input_names=list(inputs),
                output_names=graph.outputs,
                opset_version=OPSET,
                external_data=False,
                verbose=False,
                # Or the batch norms become part of the weights, which rounding then changes more.
                optimize=False,
            )
    except Exception as error:  # the exporter's kinds depend on the version of torch
        raise FailedInputs([f"{name}: cannot be exported: {one_line(error)[:300]}"]) from error
    if program is None:  # only for the older exporter
        raise FailedInputs([f"{name}: this version of torch has no exporter through torch.export"])
    optimizer = require("onnxscript").optimizer
    optimizer.inline(program.model)
    optimizer.fold_constants(program.model, onnx_shape_inference=True)
    optimizer.remove_unused_nodes(program.model)
    return program.model_proto


def _bare(model: Any) -> Any:  # noqa: ANN401
    """The model without what the exporter notes of this machine: stack traces and paths."""
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""
    del graph.value_info[:]
    return model


def _write_onnx(model: Any, path: Path, half: bool) -> None:  # noqa: ANN401
    if half:
        _store_half(model.graph)
    path.write_bytes(model.SerializeToString())


def _write_openvino(model: Any, path: Path, half: bool) -> None:  # noqa: ANN401
    openvino = require("openvino")
    graph = openvino.Core().read_model(model.SerializeToString())
    for entry in model.metadata_props:
        if entry.key in KEYS:
            graph.set_rt_info(entry.value, [entry.key])
    openvino.save_model(graph, path, compress_to_fp16=half)


_WRITERS = {"onnx": _write_onnx, "openvino": _write_openvino}


def _store_half(graph: Any) -> None:  # noqa: ANN401
    """Turn the large float32 tensors of an ONNX graph, in place, to float16 and casts back."""
    onnx = require("onnx")
    casts = []
    for tensor in graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        fits = values.dtype == np.float32 and np.abs(values).max(initial=0) <= HALF_MAX
        if not fits or values.size < SMALL or values.ndim < 2:  # statistics of norms stay
            continue
        name = tensor.name
        tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(
            onnx.helper.make_node("Cast", [tensor.name], [name], to=onnx.TensorProto.FLOAT)
        )
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
