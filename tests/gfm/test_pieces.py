"""The pieces of the network, its ablations and its configuration."""

from __future__ import annotations

import pytest
import torch
from tiny import build, random_image, shared
from torch.nn import functional

from gfm.blocks.convolutions import average_pool, conv_bn_relu
from gfm.models.glance_focus.config import GFMConfig
from gfm.models.glance_focus.decoders import GLANCE_CLASSES
from gfm.models.glance_focus.fusion import fuse, fuse_expected
from gfm.models.glance_focus.network import GFM
from rssn.imaging.errors import InputError


@pytest.mark.parametrize("size", [(1, 1), (2, 7), (5, 5), (13, 8), (25, 30)], ids=str)
@pytest.mark.parametrize("grid", [1, 3, 5])
def test_average_pool_is_adaptive_average_pooling(size, grid):
    features = torch.rand(2, 3, *size, dtype=torch.float64)
    wanted = functional.adaptive_avg_pool2d(features, grid)
    torch.testing.assert_close(average_pool(features, grid), wanted)


def test_separable_convolution_is_one_whose_kernel_is_a_product():
    between, over, *_ = separable = conv_bn_relu(3, 5, separable=True)
    plain = conv_bn_relu(3, 5)[0]
    with torch.no_grad():
        plain.weight.copy_(over.weight * between.weight.transpose(0, 1))
        plain.bias.zero_()
    image = random_image(7, 9)
    torch.testing.assert_close(over(between(image)), plain(image))
    assert len(separable) == 4


def test_separable_decoders_have_about_a_ninth_of_the_weights():
    plain, separable = build(), build(separable=True)
    for part in ("glance", "focus"):
        many, few = (
            sum(p.numel() for p in getattr(m, part).parameters()) for m in (plain, separable)
        )
        assert 1 / 9 < few / many < 0.4, part  # heads and the pyramid's 1x1 stay as they are
    assert separable(random_image(40, 64)).alpha.shape == (1, 1, 40, 64)


def test_fusions_of_hand_computed_pixels():
    focus = torch.tensor([0.25, 0.25, 0.25, 0.25]).view(1, 1, 1, 4)
    three = torch.eye(3)[[0, 1, 2, 1]].T.view(1, 3, 1, 4)
    two = torch.eye(2)[[0, 1, 0, 1]].T.view(1, 2, 1, 4)
    for glance, rosta, wanted in (
        (three, "TT", [0, 0.25, 1, 0.25]),
        (two, "FT", [0.25, 1, 0.25, 1]),
        (two, "BT", [0, 0.75, 0, 0.75]),
    ):
        assert fuse(glance, focus, rosta).flatten().tolist() == wanted
        assert fuse_expected(glance, focus, rosta).flatten().tolist() == wanted


def test_expected_fusion_is_the_mean_of_the_fusions_of_each_class():
    focus = torch.rand(1, 1, 4, 4)
    for rosta, classes in GLANCE_CLASSES.items():
        probabilities = torch.randn(1, classes, 4, 4).softmax(dim=1)
        certain = torch.eye(classes).view(classes, classes, 1, 1).expand(-1, -1, 4, 4)
        mean = sum(
            probabilities[:, c : c + 1] * fuse(certain[c : c + 1], focus, rosta)
            for c in range(classes)
        )
        torch.testing.assert_close(fuse_expected(probabilities, focus, rosta), mean)


class TestAblations:
    """Table 4 of the paper: each leaves out what its name says, and nothing else."""

    @staticmethod
    def counts(**options):
        model = build(**options)
        assert model(random_image(40, 64)).alpha.shape == (1, 1, 40, 64)
        return {
            name: sum(p.numel() for p in part.parameters()) for name, part in model.named_children()
        }

    def test_without_bridge(self):
        whole, without = self.counts(), self.counts(bridge=False)
        model = shared()
        width, first = model.focus.bridge[0].out_channels, model.focus.blocks[0][0].out_channels
        bridge = sum(p.numel() for p in model.focus.bridge.parameters())
        assert whole["focus"] - without["focus"] == bridge + 9 * width * first
        assert whole["glance"] == without["glance"]

    def test_pyramid_for_one_block_or_none(self):
        whole, one, none = (self.counts(pyramid=kind) for kind in ("all", "one", "none"))
        glance = shared().glance
        pyramid = sum(p.numel() for p in glance.pyramid.parameters())
        context = glance.pyramid.bottleneck.out_channels
        assert (
            one["glance"] - none["glance"]
            == pyramid + 9 * context * glance.blocks[0][0].out_channels
        )
        joined = [*glance.blocks[1:], glance.heads["TT"]]
        halves = sum(layer[0].weight.numel() // 2 for layer in joined)
        guides = sum(p.numel() for p in glance.guides.parameters())
        assert whole["glance"] - one["glance"] == guides + halves
        assert whole["focus"] == one["focus"] == none["focus"]

    def test_pyramid_is_summed_as_in_the_paper(self):
        model = build(pyramid_join="sum")
        glance, taken = model.glance, []
        for layer in (*glance.blocks, glance.heads["TT"]):
            layer.register_forward_hook(lambda _, given, made: taken.append((given[0], made)))
        with torch.no_grad():
            levels = model.encode(random_image(64, 96))
            glance(levels)
            context = glance.pyramid(levels[-1])
            wanted = [context + levels[-1]]
            for guide, (_, made) in zip(glance.guides, taken, strict=False):
                wanted.append(guide(context) + made)
        assert len(taken) == len(wanted) == 5
        for (given, _), right in zip(taken, wanted, strict=True):
            torch.testing.assert_close(given, right)

    def test_summed_pyramid_needs_fewer_weights(self):
        """At full width; half of the weights of each block's first convolution."""
        with torch.device("meta"):
            plain, summed = (
                GFM(GFMConfig(pyramid_join=join)).glance for join in ("concatenate", "sum")
            )
        halves = sum(p[0].weight.numel() // 2 for p in (*plain.blocks, plain.heads["TT"]))
        plain, summed = (sum(p.numel() for p in each.parameters()) for each in (plain, summed))
        assert plain - summed == halves

    def test_single_decoder_predicts_both(self):
        model = build(single_decoder=True, rosta="RIM")
        assert model.glance is None
        assert [h[-2].out_channels for h in model.focus.heads.values()] == [4, 3, 3]
        model = build(single_decoder=True)
        with torch.no_grad():
            whole = model(random_image(40, 64))
            assert torch.equal(model.focus_alpha(random_image(40, 64)), whole.focus)
        assert whole.glance.shape[1] == 3

    def test_width_scales_to_multiples_of_8(self):
        for width, channels in ((0.25, 24), (0.01, 8), (1.0, 96)):
            model = GFM(GFMConfig(backbone="timm:test_resnet", width=width))
            assert model.focus.bridge[0].out_channels == channels


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rosta": "XX"}, "rosta='XX' .*'TT', 'FT', 'BT' or 'RIM'"),
        ({"pyramid": "two"}, "pyramid='two' .*'all', 'one' or 'none'"),
        ({"pyramid_join": "add"}, "pyramid_join='add' .*'concatenate' or 'sum'"),
        ({"width": 0}, "width=0"),
        ({"mean": (0.5,)}, "mean="),
        ({"std": (1, 0, 1)}, "std=.*positive"),
    ],
    ids=["rosta", "pyramid", "join", "width", "mean", "std"],
)
def test_bad_configurations_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        GFMConfig(**options)


def test_configuration_survives_json():
    config = GFMConfig("timm:lcnet_050", "RIM", 0.5, "one", False, True, "sigmoid", std=(1, 2, 3))
    assert GFMConfig.from_json(config.to_json()) == config
    for text, message in (
        ('{"depth": 3}', "depth"),
        ("{", "cannot be read"),
        ("7", "no set of options"),
    ):
        with pytest.raises(InputError, match=message):
            GFMConfig.from_json(text)
