"""The composition routes: RSSN (paper, pipeline 1) and the others of its comparison."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields, replace
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from rssn.imaging.blending import blend
from rssn.imaging.errors import InputError
from rssn.imaging.images import Alpha, Uint8Image
from rssn.route.backgrounds import cover_crop
from rssn.route.noise import add_noise
from rssn.route.sharpness import blur, scaled_size
from rssn.route.steps.making import apply_steps, make_steps

Denoiser = Literal["fast", "bm3d"]
Record = dict[str, Any]

STEPS = ("denoise", "blur", "noise")
"""Those of the paper. Each has a `_probability` among the options, and in a record its settings, or
None; as those of `rssn.route.steps` have that a route asks for in `more_steps`."""


@dataclass(frozen=True)
class RouteOptions:
    """What is done to a foreground and its backgrounds; the defaults are the paper's.

    Attributes:
        k: Composites made of each foreground, each with another background.
        composition: False keeps the photograph itself (the ORI track): k is 1 then, and no other
            step happens.
        denoise_probability: How often F and B are both denoised.
        denoise_sigma: Noise level to remove, 0..255 scale, or 'auto' to estimate it.
        denoise_backend: 'fast', or 'bm3d', the reference package (non-commercial licence).
        blur_probability: How often the background is blurred.
        blur_sizes: Windows to draw from, in px.
        blur_reference: Shorter side, in px, of the images that `blur_sizes` are meant for: the
            windows scale with the shorter side. None takes them as they are; the paper's fit
            images of about 1080 px.
        noise_probability: How often noise is added to composite, F and B.
        noise_sigma: Its standard deviation, 0..255 scale.
        shorter_side: Larger images are shrunk to this shorter side, in px; None keeps them.
        more_steps: Steps that the paper has not, with their options: of
            `rssn.route.steps.MORE_STEPS`, in whose order they are made, between blurring and
            blending.
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
    more_steps: dict[str, dict[str, Any]] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if isinstance(self.blur_sizes, list):  # as YAML gives it
            object.__setattr__(self, "blur_sizes", tuple(self.blur_sizes))
        for name in (f"{step}_probability" for step in STEPS):
            _demand(self, name, _is_number(self, name) and 0 <= getattr(self, name) <= 1, "0 to 1")
        _demand(self, "k", _is_whole(self.k) and self.k >= 1, "1 or more")
        sigma = self.denoise_sigma
        known = sigma == "auto" or (_is_number(self, "denoise_sigma") and float(sigma) > 0)
        _demand(self, "denoise_sigma", known, "a number above 0, or 'auto'")
        known = self.denoise_backend in ("fast", "bm3d")
        _demand(self, "denoise_backend", known, "'fast' or 'bm3d'")
        sizes = self.blur_sizes if isinstance(self.blur_sizes, tuple) else ()
        windows = bool(sizes) and all(_is_whole(size) and size >= 1 for size in sizes)
        _demand(self, "blur_sizes", windows, "a list of one or more sizes in px")
        noise = _is_number(self, "noise_sigma") and self.noise_sigma >= 0
        _demand(self, "noise_sigma", noise, "0 or more")
        for name in ("blur_reference", "shorter_side"):
            value = getattr(self, name)
            _demand(self, name, value is None or (_is_whole(value) and value >= 8), "8 px or more")
        _demand(self, "k", self.composition or self.k == 1, "1 without composition: none differ")
        made = make_steps(self.more_steps)  # with the options that were left out
        object.__setattr__(self, "more_steps", {name: asdict(step) for name, step in made.items()})

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
            InputError: There is an unknown option or a bad value.
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
        """How often each step of this route happens, by its name in records."""
        more = {name: step["probability"] for name, step in self.more_steps.items()}
        return {**{step: getattr(self, f"{step}_probability") for step in STEPS}, **more}

    def on_crop(self, shorter_side: int, scale: float) -> Self:
        """The same route for a crop that is resized before it is composed.

        Args:
            shorter_side: Of the whole image, in px.
            scale: Size of the crop after resizing, relative to before.

        Returns:
            Options with blur windows of that scale, and, where the crop shrinks, the noise that
            averaging would have left: sigma falls in proportion.
        """
        sizes = (scaled_size(size, shorter_side, self.blur_reference) for size in self.blur_sizes)
        more = {name: step.on_crop(scale) for name, step in make_steps(self.more_steps).items()}
        return replace(
            self,
            blur_sizes=tuple(max(1, round(size * scale)) for size in sizes),
            blur_reference=None,
            noise_sigma=self.noise_sigma * min(scale, 1),
            more_steps={name: asdict(step) for name, step in more.items()},
        )

    def to_yaml(self, path: Path) -> None:
        """Write what differs from the defaults as YAML."""
        import yaml

        default = asdict(type(self)())
        values = {name: v for name, v in self.as_dict().items() if v != _plain(default[name])}
        path.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")

    def as_dict(self) -> dict[str, Any]:
        """All options in the types that JSON and YAML have."""
        return {name: _plain(value) for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Steps:
    """What happens to one sample: the outcome of all its draws.

    Attributes:
        denoise: Denoise F and B.
        blur_size: Window in px, before `blur_reference` scales it, or None.
        noise: Add noise.
        position: Where the background is cropped, (vertical, horizontal) in [0, 1).
    """

    denoise: bool
    blur_size: int | None
    noise: bool
    position: tuple[float, float]


@dataclass(frozen=True)
class Composite:
    """A sample: uint8 images (H, W, 3), alpha float32 (H, W) in [0, 1], and how it was made."""

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
        rng: Where every draw comes from.
        denoise: In place of `rssn.denoise` with the route's backend and sigma.

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
        denoise = denoise or _denoiser(options)
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
    """Make a composite by steps that are drawn, from images that are stored denoised.

    Args:
        foreground: F, uint8 (H, W, 3), denoised if the steps say so.
        alpha: Matte, float32 (H, W) in [0, 1].
        background: A picture of any size, uint8, denoised if the steps say so.
        steps: From `draw_steps` with the same generator.
        options: The route.
        rng: Where the noise comes from.

    Returns:
        The composite, with the F and B that were blended and a record of the steps: one that was
        left out stands as None.

    Note:
        The paper adds noise to the composite only; here F and B get the same field, so that
        blending them gives the composite (clipping and rounding aside), as the losses ask.
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


def _denoiser(options: RouteOptions) -> Callable[[Uint8Image], Uint8Image]:
    from rssn.denoising.denoise import denoise

    # Loaders compose in forked processes, where CUDA does not work, and samples are to be the same
    # on every machine.
    sigma, backend = options.denoise_sigma, options.denoise_backend
    return partial(denoise, sigma=sigma, backend=backend, device="cpu")


def _demand(options: RouteOptions, name: str, is_allowed: bool, allowed: str) -> None:
    if not is_allowed:
        raise InputError(f"{name}={getattr(options, name)!r} is not allowed; give {allowed}")


def _is_number(options: RouteOptions, name: str) -> bool:
    value = getattr(options, name)
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _plain(value: Any) -> Any:  # noqa: ANN401 - any option's value
    return list(value) if isinstance(value, tuple) else value


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
