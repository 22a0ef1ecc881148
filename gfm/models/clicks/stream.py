"""The interaction stream: clicks and the previous matte, apart from the photograph."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

# Channels and stride of the published convolutions; table 3.1 of the thesis prints other channels.
PUBLISHED = ((32, 1), (64, 2), (128, 1), (256, 2), (256, 2), (256, 1))
# The published convolutions whose features are handed on, and the stride that they are at.
TAPS = {1: 2, 3: 4, 5: 8}
DEEPER = 256


class InteractionStream(nn.Module):
    """Plain 3x3 convolutions with leaky ReLU of slope 0.01, down to the stride of an encoder.

    Args:
        inputs: Channels of the click maps and the previous matte.
        coarsest: Stride of the encoder's coarsest level: 8, which is published, or 16, 32 and so
            on, to which further convolutions of stride 2 lead.
        width: Factor on the channels.

    Attributes:
        channels: Channels of the features that are handed on, by their stride.
    """

    def __init__(self, inputs: int, coarsest: int = 8, width: float = 1.0) -> None:
        super().__init__()
        plan, self.taps = list(PUBLISHED), dict(TAPS)
        while (stride := max(self.taps.values())) < coarsest:
            self.taps[len(plan)] = 2 * stride
            plan.append((DEEPER, 2))
        channels = [max(round(each * width), 1) for each, _ in plan]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, 3, step, padding=1)
            for before, after, (_, step) in zip([inputs, *channels], channels, plan, strict=False)
        )
        self.channels = {stride: channels[index] for index, stride in self.taps.items()}

    def forward(self, interactions: Tensor) -> dict[int, Tensor]:
        """Features by their stride, from maps and matte (B, inputs, H, W)."""
        features, taps = interactions, {}
        for index, convolution in enumerate(self.convolutions):
            features = functional.leaky_relu(convolution(features))
            if index in self.taps:
                taps[self.taps[index]] = features
        return taps
