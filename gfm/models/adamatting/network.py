"""AdaMatting: one encoder, a trimap and an alpha decoder, and the propagation unit (figure 2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from gfm.blocks.classes import fuse_transition
from gfm.blocks.modulation import Modulate
from gfm.encoders.build import Encoder
from gfm.encoders.guided import guided_encoder
from gfm.models.adamatting.config import AdaMattingConfig
from gfm.models.adamatting.decoder import Decoder
from gfm.models.adamatting.guide import CHANNELS, known
from gfm.models.adamatting.loss import TaskWeights, predicted_unknown
from gfm.models.adamatting.propagation import PropagationUnit
from gfm.models.images import check_image, crop
from gfm.models.network import MattingNetwork

CLASSES = 3  # background, unknown, foreground
CERTAIN = 100.0  # logit of a class whose softmax is 1 in float32
MULTIPLE = 32


class Adaptation(NamedTuple):
    """Output of the network for one batch.

    Attributes:
        logits: Class logits (B, 3, H, W) of the adapted trimap: background, unknown, foreground.
        alphas: The alpha decoder's matte (B, 1, H, W), then that of each propagation step.
    """

    logits: Tensor
    alphas: tuple[Tensor, ...]

    @property
    def matte(self) -> Tensor:
        """The final matte (B, 1, H, W): 1 and 0 where the trimap is sure, the last alpha between.

        The loss never teaches alpha on opaque pixels.
        """
        return fuse_transition(self.logits, self.alphas[-1])


class Features(NamedTuple):
    """Inputs of the alpha decoder and the propagation unit, at the padded size.

    Attributes:
        levels: The encoder's maps at strides 2 to 32, finest first.
        logits: Class logits (B, 3, H', W') of the adapted trimap.
        normalised: Normalised image (B, 3, H', W').
        image: The image as given (B, 3, H, W).
    """

    levels: list[Tensor]
    logits: Tensor
    normalised: Tensor
    image: Tensor


class AdaMatting(MattingNetwork):
    """AdaMatting (Cai et al. 2019), in the house definition of what the paper leaves open.

    Args:
        config: The network to assemble.
        weights: Weights of the encoders to start from, as for
            `gfm.encoders.build.build_encoder`. The paper starts from random ones.
    """

    system = "adamatting"
    config: AdaMattingConfig

    def __init__(
        self, config: AdaMattingConfig | None = None, weights: str | Path | None = None
    ) -> None:
        config = config or AdaMattingConfig()
        super().__init__(config)
        self.encoder = guided_encoder(
            config.backbone, 3 + CHANNELS[config.trimap_encoding], weights
        )
        channels = self.encoder.channels
        self.alpha_encoder: Encoder | None = None
        if config.two_networks:
            self.alpha_encoder = guided_encoder(config.backbone, 4, weights)
        self.trimap_decoder: Decoder | None = None
        if config.alpha_weight != 1:
            self.trimap_decoder = Decoder(channels, CLASSES, shortcuts=(4, 3, 2))
        self.alpha_decoder = Decoder(channels, 1, shortcuts=(3, 2, 1))
        self.propagation = PropagationUnit(config.steps) if config.steps else None
        self.task_loss = TaskWeights() if config.alpha_weight is None else None

    def forward(self, image: Tensor, trimap: Tensor, sparse: bool = False) -> Adaptation:
        """Adapt a trimap and estimate alpha.

        Args:
            image: RGB (B, 3, H, W), float, in [0, 1]; any height and width.
            trimap: Channels (B, C, H, W) of the given trimap, of `gfm.models.adamatting.guide`:
                by default one, 0 background, 0.5 unknown, 1 foreground.
            sparse: Outside training, propagate alpha only where the final matte reads it.

        Returns:
            Logits and mattes at the size of the image.
        """
        features = self.encode(image, trimap)
        alphas = self._estimate(features, sparse=sparse)
        return Adaptation(crop(features.logits, image), tuple(crop(each, image) for each in alphas))

    def maps(self, inputs: Mapping[str, Tensor], outputs: Sequence[str]) -> Mapping[str, Tensor]:
        """The graph's outputs; alpha is propagated only where the final matte reads it."""
        del outputs
        made = self(inputs["image"], inputs["trimap"], sparse=True)
        return {"probabilities": made.logits.softmax(dim=1), "alpha": made.alphas[-1]}

    def encode(self, image: Tensor, trimap: Tensor) -> Features:
        """Everything that the alpha decoder and the propagation unit read, for one `forward`."""
        if not torch.compiler.is_compiling():
            check_image(image, self.mean, values=not self.training)
        normalised = pad(self.normalise(image))
        guide = pad(trimap.to(self.dtype))
        levels = self.encoder.forward(torch.cat([normalised, guide], dim=1))
        logits = self._given(guide) if self.trimap_decoder is None else self.trimap_decoder(levels)
        if self.alpha_encoder is not None:
            adapted = logits.softmax(dim=1)
            expected = adapted[:, 1:2] / 2 + adapted[:, 2:3]
            levels = self.alpha_encoder.forward(torch.cat([normalised, expected], dim=1))
        return Features(levels, logits, normalised, image)

    def decode(self, features: Features, modulate: Modulate | None = None) -> Tensor:
        """The last alpha (B, 1, H, W), before the adapted trimap has its say, from `encode`.

        Args:
            features: Of `encode`.
            modulate: Changes the output of each block of the alpha decoder from stride 32 to stride
                4, given the power of two of its stride and the features.
        """
        return crop(self._estimate(features, modulate)[-1], features.image)

    def _estimate(
        self, features: Features, modulate: Modulate | None = None, sparse: bool = False
    ) -> list[Tensor]:
        """The alpha decoder's matte and those of the propagation, at the padded size."""
        alphas = [torch.sigmoid(self.alpha_decoder(features.levels, modulate))]
        if self.propagation is not None:
            adapted = features.logits.softmax(dim=1)
            where = predicted_unknown(features.logits) > 0 if sparse else None
            alphas += self.propagation(features.normalised, adapted, alphas[0], where)
        return alphas

    def _given(self, guide: Tensor) -> Tensor:
        """Logits of the given trimap itself, which a network of alpha alone does not adapt."""
        background, foreground = known(guide)
        known_or_not = [background, 1 - background - foreground, foreground]
        return CERTAIN * torch.cat(known_or_not, dim=1)


def pad(maps: Tensor) -> Tensor:
    """Reflect (B, C, H, W) at the lower and the right border up to multiples of 32.

    Note:
        By index, since `torch.nn.functional.pad` reflects at most once, and with tensors for what
        ONNX takes no symbol for.
    """
    for axis in (-2, -1):
        size = maps.shape[axis]
        padded = (size + MULTIPLE - 1) // MULTIPLE * MULTIPLE
        if padded != size or torch.compiler.is_compiling():
            last = torch.arange(size, device=maps.device)[-1:]
            position = torch.arange(padded, device=maps.device) % (2 * last).clamp(min=1)
            maps = maps.index_select(axis, last - (last - position).abs())
    return maps
