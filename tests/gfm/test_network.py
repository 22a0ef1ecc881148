"""One contract for every network: encoders times representations, export, memory, bad images."""

from __future__ import annotations

import math
from itertools import product

import pytest
import torch
from golden import RELEASED, released_entries
from tiny import ROSTAS, build, parts_of, random_image, shared
from torch import nn
from torch.nn import functional
from torch.profiler import ProfilerActivity, profile

from gfm.models.glance_focus.config import GFMConfig
from gfm.models.glance_focus.decoders import GLANCE_CLASSES
from gfm.models.glance_focus.fusion import fuse, fuse_expected
from gfm.models.glance_focus.network import GFM
from gfm.models.glance_focus.released import released_config, rename
from rssn.imaging.errors import InputError

ENCODERS = ("timm:test_resnet", "timm:lcnet_050", "timm:test_convnext")
SIZES = ((1, 1), (31, 33), (200, 30), (64, 96))
PAPER = ("r34", "r34_2b", "d121")  # r101, of 495 M parameters, is counted only
# Millions of parameters of the released TT, with its classifier and the layers that never run.
PARAMETERS = {"r34": 55.29, "r34_2b": 125.88, "d121": 46.96, "r101": 497.26}

every_encoder = pytest.mark.parametrize("backbone", ENCODERS)


@pytest.mark.parametrize("rosta", ROSTAS)
class TestContract:
    @pytest.fixture
    def model(self, backbone, rosta):
        # The paper's are of one test only, and too large to be kept.
        model = build(backbone, rosta) if backbone in PAPER else shared(backbone, rosta)
        yield model
        model.eval().zero_grad()

    @pytest.mark.parametrize(
        ("backbone", "size"),
        [
            *product(ENCODERS[:1], SIZES),
            *((backbone, (31, 33)) for backbone in ENCODERS[1:]),
            *((backbone, (64, 64)) for backbone in PAPER),
        ],
        ids=str,
    )
    def test_any_size_gives_probabilities(self, model, rosta, size):
        with torch.no_grad():
            output = model(random_image(*size, batch=2))
        parts = parts_of(output)
        for name, part in parts.items():
            assert torch.equal(part.alpha, fuse(part.glance_logits, part.focus, name or rosta))
            classes = GLANCE_CLASSES[name or rosta]
            assert part.glance.shape == part.glance_logits.shape == (2, classes, *size)
            assert part.focus.shape == part.alpha.shape == (2, 1, *size)
            torch.testing.assert_close(part.glance.sum(dim=1), torch.ones(2, *size))
            assert 0 <= part.focus.min() and part.focus.max() <= 1
        assert output.alpha.shape == (2, 1, *size)
        assert 0 <= output.alpha.min() and output.alpha.max() <= 1

    @every_encoder
    def test_padding_repeats_the_border_and_is_cut_off(self, model):
        image = random_image(31, 33)
        padded = functional.pad(image, (0, 31, 0, 1), mode="replicate")
        with torch.no_grad():
            small, large = parts_of(model(image)), parts_of(model(padded))
        for name in small:
            for ours, wanted in zip(small[name], large[name], strict=True):
                torch.testing.assert_close(ours, wanted[..., :31, :33])

    @every_encoder
    def test_fusion_is_hard_in_eval_mode_and_expected_in_training(self, model, rosta):
        image = random_image(64, 64, batch=2)
        with torch.no_grad():
            decided = parts_of(model(image))
            learnt = parts_of(model.train()(image))
        for name in decided:
            kind = name or rosta
            part = decided[name]
            assert len(part.glance.argmax(dim=1).unique()) > 1
            assert torch.equal(part.alpha, fuse(part.glance_logits, part.focus, kind))
            part = learnt[name]
            wanted = fuse_expected(part.glance_logits.softmax(dim=1), part.focus, kind)
            assert torch.equal(part.alpha, wanted)

    @every_encoder
    def test_fused_alpha_trains_both_decoders_and_the_encoder(self, model):
        model.train()(random_image(64, 64, batch=2)).alpha.mean().backward()
        first = next(model.encoder.parameters())
        heads = [head[-2] for part in (model.glance, model.focus) for head in part.heads.values()]
        blocks = [part.blocks[0][0] for part in (model.glance, model.focus)]
        for weight in (first, *(layer.weight for layer in [*heads, *blocks])):
            assert torch.isfinite(weight.grad).all() and weight.grad.abs().max() > 0
        model.eval().zero_grad()
        model(random_image(64, 64)).alpha.mean().backward()
        assert all(parameter.grad is None for parameter in model.glance.parameters())

    @every_encoder
    def test_one_decoder_alone_says_the_same(self, model, rosta):
        image = random_image(64, 96)
        if rosta == "RIM":
            for method in (model.glance_probabilities, model.focus_alpha):
                with pytest.raises(InputError, match="three glance heads"):
                    method(image)
            return
        with torch.no_grad():
            whole = model(image)
            assert torch.equal(model.glance_probabilities(image), whole.glance)
            assert torch.equal(model.focus_alpha(image), whole.focus)

    @every_encoder
    def test_bf16_autocast_is_near_float32(self, model):
        image = random_image(64, 64, batch=2)
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            half = parts_of(model(image))
        with torch.no_grad():
            full = parts_of(model(image))
        for name in full:
            for field in ("glance", "focus"):
                ours, wanted = getattr(half[name], field).float(), getattr(full[name], field)
                assert (ours - wanted).abs().mean() < 0.2  # untrained, it amplifies rounding
        with torch.autocast("cpu", torch.bfloat16):
            model.train()(image).alpha.float().mean().backward()
        assert torch.isfinite(next(model.encoder.parameters()).grad).all()

    @every_encoder
    def test_channels_last_changes_nothing(self, model):
        image = random_image(64, 96, batch=2)
        with torch.no_grad():
            wanted = parts_of(model(image))
            model.to(memory_format=torch.channels_last)
            ours = parts_of(model(image.to(memory_format=torch.channels_last)))
            model.to(memory_format=torch.contiguous_format)
        for name in wanted:
            torch.testing.assert_close(ours[name].glance, wanted[name].glance, atol=1e-5, rtol=0)
            torch.testing.assert_close(ours[name].focus, wanted[name].focus, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("backbone", "rosta"), RELEASED)
def test_paper_networks_have_the_released_entries_and_parameters(backbone, rosta):
    """By name, shape and count; nothing is allocated, for r101 takes 2 GB."""
    shapes, aliases = released_entries(backbone, rosta)
    config = released_config(backbone, rosta)
    with torch.device("meta"):
        model = GFM(config)
    ours = {key: value.shape for key, value in model.state_dict().items()}
    found = {rename(key, config): shape for key, shape in shapes.items()}
    assert {key: found.get(key) for key in ours} == ours | {"mean": None, "scale": None}
    parameters = {key for key, _ in model.named_parameters()}
    used = sum(math.prod(s) for key, s in shapes.items() if rename(key, config) in parameters)
    assert sum(p.numel() for p in model.parameters()) == used
    if rosta == "TT":
        buffers = ("running_mean", "running_var", "num_batches_tracked")
        every = [s for k, s in shapes.items() if k not in aliases and not k.endswith(buffers)]
        assert round(sum(map(math.prod, every)) / 1e6, 2) == PARAMETERS[backbone]


class TestExport:
    @staticmethod
    def check(model, *sizes):
        """Export at 64x96 with free batch, height and width; compare at other sizes."""
        free = torch.export.Dim.DYNAMIC
        program = torch.export.export(
            model, (random_image(64, 96, batch=2),), dynamic_shapes=({0: free, 2: free, 3: free},)
        )
        exported = program.module()
        for size in sizes:
            image = random_image(*size, seed=1)
            with torch.no_grad():
                ours, wanted = exported(image), model(image)
            flat = torch.utils._pytree.tree_leaves
            for found, right in zip(flat(ours), flat(wanted), strict=True):
                torch.testing.assert_close(found, right, atol=1e-5, rtol=1e-4)

    # RIM holds the fusions of FT and BT too.
    @pytest.mark.parametrize(
        "rosta",
        [pytest.param(r, marks=pytest.mark.integration if r != "RIM" else ()) for r in ROSTAS],
    )
    def test_exports_with_free_sizes(self, rosta):
        self.check(shared("timm:test_resnet", rosta), (64, 64), (75, 130), (96, 40))

    @pytest.mark.slow
    @pytest.mark.parametrize("rosta", ROSTAS)
    @pytest.mark.parametrize("backbone", ["r34", "r34_2b", "d121", "r101", *ENCODERS[1:]])
    def test_every_backbone_exports(self, backbone, rosta):
        self.check(GFM(GFMConfig(backbone=backbone, rosta=rosta, width=0.25)).eval(), (75, 130))


class TestMemory:
    def test_no_feature_map_is_copied_in_channels_last(self):
        model = build().to(memory_format=torch.channels_last)
        image = random_image(128, 128, batch=2).to(memory_format=torch.channels_last)
        strays = []

        def look(layer, inputs):
            (features,) = inputs
            if features.shape[-1] > 5 and not features.is_contiguous(
                memory_format=torch.channels_last
            ):
                strays.append(tuple(features.shape))

        for layer in model.modules():
            if isinstance(layer, nn.Conv2d | nn.Upsample):
                layer.register_forward_pre_hook(look)
        with (
            profile(activities=[ProfilerActivity.CPU], record_shapes=True) as record,
            torch.no_grad(),
        ):
            model(image)
        assert strays == []
        copied = [
            event.input_shapes[0]
            for event in record.events()
            if event.name in ("aten::clone", "aten::contiguous") and event.input_shapes[0]
        ]
        # Left are the pyramid, pooled by matrix products on the 4x4 coarsest level, and softmax and
        # argmax of the three classes.
        assert all(shape[-1] <= 5 or shape[1] == 3 for shape in copied), copied


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (torch.rand(1, 4, 8, 8), r"shape \(1, 4, 8, 8\)"),
        (torch.rand(3, 8, 8), r"shape \(3, 8, 8\)"),
        (torch.rand(8), r"shape \(8,\)"),
        (torch.rand(0, 3, 8, 8), r"shape \(0, 3, 8, 8\)"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.uint8), r"torch\.uint8; .*image\.float\(\) / 255"),
        (torch.full((1, 3, 8, 8), 255.0), r"255 to 255; .*\[0, 1\]"),
        (torch.full((1, 3, 8, 8), -0.1), r"-0\.1 to -0\.1"),
        (torch.full((1, 3, 8, 8), torch.nan), "nan to nan"),
        (torch.empty(1, 3, 8, 8, device="meta"), "meta, .*cpu"),
    ],
    ids=["channels", "unbatched", "flat", "empty", "integer", "range", "negative", "nan", "device"],
)
def test_bad_images_are_refused(image, message):
    with pytest.raises(InputError, match=message):
        shared()(image)


def test_one_value_a_channel_cannot_be_trained_on():
    model = build().train()
    with pytest.raises(InputError, match="32 pixels"):
        model(random_image(32, 32))
    assert model(random_image(32, 32, batch=2)).alpha.shape == (2, 1, 32, 32)


def test_image_of_another_float_type_is_taken():
    image = random_image(32, 64)
    with torch.no_grad():
        wanted = shared()(image).focus
        torch.testing.assert_close(shared()(image.double()).focus, wanted)
        assert build().bfloat16()(image).focus.dtype == torch.float32
