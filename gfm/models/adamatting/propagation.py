"""The propagation unit (paper, section 3.2): refines a matte step by step."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gfm.blocks.conv_lstm import ConvLSTMCell, Memory
from gfm.blocks.convolutions import LogitConv2d

INPUTS = 7  # normalised image 3, trimap probabilities 3, alpha 1
WIDTH = 32
REACH = 6  # px that a step sees around a pixel: two residual blocks, the cell, the head
STRIP = 2**19  # px that are propagated at a time outside training


class ResBlock(nn.Module):
    """Two 3x3 convolutions with batch norm beside a shortcut, which has no norm."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if inputs != outputs:
            self.shortcut = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H, W)."""
        y = torch.relu_(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        return torch.relu_(y + self.shortcut(x))


class PropagationUnit(nn.Module):
    """Two residual blocks and a ConvLSTM cell, run a few times with the same weights.

    Args:
        steps: Recurrences.
    """

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps = steps
        self.res1 = ResBlock(INPUTS, WIDTH)
        self.res2 = ResBlock(WIDTH, WIDTH)
        self.lstm = ConvLSTMCell(WIDTH, WIDTH)
        self.head = LogitConv2d(WIDTH, 1, 3, padding=1)

    def forward(self, image: Tensor, trimap: Tensor, alpha: Tensor) -> list[Tensor]:
        """Propagate a matte.

        Args:
            image: Normalised image (B, 3, H, W).
            trimap: Probabilities (B, 3, H, W) of background, unknown and foreground.
            alpha: The alpha decoder's matte (B, 1, H, W).

        Returns:
            The matte (B, 1, H, W) after each step.

        Note:
            Outside training large images are propagated in strips of rows that overlap by what the
            steps see, so that memory stays bounded and no value changes.
        """
        height, width = alpha.shape[-2:]
        rows = max(STRIP // (alpha.shape[0] * width), 1)
        if self.training or torch.compiler.is_compiling() or rows >= height:
            return self._propagate(image, trimap, alpha)
        halo = REACH * self.steps
        mattes = [torch.empty_like(alpha) for _ in range(self.steps)]
        for top in range(0, height, rows):
            bottom = min(top + rows, height)
            start = max(top - halo, 0)
            seen = slice(start, bottom + halo)
            parts = (each[..., seen, :] for each in (image, trimap, alpha))
            for matte, part in zip(mattes, self._propagate(*parts), strict=True):
                matte[..., top:bottom, :] = part[..., top - start : bottom - start, :]
        return mattes

    def _propagate(self, image: Tensor, trimap: Tensor, alpha: Tensor) -> list[Tensor]:
        mattes: list[Tensor] = []
        memory: Memory | None = None
        for _ in range(self.steps):
            features = self.res2(self.res1(torch.cat([image, trimap, alpha], dim=1)))
            memory = self.lstm.forward(features, memory)
            alpha = torch.sigmoid(self.head(memory.hidden))
            mattes.append(alpha)
        return mattes
