"""Augmentation of training crops by an albumentations pipeline from a file."""

from __future__ import annotations

import os
import random
import warnings
from collections.abc import Iterator, Mapping
from copy import deepcopy
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from rssn.imaging.errors import InputError, one_line

PICTURES = ("foreground", "background", "blend")  # what moves like the image
TRIALS = 8  # seeds of the trial runs


def import_albumentations() -> ModuleType:
    """Albumentations, which asks the network for a newer release otherwise."""
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    import albumentations

    return albumentations  # type: ignore[no-any-return]


class Pipeline:
    """Albumentations pipeline, seeded for each sample.

    Alpha is the `mask` of albumentations, but is interpolated linearly, not by nearest neighbour.

    Args:
        file: As `albumentations.save(pipeline, file, data_format="yaml")` writes it.
        size: Side of the crops, in pixels.

    Raises:
        InputError: The file cannot be read, names an unknown transform or argument, or changes the
            size or the type of a crop.
    """

    def __init__(self, file: Path, size: int) -> None:
        self.file = file
        loaded = _load(file)
        try:
            self.compose = import_albumentations().Compose(
                [loaded],
                additional_targets=dict.fromkeys(PICTURES, "image"),
                mask_interpolation=cv2.INTER_LINEAR,
            )
        except Exception as error:
            raise InputError(
                f"data.augment={file}: cannot be applied to an image and a mask "
                f"({one_line(error)[:200]}); give other transforms"
            ) from None
        self._try(size)

    def __call__(
        self, parts: Mapping[str, NDArray[Any]], rng: np.random.Generator
    ) -> dict[str, NDArray[Any]]:
        """Transform the parts of a crop, all with the same parameters.

        Args:
            parts: `image` and `mask`, and any of `PICTURES`.
            rng: Decides everything.

        Raises:
            InputError: A transform fails, or changes the size or the type.
        """
        return self._apply(self.compose, parts, rng)

    def _apply(
        self,
        compose: Any,  # noqa: ANN401 - albumentations has no types
        parts: Mapping[str, NDArray[Any]],
        rng: np.random.Generator,
    ) -> dict[str, NDArray[Any]]:
        # One state for all transforms. `set_random_seed` gives each its own, all of one seed, and
        # two flips of p = 0.5 would always come together.
        seed = int(rng.integers(2**63))
        compose.set_random_state(np.random.default_rng(seed), random.Random(seed))
        try:
            moved: dict[str, Any] = compose(**parts)
        except Exception as error:  # each transform fails in its own way
            raise InputError(
                f"data.augment={self.file}: fails on a crop ({one_line(error)[:200]}); leave out "
                "the transform, which needs more than an image and a mask, or other arguments"
            ) from None
        for name, part in parts.items():
            made = moved[name]
            if getattr(made, "shape", None) != part.shape or made.dtype != part.dtype:
                raise InputError(
                    f"data.augment={self.file}: makes {_described(made)} of the {name} of "
                    f"{_described(part)}; keep the size, data.crop.size, by a Resize at the end, "
                    "and leave out Normalize, ToFloat and ToTensorV2, since the network normalises"
                )
        return {name: moved[name] for name in parts}

    def _try(self, size: int) -> None:
        """Run each transform, however rare, so that a bad one fails before training."""
        always = deepcopy(self.compose)
        for transform in _transforms(always):
            transform.p = 1.0 if transform.p else 0.0
        rng = np.random.default_rng(0)
        image = rng.integers(0, 256, (size, size, 3), np.uint8)
        ramp = np.repeat(np.linspace(0, 1, size, dtype=np.float32)[None], size, axis=0)
        parts = {"image": image, "mask": ramp} | dict.fromkeys(PICTURES, image)
        for _ in range(TRIALS):
            self._apply(always, parts, rng)


def _load(file: Path) -> Any:  # noqa: ANN401 - albumentations has no types
    try:
        pipeline = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise InputError(
            f"data.augment={file}: cannot be read as YAML ({one_line(error)}); write it with "
            "albumentations.save(pipeline, file, data_format='yaml')"
        ) from None
    if not isinstance(pipeline, dict) or not isinstance(pipeline.get("transform"), dict):
        raise InputError(
            f"data.augment={file}: holds no `transform:`; write it with "
            "albumentations.save(pipeline, file, data_format='yaml')"
        )
    _check(file, pipeline["transform"])
    return import_albumentations().from_dict(pipeline)


def _check(file: Path, transform: object) -> None:
    """Refuse what albumentations cannot build, or builds otherwise than it is written."""
    albumentations = import_albumentations()
    from albumentations.core.serialization import SERIALIZABLE_REGISTRY, shorten_class_name

    if not isinstance(transform, dict) or not isinstance(
        written := transform.get("__class_fullname__"), str
    ):
        raise InputError(
            f"data.augment={file}: {str(transform)[:80]!r} names no transform; write each as "
            "`__class_fullname__: NAME` and its arguments"
        )
    name = shorten_class_name(written)
    if name not in SERIALIZABLE_REGISTRY:
        near = get_close_matches(name, SERIALIZABLE_REGISTRY, n=1)
        remedy = f"did you mean {near[0]}?" if near else "see the transforms of its documentation"
        raise InputError(
            f"data.augment={file}: {name!r} is no transform that albumentations "
            f"{albumentations.__version__} reads from a file; {remedy}"
        )
    parts = transform.get("transforms", ())
    for part in parts if isinstance(parts, list) else ():
        _check(file, part)
    try:
        with warnings.catch_warnings():
            # Unknown and wrong arguments only warn, and the defaults are taken in their place.
            warnings.simplefilter("ignore")
            for said in ("Argument", ".*validation error", ".*has no 'p'"):
                warnings.filterwarnings("error", message=said)
            albumentations.from_dict({"transform": transform})
    except Exception as error:  # each transform checks its arguments in its own way
        said = " ".join(str(error).split())[:200]
        raise InputError(
            f"data.augment={file}: {name}: {said}; see help(albumentations.{name})"
        ) from None


def _transforms(transform: object) -> Iterator[Any]:
    """A transform and all within it."""
    yield transform
    if isinstance(transform, import_albumentations().BaseCompose):
        for part in transform.transforms:
            yield from _transforms(part)


def _described(part: object) -> str:
    shape = "x".join(map(str, getattr(part, "shape", ())))
    return f"{shape} {getattr(part, 'dtype', type(part).__name__)}"
