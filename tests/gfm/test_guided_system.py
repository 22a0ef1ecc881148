"""The light guided system behind the contract, and the refinement of automatic mattes."""

from __future__ import annotations

import numpy as np
import pytest
from test_guided_network import TINY, network, scene

import gfm
from gfm.__main__ import main
from gfm.checkpoints.files import load_network, save_model
from gfm.inference.refine import refine, refiner
from gfm.models.contract import Licence, Prediction
from gfm.models.guided.config import GuidedConfig
from gfm.models.guided.planning import LARGEST, SMALLEST, tile_side
from gfm.models.guided.predict import OUTPUTS
from gfm.models.network import bytes_per_pixel
from gfm.models.options import MatteOptions
from gfm.models.registry import get_system
from rssn.imaging.errors import InputError


def test_model_file_keeps_weights_configuration_and_licences(tmp_path):
    model = network()
    model.licences = [Licence("drawn", "MIT", 1.0)]
    save_model(model, tmp_path / "model.safetensors")
    loaded = load_network(tmp_path / "model.safetensors", "cpu")
    assert loaded.system == "guided"
    assert loaded.config == TINY
    assert loaded.licences == model.licences
    image, trimap = scene()
    made = [gfm.matte(image, each, trimap=trimap).alpha for each in (model, loaded)]
    np.testing.assert_array_equal(*made)


def test_matte_with_a_trimap():
    image, trimap = scene()
    made = gfm.matte(image, network(), trimap=trimap)
    np.testing.assert_array_equal(made.alpha[trimap != 128], trimap[trimap != 128] / 255)
    assert np.unique(made.trimap).tolist() == [0, 1, 2]
    assert made.foreground.dtype == np.uint8


def test_matte_with_a_mask():
    image, trimap = scene(96, 160)
    made = gfm.matte(image, network(), mask=trimap >= 128)
    assert made.alpha[50, 5] == 1
    assert made.alpha[50, 150] == 0


def test_photograph_alone_is_refused():
    image, _ = scene()
    with pytest.raises(InputError, match="mask or trimap"):
        gfm.matte(image, network())


def test_options_of_gfm_are_refused():
    image, trimap = scene()
    with pytest.raises(InputError, match="no effect"):
        gfm.matte(image, network(), trimap=trimap, d1=2)


def test_views_are_averaged():
    image, trimap = scene()
    plain, flipped, full = (
        gfm.matte(image, network(), trimap=trimap, augmentation=how).alpha
        for how in ("none", "flip", "full")
    )
    mirrored = gfm.matte(image[:, ::-1].copy(), network(), trimap=trimap[:, ::-1].copy()).alpha
    turned = gfm.matte(np.rot90(image).copy(), network(), trimap=np.rot90(trimap).copy()).alpha
    both = plain + mirrored[:, ::-1]
    np.testing.assert_allclose(flipped, both / 2, atol=1e-5)
    np.testing.assert_allclose(full, (both + np.rot90(turned, -1)) / 3, atol=1e-5)
    with pytest.raises(InputError, match="choose 'none', 'flip' or 'full'"):
        gfm.matte(image, network(), trimap=trimap, augmentation="glance")


def test_limit_of_memory_decides_the_tiles():
    model = network()
    assert tile_side(model, 1000, 1500, None) is None
    assert tile_side(model, 6000, 8000, None) == LARGEST
    tight = 10**12
    assert tile_side(model, 1000, 1500, tight) is None
    with pytest.raises(InputError, match="give at least"):
        tile_side(model, 1000, 1500, 10**6)


def test_tiles_shrink_with_the_limit():
    model = network()
    with pytest.raises(InputError) as caught:
        tile_side(model, 3000, 4000, 1)
    least = float(str(caught.value).rpartition(" ")[2].removesuffix("GB"))
    limit = int((least + 0.1) * 1e9)
    side = tile_side(model, 3000, 4000, limit)
    assert side is not None
    assert SMALLEST <= side < LARGEST
    assert side % 32 == 0


def test_bytes_of_a_pass_grow_with_the_widths():
    wide = GuidedConfig(widths=(8, 8, 8, 8, 64), full=4)
    counted = [bytes_per_pixel("guided", config, OUTPUTS) for config in (wide, TINY)]
    assert counted[0] > counted[1] > 40


def test_configuration_of_other_widths_is_refused():
    with pytest.raises(InputError, match="five widths"):
        GuidedConfig(widths=(1, 2))
    with pytest.raises(InputError, match="choose from"):
        GuidedConfig(backbone="r34")


def test_refinement_changes_soft_pixels_alone():
    image, trimap = scene(128, 192)
    alpha = (trimap == 255).astype(np.float32)
    alpha[trimap == 128] = 0.5
    made = refine(image, Prediction(alpha), network(), MatteOptions())
    assert made.alpha[5, 5] == 1
    assert made.alpha[5, -5] == 0
    assert not np.allclose(made.alpha[trimap == 128], 0.5)
    assert made.foreground is not None


def test_matte_without_an_edge_stays(caplog):
    image, _ = scene()
    automatic = Prediction(np.zeros(image.shape[:2], np.float32))
    assert refine(image, automatic, network(), MatteOptions()) is automatic
    assert "nothing to refine" in caplog.text


def test_model_without_trimaps_refines_nothing():
    with pytest.raises(InputError, match="takes no trimap"):
        refiner(get_system("glance_focus"), [network()], MatteOptions(refine="lite"))


def test_system_begins_with_the_weights_of_an_encoder(tmp_path):
    import torch

    source = network()
    torch.save(source.encoder.state_dict(), tmp_path / "encoder.pth")
    made = get_system("guided").build(TINY, tmp_path / "encoder.pth")
    key = "blocks.1.0.conv_pw.weight"
    torch.testing.assert_close(made.encoder.state_dict()[key], source.encoder.state_dict()[key])


@pytest.mark.integration
def test_exported_network_mattes_alike(tmp_path):
    model = network()
    save_model(model, tmp_path / "guided.safetensors")
    words = ["export", "--model", str(tmp_path / "guided.safetensors"), "--format", "onnx"]
    assert main([*words, "--out", str(tmp_path / "guided.onnx"), "--quiet"]) == 0
    exported = gfm.load_model(tmp_path / "guided.onnx")
    image, trimap = scene(70, 90)
    made, wanted = (gfm.matte(image, each, trimap=trimap) for each in (exported, model))
    np.testing.assert_allclose(made.alpha, wanted.alpha, atol=1e-4)
    assert np.abs(made.foreground.astype(int) - wanted.foreground).max() <= 1
