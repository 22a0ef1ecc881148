"""Weight standardisation (Qiao et al. 2019), in the two forms of FBA's published code."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

Standardisation = Literal["2020", "head"]


def standardise(weight: Tensor, form: Standardisation = "2020") -> Tensor:
    """Filters of mean 0 and deviation 1.

    Args:
        weight: Filters (outputs, inputs, height, width).
        form: `2020` divides by sqrt(unbiased variance + 1e-12) + 1e-5, `head` by sqrt(biased
            variance + 1e-5).

    Note:
        The released code at HEAD writes the result back into the weights at each `eval()` and at
        each training step, through which no gradient flows. Here either form is computed at each
        forward pass, which gives what HEAD's demo computes after its single `eval()`.
    """
    centred = weight - weight.mean(dim=(1, 2, 3), keepdim=True)
    if form == "2020":
        variance = centred.square().sum(dim=(1, 2, 3), keepdim=True) / (weight[0].numel() - 1)
        return centred / (torch.sqrt(variance + 1e-12) + 1e-5)
    variance = centred.square().mean(dim=(1, 2, 3), keepdim=True)
    return centred / torch.sqrt(variance + 1e-5)


class StandardisedConv2d(nn.Conv2d):
    """A convolution with standardised filters, in the 2020 form."""

    form: Standardisation = "2020"

    def forward(self, input: Tensor) -> Tensor:
        """Convolve features (B, C, H, W)."""
        result: Tensor = self._conv_forward(input, standardise(self.weight, self.form), self.bias)
        return result


class HeadStandardisedConv2d(StandardisedConv2d):
    """A convolution with standardised filters, in the form of HEAD."""

    form: Standardisation = "head"
