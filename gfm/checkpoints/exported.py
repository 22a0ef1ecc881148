"""Weights of a network from its ONNX file, which holds the numbers of its state."""

from __future__ import annotations

from pathlib import Path

import torch

from rssn.imaging.errors import InputError, one_line
from rssn.imaging.extras import require

NETWORK = "network."  # module of the network in every exported graph
HALF = ".half"  # ending of a tensor that the export rounded to float16


def read_exported(
    path: Path, with_tensors: bool = True
) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    """Read metadata and weights; no weights unless `with_tensors`.

    Raises:
        InputError: It is no ONNX file, or the package onnx is missing.

    Note:
        Counts of batches are not in a graph. Batch norms with a momentum do not read them.
    """
    onnx = require("onnx")
    try:
        model = onnx.load(path)
    except Exception as error:  # of protobuf, by its version
        raise InputError(f"is no ONNX file ({one_line(error)})") from None
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    held = [each for each in model.graph.initializer if each.name.startswith(NETWORK)]
    tensors = {
        each.name.removeprefix(NETWORK).removesuffix(HALF): torch.tensor(
            onnx.numpy_helper.to_array(each)
        )
        for each in (held if with_tensors else ())
    }
    return metadata, tensors
