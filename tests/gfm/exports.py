"""A small graph made by hand, and the formats of exports."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from gfm.checkpoints.metadata import CONFIG_KEY
from gfm.models.glance_focus.config import GFMConfig

KINDS = {"onnx": "m.onnx", "openvino": "m.xml"}


def needs(kind):
    if kind == "openvino":
        pytest.importorskip("openvino", reason="the extra openvino is not installed")


def hand_made(metadata=True, outputs=("glance", "focus", "alpha")):
    """A graph of TT: the glance is the image, the focus its mean, alpha the focus's square."""
    values = {
        name: onnx.helper.make_tensor_value_info(
            name, onnx.TensorProto.FLOAT, ["batch", channels, "height", "width"]
        )
        for name, channels in {"image": 3, "glance": 3, "focus": 1, "alpha": 1}.items()
    }
    nodes = [
        onnx.helper.make_node("Mul", ["image", "one"], ["glance"]),
        onnx.helper.make_node("ReduceMean", ["image", "axes"], ["focus"], keepdims=1),
        onnx.helper.make_node("Mul", ["focus", "focus"], ["alpha"]),
    ]
    constants = [
        onnx.numpy_helper.from_array(np.ones((1, 3, 1, 1), np.float32), "one"),
        onnx.numpy_helper.from_array(np.array([1]), "axes"),
    ]
    graph = onnx.helper.make_graph(
        nodes, "hand", [values["image"]], [values[name] for name in outputs], constants
    )
    imports = [onnx.helper.make_opsetid("", 18)]
    model = onnx.helper.make_model(graph, opset_imports=imports, ir_version=10)
    if metadata:
        model.metadata_props.add(key=CONFIG_KEY, value=GFMConfig().to_json())
    return model
