"""An exported network behind the calls of `gfm.GFM`: ONNX Runtime or OpenVINO computes it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gfm.checkpoints.files import Device
from gfm.export.runtimes import RUNTIMES, Precision, Runtime
from gfm.models.glance_focus.config import GFMConfig, SingleRosta
from gfm.models.glance_focus.network import Matting, RimMatting, check_image
from rssn.imaging.errors import InputError

FIELDS = ("glance", "focus", "alpha")


class ExportedGFM:
    """A network in eval mode that another runtime computes, on the processor.

    Args:
        runtime: What runs the graph.
        config: What the network was assembled from.

    Note:
        A graph has no logits among its outputs. Those of a `Matting` are made from its
        probabilities again, equal to the network's up to what a softmax leaves out.
    """

    training = False
    device = torch.device("cpu")
    dtype = torch.float32

    def __init__(self, runtime: Runtime, config: GFMConfig) -> None:
        self.runtime = runtime
        self.config = config

    def forward(self, image: Tensor) -> Matting | RimMatting:
        """Matte a batch.

        Args:
            image: RGB (B, 3, H, W), float, in [0, 1]; any height and width.

        Returns:
            A `Matting`, or a `RimMatting` of an integrating network, at the size of the image.

        Raises:
            InputError: Another shape, an integer type, or values that are NaN or outside [0, 1].
        """
        maps = self._run(image, output_names(self.config))
        if self.config.rosta != "RIM":
            return self._matting(maps)
        tt, ft, bt = (self._matting(maps, rosta) for rosta in self.config.rostas)
        return RimMatting(tt, ft, bt, maps["alpha"])

    __call__ = forward

    def glance_probabilities(self, image: Tensor) -> Tensor:
        """Class probabilities (B, C, H, W) alone; a focus decoder of its own does not run."""
        return self._single(image, "glance")

    def focus_alpha(self, image: Tensor) -> Tensor:
        """Fractional part (B, 1, H, W) alone; a glance decoder of its own does not run."""
        return self._single(image, "focus")

    def _single(self, image: Tensor, name: str) -> Tensor:
        if self.config.rosta == "RIM":
            raise InputError("a RIM network has three glance heads; call it as a whole")
        return self._run(image, (name,))[name]

    def _run(self, image: Tensor, names: tuple[str, ...]) -> dict[str, Tensor]:
        check_image(image, torch.empty(0))
        given = np.ascontiguousarray(image.detach().float().numpy())
        maps = self.runtime.run(given, names)
        return {name: torch.from_numpy(made) for name, made in zip(names, maps, strict=True)}

    def _matting(self, maps: dict[str, Tensor], rosta: SingleRosta | None = None) -> Matting:
        glance, focus, alpha = (maps[part_name(field, rosta)] for field in FIELDS)
        limits = torch.finfo(glance.dtype)  # so that probabilities of 0 and 1 have logits, too
        if self.config.glance_activation == "sigmoid":
            logits = torch.logit(glance, eps=limits.eps / 2)
        else:
            logits = glance.clamp(min=limits.tiny).log()
        return Matting(glance, focus, alpha, logits)


def load_exported(
    path: str | Path, device: Device = "auto", precision: Precision = "float32"
) -> ExportedGFM:
    """Load what `python -m gfm export` wrote.

    Args:
        path: A `.onnx` file, or a `.xml` file with its `.bin` file beside it.
        device: `auto` or `cpu`. A GPU takes the model that the export was made from.
        precision: `float32`, or `auto` to let OpenVINO compute in bfloat16 where the processor does
            that faster.

    Raises:
        InputError: No such file, not an export of this project, another device, or a package that
            is missing.
    """
    path = Path(path)
    if str(device) not in ("auto", "cpu"):
        raise InputError(
            f"device='{device}': {path.name} runs on the processor; choose 'cpu' or 'auto', or "
            "load the .safetensors file that it was exported from"
        )
    if path.suffix not in RUNTIMES:
        raise InputError(f"{path}: is no exported model; choose {' or '.join(RUNTIMES)}")
    if not path.is_file():
        raise InputError(f"{path}: no such file; make it with `python -m gfm export`")
    runtime = RUNTIMES[path.suffix](path, precision)
    if runtime.config is None:
        raise InputError(
            f"{path}: holds no configuration; make the file with `python -m gfm export`"
        )
    try:
        config = GFMConfig.from_json(runtime.config)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    if missing := sorted(set(output_names(config)) - set(runtime.outputs)):
        raise InputError(
            f"{path}: its graph lacks the output {', '.join(missing)}; make the file again with "
            "`python -m gfm export`"
        )
    return ExportedGFM(runtime, config)


def output_names(config: GFMConfig) -> tuple[str, ...]:
    """The outputs of a network's graph: glance, focus, alpha; of RIM also those of each part."""
    if config.rosta != "RIM":
        return FIELDS
    parts = [part_name(field, rosta) for rosta in config.rostas for field in FIELDS]
    return ("alpha", *parts)


def part_name(field: str, rosta: SingleRosta | None = None) -> str:
    """The name of an output: of the network, or of one representation of RIM (`tt_glance`)."""
    return field if rosta is None else f"{rosta.lower()}_{field}"
