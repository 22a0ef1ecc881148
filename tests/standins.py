"""What the user of the pages has: photographs, mattes, clicks, models; all small."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import torch
from clips import write_clip
from numpy.typing import NDArray

from data_tools.scenes import draw_scene
from gfm.checkpoints.files import save_model
from gfm.models.adamatting.config import AdaMattingConfig
from gfm.models.adamatting.network import AdaMatting
from gfm.models.clicks.config import ClicksConfig
from gfm.models.clicks.network import ClickNetwork
from gfm.models.fba.config import FBAConfig
from gfm.models.fba.network import FBA
from gfm.models.glance_focus.config import GFMConfig
from gfm.models.glance_focus.network import GFM
from gfm.models.guided.config import GuidedConfig
from gfm.models.guided.network import Guided
from gfm.models.light_clicks.config import LightClicksConfig
from gfm.models.light_clicks.network import LightClicks
from gfm.models.lsa.config import LSAConfig
from gfm.models.lsa.network import LSA
from rssn.imaging.writing import write_alpha, write_rgb

BACKBONE = "timm:test_resnet"
SIDE, LARGE = 48, 480  # px, of photographs, and of photo.jpg, in which the pages click
SPLITS = (
    *("AM-2k/train", "AM-2k/validation", "am2k/train", "am2k/validation", "test", "photographs"),
    *("data/grabcut/test", "data/composition-100/test"),
)


def write_user(place: Path) -> None:
    """Fill the folder of a user who follows the pages."""
    for number, split in enumerate(SPLITS):
        draw_pairs(place / split, 10 * number)
    for name in ("backgrounds", "bg20k/train", "downloads"):
        (place / name).mkdir(parents=True, exist_ok=True)
        for number in range(6):
            noise = np.random.default_rng(number).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
            write_rgb(place / name / f"b{number}.png", noise)
    shutil.copytree(place / "test/original", place / "photos")
    shutil.copytree(place / "test/mask", place / "masks")
    shutil.copytree(place / "photographs/mask", place / "theirs")
    drawn = draw_scene(np.random.default_rng(5), LARGE, LARGE)
    write_rgb(place / "photo.jpg", drawn.image)
    write_alpha(place / "mask.png", drawn.alpha)
    write_alpha(place / "trimap.png", drawn_trimap(LARGE))
    for folder in ("photographs", "photos"):
        (place / f"{folder}/trimap").mkdir()
        for photograph in (place / folder).glob("**/*.jpg"):
            write_alpha(place / f"{folder}/trimap/{photograph.stem}.png", drawn_trimap(SIDE))
    shutil.move(place / "photos/trimap", place / "trimaps")
    clicks = {"width": LARGE, "height": LARGE, "clicks": [[240, 240, True], [20, 20, False]]}
    (place / "clicks.json").write_text(json.dumps(clicks))
    frame = np.random.default_rng(0).integers(0, 256, (SIDE, 64, 3), np.uint8)
    write_clip(place / "clip.mp4", [frame] * 3, sound="aac")
    write_models(place)
    write_remover(place)


def draw_pairs(folder: Path, first: int, count: int = 3) -> None:
    """Drawn photographs in original/ and their mattes in mask/."""
    for name in ("original", "mask"):
        (folder / name).mkdir(parents=True)
    scenes = ((n, draw_scene(np.random.default_rng(n), SIDE, SIDE)) for n in itertools.count(first))
    solid = ((n, drawn) for n, drawn in scenes if drawn.alpha.max() == 1)  # to be clicked on
    for number, drawn in itertools.islice(solid, count):
        write_rgb(folder / "original" / f"p{number}.jpg", drawn.image)
        write_alpha(folder / "mask" / f"p{number}.png", drawn.alpha)


def drawn_trimap(side: int) -> NDArray[np.float32]:
    """Object on the left, a band of unknown pixels, background on the right; as alpha."""
    return np.repeat([1, 128 / 255, 0], side // 3)[None].repeat(side, 0).astype(np.float32)


def write_models(place: Path) -> None:
    """One model of each system, called as the pages call it."""
    torch.manual_seed(0)
    networks = {
        "model": GFM(GFMConfig(backbone=BACKBONE, width=0.25)),
        "adamatting": AdaMatting(AdaMattingConfig(BACKBONE)),
        "clicks": ClickNetwork(ClicksConfig(backbone=BACKBONE, width=0.125)),
        "fba": FBA(FBAConfig(backbone=BACKBONE)),
        "lsa": LSA(LSAConfig(BACKBONE)),
    }
    for name, network in networks.items():
        save_model(network.eval(), place / f"{name}.safetensors")


def write_packaged(folder: Path) -> None:
    """Small models in place of those in the package."""
    networks = {
        "guided": Guided(GuidedConfig(widths=(8, 8, 8, 8, 4), full=4)),
        "lite": GFM(GFMConfig(backbone=BACKBONE, width=0.25)),
        "clicks-lite": LightClicks(LightClicksConfig(widths=(4, 8, 8, 8, 8), side=64)),
    }
    for name, network in networks.items():
        save_model(network.eval(), folder / f"{name}.safetensors")


def write_remover(place: Path) -> None:
    """An ONNX remover of others, whose matte is the red channel, and its description."""
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    first = helper.make_tensor("first", onnx.TensorProto.INT64, [1], [0])
    graph = helper.make_graph(
        [helper.make_node("Gather", ["image", "first"], ["matte"], axis=1)],
        "remover",
        [helper.make_tensor_value_info("image", kind, [1, 3, 32, 32])],
        [helper.make_tensor_value_info("matte", kind, [1, 1, 32, 32])],
        [first],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), place / "isnet.onnx")
    (place / "isnet.yaml").write_text("model: isnet.onnx\nsize: 32\nmean: 0\nscale: 255\n")
