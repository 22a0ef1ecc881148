"""Execution providers of ONNX Runtime: what computes a graph, by the names that users give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rssn.imaging.errors import InputError

SUFFIX = "ExecutionProvider"
CPU = f"CPU{SUFFIX}"
# The first of these that is there is taken for `auto`. Others are taken by their name alone: they
# were not tried.
AUTO = (f"CUDA{SUFFIX}", f"OpenVINO{SUFFIX}", CPU)


@dataclass(frozen=True)
class Provider:
    """An execution provider.

    Attributes:
        name: As ONNX Runtime has it.
        index: Of the device among those of its kind; None leaves it to the provider.
        may_fall_back: The processor takes over where it fails, since nobody asked for it.
    """

    name: str
    index: int | None = None
    may_fall_back: bool = False

    @property
    def device(self) -> str:
        """Device as a user names it: `cpu`, `cuda:0`."""
        short = short_name(self.name)
        return short if self.index is None else f"{short}:{self.index}"

    @property
    def options(self) -> dict[str, str]:
        """Options of the provider."""
        return {} if self.index is None else {"device_id": str(self.index)}


def short_name(provider: str) -> str:
    """The name that users give: `cuda` for `CUDAExecutionProvider`."""
    return provider.removesuffix(SUFFIX).lower()


def choose_provider(device: str, available: Sequence[str]) -> Provider:
    """The provider for a device.

    Args:
        device: `auto`, or a provider's name with or without its ending, in any case: `cpu`, `cuda`,
            `cuda:1`, `openvino`.
        available: Of `onnxruntime.get_available_providers()`.

    Raises:
        InputError: It is not there.
    """
    if device == "auto":
        name = next((each for each in AUTO if each in available), CPU)
        return Provider(name, may_fall_back=name != CPU)
    asked, colon, index = device.partition(":")
    for name in available:
        if short_name(name) == short_name(asked).removesuffix(SUFFIX.lower()):
            if colon and not index.isdecimal():
                break
            return Provider(name, int(index) if colon else None)
    there = ", ".join(dict.fromkeys(short_name(name) for name in available))
    raise InputError(
        f"device={device!r}: this ONNX Runtime has {there}; choose one of these or 'auto', or "
        "install the onnxruntime package of that device in place of onnxruntime (onnxruntime-gpu "
        "for cuda, onnxruntime-openvino for openvino)"
    )
