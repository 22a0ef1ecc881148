"""GFM: a shared encoder, a glance and a focus decoder, and their fusion (paper, figure 2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, cast

import torch
from torch import Tensor
from torch.nn import functional

from gfm.checkpoints.hub import HubMethods
from gfm.encoders.build import build_encoder
from gfm.models.glance_focus.config import GFMConfig, SingleRosta
from gfm.models.glance_focus.decoders import GLANCE_CLASSES, FocusDecoder, GlanceDecoder
from gfm.models.glance_focus.fusion import RosTaIntegration, fuse, fuse_expected
from gfm.models.glance_focus.plans import decoder_plan
from gfm.models.images import check_image, crop
from gfm.models.network import MattingNetwork
from rssn.imaging.errors import InputError


class Matting(NamedTuple):
    """Outputs of the network for a batch under one representation.

    Attributes:
        glance: Class probabilities (B, C, H, W), background first.
        focus: Fractional part (B, 1, H, W) in [0, 1].
        alpha: The fused matte (B, 1, H, W) in [0, 1].
        glance_logits: What the probabilities were made from; the losses take these.
    """

    glance: Tensor
    focus: Tensor
    alpha: Tensor
    glance_logits: Tensor


class RimMatting(NamedTuple):
    """The three representations and their integration.

    Attributes:
        tt: Trimap representation.
        ft: Foreground representation.
        bt: Background representation.
        alpha: The integrated matte (B, 1, H, W); clamped to [0, 1] outside training.
    """

    tt: Matting
    ft: Matting
    bt: Matting
    alpha: Tensor


class GFM(HubMethods, MattingNetwork):
    """Glance and Focus Matting.

    Args:
        config: The network to assemble; `GFMConfig()` is GFM-TT with ResNet-34.
        weights: Weights of the encoder: `timm` or `timm:TAG` downloads, a path reads a local file,
            None starts from random values; see `gfm.encoders.build.build_encoder`.

    Note:
        In training mode the fusion is the expected value over the glance classes, so that its
        losses reach both decoders; in eval mode the most probable class decides, as published.
    """

    system = "glance_focus"
    config: GFMConfig

    def __init__(self, config: GFMConfig | None = None, weights: str | Path | None = None) -> None:
        config = config or GFMConfig()
        super().__init__(config)
        self.encoder = build_encoder(config.backbone, weights)
        channels = self.encoder.channels
        plan = replace(
            decoder_plan(config.backbone, channels).scaled(config.width), separable=config.separable
        )
        rostas = config.rostas
        outputs = dict.fromkeys(rostas, 1)
        self.glance: GlanceDecoder | None = None
        if config.single_decoder:
            outputs = {rosta: GLANCE_CLASSES[rosta] + 1 for rosta in rostas}
        else:
            self.glance = GlanceDecoder(
                channels[-1], plan, rostas, config.pyramid, config.pyramid_join
            )
        self.focus = FocusDecoder(channels, plan, cast(dict[str, int], outputs), config.bridge)
        self.rim = RosTaIntegration() if config.rosta == "RIM" else None

    def forward(self, image: Tensor) -> Matting | RimMatting:
        """Matte a batch.

        Args:
            image: RGB (B, 3, H, W), float, in [0, 1]; any height and width.

        Returns:
            A `Matting`, or a `RimMatting` of an integrating network, at the size of the image.

        Raises:
            InputError: Another shape, an integer type, (outside training) values that are NaN or
                outside [0, 1], or (in training) too few pixels for the batch norms.
        """
        glance_logits, focus_logits = self._decode(self.encode(image))
        parts = [
            self._fused(crop(glance_logits[r], image), crop(focus_logits[r], image), r)
            for r in self.config.rostas
        ]
        if self.rim is None:
            return parts[0]
        alpha = self.rim([part.alpha for part in parts])
        if not self.training:
            alpha = alpha.clamp(0, 1)
        tt, ft, bt = parts
        return RimMatting(tt, ft, bt, alpha)

    def encode(self, image: Tensor) -> list[Tensor]:
        """The encoder's levels for an image (B, 3, H, W) in [0, 1], padded to the size it takes."""
        compiling = torch.compiler.is_compiling()
        if not compiling:
            check_image(image, self.mean, values=not self.training)
            self._check_trainable(image)
        # Written so that an export can simplify the padded size to 32 * ((H + 31) // 32).
        multiple, (height, width) = self.encoder.multiple, image.shape[-2:]
        rows = (height + multiple - 1) // multiple * multiple - height
        columns = (width + multiple - 1) // multiple * multiple - width
        normalised = self.normalise(image)
        if compiling or rows or columns:  # padding by nothing would still copy
            normalised = functional.pad(normalised, (0, columns, 0, rows), mode="replicate")
        return self.encoder.forward(normalised)

    def glance_probabilities(self, image: Tensor) -> Tensor:
        """Class probabilities (B, C, H, W) alone; a focus decoder of its own does not run."""
        rosta = self._single_rosta()
        logits = self._decode(self.encode(image), focus=False)[0][rosta]
        return self._probabilities(crop(logits, image))

    def focus_alpha(self, image: Tensor) -> Tensor:
        """Fractional part (B, 1, H, W) alone; a glance decoder of its own does not run."""
        rosta = self._single_rosta()
        logits = self._decode(self.encode(image), glance=False)[1][rosta]
        return torch.sigmoid(crop(logits, image))

    def maps(self, inputs: Mapping[str, Tensor], outputs: Sequence[str]) -> Mapping[str, Tensor]:
        """Some outputs of the graph; for one of both decoders, the other does not run."""
        image = inputs["image"]
        if self.rim is None and tuple(outputs) == ("glance",):
            return {"glance": self.glance_probabilities(image)}
        if self.rim is None and tuple(outputs) == ("focus",):
            return {"focus": self.focus_alpha(image)}
        return super().maps(inputs, outputs)

    def _decode(
        self, levels: list[Tensor], glance: bool = True, focus: bool = True
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        if self.glance is None:
            both = self.focus(levels)
            return (
                {name: logits[:, :-1] for name, logits in both.items()},
                {name: logits[:, -1:] for name, logits in both.items()},
            )
        return (self.glance(levels) if glance else {}), (self.focus(levels) if focus else {})

    def _fused(self, glance_logits: Tensor, focus_logits: Tensor, rosta: SingleRosta) -> Matting:
        focus = torch.sigmoid(focus_logits)
        if self.training:
            alpha = fuse_expected(glance_logits.softmax(dim=1), focus, rosta)
        else:
            alpha = fuse(glance_logits, focus, rosta)
        return Matting(self._probabilities(glance_logits), focus, alpha, glance_logits)

    def _probabilities(self, logits: Tensor) -> Tensor:
        if self.config.glance_activation == "sigmoid":
            return torch.sigmoid(logits)
        return logits.softmax(dim=1)

    def _check_trainable(self, image: Tensor) -> None:
        multiple = self.encoder.multiple
        if self.training and len(image) == 1 and max(image.shape[-2:]) <= multiple:
            raise InputError(
                f"image has shape {tuple(image.shape)}, of which the coarsest level is one value a "
                f"channel; batch norm cannot train on that: give two images, or more than "
                f"{multiple} pixels"
            )

    def _single_rosta(self) -> SingleRosta:
        if self.rim is not None:
            raise InputError("a RIM network has three glance heads; call it as a whole")
        return self.config.rostas[0]
