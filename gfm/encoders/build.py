"""Shared encoders (paper, section 3.1): feature levels from fine to coarse, with their channels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, cast

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from gfm.blocks.convolutions import conv_bn_relu
from gfm.encoders.densenet import DenseNet
from gfm.encoders.efficientnet import EfficientNetLite
from gfm.encoders.lite_shapes import LITE_SHAPES
from gfm.encoders.resnet import SHAPES, BasicBlock, ResNet
from gfm.encoders.weights import (
    Weights,
    filled,
    tag_of,
    tagged_weights,
    timm_model,
    weights_licence,
)
from rssn.imaging.errors import InputError


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


class PlainEncoder(Encoder):
    """A ResNet or an EfficientNet-Lite that is built without timm.

    Args:
        name: Of `gfm.encoders.resnet.SHAPES` or `gfm.encoders.lite_shapes.LITE_SHAPES`, as timm has
            it.
        weights: As for `build_encoder`.
    """

    def __init__(self, name: str, weights: Weights = None) -> None:
        super().__init__()
        body = ResNet(SHAPES[name]) if name in SHAPES else EfficientNetLite(LITE_SHAPES[name])
        self.body = filled(body, name, weights)
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

    def __init__(self, name: str, weights: Weights = None) -> None:
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


def _timm_features(name: str, weights: Weights) -> Any:  # noqa: ANN401 - a timm model has no type
    """A timm model that returns its feature maps."""
    import timm

    options: dict[str, Any] = {"features_only": True}
    if name.startswith("swin"):  # refuses other sizes than the one it was trained at
        options |= {"strict_img_size": False, "feature_cls": "getter"}
    if not timm.is_model(name):
        near = ", ".join(timm.list_models(f"*{name.split('_')[0]}*")[:5]) or "none"
        raise InputError(f"timm has no model '{name}'; alike: {near}")
    tag = tag_of(weights)
    body = timm_model(name, tag, **options)
    return body if tag is not None else filled(body, name, weights)


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


class DenseEncoder(Encoder):
    """DenseNet-121 as GFM uses it: no pooling after the stem, each level behind its transition.

    Note:
        The last level leaves out the final norm of DenseNet and reduces 1024 to 512 channels, as
        the released network does.
    """

    def __init__(self, weights: Weights = None) -> None:
        super().__init__()
        parts = dict(filled(DenseNet(), "densenet121", weights).features.named_children())
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

    def __init__(self, weights: Weights = None) -> None:
        super().__init__()
        body = filled(ResNet(SHAPES["resnet34"]), "resnet34", weights)
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


# By the names that `GFMConfig.backbone` takes; each makes its encoder from `weights`.
ENCODERS: dict[str, Callable[[Weights], Encoder]] = {
    "r34": lambda weights: PlainEncoder("resnet34", weights),
    "r34_2b": FullResolutionResNet,
    "d121": DenseEncoder,
    "r101": lambda weights: PlainEncoder("resnet101", weights),
}


def build_encoder(backbone: str, weights: Weights = None) -> Encoder:
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


def _build(backbone: str, weights: Weights) -> Encoder:
    if make := ENCODERS.get(backbone):
        return make(weights)
    if backbone.startswith("timm:"):
        name = backbone.removeprefix("timm:")
        plain = name in SHAPES or name in LITE_SHAPES
        return (PlainEncoder if plain else TimmEncoder)(name, weights)
    raise InputError(
        f"backbone={backbone!r} is not supported; choose {', '.join(map(repr, ENCODERS))} or "
        "'timm:NAME' with a name that timm.list_models() holds"
    )


def _chain(stages: nn.ModuleList, image: Tensor) -> list[Tensor]:
    levels = []
    for stage in stages:
        image = stage(image)
        levels.append(image)
    return levels
