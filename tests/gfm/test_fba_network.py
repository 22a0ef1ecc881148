"""FBA's network against its golden values."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from guided import check, inputs, probe, weights
from torch import nn

from gfm.blocks.fusion import fuse
from gfm.blocks.layers import Layers, standardised_layers
from gfm.blocks.pyramid_decoder import Decoder, Widths, skip_levels
from gfm.blocks.standardisation import standardise
from gfm.encoders.dilated import dilated_resnet50
from gfm.encoders.resnet import SHAPES, ResNet
from gfm.guidance.trimap import encode_trimap
from gfm.models.fba.config import FBAConfig
from gfm.models.fba.network import FBA
from rssn.imaging.errors import InputError

SMALL = Widths(pooled=4, steps=(8, 6, 4, 4, 4), head=(4,))


@pytest.fixture(scope="module")
def released():
    return {key: torch.from_numpy(value) for key, value in weights("fba").items()}


@pytest.mark.parametrize(("form", "case"), [("2020", "net_64x96"), ("head", "net_head_64x96")])
def test_network_is_the_released_one(released, form, case):
    network = FBA(FBAConfig(standardisation=form)).eval()
    ours = network.state_dict()
    assert [key for key in ours if key not in ("mean", "scale")] == list(released)
    assert sum(each.numel() for each in network.parameters()) == 34_693_031
    network.load_state_dict(released, strict=False)
    given = inputs("fba", case)
    image = torch.from_numpy(given["image"]).permute(2, 0, 1)[None].float() / 255
    masks, maps = (torch.from_numpy(each)[None] for each in encode_trimap(given["trimap"]))
    seen = dict(zip(("stem", "layer1", "layer2", "layer3", "layer4"), range(5), strict=True))
    probes = {}
    network.encoder.register_forward_hook(
        lambda _, entered, levels: probes.update(
            {"encoder_input": entered[0]} | {name: levels[at] for name, at in seen.items()}
        )
    )
    for name in ("conv_up1", "conv_up2", "conv_up3"):
        network.decoder.get_submodule(name).register_forward_hook(
            lambda _, entered, left, name=name: probes.update(
                {name: left} | ({"ppm": entered[0]} if name == "conv_up1" else {})
            )
        )
    with torch.no_grad():
        raw = network.logits(image, masks, maps)
        out = fuse(image, *network.activate(raw))
    check("fba", case, raw=raw, out=torch.cat(out, dim=1))
    check("fba", case, **{f"probe_{name}": probe(values) for name, values in probes.items()})


def test_batch_norm_variant_has_its_parameters():
    with torch.device("meta"):
        network = FBA(FBAConfig(norm="batch"))
    assert sum(each.numel() for each in network.parameters()) == 34_833_191
    assert not any(isinstance(each, nn.GroupNorm) for each in network.modules())


def test_standardised_filters():
    weight = torch.from_numpy(inputs("fba", "standardise_a")["weight"])
    check(
        "fba",
        "standardise_a",
        form_2020=standardise(weight).numpy(),
        form_head=standardise(weight, "head").numpy(),
    )


@pytest.mark.parametrize("form", ["code", "paper"])
def test_fusion(form):
    names = ("image", "alpha", "foreground", "background")
    given = inputs("fba", "fusion_a")
    fused = fuse(*(torch.from_numpy(given[name]) for name in names), form=form)
    got = zip(("alpha", "foreground", "background"), fused, strict=True)
    check("fba", "fusion_a", **{f"{form}_{name}": value.numpy() for name, value in got})


def test_fusion_keeps_certain_pixels_exactly():
    image, front, back = torch.rand(3, 1, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    for value, colours in ((1.0, 1), (0.0, 2)):
        fused = fuse(image, torch.full((1, 1, 40, 40), value), front, back)
        assert (fused[0] == value).all() and torch.equal(fused[colours], image)


@pytest.mark.parametrize("case", ["encoding_48x72", "encoding_no_foreground_24x40"])
def test_distance_maps(case):
    masks, maps = encode_trimap(inputs("fba", case)["trimap"])
    check("fba", case, maps=maps)
    assert masks.any(axis=(1, 2)).tolist() == maps.any(axis=(1, 2))[::3].tolist()


@pytest.mark.parametrize(
    ("strides", "skips"), [((2, 4, 8, 8, 8), (1, 0)), ((2, 4, 8, 16, 32), (3, 2, 1, 0))]
)
def test_decoder_takes_one_level_of_each_stride(strides, skips):
    assert skip_levels(strides) == skips


def test_decoder_fits_any_encoder():
    channels, strides = (3, 5, 7, 9, 11), (2, 4, 8, 16, 32)
    layers = Layers(norm=nn.BatchNorm2d)
    decoder = Decoder(channels, strides, guide=2, outputs=1, widths=SMALL, layers=layers).eval()
    sizes = zip(channels, strides, strict=True)
    levels = [torch.rand(1, width, -(-70 // step), -(-90 // step)) for width, step in sizes]
    assert decoder(levels, torch.rand(1, 2, 70, 90)).shape == (1, 1, 70, 90)
    assert decoder.conv_up1[0].in_channels == 11 + 4 * 4
    assert decoder.conv_up6[0].in_channels == 4 + 2


@pytest.mark.parametrize("size", [(33, 47), (8, 8), (40, 64)])
def test_network_takes_any_size(size):
    torch.manual_seed(0)
    network = FBA().eval()
    with torch.no_grad():
        result = network(
            torch.rand(1, 3, *size), torch.zeros(1, 2, *size), torch.zeros(1, 6, *size)
        )
    assert [each.shape[1:] for each in result] == [(1, *size), (3, *size), (3, *size)]


def test_dilation_keeps_the_receptive_field():
    encoder = dilated_resnet50(4)
    dilations = [block.conv2.dilation[0] for stage in (3, 4) for block in encoder.stage(stage)]
    assert dilations == [1, 2, 2, 2, 2, 2, 2, 4, 4]
    assert encoder.strides == (2, 4, 8, 8, 8)
    assert np.prod([block.conv2.stride[0] for block in encoder.stage(4)]) == 1


def test_encoder_starts_from_a_file(tmp_path):
    """RGB as in the file, which holds a classifier too; the further channels at zero."""
    trained = ResNet(SHAPES["resnet50"], dilated=True, layers=standardised_layers())
    state = {f"module.{key}": value for key, value in trained.state_dict().items()}
    torch.save({"state_dict": state | {"module.fc.bias": torch.zeros(9)}}, tmp_path / "gn.pth")
    encoder = dilated_resnet50(11, weights=tmp_path / "gn.pth")
    assert torch.equal(encoder.conv1.weight[:, :3], trained.conv1.weight)
    assert not encoder.conv1.weight[:, 3:].any()
    assert torch.equal(encoder.layer4[2].conv3.weight, trained.layer4[2].conv3.weight)
    del state["module.bn1.bias"]
    torch.save(state, tmp_path / "part.pth")
    with pytest.raises(InputError, match=r"part\.pth: .* missing bn1\.bias"):
        dilated_resnet50(11, weights=tmp_path / "part.pth")


def test_heads_fit_a_light_encoder():
    network = FBA(FBAConfig(backbone="timm:tf_efficientnet_lite0")).eval()
    assert network.multiple == 32 and len(network.decoder.skips) == 4
    image, guidance = torch.rand(1, 3, 64, 96), torch.zeros(1, 8, 64, 96)
    with torch.no_grad():
        alpha, front, _ = network(image, guidance[:, :2], guidance[:, 2:])
    assert alpha.shape == (1, 1, 64, 96) and front.shape == (1, 3, 64, 96)


def test_configuration_is_checked():
    with pytest.raises(InputError, match=r"norm='layer' .*'group'"):
        FBAConfig(norm="layer")
