"""EfficientNet-Lite encoders, with the names and the arithmetic of timm's `tf_efficientnet_lite*`.

EfficientNets (Tan and Le 2019) without squeeze-and-excitation and with ReLU6. The padding, which
timm computes from the size at run time, is constant here, since inputs are multiples of 32: so the
network exports, and its training step on a CPU takes little more than half of the time
(`gfm.blocks.depthwise`).
"""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from gfm.blocks.depthwise import DepthwiseConv2d, SameConv2d
from gfm.encoders.lite_shapes import LiteShape

EPSILON = 1e-3  # of the batch norms, as TensorFlow trained them
STEM = 32
EXPANSION = 6


KERNELS = (3, 3, 5, 3, 5, 5, 3)
STRIDES = (1, 2, 2, 2, 1, 2, 1)
LEVELS = (0, 1, 2, 4, 6)  # the last stages at strides 2, 4, 8, 16 and 32


class SeparableBlock(nn.Module):
    """A depthwise convolution, then one over the channels: the block of the first stage."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.conv_dw = DepthwiseConv2d(inputs, kernel)
        self.bn1 = norm(inputs)
        self.conv_pw = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.bn2 = norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H, W)."""
        y = nn.functional.relu6(self.bn1(self.conv_dw(x)), inplace=True)
        result: Tensor = self.bn2(self.conv_pw(y))
        return result


class InvertedResidual(nn.Module):
    """Expansion, depthwise convolution and projection; with a shortcut if shapes allow it."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__()
        inner = inputs * EXPANSION
        self.conv_pw = nn.Conv2d(inputs, inner, 1, bias=False)
        self.bn1 = norm(inner)
        self.conv_dw = DepthwiseConv2d(inner, kernel, stride)
        self.bn2 = norm(inner)
        self.conv_pwl = nn.Conv2d(inner, outputs, 1, bias=False)
        self.bn3 = norm(outputs)
        self.has_shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H / stride, W / stride)."""
        y = nn.functional.relu6(self.bn1(self.conv_pw(x)), inplace=True)
        y = nn.functional.relu6(self.bn2(self.conv_dw(y)), inplace=True)
        y = cast(Tensor, self.bn3(self.conv_pwl(y)))
        return x + y if self.has_shortcut else y


class EfficientNetLite(nn.Module):
    """The feature maps of an EfficientNet-Lite.

    Args:
        shape: Depths and widths.
    """

    def __init__(self, shape: LiteShape) -> None:
        super().__init__()
        self.conv_stem = SameConv2d(3, STEM)
        self.bn1 = norm(STEM)
        stages: list[nn.Module] = [nn.Sequential(SeparableBlock(STEM, shape.widths[0], KERNELS[0]))]
        inputs = shape.widths[0]
        rest = zip(shape.depths, shape.widths, KERNELS, STRIDES, strict=True)
        for depth, width, kernel, stride in list(rest)[1:]:
            blocks = []
            for index in range(depth):
                first = index == 0
                blocks.append(
                    InvertedResidual(
                        inputs if first else width, width, kernel, stride if first else 1
                    )
                )
            stages.append(nn.Sequential(*blocks))
            inputs = width
        self.blocks = nn.Sequential(*stages)
        self.channels = tuple(shape.widths[level] for level in LEVELS)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Encode (B, 3, H, W), sides multiples of 32, to five levels at strides 2 to 32."""
        return self.stages(nn.functional.relu6(self.bn1(self.conv_stem(image)), inplace=True))

    def stages(self, stem: Tensor) -> list[Tensor]:
        """The five levels from the stem's features (B, 32, H / 2, W / 2)."""
        return self.stages_from(stem, 0)

    def stages_from(self, x: Tensor, first: int) -> list[Tensor]:
        """The levels of the stages from one on, given the features before it."""
        levels = []
        for index, stage in enumerate(self.blocks[first:], first):
            x = stage(x)
            if index in LEVELS:
                levels.append(x)
        return levels


def norm(channels: int) -> nn.BatchNorm2d:
    """The batch norm of these encoders."""
    return nn.BatchNorm2d(channels, eps=EPSILON)
