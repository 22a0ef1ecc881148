"""Models for matting, in PyTorch or in the runtime of an export."""

from __future__ import annotations

from pathlib import Path

from gfm.checkpoints.files import Device, load_network
from gfm.export.runtimes import RUNTIMES, load_exported
from gfm.models.contract import MattingModel


def load_model(path_or_hub_id: str | Path | None = None, device: Device = "auto") -> MattingModel:
    """Load a model for matting: a network in eval mode, or an exported one in its runtime.

    Args:
        path_or_hub_id: What `load_network` takes, or a `.onnx` or `.xml` file of `gfm export`;
            None takes the small model of the package.
        device: `auto` takes the GPU where there is one; an exported model runs on the processor.

    Raises:
        InputError: No such file or hub id, not a model of this project, or a device or a package
            that is not there.
    """
    if path_or_hub_id is not None and Path(path_or_hub_id).suffix in RUNTIMES:
        return load_exported(path_or_hub_id, device)
    return load_network(path_or_hub_id, device)
