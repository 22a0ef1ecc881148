"""Description of a background remover in ONNX that others made, and the remover itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import yaml
from numpy.typing import NDArray

from gfm.runtimes.onnx_package import import_onnxruntime
from rssn.imaging.errors import InputError, check_choice, one_line
from rssn.imaging.images import Alpha, Uint8Image
from rssn.imaging.resizing import resize

Values = Literal["alpha", "logits", "stretch"]
Three = tuple[float, float, float]


@dataclass(frozen=True)
class Description:
    """Description for running an ONNX file: photographs become (x - mean) / scale.

    Attributes:
        model: The file.
        size: Height and width of the input in px.
        mean: Of the levels 0 to 255, red, green, blue.
        scale: Likewise.
        output: Name of the output that holds the matte; None takes the first.
        values: What the output holds: `alpha` in [0, 1], `logits` for a sigmoid, or `stretch`:
            values whose least becomes 0 and greatest 1, as U²-Net is used.
        licence: Of the weights.
    """

    model: Path
    size: tuple[int, int]
    mean: Three = (0.0, 0.0, 0.0)
    scale: Three = (255.0, 255.0, 255.0)
    output: str | None = None
    values: Values = "alpha"
    licence: str | None = None


def read_description(path: Path) -> Description:
    """A description from YAML; the model's path counts from where the file lies.

    Raises:
        InputError: It cannot be read, or an entry is missing, unknown or of another kind.
    """
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path}: cannot be read as YAML ({one_line(error)})") from None
    known = [field.name for field in fields(Description)]
    if not isinstance(entries, Mapping) or {"model", "size"} - entries.keys():
        raise InputError(f"{path}: is no description; give at least model: FILE.onnx and size: PX")
    if others := sorted(map(str, entries.keys() - set(known))):
        raise InputError(f"{path}: {others[0]} is no entry; choose from {', '.join(known)}")
    given: dict[str, Any] = dict(entries)
    try:
        given["model"] = path.parent / str(given["model"])
        given["size"] = _size(given["size"])
        for name in ("mean", "scale"):
            if name in given:
                given[name] = _three(name, given[name])
        check_choice("values", given.get("values", "alpha"), get_args(Values))
        if 0 in given.get("scale", ()):
            raise InputError("scale: holds a 0; photographs are divided by it")
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    if not given["model"].is_file():
        raise InputError(f"{path}: model {given['model']} is not there; give its path from here")
    return Description(**given)


class Remover:
    """A background remover in ONNX Runtime.

    Args:
        description: Of the file.

    Raises:
        InputError: A package is missing, or the file does not fit its description.
    """

    def __init__(self, description: Description) -> None:
        self._how = description
        runtime = import_onnxruntime()
        options = runtime.SessionOptions()
        options.log_severity_level = 3  # errors
        try:
            self._session = runtime.InferenceSession(
                str(description.model), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # of a base class of its own
            raise InputError(
                f"{description.model}: cannot be run ({one_line(error)[:200]})"
            ) from None
        self._input = self._check_input(self._session.get_inputs())
        self._output = self._check_output([o.name for o in self._session.get_outputs()])

    def __call__(self, image: Uint8Image) -> Alpha:
        """The matte (H, W) of a photograph, uint8 RGB (H, W, 3)."""
        how = self._how
        small = resize(image, how.size, shrink="linear").astype(np.float32)
        values = (small - np.array(how.mean, np.float32)) / np.array(how.scale, np.float32)
        made = self._session.run([self._output], {self._input: values.transpose(2, 0, 1)[None]})[0]
        alpha = _as_alpha(np.squeeze(np.asarray(made, np.float32)), how, self._output)
        enlarged = resize(alpha, (image.shape[0], image.shape[1]), shrink="linear")
        return np.asarray(enlarged.clip(0, 1), np.float32)

    def _check_input(self, inputs: list[Any]) -> str:
        model, size = self._how.model, self._how.size
        if len(inputs) != 1:
            raise InputError(f"{model}: has {len(inputs)} inputs; a background remover has one")
        name, shape, kind = inputs[0].name, inputs[0].shape, inputs[0].type
        if kind != "tensor(float)":
            raise InputError(f"{model}: takes {kind}; only models that take float32 are run")
        wanted = (1, 3, *size)
        fits = len(shape) == 4 and all(
            not isinstance(there, int) or there == here
            for there, here in zip(shape, wanted, strict=True)
        )
        if not fits:
            raise InputError(
                f"{model}: takes {_shape(shape)}, and its description says {_shape(wanted)}; "
                "correct size"
            )
        return str(name)

    def _check_output(self, outputs: list[str]) -> str:
        wanted = self._how.output
        if wanted is not None and wanted not in outputs:
            raise InputError(
                f"{self._how.model}: has no output {wanted}; choose from {', '.join(outputs)}"
            )
        return wanted or outputs[0]


def _as_alpha(values: NDArray[np.float32], how: Description, output: str) -> Alpha:
    if values.ndim != 2:
        raise InputError(
            f"{how.model}: its output {output} has shape {values.shape}, which is no matte; name "
            "another output"
        )
    if how.values == "logits":
        return np.asarray(1 / (1 + np.exp(-values.astype(np.float64))), np.float32)
    if how.values == "stretch":
        low, high = float(values.min()), float(values.max())
        return (values - low) / max(high - low, 1e-6)
    if not (values.min() >= -0.01 and values.max() <= 1.01):  # a NaN fails both
        raise InputError(
            f"{how.model}: its output {output} holds values from {values.min():g} to "
            f"{values.max():g}, which is no alpha; say values: logits or values: stretch"
        )
    return values


def _size(given: object) -> tuple[int, int]:
    sides = [given, given] if isinstance(given, int) else given
    if not isinstance(sides, list) or len(sides) != 2 or not all(map(_is_side, sides)):
        raise InputError(f"size: {given}; give px, or [height, width]")
    return sides[0], sides[1]


def _is_side(given: object) -> bool:
    return isinstance(given, int) and not isinstance(given, bool) and given > 0


def _three(name: str, given: object) -> Three:
    numbers = [given] * 3 if isinstance(given, int | float) else given
    if not isinstance(numbers, list) or len(numbers) != 3:
        raise InputError(f"{name}: {given}; give one number, or three for red, green and blue")
    if not all(isinstance(each, int | float) for each in numbers):
        raise InputError(f"{name}: {given}; give numbers")
    return numbers[0], numbers[1], numbers[2]


def _shape(shape: object) -> str:
    return "x".join(map(str, shape)) if isinstance(shape, list | tuple) else str(shape)
