"""Composition routes: RSSN (paper, pipeline 1) and the others of its comparison."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields, replace
from functools import partial
from math import inf, isfinite
from pathlib import Path
from typing import Any, Literal, Self, get_args

import numpy as np

from rssn.imaging.blending import blend
from rssn.imaging.errors import InputError, check_choice
from rssn.imaging.images import Alpha, Uint8Image
from rssn.route.backgrounds import cover_crop
from rssn.route.noise import add_noise
from rssn.route.sharpness import blur, scaled_size
from rssn.route.steps import apply_steps, complete_options

Denoiser = Literal["fast", "bm3d"]
Record = dict[str, Any]

# Those of the paper. Each has a `_probability` among the options, and its settings, or None, in a
# record; the same holds for the `more_steps` of a route.
STEPS = ("denoise", "blur", "noise")


@dataclass(frozen=True)
class RouteOptions:
    """Treatment of a foreground and its backgrounds; the defaults are the paper's.

    Attributes:
        k: Composites of each foreground, each with another background.
        composition: False keeps the photograph itself (the ORI track): k is 1 then, and no other
            step happens.
        denoise_probability: Of denoising both F and B.
        denoise_sigma: Noise level to remove, 0..255 scale, or 'auto' to estimate it.
        denoise_backend: 'fast', or 'bm3d', the reference package (non-commercial licence).
        blur_probability: Of blurring the background.
        blur_sizes: Windows to draw from, in px.
        blur_reference: Shorter side, in px, of the images that `blur_sizes` are meant for: the
            windows scale with the shorter side. None does not scale them; the paper's fit images
            of about 1080 px.
        noise_probability: Of adding noise to composite, F and B.
        noise_sigma: Its standard deviation, 0..255 scale.
        shorter_side: Larger images are shrunk to this shorter side, in px; None keeps them.
        more_steps: Options, by name, of further steps in `rssn.route.steps.MORE_STEPS`, applied in
            its order between blurring and blending.
    """

    k: int = 5
    composition: bool = True
    denoise_probability: float = 0.5
    denoise_sigma: float | Literal["auto"] = 10
    denoise_backend: Denoiser = "fast"
    blur_probability: float = 0.5
    blur_sizes: tuple[int, ...] = (20, 30, 40, 50, 60)
    blur_reference: int | None = None
    noise_probability: float = 0.5
    noise_sigma: float = 10
    shorter_side: int | None = 1080
    more_steps: dict[str, dict[str, float]] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if isinstance(self.blur_sizes, list):  # as YAML gives it
            object.__setattr__(self, "blur_sizes", tuple(self.blur_sizes))
        object.__setattr__(self, "more_steps", complete_options(self.more_steps))

        for step in STEPS:
            self._check(f"{step}_probability", "0 to 1", 0, 1)
        self._check("k", "1 or more", 1, whole=True)
        if not self.composition:
            self._check("k", "1 without composition: all would be the same", 1, 1)
        if self.denoise_sigma != "auto":
            self._check("denoise_sigma", "a number above 0, or 'auto'", np.nextafter(0.0, 1.0))
        self._check("noise_sigma", "0 or more", 0)
        for name in ("blur_reference", "shorter_side"):
            if getattr(self, name) is not None:
                self._check(name, "8 px or more", 8, whole=True)
        check_choice("denoise_backend", self.denoise_backend, get_args(Denoiser))
        sizes = self.blur_sizes if isinstance(self.blur_sizes, tuple) else ()
        if not sizes or not all(_is_number(size, whole=True) and size >= 1 for size in sizes):
            raise InputError(
                f"blur_sizes={self.blur_sizes!r} is not allowed; give a list of one or more sizes "
                "in px"
            )

    def _check(
        self, name: str, allowed: str, least: float, most: float = inf, whole: bool = False
    ) -> None:
        value = getattr(self, name)
        if not (_is_number(value, whole) and least <= value <= most):
            raise InputError(f"{name}={value!r} is not allowed; give {allowed}")

    @classmethod
    def from_yaml(cls, path: Path) -> Self:
        """Read options from a YAML file that holds what differs from the defaults.

        Raises:
            InputError: The file cannot be read or holds an unknown option or a bad value.
        """
        import yaml

        try:
            values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        except FileNotFoundError:
            raise InputError(f"{path}: no such file") from None
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise InputError(f"{path}: cannot be read as YAML ({error})") from error
        return cls.from_dict(values, str(path))

    @classmethod
    def from_dict(cls, values: object, name: str = "route") -> Self:
        """Options from the types that JSON and YAML have; `name` stands in the error.

        Raises:
            InputError: An unknown option or a bad value.
        """
        allowed = [option.name for option in fields(cls)]
        unknown = (
            sorted(set(values) - set(allowed), key=str) if isinstance(values, dict) else [values]
        )
        if unknown or not isinstance(values, dict):
            raise InputError(f"{name}: unknown options {unknown}; choose from {allowed}")
        return cls(**values)

    @property
    def probabilities(self) -> dict[str, float]:
        """Probability of each step of this route, by its name in records."""
        more = {name: options["probability"] for name, options in self.more_steps.items()}
        return {**{step: getattr(self, f"{step}_probability") for step in STEPS}, **more}

    def on_crop(self, shorter_side: int, scale: float) -> Self:
        """The same route for a crop that is resized before it is composed.

        Args:
            shorter_side: Of the whole image, in px.
            scale: Size of the crop after resizing, relative to before.

        Returns:
            Options with blur windows of that scale and, if the crop shrinks, the noise that
            averaging would leave: sigma falls in proportion.
        """
        sizes = (scaled_size(size, shorter_side, self.blur_reference) for size in self.blur_sizes)
        return replace(
            self,
            blur_sizes=tuple(max(1, round(size * scale)) for size in sizes),
            blur_reference=None,
            noise_sigma=self.noise_sigma * min(scale, 1),
        )

    def as_dict(self) -> dict[str, Any]:
        """All options in the types that JSON and YAML have."""
        return {**asdict(self), "blur_sizes": list(self.blur_sizes)}


@dataclass(frozen=True)
class Steps:
    """Outcome of all draws of one sample.

    Attributes:
        denoise: Denoise F and B.
        blur_size: Window in px, before `blur_reference` scales it, or None.
        noise: Add noise.
        position: Place of the background's crop, (vertical, horizontal) in [0, 1).
    """

    denoise: bool
    blur_size: int | None
    noise: bool
    position: tuple[float, float]


@dataclass(frozen=True)
class Composite:
    """A sample: uint8 images (H, W, 3), alpha float32 (H, W) in [0, 1], and its record."""

    composite: Uint8Image
    alpha: Alpha
    foreground: Uint8Image
    background: Uint8Image
    record: Record = field(default_factory=dict)


def draw_steps(options: RouteOptions, rng: np.random.Generator) -> Steps:
    """Draw a sample's steps; always six numbers, so that one probability leaves the others be."""
    denoise, blurred, size, noise, vertical, horizontal = rng.random(6)
    chosen = options.blur_sizes[int(size * len(options.blur_sizes))]
    return Steps(
        denoise=bool(denoise < options.denoise_probability),
        blur_size=chosen if blurred < options.blur_probability else None,
        noise=bool(noise < options.noise_probability),
        position=(float(vertical), float(horizontal)),
    )


def compose(
    foreground: Uint8Image,
    alpha: Alpha,
    background: Uint8Image,
    options: RouteOptions,
    rng: np.random.Generator,
    denoise: Callable[[Uint8Image], Uint8Image] | None = None,
) -> Composite:
    """Make one composite (paper, pipeline 1, lines 11 to 23).

    Args:
        foreground: F, uint8 (H, W, 3).
        alpha: Matte, float32 (H, W) in [0, 1].
        background: A picture of any size, uint8; cropped to cover F without stretching.
        options: The route.
        rng: Source of all draws.
        denoise: Replaces `rssn.denoise` with the route's backend and sigma.

    Returns:
        The composite, with the F and B that were blended and a record of the steps.

    Example:
        >>> white, alpha = np.full((8, 8, 3), 255, np.uint8), np.zeros((8, 8), np.float32)
        >>> made = compose(white, alpha, 0 * white, ROUTES["coco"], np.random.default_rng(0))
        >>> made.composite.max()  # nothing of a clear foreground is seen
        np.uint8(0)
    """
    steps = draw_steps(options, rng)
    if steps.denoise:
        if denoise is None:
            from rssn.denoising import denoise as denoising

            # On the CPU: loaders compose in forked processes, where CUDA does not work, and samples
            # have to be the same on every machine.
            sigma, backend = options.denoise_sigma, options.denoise_backend
            denoise = partial(denoising.denoise, sigma=sigma, backend=backend, device="cpu")
        foreground, background = denoise(foreground), denoise(background)
    return render(foreground, alpha, background, steps, options, rng)


def render(
    foreground: Uint8Image,
    alpha: Alpha,
    background: Uint8Image,
    steps: Steps,
    options: RouteOptions,
    rng: np.random.Generator,
) -> Composite:
    """Make a composite by drawn steps, from images that are denoised already if the steps say so.

    `steps` are from `draw_steps` with the same generator, which is the source of the noise now; the
    other arguments are those of `compose`, and so is the result. In its record None stands for a
    step that was left out.

    Note:
        The paper adds noise to the composite only; here F and B get the same field, so that
        blending them gives the composite (clipping and rounding aside), as the losses require.
    """
    height, width = alpha.shape
    record: Record = {**dict.fromkeys(options.probabilities), "crop": list(steps.position)}
    if steps.denoise:
        record["denoise"] = {"sigma": options.denoise_sigma, "backend": options.denoise_backend}
    background = cover_crop(background, height, width, steps.position)
    if steps.blur_size is not None:
        size = scaled_size(steps.blur_size, min(height, width), options.blur_reference)
        background = blur(background, size)
        record["blur"] = {"size": size}
    foreground, background, done = apply_steps(
        foreground, alpha, background, options.more_steps, rng
    )
    record |= done
    images = [blend(alpha, foreground, background), foreground, background]
    if steps.noise:
        images = add_noise(images, options.noise_sigma, rng)
        record["noise"] = {"sigma": options.noise_sigma}
    composite, foreground, background = images
    return Composite(composite, alpha, foreground, background, record)


def _is_number(value: object, whole: bool) -> bool:
    kinds = int if whole else int | float
    return isinstance(value, kinds) and not isinstance(value, bool) and isfinite(value)


_PLAIN = RouteOptions(denoise_probability=0, blur_probability=0, noise_probability=0)
ROUTES = {
    "rssn": RouteOptions(),
    "bg20k": _PLAIN,
    "coco": _PLAIN,  # as bg20k; the backgrounds are the user's COCO folder
    "denoise": replace(_PLAIN, denoise_probability=0.5),
    "blur": replace(_PLAIN, blur_probability=0.5),
    "noise": replace(_PLAIN, noise_probability=0.5),
    "original": replace(_PLAIN, k=1, composition=False),
}
