"""Optional packages, and the extra that installs each."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rssn.imaging.errors import InputError, how_to_install

# By the name of the import; all others are part of every installation.
EXTRAS = {
    **dict.fromkeys(
        "torch torchvision timm pytorch_lightning torchmetrics jsonargparse wandb webdataset "
        "albumentations safetensors huggingface_hub onnx onnxscript".split(),
        "train",
    ),
    **dict.fromkeys("numba pymatting scipy yaml upath fsspec".split(), "compose"),
    **dict.fromkeys("fastapi starlette uvicorn pydantic python_multipart".split(), "web"),
    "av": "video",
    "openvino": "openvino",
    "bm3d": "bm3d",
    "ray": "ray",
    "s3fs": "cloud",
    "gcsfs": "cloud",
    "wandb_workspaces": "report",
}


def is_installed(package: str) -> bool:
    """Return True for a package that is there; it is not loaded."""
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):  # of what stands in its place
        return False


def missing_package(error: ImportError) -> InputError | None:
    """Error that names the extra of a missing package, None for other packages."""
    package = (error.name or "").partition(".")[0]
    if package not in EXTRAS:
        return None
    return InputError(f"the package {package} is missing; {how_to_install(EXTRAS[package])}")


@contextmanager
def named_extras() -> Iterator[None]:
    """Convert the error of a missing package into an `InputError` that names the extra."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (told := missing_package(error)) is None:
            raise
        raise told from None


def require(package: str) -> Any:  # noqa: ANN401
    """Import an optional package; an `InputError` with the command that installs it if missing."""
    try:
        return importlib.import_module(package)
    except ImportError:
        raise InputError(
            f"the package {package} is missing; {how_to_install(EXTRAS.get(package, ''))}"
        ) from None
