"""Training samples of LSA matting: every change of F, alpha and B, in the released order."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from gfm.data.augmentation import import_albumentations
from gfm.guidance.bands import random_trimap
from rssn.imaging.errors import InputError, check_choice, check_shares
from rssn.imaging.resizing import resize

Gamma = Literal["paper", "released"]
Colour = Literal["paper", "released", "none"]
GAMMAS: dict[Gamma, tuple[tuple[float, float], ...]] = {
    "paper": ((0.5, 1.5),),
    "released": ((0.5, 1.0), (1.0, 2.0)),
}


@dataclass(frozen=True)
class AugmentationOptions:
    """Options of augmentation (paper, section 5; the released code where the two differ).

    Attributes:
        size: Side of the samples in px, a multiple of 32; crops have 3/4 to 5/4 of it.
        colour: Colour augmentation: `released`, with a weight of its own for each channel;
            `paper`, with one for all; `none`, without.
        gamma: Range of the matte's exponent: 0.5 to 1.5 in the `paper`, in the `released` code as
            often 0.5 to 1 as 1 to 2.
        blur: Share of foregrounds, and of backgrounds, that are blurred; the paper has 0.3 for
            alphamatting.com, and else none.
    """

    size: int = 640
    colour: Colour = "released"
    gamma: Gamma = "released"
    blur: float = 0.0

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: A value that is not possible.
        """
        check_choice("colour", self.colour, get_args(Colour))
        check_choice("gamma", self.gamma, get_args(Gamma))
        if self.size < 32 or self.size % 32:
            raise InputError(f"size={self.size}: give a multiple of 32")
        check_shares(self, "blur")


class Sample(NamedTuple):
    """A sample before it is blended.

    Attributes:
        foreground: RGB (size, size, 3), uint8.
        alpha: (size, size), uint8.
        background: RGB (size, size, 3), uint8.
        trimap: (size, size), uint8: 0, 128 or 255.
    """

    foreground: NDArray[np.uint8]
    alpha: NDArray[np.uint8]
    background: NDArray[np.uint8]
    trimap: NDArray[np.uint8]

    def blend(self) -> NDArray[np.float32]:
        """αF + (1 - α)B in [0, 1], not rounded, as the network is trained."""
        alpha = self.alpha[..., None] / np.float32(255)
        blended = alpha * self.foreground + (1 - alpha) * self.background
        return np.asarray(blended / np.float32(255), np.float32)


class Augmentation:
    """Makes samples of foregrounds and backgrounds.

    Foreground and background are rotated, mirrored and blurred independently; the crop is one.

    Args:
        options: How.
    """

    def __init__(self, options: AugmentationOptions | None = None) -> None:
        from gfm.models.lsa import transforms as own

        self.options = options = options or AugmentationOptions()
        library = import_albumentations()
        size, cubic = options.size, cv2.INTER_CUBIC
        finish = [
            library.HorizontalFlip(p=0.5),
            library.Resize(size, size, interpolation=cubic, mask_interpolation=cubic),
            own.Blur(p=options.blur),
        ]
        alone = [own.BlendColour(common=options.colour == "paper")]
        colours = [] if options.colour == "none" else alone
        self._stages: dict[str, Any] = {
            "widen": library.Compose([own.ReflectTo(size), own.RotateAboutCentre()]),
            "turn": library.Compose([own.RotateAboutCentre()]),
            "crop": library.Compose(
                [own.CropAroundForeground((size * 3 // 4, size * 5 // 4))],
                additional_targets={"background": "image"},
            ),
            "finish": library.Compose(
                [
                    *finish,
                    own.BendAlpha(GAMMAS[options.gamma]),
                    *colours,
                    library.InvertImg(p=0.3),
                    library.ChannelShuffle(p=0.3),
                ]
            ),
            "behind": library.Compose(finish),
        }

    def __call__(
        self,
        foreground: NDArray[np.uint8],
        alpha: NDArray[np.uint8],
        background: NDArray[np.uint8],
        rng: np.random.Generator,
    ) -> Sample:
        """Make a sample.

        Args:
            foreground: RGB (H, W, 3).
            alpha: Levels (H, W).
            background: RGB of any size; it is stretched to the foreground's.
            rng: Decides everything.
        """
        front = self._run("widen", rng, image=foreground, mask=alpha)
        behind = resize(background, front["mask"].shape, "cubic", "cubic")
        behind = self._run("turn", rng, image=behind)["image"]
        cut = self._run("crop", rng, **front, background=behind)
        behind = cut.pop("background")
        front = self._run("finish", rng, **cut)
        behind = self._run("behind", rng, image=behind)["image"]
        trimap = random_trimap(front["mask"] / np.float32(255), rng, "lsa")
        return Sample(front["image"], front["mask"], behind, trimap)

    def _run(
        self,
        stage: str,
        rng: np.random.Generator,
        **parts: Any,  # noqa: ANN401 - arrays by the names of albumentations
    ) -> dict[str, Any]:
        # One state for all transforms; `set_random_seed` would give each the same.
        seed = int(rng.integers(2**63))
        compose = self._stages[stage]
        compose.set_random_state(np.random.default_rng(seed), random.Random(seed))
        made: dict[str, Any] = compose(**parts)
        return made
