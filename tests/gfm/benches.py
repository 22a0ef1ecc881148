"""Data and methods for `gfm bench`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from tiny import draw_matte, write_photographs
from trimaps import write_trimap

from rssn.imaging.writing import write_alpha


def write_cases(folder: Path) -> Path:
    """Three photographs with mattes; the first has a trimap."""
    root = write_photographs(folder, 3)
    (root / "trimap").mkdir()
    alpha = draw_matte()
    regions = np.where(alpha == 1, 2, np.where(alpha > 0, 1, 0)).astype(np.uint8)
    write_trimap(root / "trimap" / "p0.png", regions)
    return root


def write_mattes(folder: Path, names: str, error: float) -> Path:
    """Mattes that are wrong by `error` where the true one is below one half."""
    folder.mkdir()
    alpha = draw_matte()
    for name in names.split():
        write_alpha(folder / f"{name}.png", np.where(alpha < 0.5, alpha + error, alpha))
    return folder


def write_remover(folder: Path, side: int | str = 16, scale: float = 0.05) -> Path:
    """An ONNX file whose matte is a multiple of the red channel, and its description."""
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    constant = helper.make_tensor("k", kind, [3, 1, 1], [scale, 0, 0])
    nodes = [
        helper.make_node("Mul", ["image", "k"], ["scaled"]),
        helper.make_node("ReduceSum", ["scaled", "axes"], ["matte"], keepdims=1),
    ]
    axes = helper.make_tensor("axes", onnx.TensorProto.INT64, [1], [1])
    graph = helper.make_graph(
        nodes,
        "remover",
        [helper.make_tensor_value_info("image", kind, [1, 3, side, side])],
        [helper.make_tensor_value_info("matte", kind, [1, 1, side, side])],
        [constant, axes],
    )
    opset = [helper.make_opsetid("", 17)]
    folder.mkdir(exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), folder / "red.onnx")
    path = folder / "red.yaml"
    path.write_text("model: red.onnx\nsize: 16\nmean: 10\nscale: [20, 1, 1]\nlicence: MIT\n")
    return path
