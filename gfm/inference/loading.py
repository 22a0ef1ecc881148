"""Models for matting, in PyTorch or in the runtime of an export."""

from __future__ import annotations

import functools
import logging
from pathlib import Path

from gfm.checkpoints.packaged import EXPORTED, automatic_model, find_packaged
from gfm.models.contract import MattingModel
from gfm.runtimes.model import RUNTIMES, load_exported
from gfm.runtimes.onnx_package import import_onnxruntime
from gfm.runtimes.providers import choose_provider, short_name
from rssn.denoising.denoise import has_driver
from rssn.imaging.errors import InputError, how_to_install
from rssn.imaging.extras import is_installed

log = logging.getLogger("gfm")

FOLDER_FILE = "model.safetensors"  # of a model that is a folder


def load_model(path_or_hub_id: str | Path | None = None, device: str = "auto") -> MattingModel:
    """Load a model for matting: a network in eval mode, or an exported one in its runtime.

    Args:
        path_or_hub_id: A `.safetensors` file of `save_model`, a directory with `model.safetensors`
            in it, or `owner/name` on the Hugging Face hub, all for PyTorch; a `.onnx` or `.xml`
            file of `gfm export`; or the name of a packaged model. None takes `lite`.
        device: `auto` takes the GPU where there is one; `cpu`, `cuda`, or another device of PyTorch
            or provider of ONNX Runtime.

    Raises:
        InputError: No such file or hub id, not a model of this project, or a device or a package
            that is not there.

    Note:
        A packaged model runs in ONNX Runtime, which starts faster; in PyTorch on a device that
        ONNX Runtime has no provider for, such as a GPU beside the plain `onnxruntime`.
        `gfm.checkpoints.files.load_network` gives the network in PyTorch whatever the device.

    Example:
        >>> load_model("guided", device="cpu").system
        'guided'
    """
    name = automatic_model() if path_or_hub_id is None else path_or_hub_id
    device = str(device)
    if Path(name).suffix in RUNTIMES:
        return _said(load_exported(name, device), name)
    packaged = find_packaged(str(name), EXPORTED)
    if path_or_hub_id is not None and _is_own(Path(name)):
        packaged = None
    if packaged is not None and not _takes_torch(device):
        return _said(load_exported(packaged, device), name)
    if not is_installed("torch"):
        raise InputError(
            f"{name}: models of this kind need PyTorch; {how_to_install('train')}, or export it "
            "where PyTorch is, with `python -m gfm export`, and give the .onnx file"
        )
    from gfm.checkpoints.files import load_network

    return _said(load_network(name, device), name)


@functools.cache
def packaged_model(name: str | None = None) -> MattingModel:
    """A model of the package, loaded once.

    Args:
        name: Which; None is the automatic one, `lite`, announced in the log.

    Raises:
        InputError: The installation has no weights.
    """
    return load_model(name)


def _is_own(path: Path) -> bool:
    """A model of the user's has the name of a packaged one."""
    return path.is_file() or (path / FOLDER_FILE).is_file()


def _said(model: MattingModel, name: str | Path) -> MattingModel:
    log.info("%s runs on %s", name, model.describe())
    return model


def _takes_torch(device: str) -> bool:
    """A packaged model runs in PyTorch: it is there, and ONNX Runtime has not the device."""
    if device == "cpu" or not is_installed("torch"):
        return False
    available = import_onnxruntime().get_available_providers()
    if device == "auto":
        return choose_provider("auto", available).device != "cuda" and has_driver()
    kind = device.partition(":")[0].lower()
    return kind not in map(short_name, available) and not kind.endswith("executionprovider")
