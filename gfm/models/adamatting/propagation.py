"""The propagation unit (paper, section 3.2): refines a matte step by step."""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor, nn

from gfm.blocks.conv_lstm import ConvLSTMCell, Memory
from gfm.blocks.convolutions import LogitConv2d

INPUTS = 7  # normalised image 3, trimap probabilities 3, alpha 1
WIDTH = 32
REACH = 6  # px that a step sees around a pixel: two residual blocks, the cell, the head
TILE = 384  # px, side of what is propagated at a time outside training


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

    def forward(
        self, image: Tensor, trimap: Tensor, alpha: Tensor, where: Tensor | None = None
    ) -> list[Tensor]:
        """Propagate a matte.

        Args:
            image: Normalised image (B, 3, H, W).
            trimap: Probabilities (B, 3, H, W) of background, unknown and foreground.
            alpha: The alpha decoder's matte (B, 1, H, W).
            where: The pixels (B, 1, H, W) whose matte will be read; all when None.

        Returns:
            The matte (B, 1, H, W) after each step.

        Note:
            Outside training large images are propagated in tiles that overlap by what the steps
            see, so that memory stays bounded and no value changes; tiles of which nothing is read
            keep the alpha decoder's matte.
        """
        height, width = alpha.shape[-2:]
        if self.training or torch.compiler.is_compiling() or max(height, width) <= TILE:
            return self._propagate(image, trimap, alpha)
        halo = REACH * self.steps
        mattes = [alpha.clone() for _ in range(self.steps)]
        for top, left in product(range(0, height, TILE), range(0, width, TILE)):
            tile = (..., slice(top, top + TILE), slice(left, left + TILE))
            if where is not None and not where[tile].any():
                continue
            start = max(top - halo, 0), max(left - halo, 0)
            seen = (
                ...,
                slice(start[0], top + TILE + halo),
                slice(start[1], left + TILE + halo),
            )
            inner = (..., slice(top - start[0], None), slice(left - start[1], None))
            made = self._propagate(image[seen], trimap[seen], alpha[seen])
            for matte, part in zip(mattes, made, strict=True):
                target = matte[tile]
                rows, columns = target.shape[-2:]
                target.copy_(part[inner][..., :rows, :columns])
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
