"""Models on disk: one safetensors file, whose metadata names system, configuration and licences."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from gfm.checkpoints import packaged
from gfm.checkpoints.exported import read_exported
from gfm.checkpoints.hashes import HASHES_KEY, decode_hashes, encode_hashes
from gfm.checkpoints.metadata import (
    CONFIG_KEY,
    LICENCES_KEY,
    OLD_CONFIG_KEY,
    SYSTEM_KEY,
    config_of,
    decode_licences,
    encode_licences,
)
from gfm.models.config import SystemConfig
from gfm.models.contract import Licence, System
from gfm.models.network import MattingNetwork
from gfm.models.registry import DEFAULT, get_system
from rssn.imaging.errors import InputError, some
from rssn.imaging.files import whole_file, write_errors

FILE_NAME = "model.safetensors"
CONFIG_FILE = "config.json"  # beside it, where other tools look; read if they dropped the metadata

Device = Literal["auto", "cpu", "cuda"] | str | torch.device


def save_model(
    model: MattingNetwork,
    path: str | Path,
    half: bool = False,
    state: Mapping[str, torch.Tensor] | None = None,
) -> None:
    """Write weights, configuration and licences; the file appears only when it is whole.

    Args:
        model: The network.
        path: Where to; ends in `.safetensors`.
        half: Keep parameters as float16, in half the space; running means and variances stay
            float32. A loaded network computes in float32 all the same.
        state: Weights of such a network to write in place of the model's own.

    Raises:
        InputError: Another ending, or a place that cannot be written to.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise InputError(f"{path}: a model is saved as .safetensors; change the ending")
    state = model.state_dict() if state is None else state
    tensors = {key: value.detach().cpu().contiguous() for key, value in state.items()}
    if half:
        tensors |= {key: tensors[key].half() for key, _ in model.named_parameters()}
    with write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as part:  # not save_file, whose files only their owner may read
            part.write_bytes(_in_order(save(tensors, metadata=metadata_of(model))))


def _in_order(data: bytes) -> bytes:
    """A safetensors file with its metadata in order, which the library leaves to chance."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    ordered = {"__metadata__": dict(sorted(header.pop("__metadata__").items())), **header}
    text = json.dumps(ordered, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[8 + size :]


def config_text(model: MattingNetwork) -> str:
    """System and configuration as JSON, as it lies beside a model file on the hub."""
    return json.dumps({SYSTEM_KEY: model.system, **json.loads(model.config.to_json())})


def metadata_of(model: MattingNetwork) -> dict[str, str]:
    """System, configuration and licences, as every file of the model holds them."""
    metadata = {SYSTEM_KEY: model.system, CONFIG_KEY: model.config.to_json()}
    if model.licences:
        metadata[LICENCES_KEY] = encode_licences(model.licences)
    if model.hashes:
        metadata[HASHES_KEY] = encode_hashes(model.hashes)
    return metadata


def load_network(
    path_or_hub_id: str | Path | None = None, device: Device = "auto"
) -> MattingNetwork:
    """Load a network in eval mode.

    Args:
        path_or_hub_id: A `.safetensors` file of `save_model`, a directory with `model.safetensors`
            in it, a `.onnx` file of `gfm export`, `owner/name` on the Hugging Face hub, or the name
            of a packaged model; None takes `lite`.
        device: `auto` takes the GPU where there is one.

    Raises:
        InputError: No such file or hub id, not a model of this project, or a device that is not
            there.
    """
    target = resolve_device(device)
    if path_or_hub_id is None:
        path = packaged.find_packaged(packaged.automatic_model()) or _find(packaged.LITE)
    else:
        path = _find(path_or_hub_id)
    try:
        metadata, tensors = _read(path)
        system, config = _config(path, metadata)
        model = system.skeleton(config)
        model.licences = decode_licences(metadata.get(LICENCES_KEY))
        model.hashes = decode_hashes(metadata.get(HASHES_KEY))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    wanted = model.state_dict()
    if path.suffix == packaged.EXPORTED:
        counts = (key for key in wanted if key.endswith("num_batches_tracked"))
        tensors |= {key: torch.zeros((), dtype=torch.int64) for key in counts}
    if bad := sorted(
        key
        for key in wanted.keys() | tensors.keys()
        if key not in wanted or key not in tensors or wanted[key].shape != tensors[key].shape
    ):
        raise InputError(f"{path}: its tensors do not fit its configuration: {some(bad)}")
    # Copies, for the tensors of the file change with it.
    filled = {key: tensors[key].to(value.dtype, copy=True) for key, value in wanted.items()}
    model.load_state_dict(filled, assign=True)
    return model.eval().to(target)


def read_config(path_or_hub_id: str | Path) -> tuple[System, SystemConfig]:
    """System and configuration of what `load_network` takes.

    Raises:
        InputError: As there.
    """
    path = _find(path_or_hub_id)
    try:
        return _config(path, _read(path, with_tensors=False)[0])
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def read_licences(path_or_hub_id: str | Path) -> list[Licence]:
    """Licences of what `load_network` takes; none where the file does not record them.

    Raises:
        InputError: As there.
    """
    path = _find(path_or_hub_id)
    try:
        return decode_licences(_read(path, with_tensors=False)[0].get(LICENCES_KEY))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _read(path: Path, with_tensors: bool = True) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    if path.suffix == packaged.EXPORTED:
        return read_exported(path, with_tensors)
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            keys = file.keys() if with_tensors else ()
            return file.metadata() or {}, {key: file.get_tensor(key) for key in keys}
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"is not a safetensors file ({error}); convert a released .pth with `python -m gfm "
            "convert`"
        ) from None


def _config(path: Path, metadata: Mapping[str, str]) -> tuple[System, SystemConfig]:
    beside = path.with_name(CONFIG_FILE)
    if {CONFIG_KEY, OLD_CONFIG_KEY} & metadata.keys():
        system = get_system(metadata.get(SYSTEM_KEY, DEFAULT))
        return system, system.config.from_json(config_of(metadata) or "")
    if not beside.is_file():
        raise InputError(
            "holds no configuration; make the file with `python -m gfm convert` or fit"
        )
    return parse_config(beside.read_bytes())


def parse_config(text: str | bytes) -> tuple[System, SystemConfig]:
    """System and configuration from the text of `config_text`, or of versions with GFM alone.

    Raises:
        InputError: It is another text.
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        values = None
    name = values.pop(SYSTEM_KEY, DEFAULT) if isinstance(values, dict) else DEFAULT
    system = get_system(name)
    return system, system.config.from_json(text if values is None else json.dumps(values))


def resolve_device(device: Device = "auto") -> torch.device:
    """The device of that name; `auto` is the GPU where there is one.

    Raises:
        InputError: The device is not there.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        target = torch.device(device)
    except RuntimeError:
        raise InputError(
            f"device={device!r} is not known; choose 'auto', 'cpu' or 'cuda'"
        ) from None
    try:
        torch.empty(0, device=target)
    except (RuntimeError, AssertionError, NotImplementedError):  # by the kind of device
        raise InputError(
            f"device='{device}' is not usable on this machine; choose 'cpu' or 'auto'"
        ) from None
    return target


def _find(path_or_hub_id: str | Path) -> Path:
    path = Path(path_or_hub_id)
    if path.is_dir():
        path = path / FILE_NAME
    if path.is_file():
        return path
    name = str(path_or_hub_id)
    if (own := packaged.find_packaged(name)) is not None:
        return own
    if path.suffix or name.count("/") != 1 or name.startswith((".", "/", "~")):
        raise InputError(f"{path}: no such model; give a .safetensors file, its folder or a hub id")
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(hf_hub_download(name, FILE_NAME))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{name}: neither a file here nor a model on the hub ({reason})") from None
