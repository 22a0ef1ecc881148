"""Released GFM checkpoints: their names, and what becomes of them here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from gfm.encoders.weights import read_state_dict
from gfm.models.contract import Conversion
from gfm.models.glance_focus.config import RELEASED_MEAN, RELEASED_STD, GFMConfig, Rosta
from gfm.models.glance_focus.network import GFM
from gfm.models.network import normalisation
from rssn.imaging.errors import InputError, check_choice, some

RELEASED_BACKBONES = ("r34", "r34_2b", "d121", "r101")

# The released name and ours, as patterns; the first match counts.
_RESNET = (
    (r"encoder0\.0\.(.+)", r"encoder.body.conv1.\1"),
    (r"encoder0\.1\.(.+)", r"encoder.body.bn1.\1"),
    (r"encoder1\.1\.(.+)", r"encoder.body.layer1.\1"),
    (r"encoder([234])\.(.+)", r"encoder.body.layer\1.\2"),
)
_STAGED = ((r"encoder(\d)\.(.+)", r"encoder.stages.\1.\2"),)
_COMMON = (
    (r"psp_module\.stages\.(\d)\.1\.(.+)", r"glance.pyramid.projections.\1.\2"),
    (r"psp_module\.bottleneck\.(.+)", r"glance.pyramid.bottleneck.\1"),
    (r"bridge_block\.(.+)", r"focus.bridge.\1"),
    (r"rim\.0\.(.+)", r"rim.expand.\1"),
    (r"rim\.1\.fc\.0\.(.+)", r"rim.squeeze.\1"),
    (r"rim\.1\.fc\.2\.(.+)", r"rim.excite.\1"),
    (r"rim\.2\.(.+)", r"rim.merge.\1"),
)
_BLOCK = re.compile(r"decoder(\d)_([gf])(?:_(tt|ft|bt))?\.(.+)")
_GUIDE = re.compile(r"psp(\d)\.(.+)")
_DECODERS = {"g": "glance", "f": "focus"}


def released_config(backbone: str, rosta: Rosta) -> GFMConfig:
    """The configuration of a released network: sigmoid glance, pixels taken as 0 to 255."""
    check_choice("backbone", backbone, RELEASED_BACKBONES)
    return GFMConfig(
        backbone=backbone,
        rosta=rosta,
        glance_activation="sigmoid",
        mean=RELEASED_MEAN,
        std=RELEASED_STD,
    )


def convert(path: str | Path, backbone: str, rosta: Rosta) -> Conversion:
    """Read a released checkpoint.

    Args:
        path: A `.pth` of the released code, with or without a `module.` prefix on its keys.
        backbone: `r34`, `r34_2b`, `d121` or `r101`.
        rosta: `TT`, `FT`, `BT` or `RIM`.

    Raises:
        InputError: The file cannot be read, or does not fit: the message says which entries are
            missing, left over or of another shape, and which variant would fit.
    """
    config = released_config(backbone, rosta)
    state = read_state_dict(Path(path))  # whose errors name the file
    try:
        return convert_state_dict(state, config)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def convert_state_dict(state: Mapping[str, Tensor], config: GFMConfig) -> Conversion:
    """Build the network of `config` from the entries of a released state dict.

    Raises:
        InputError: The entries do not fit.
    """
    with torch.device("meta"):
        model = GFM(config)
    wanted = model.state_dict()
    names = {key: rename(key, config) for key in state}
    values = {ours: state[key] for key, ours in names.items() if ours in wanted}
    unused = sorted(key for key, ours in names.items() if ours not in wanted)
    missing = sorted(wanted.keys() - values.keys() - normalisation(config).keys())
    shapes = [
        f"{key} {tuple(state[key].shape)} instead of {tuple(wanted[ours].shape)}"
        for key, ours in names.items()
        if ours in wanted and state[key].shape != wanted[ours].shape
    ]
    surprising = [key for key in unused if not _known_unused(key, config)]
    if missing or shapes or surprising:
        raise InputError(
            f"does not fit --backbone {config.backbone} --rosta {config.rosta}: "
            f"missing {some(missing)}; left over {some(surprising)}; of another shape "
            f"{some(shapes)}; {_suggestion(state, config)}"
        )
    values |= normalisation(config)
    model.to_empty(device="cpu").load_state_dict(values)
    return Conversion(model.eval(), tuple(unused))


def rename(key: str, config: GFMConfig) -> str | None:
    """Our name for an entry of a released checkpoint; None for a second copy or a classifier."""
    top = 6 if config.backbone == "r34_2b" else 4
    if match := _BLOCK.fullmatch(key):
        level, decoder, rosta, rest = match.groups()
        if level == "0":
            return f"{_DECODERS[decoder]}.heads.{(rosta or config.rosta).upper()}.{rest}"
        return f"{_DECODERS[decoder]}.blocks.{top - int(level)}.{rest}"
    if match := _GUIDE.fullmatch(key):
        return f"glance.guides.{top - int(match[1])}.{match[2]}"
    encoder = _RESNET if config.backbone in ("r34", "r101") else _STAGED
    for pattern, ours in (*encoder, *_COMMON):
        if match := re.fullmatch(pattern, key):
            return match.expand(ours)
    return None


def fitting_variant(state: Mapping[str, Tensor]) -> tuple[str, tuple[Rosta, ...]] | None:
    """The backbone and the representations whose released checkpoint has these entries."""
    if "psp_module.bottleneck.weight" not in state:
        return None
    if any(key.startswith("densenet.") for key in state):
        backbone = "d121"
    elif any(key.startswith("encoder5.") for key in state):
        backbone = "r34_2b"
    else:
        backbone = "r101" if len(state["psp_module.bottleneck.weight"]) == 2048 else "r34"
    if "rim.0.weight" in state:
        return backbone, ("RIM",)
    last = max((key for key in state if re.fullmatch(r"decoder0_g\.\d\.weight", key)), default="")
    return backbone, ("TT",) if last and len(state[last]) == 3 else ("FT", "BT")


def _known_unused(key: str, config: GFMConfig) -> bool:
    return key.startswith(("resnet.", "densenet.")) or (
        config.backbone == "r34_2b" and key.startswith("psp1.")
    )


def _suggestion(state: Mapping[str, Tensor], config: GFMConfig) -> str:
    fit = fitting_variant(state)
    if fit is None:
        return "this is no released GFM checkpoint"
    backbone, rostas = fit
    if backbone == config.backbone and config.rosta in rostas:
        return "it is of that variant, but changed or damaged; fetch it again"
    return f"--backbone {backbone} --rosta {' or '.join(rostas)} would fit it"
