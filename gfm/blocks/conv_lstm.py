"""A convolutional LSTM cell (Shi et al. 2015), without peepholes."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional


class Memory(NamedTuple):
    """State of a cell between two steps.

    Attributes:
        hidden: Output of the step (B, C, H, W).
        cell: What the cell keeps (B, C, H, W).
    """

    hidden: Tensor
    cell: Tensor


class ConvLSTMCell(nn.Module):
    """One step of a convolutional LSTM.

    A single 3x3 convolution of features and hidden state gives the gates in the order input,
    forget, output, candidate.

    Args:
        inputs: Channels of the features.
        hidden: Channels of the state.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        gates = nn.Conv2d(inputs + hidden, 4 * hidden, 3, padding=1)
        self.hidden = hidden
        self.weight, self.bias = gates.weight, gates.bias

    def forward(self, features: Tensor, memory: Memory | None = None) -> Memory:
        """The next state, from features (B, inputs, H, W) and the last state, zeros at first."""
        if memory is None:
            batch, _, height, width = features.shape
            zeros = features.new_zeros(batch, self.hidden, height, width)
            memory = Memory(zeros, zeros)
        joined = torch.cat([features, memory.hidden], dim=1)
        gates = functional.conv2d(joined, self.weight, self.bias, padding=1)
        admit, keep, emit, candidate = gates.chunk(4, dim=1)
        cell = torch.sigmoid(keep) * memory.cell + torch.sigmoid(admit) * torch.tanh(candidate)
        return Memory(torch.sigmoid(emit) * torch.tanh(cell), cell)
