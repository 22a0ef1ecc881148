"""First weights of encoders: of timm, of an installed package, of a local file."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from gfm.encoders.packages import PACKAGES, package_weights
from rssn.imaging.errors import InputError, some

Body = TypeVar("Body", bound=nn.Module)
Weights = str | Path | None
"""`timm`, `timm:TAG`, `package`, a file, or None; see `gfm.encoders.build.build_encoder`."""

TIMM, PACKAGE = "timm", "package"
# timm's names of the paper's encoders.
PAPER_NAMES = {
    "r34": "resnet34",
    "r34_2b": "resnet34",
    "d121": "densenet121",
    "r101": "resnet101",
}
# Of the weights of the paper's encoders, which began with those of torchvision.
PAPER_TAG = "tv_in1k"


def tagged_weights(backbone: str, weights: Weights) -> Weights:
    """`timm` with the tag that it stands for; all else as it is."""
    if weights != TIMM:
        return weights
    if backbone in PAPER_NAMES:
        return f"{TIMM}:{PAPER_TAG}"
    import timm

    name, _, tag = backbone.removeprefix("timm:").partition(".")
    preferred = timm.get_pretrained_cfg(name, allow_unregistered=True)
    return f"{TIMM}:{tag or (preferred.tag if preferred else '')}"


def tag_of(weights: Weights) -> str | None:
    """The tag of `timm:TAG`; None of a file, or without weights."""
    source, _, tag = str(weights).partition(":")
    return tag if source == TIMM else None


def weights_licence(backbone: str, weights: Weights) -> str | None:
    """Licence of an encoder's weights, as timm or the package states it; None of a file."""
    name = PAPER_NAMES.get(backbone, backbone.removeprefix("timm:"))
    if weights == PACKAGE:
        return PACKAGES[name].licence
    if (tag := tag_of(weights)) is None:
        return None
    import timm

    found = timm.get_pretrained_cfg(f"{name.partition('.')[0]}.{tag}", allow_unregistered=True)
    licence: str | None = found.license if found else None
    return licence


def filled(body: Body, name: str, weights: Weights) -> Body:
    """The body of a timm model with the weights that `build_encoder` was asked for.

    Args:
        body: The model without its classifier; its entries have timm's names.
        name: timm's name of the model.
        weights: As for `build_encoder`.

    Raises:
        InputError: Weights that are not there or do not fit.
    """
    if (tag := tag_of(weights)) is not None:
        pretrained = timm_model(name, tag, num_classes=0).state_dict()
        body.load_state_dict({key: pretrained[key] for key in body.state_dict()})
    elif weights == PACKAGE:
        body.load_state_dict(package_weights(name, body.state_dict()))
    elif weights is not None:
        load_encoder_weights(body, Path(weights))
    return body


def timm_model(name: str, tag: str | None = None, **options: Any) -> Any:  # noqa: ANN401 - a timm model has no type
    """A model of timm.

    Args:
        name: Its name; with a tag of its own, which `tag` replaces.
        tag: Of the weights that are downloaded; empty takes those that timm prefers, None starts
            from random values.
        **options: For `timm.create_model`.

    Raises:
        InputError: There are no such weights, they cannot be downloaded, or the model does not take
            the options.
    """
    import timm  # half of a cold start

    if tag:
        name = name.partition(".")[0]
        tags = [each.partition(".")[2] for each in timm.list_pretrained(f"{name}.*")]
        if tag not in tags:
            choice = ", ".join(f"'{TIMM}:{each}'" for each in tags) or "none"
            raise InputError(
                f"weights='{TIMM}:{tag}': timm has no such weights of '{name}'; choose {choice}"
            )
        name = f"{name}.{tag}"
    try:
        return timm.create_model(name, pretrained=tag is not None, **options)
    except (RuntimeError, AttributeError, AssertionError) as error:
        raise InputError(f"timm encoder '{name}' gives no feature maps ({error})") from None
    except OSError as error:
        offline = " (HF_HUB_OFFLINE is set)" if os.environ.get("HF_HUB_OFFLINE") else ""
        raise InputError(
            f"the pretrained weights of '{name}' cannot be downloaded{offline}: {error}; give a "
            "local file instead"
        ) from None


def load_encoder_weights(body: nn.Module, path: Path) -> None:
    """Fill a timm encoder from a local file of the whole timm model, leaving out a classifier.

    Raises:
        InputError: The file cannot be read, or misses entries, or has them in another shape.

    Note:
        timm writes a stage of its feature encoders as `stages_0` or `model.stages_0`, which is
        `stages.0` in the file.
    """
    wanted = body.state_dict()
    plain = {_flat(key): key for key in wanted}
    state = {plain.get(_flat(key), key): value for key, value in read_state_dict(path).items()}
    missing = sorted(wanted.keys() - state.keys())
    misshaped = sorted(k for k in wanted if k in state and wanted[k].shape != state[k].shape)
    if missing or misshaped:
        raise InputError(
            f"{path}: does not fit the encoder; missing {some(missing)}; of another shape "
            f"{some(misshaped)}; give the weights of the same timm model"
        )
    body.load_state_dict({key: state[key] for key in wanted})


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a .safetensors or PyTorch file; pickled code is never run.

    Raises:
        InputError: The file is missing, is not a checkpoint, or would run code when loaded.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; check the path of the weights")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:  # torch's own text advises to run the code
        raise InputError(
            f"{path}: holds more than tensors, and reading it could run code; save its "
            "state_dict() with torch.save and give that file"
        ) from None
    except Exception as error:  # every reader fails in its own way
        raise InputError(f"{path}: is no checkpoint, or a damaged one ({error!r})") from None
    while not _is_state_dict(state):
        inner = state if isinstance(state, dict) else {}
        state = inner.get("state_dict", inner.get("model"))
        if state is None:
            raise InputError(f"{path}: holds no state dict; give a file of named tensors")
    return {str(key).removeprefix("module."): value for key, value in state.items()}


def _is_state_dict(state: object) -> bool:
    if not isinstance(state, dict) or not state:
        return False
    return all(isinstance(value, Tensor) for value in state.values())


def _flat(key: str) -> str:
    return key.removeprefix("model.").replace(".", "_")
