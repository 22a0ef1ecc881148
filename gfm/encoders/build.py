"""Shared encoders (paper, section 3.1): feature levels from fine to coarse, with their channels."""

from __future__ import annotations

import os
import pickle
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from gfm.blocks.convolutions import conv_bn_relu
from gfm.encoders.densenet import DenseNet
from gfm.encoders.efficientnet import EfficientNetLite
from gfm.encoders.lite_shapes import LITE_SHAPES
from gfm.encoders.packages import PACKAGES, package_weights
from gfm.encoders.resnet import SHAPES, BasicBlock, ResNet
from rssn.imaging.errors import InputError

Body = TypeVar("Body", bound=nn.Module)


class Encoder(nn.Module, ABC):
    """Interface between an encoder and the decoders.

    Attributes:
        channels: Channels of each level, from the finest to the coarsest.
        multiple: Height and width of the input must be multiples of this.
        weights: Where its first values came from: `timm:TAG`, `package`, a file, or None for random
            ones.
        licence: Of these weights, where timm or the package states it.
    """

    channels: tuple[int, ...]
    multiple: int = 32
    weights: str | None = None
    licence: str | None = None

    @abstractmethod
    def forward(self, image: Tensor) -> list[Tensor]:
        """Encode a normalised image (B, 3, H, W) to its levels, finest first."""


class ResNetEncoder(Encoder):
    """A ResNet that is built without timm.

    Args:
        name: Of `gfm.encoders.resnet.SHAPES`, as timm has it.
        weights: As for `build_encoder`.
    """

    def __init__(self, name: str, weights: str | Path | None = None) -> None:
        super().__init__()
        self.body = _filled(ResNet(SHAPES[name]), name, weights)
        self.channels = self.body.channels

    def forward(self, image: Tensor) -> list[Tensor]:
        """Encode (B, 3, H, W) to five levels at strides 2 to 32."""
        return self.body.forward(image)


class LiteEncoder(Encoder):
    """An EfficientNet-Lite that is built without timm.

    Args:
        name: Of `gfm.encoders.lite_shapes.LITE_SHAPES`, as timm has it.
        weights: As for `build_encoder`.
    """

    def __init__(self, name: str, weights: str | Path | None = None) -> None:
        super().__init__()
        self.body = _filled(EfficientNetLite(LITE_SHAPES[name]), name, weights)
        self.channels = self.body.channels

    def forward(self, image: Tensor) -> list[Tensor]:
        """Encode (B, 3, H, W) to five levels at strides 2 to 32."""
        return self.body.forward(image)


class TimmEncoder(Encoder):
    """Encoder of timm with feature maps at strides 2 to 32.

    Encoders whose first level has stride 4 (ConvNeXt, Swin) get the level at stride 2 from two
    small convolutions on the image.

    Args:
        name: The model's name in timm.
        weights: As for `build_encoder`.
    """

    def __init__(self, name: str, weights: str | Path | None = None) -> None:
        super().__init__()
        self.body = _timm_features(name, weights)
        info = self.body.feature_info
        channels, strides = tuple(info.channels()), tuple(info.reduction())
        self.channels_last = getattr(self.body, "output_fmt", "NCHW") == "NHWC"
        self.stem: nn.Sequential | None = None
        if strides[0] == 4:
            fine = max(channels[0] // 2, 16)
            self.stem = nn.Sequential(
                nn.Conv2d(3, fine, 3, stride=2, padding=1),
                nn.BatchNorm2d(fine),
                nn.ReLU(inplace=True),
                *conv_bn_relu(fine, fine),
            )
            channels, strides = (fine, *channels), (2, *strides)
        if strides != (2, 4, 8, 16, 32):
            raise InputError(
                f"timm encoder '{name}' has feature maps at strides {strides}; choose one with "
                "2, 4, 8, 16, 32 or 4, 8, 16, 32 (resnet34, convnext_tiny, ...)"
            )
        self.channels = channels

    def forward(self, image: Tensor) -> list[Tensor]:
        """Encode (B, 3, H, W) to five levels at strides 2 to 32."""
        levels = cast(list[Tensor], self.body(image))
        if self.channels_last:
            levels = [level.permute(0, 3, 1, 2) for level in levels]
        return levels if self.stem is None else [self.stem(image), *levels]

    def add_module(self, name: str, module: nn.Module | None) -> None:
        """Replace a part by what `SyncBatchNorm.convert_sync_batchnorm` made of it.

        The conversion puts every part back with this method. It replaces timm's norms, which
        apply an activation too, by plain ones that still hold the activation; these apply it again.
        """
        super().add_module(name, module)
        keep_activations(self)


class DenseEncoder(Encoder):
    """DenseNet-121 as GFM uses it: no pooling after the stem, each level behind its transition.

    Note:
        The last level leaves out the final norm of DenseNet and reduces 1024 to 512 channels, as
        the released network does.
    """

    def __init__(self, weights: str | Path | None = None) -> None:
        super().__init__()
        parts = dict(_filled(DenseNet(), "densenet121", weights).features.named_children())
        self.stages = nn.ModuleList(
            [
                nn.Sequential(parts["conv0"], parts["norm0"], parts["relu0"]),
                nn.Sequential(parts["denseblock1"], parts["transition1"]),
                nn.Sequential(parts["denseblock2"], parts["transition2"]),
                nn.Sequential(parts["denseblock3"], parts["transition3"]),
                nn.Sequential(
                    parts["denseblock4"],
                    *conv_bn_relu(1024, 512),
                    nn.MaxPool2d(2, 2, ceil_mode=True),
                ),
            ]
        )
        self.channels = (64, 128, 256, 512, 512)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Encode (B, 3, H, W) to five levels at strides 2 to 32."""
        return _chain(self.stages, image)


class FullResolutionResNet(Encoder):
    """ResNet-34 with two more blocks (`r2b` of table 4); its first levels keep the full size."""

    def __init__(self, weights: str | Path | None = None) -> None:
        super().__init__()
        body = _filled(ResNet(SHAPES["resnet34"]), "resnet34", weights)
        self.stages = nn.ModuleList(
            [
                nn.Sequential(*conv_bn_relu(3, 64)),
                *(body.stage(number) for number in range(1, 5)),
                *(
                    nn.Sequential(
                        nn.MaxPool2d(2, 2, ceil_mode=True),
                        *(BasicBlock(512, 512) for _ in range(3)),
                    )
                    for _ in range(2)
                ),
            ]
        )
        self.channels = (64, 64, 128, 256, 512, 512, 512)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Encode (B, 3, H, W) to seven levels at strides 1, 1, 2, 4, 8, 16, 32."""
        return _chain(self.stages, image)


# timm's names of the paper's encoders.
PAPER_NAMES = {
    "r34": "resnet34",
    "r34_2b": "resnet34",
    "d121": "densenet121",
    "r101": "resnet101",
}
TIMM = "timm"  # weights of timm; "timm:TAG" tells which
# Of the weights of the paper's encoders, which began with those of torchvision.
PAPER_TAG = "tv_in1k"

# By the names that `GFMConfig.backbone` takes; each makes its encoder from `weights`.
ENCODERS: dict[str, Callable[[str | Path | None], Encoder]] = {
    "r34": lambda weights: ResNetEncoder("resnet34", weights),
    "r34_2b": FullResolutionResNet,
    "d121": DenseEncoder,
    "r101": lambda weights: ResNetEncoder("resnet101", weights),
}


def build_encoder(backbone: str, weights: str | Path | None = None) -> Encoder:
    """The encoder of that name.

    Args:
        backbone: `r34`, `r34_2b`, `d121`, `r101` or `timm:NAME`.
        weights: `timm` downloads: for the paper's four encoders the weights of its time,
            `tv_in1k`, else those that timm prefers. `timm:TAG` downloads others, as in
            `timm:a1_in1k`. `package` reads them from an installed package, a path from a local file
            (.pth or .safetensors), None starts from random values.

    Raises:
        InputError: An unknown name, or weights that do not fit.
    """
    weights = tagged_weights(backbone, weights)
    encoder = _build(backbone, weights)
    encoder.weights = None if weights is None else str(weights)
    encoder.licence = weights_licence(backbone, weights)
    return encoder


def tagged_weights(backbone: str, weights: str | Path | None) -> str | Path | None:
    """`timm` with the tag that it stands for; all else as it is."""
    if weights != TIMM:
        return weights
    if backbone in ENCODERS:
        return f"{TIMM}:{PAPER_TAG}"
    import timm

    name, _, tag = backbone.removeprefix("timm:").partition(".")
    preferred = timm.get_pretrained_cfg(name, allow_unregistered=True)
    return f"{TIMM}:{tag or (preferred.tag if preferred else '')}"


def weights_licence(backbone: str, weights: str | Path | None) -> str | None:
    """Licence of an encoder's weights, as timm or the package states it; None of a file."""
    name = PAPER_NAMES.get(backbone, backbone.removeprefix("timm:"))
    if weights == "package":
        return PACKAGES[name].licence
    if (tag := _tag(weights)) is None:
        return None
    import timm

    found = timm.get_pretrained_cfg(f"{name.partition('.')[0]}.{tag}", allow_unregistered=True)
    licence: str | None = found.license if found else None
    return licence


def _build(backbone: str, weights: str | Path | None) -> Encoder:
    if make := ENCODERS.get(backbone):
        return make(weights)
    if backbone.startswith("timm:"):
        name = backbone.removeprefix("timm:")
        if name in LITE_SHAPES:
            return LiteEncoder(name, weights)
        return (ResNetEncoder if name in SHAPES else TimmEncoder)(name, weights)
    raise InputError(
        f"backbone={backbone!r} is not supported; choose {', '.join(map(repr, ENCODERS))} or "
        "'timm:NAME' with a name that timm.list_models() holds"
    )


def keep_activations(module: nn.Module) -> None:
    """Make batch norms apply timm's `drop` and `act`, which they hold but skip."""
    from timm.layers.norm_act import BatchNormAct2d

    for norm in module.modules():
        if not isinstance(norm, _BatchNorm) or isinstance(norm, BatchNormAct2d):
            continue
        if hasattr(norm, "act") and not norm._forward_hooks:
            norm.register_forward_hook(_activate)


def _activate(norm: nn.Module, _: object, result: Tensor) -> Tensor:
    drop, act = norm.get_submodule("drop"), norm.get_submodule("act")
    return cast(Tensor, act(drop(result)))


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


def _filled(body: Body, name: str, weights: str | Path | None) -> Body:
    """The body of a timm model, built here, with the weights that `build_encoder` was asked for."""
    if _tag(weights) is not None:
        pretrained = _timm_model(name, weights, num_classes=0).state_dict()
        body.load_state_dict({key: pretrained[key] for key in body.state_dict()})
    elif weights == "package":
        body.load_state_dict(package_weights(name, body.state_dict()))
    elif weights is not None:
        load_encoder_weights(body, Path(weights))
    return body


def _timm_features(name: str, weights: str | Path | None) -> Any:  # noqa: ANN401
    """A timm model that returns its feature maps."""
    import timm

    options: dict[str, Any] = {"features_only": True}
    if name.startswith("swin"):  # refuses other sizes than the one it was trained at
        options |= {"strict_img_size": False, "feature_cls": "getter"}
    if not timm.is_model(name):
        near = ", ".join(timm.list_models(f"*{name.split('_')[0]}*")[:5]) or "none"
        raise InputError(f"timm has no model '{name}'; alike: {near}")
    return _timm_model(name, weights, **options)


def _timm_model(name: str, weights: str | Path | None, **options: Any) -> Any:  # noqa: ANN401 - a timm model has no type
    if weights == "package":
        package_weights(name, {})  # which says what there is
    import timm  # half of a cold start

    tag = _tag(weights)
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
        body = timm.create_model(name, pretrained=tag is not None, **options)
    except (RuntimeError, AttributeError, AssertionError) as error:
        raise InputError(f"timm encoder '{name}' gives no feature maps ({error})") from None
    except OSError as error:
        offline = " (HF_HUB_OFFLINE is set)" if os.environ.get("HF_HUB_OFFLINE") else ""
        raise InputError(
            f"the pretrained weights of '{name}' cannot be downloaded{offline}: {error}; give a "
            "local file instead"
        ) from None
    if weights is not None and tag is None:
        load_encoder_weights(body, Path(weights))
    return body


def _tag(weights: str | Path | None) -> str | None:
    """The tag of `timm:TAG`; None of a file, or without weights."""
    source, _, tag = str(weights).partition(":")
    return tag if source == TIMM else None


def _chain(stages: nn.ModuleList, image: Tensor) -> list[Tensor]:
    levels = []
    for stage in stages:
        image = stage(image)
        levels.append(image)
    return levels


def some(keys: Sequence[str], most: int = 4) -> str:
    """Format at most `most` of the keys, and the number of the rest."""
    if not keys:
        return "none"
    return ", ".join(keys[:most]) + (f" and {len(keys) - most} more" if len(keys) > most else "")
