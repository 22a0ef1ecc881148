"""Methods of a comparison, as the command line names them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gfm.bench.description import Description, read_description
from gfm.checkpoints.packaged import find_packaged
from rssn.imaging.errors import InputError

Kind = Literal["model", "onnx", "rembg", "grabcut", "closed_form", "knn", "folder"]
BUILT_IN: tuple[Kind, ...] = ("grabcut", "closed_form", "knn")
REMBG: Kind = "rembg"
MODEL_FILE = "model.safetensors"  # in a folder that is a model

_SPELLING = re.compile(r"(?:(?P<name>[^=,]+)=)?(?P<target>[^,]+)(?:,refine=(?P<refine>[^,]+))?")


@dataclass(frozen=True)
class Method:
    """One method of a comparison.

    Attributes:
        name: Heads its row.
        kind: What makes the mattes.
        target: Model, description, folder of mattes, or the model of rembg; "" where the kind says
            it all.
        refine: As for `gfm.matte`; of models alone.
        description: Of an ONNX file of others.
    """

    name: str
    kind: Kind
    target: str = ""
    refine: str = "auto"
    description: Description | None = None


def parse_methods(texts: Sequence[str]) -> list[Method]:
    """Methods from `[NAME=]WHAT[,refine=none|MODEL]`.

    `WHAT` is a model of this project (name, file or hub id), a description of an ONNX file
    (`.yaml`), a folder of mattes, `grabcut`, `closed_form`, `knn`, `rembg` or `rembg:MODEL`.

    Raises:
        InputError: Another spelling, two methods of one name, or a description that is none.
    """
    methods = [_parse(text) for text in texts]
    names = [method.name.casefold() for method in methods]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise InputError(
                f"--methods: two are named {methods[index].name}; name them, such as "
                f"other={texts[index]}"
            )
    return methods


def usual_methods(with_trimaps: bool) -> list[Method]:
    """The methods that are compared where none is named."""
    usual = ["lite", "lite alone=lite,refine=none", "grabcut"]
    if with_trimaps:
        usual += ["guided", "closed_form", "knn"]
    return parse_methods(
        [text for text in usual if "lite" not in text or find_packaged("lite") is not None]
    )


def _parse(text: str) -> Method:
    found = _SPELLING.fullmatch(text)
    if found is None:
        raise InputError(
            f"--methods {text}: give [NAME=]WHAT[,refine=none|MODEL], such as lite or "
            "small=model.safetensors,refine=none"
        )
    name, target, refine = found["name"], found["target"], found["refine"]
    kind = _kind(target)
    if refine is not None and kind != "model":
        raise InputError(f"--methods {text}: refine is for models of this project; leave it out")
    label = name or (Path(target).stem if kind in ("onnx", "folder") else target)
    if name is None and kind == "model":
        path = Path(target)
        label = (path.parent.name if path.name == MODEL_FILE else path.stem) or target
        label += f", refine={refine}" if refine else ""
    if not re.fullmatch(r"[^/\\\0]+", label) or label.startswith("."):
        raise InputError(f"--methods {text}: {label!r} is no name of a folder; give NAME={target}")
    if kind == REMBG:
        target = target.partition(":")[2]
    description = read_description(Path(target)) if kind == "onnx" else None
    return Method(label, kind, target, refine or "auto", description)


def _kind(target: str) -> Kind:
    built_in = next((kind for kind in BUILT_IN if kind == target), None)
    if built_in is not None:
        return built_in
    if target == REMBG or target.startswith(f"{REMBG}:"):
        return REMBG
    path = Path(target)
    if path.suffix.lower() in (".yaml", ".yml"):
        return "onnx"
    return "folder" if path.is_dir() and not (path / MODEL_FILE).is_file() else "model"
