"""Random crops of training images, all parts of a sample moved together (paper, section 5.2.2)."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from math import exp
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from gfm.data.augmentation import Pipeline, import_albumentations
from rssn.imaging.blending import blend
from rssn.imaging.crops import Box, place_box
from rssn.imaging.errors import InputError, check_choice, check_shares
from rssn.imaging.images import Pixels
from rssn.stream.arrangement import put_before

FocusRegion = Literal["fusion", "paper", "released"]

ALPHA_BITS = 16  # of a resized matte; as many as a matte on disk has at most


@dataclass(frozen=True)
class CropOptions:
    """Sizes and positions of crops of training images (paper, section 5.2.2).

    Attributes:
        sides: Sides of the square crops, in pixels of the image; one is drawn for each sample. A
            side that the image does not have is cut down to the image.
        size: What a crop is resized to, in pixels; a multiple of 32.
        more_sizes: Further such sizes; batches take turns with them.
        transition: Share of the crops that are centred on a pixel of the transition region.
        flip: Share of the crops that are mirrored.
        jitter: Largest change of contrast, relative, and of brightness, in parts of 255; 0 leaves
            the colours alone, as the paper does.
        gamma: Largest change of the gamma, as a natural logarithm; 0 leaves it alone.
        second: Share of the crops with a crop of another sample behind their object, as one object
            (FBA matting, section 3.6).
        twice: Follow every batch by one of the same images at twice the scale (likewise). An epoch
            has twice the batches.
        kernel: Diameter of the label kernel in pixels of the image; the paper's when None.
        focus_region: Where the focus decoder of FT and BT is trained: `fusion`, wherever the fusion
            reads it, or the bands of the `paper` or the `released` code; see
            `gfm.models.glance_focus.rosta.make_labels`.
    """

    sides: tuple[int, ...] = (640, 960, 1280)
    size: int = 320
    more_sizes: tuple[int, ...] = ()
    transition: float = 0.5
    flip: float = 0.5
    jitter: float = 0.0
    gamma: float = 0.0
    second: float = 0.0
    twice: bool = False
    kernel: int | None = None
    focus_region: FocusRegion = "fusion"

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: A value that is not possible.
        """
        if not self.sides or min(self.sides) < 32:
            raise InputError(f"sides={self.sides}: give at least one, each 32 pixels or more")
        for size in self.sizes:
            if size < 32 or size % 32:
                raise InputError(f"size={size}: give a multiple of 32")
        check_shares(self, "transition", "flip", "second")
        check_choice("focus_region", self.focus_region, get_args(FocusRegion))
        if self.kernel is not None and self.kernel < 1:
            raise InputError(f"kernel={self.kernel}: wanted 1 pixel or more")
        for name in ("jitter", "gamma"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"{name}={getattr(self, name)}: wanted 0 or more and below 1")

    @property
    def sizes(self) -> tuple[int, ...]:
        """Sizes of crops, in the order in which batches have them."""
        return (self.size, *self.more_sizes)

    def closer(self) -> CropOptions:
        """Options for crops at twice the scale: of half the sides, at least 32 px."""
        return replace(self, sides=tuple(max(side // 2, 32) for side in self.sides))


class Planes(NamedTuple):
    """The images of one sample, all (H, W): uint8 RGB, and alpha as float32 in [0, 1].

    Foreground and background are None where only the photograph is known. `unseen` are pixels that
    a trimap has to leave unknown, where there are some.
    """

    image: NDArray[np.uint8]
    alpha: NDArray[np.float32]
    foreground: NDArray[np.uint8] | None
    background: NDArray[np.uint8] | None
    unseen: NDArray[np.bool_] | None = None

    def mirrored(self) -> Planes:
        """All images, left and right exchanged."""
        flipped = (None if x is None else np.ascontiguousarray(x[:, ::-1]) for x in self)
        return Planes(*flipped)  # type: ignore[arg-type]


class Cropper:
    """Places crops and finishes them; each process has a copy, since albumentations keeps state.

    Args:
        options: How crops are taken.
        augment: File of an albumentations pipeline in place of `flip` and `jitter`; see `augment`.

    Raises:
        InputError: The pipeline cannot be used, or `flip` or `jitter` is set beside it.
    """

    def __init__(self, options: CropOptions, augment: Path | None = None) -> None:
        self.options = options
        self.pipeline = None
        if augment is not None:
            usual = {field.name: field.default for field in fields(CropOptions)}
            for name in ("flip", "jitter", "gamma"):
                if (value := getattr(options, name)) != usual[name]:
                    raise InputError(
                        f"data.crop.{name}={value} has no effect beside data.augment={augment}; "
                        "leave it out, or write it into that file"
                    )
            self.pipeline = Pipeline(augment, options.size)
        albumentations = import_albumentations()
        self.move = albumentations.Compose(
            [albumentations.HorizontalFlip(p=options.flip)],
            additional_targets={"foreground": "image", "background": "image"},
        )

    def place(self, levels: Pixels, rng: np.random.Generator) -> Box:
        """Draw where to crop, given the whole matte (H, W), levels as stored."""
        side = int(rng.choice(self.options.sides))
        return place_box(levels, side, bool(rng.random() < self.options.transition), rng)

    def finish(self, planes: Planes, rng: np.random.Generator) -> Planes:
        """Mirror the planes of a crop, all alike, put alpha on its grid, and jitter the colours.

        With a pipeline of the user's own, `augment` them instead.
        """
        if self.pipeline is not None:
            return self.augment(planes, rng)
        self.move.set_random_seed(int(rng.integers(2**31)))
        parts = {name: part for name, part in planes._asdict().items() if part is not None}
        parts["mask"] = parts.pop("alpha")
        moved = self.move(**parts)
        alpha = on_grid(moved["mask"], ALPHA_BITS)
        made = Planes(moved["image"], alpha, moved.get("foreground"), moved.get("background"))
        jitter, gamma = self.options.jitter, self.options.gamma
        if jitter:
            contrast, brightness = rng.uniform(-jitter, jitter, 2)
            made = relight(made, 1 + contrast, 255 * brightness)
        return bend(made, exp(rng.uniform(-gamma, gamma))) if gamma else made

    def augment(self, planes: Planes, rng: np.random.Generator) -> Planes:
        """Run the user's pipeline on the planes of a crop, all alike; without one, change nothing.

        Note:
            Few transforms of a composite give the composite of the transformed F and B: alpha is
            interpolated, levels are clipped, curves bend. So F, B and alpha are transformed and
            blended anew. What the composite differed by (noise, JPEG, an estimated F) is added, as
            far as the transforms leave it: the difference of the transformed composite from the
            transformed blend.
        """
        if self.pipeline is None:
            return planes
        foreground, background = planes.foreground, planes.background
        parts: dict[str, NDArray[Any]]
        parts = {name: part for name, part in planes._asdict().items() if part is not None}
        parts["mask"] = parts.pop("alpha")
        if foreground is None or background is None:
            moved = self.pipeline(parts, rng)
            alpha = on_grid(moved["mask"], ALPHA_BITS)
            return Planes(moved["image"], alpha, moved.get("foreground"), moved.get("background"))
        moved = self.pipeline({**parts, "blend": blend(planes.alpha, foreground, background)}, rng)
        alpha = on_grid(moved["mask"], ALPHA_BITS)
        foreground, background = moved["foreground"], moved["background"]
        rest = moved["image"].astype(np.int16) - moved["blend"]
        image = (blend(alpha, foreground, background) + rest).clip(0, 255).astype(np.uint8)
        return Planes(image, alpha, foreground, background)


def on_grid(alpha: NDArray[np.floating], bits: int = 24) -> NDArray[np.float32]:
    """Round a matte to multiples of 2**-bits in [0, 1].

    For up to 24 bits 1 - (1 - alpha) is alpha in float32. Fewer bits also make 1 again of the
    0.9999999 that resizing leaves where a matte is opaque.
    """
    steps = np.rint(alpha.astype(np.float64) * 2**bits) / 2**bits
    rounded: NDArray[np.float32] = steps.clip(0, 1).astype(np.float32)
    return rounded


def put_behind(front: Planes, behind: Planes) -> Planes:
    """A crop with the object of another behind its own, as one object before its background.

    Args:
        front: The crop, with F and B.
        behind: The other, with F.

    Raises:
        InputError: F or B is not known.
    """
    image, alpha, foreground, background = front[:4]
    if foreground is None or background is None or behind.foreground is None:
        raise InputError(
            "crop.second needs foregrounds and backgrounds; train on shards of composites, built "
            "by rssn.build"
        )
    rest = image.astype(np.int16) - blend(alpha, foreground, background)
    colours, both = put_before((foreground, alpha), (behind.foreground, behind.alpha))
    both = on_grid(both, ALPHA_BITS)
    made = (blend(both, colours, background) + rest).clip(0, 255).astype(np.uint8)
    return Planes(made, both, colours, background)


def bend(planes: Planes, exponent: float) -> Planes:
    """Raise every level, relative to 255, to a power, and keep the composition equation.

    Args:
        planes: Image, matte, and F and B where they are known.
        exponent: Below 1 lightens.

    Note:
        F and B are bent and blended anew. What the image differed by from their blend stays.
    """
    table = np.rint((np.arange(256) / 255) ** exponent * 255).astype(np.uint8)
    image, alpha, foreground, background = planes[:4]
    if foreground is None or background is None:
        return planes._replace(image=table[image])
    rest = image.astype(np.int16) - blend(alpha, foreground, background)
    foreground, background = table[foreground], table[background]
    made = (blend(alpha, foreground, background) + rest).clip(0, 255).astype(np.uint8)
    return Planes(made, alpha, foreground, background)


def relight(planes: Planes, gain: float, offset: float) -> Planes:
    """Change every level to gain * level + offset, clipped, and keep the composition equation.

    Args:
        planes: Image, matte, and F and B where they are known.
        gain: Contrast, 1 for none.
        offset: Brightness, in grey levels.

    Note:
        Clipped by itself the image would not be the blend of a clipped F and B any more. It takes
        the offsets that F and B really got, blended by alpha, and keeps what it differed by (noise,
        JPEG, an estimated F), times gain.
    """
    image, alpha, foreground, background = planes[:4]
    if foreground is None or background is None:
        return planes._replace(image=_move(image, gain, offset))
    moved = [_move(part, gain, offset) for part in (foreground, background)]
    offsets = blend(
        alpha, moved[0] - np.float32(gain) * foreground, moved[1] - np.float32(gain) * background
    )
    return Planes(_move(image, gain, offsets), alpha, moved[0], moved[1])


def _move(
    image: NDArray[np.uint8], gain: float, offset: float | NDArray[np.float32]
) -> NDArray[np.uint8]:
    moved = np.float32(gain) * image + np.asarray(offset, np.float32)
    levels: NDArray[np.uint8] = np.rint(moved).clip(0, 255).astype(np.uint8)
    return levels
