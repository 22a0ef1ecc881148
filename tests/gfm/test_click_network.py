"""The network of interactive segmentation and its sessions against the released ones."""

from __future__ import annotations

from functools import cache

import guided
import numpy as np
import pytest
import torch

from gfm.guidance.clicks import Clicks
from gfm.guidance.simulated_user import click_on_largest_error
from gfm.metrics.clicks import intersection_over_union
from gfm.models.clicks.config import ClicksConfig
from gfm.models.clicks.network import ClickNetwork, guide_features
from gfm.models.clicks.predict import segment, segment_session
from gfm.models.clicks.released import convert_state_dict
from gfm.models.clicks.stream import InteractionStream
from rssn.imaging.errors import InputError

SIZES = {True: 37_735_778, False: 34_690_530}


@cache
def released(stream=True):
    weights = guided.weights("interactive", "interactive" if stream else "interactive_no_stream")
    state = {key: torch.from_numpy(value) for key, value in weights.items()}
    return convert_state_dict(state, "stream" if stream else "no_stream")


def case_inputs(case):
    arrays = guided.inputs("interactive", case)
    height, width = arrays["image"].shape[:2]
    rows = tuple((int(x), int(y), bool(label)) for y, x, label in arrays["clicks"])
    clicks = Clicks(width, height, rows)
    image = torch.from_numpy(arrays["image"].transpose(2, 0, 1) / 255).float()[None]
    masks, maps = (torch.from_numpy(a).float()[None] for a in (clicks.masks, clicks.maps()))
    return image, masks, maps, torch.from_numpy(arrays["previous"]).float()[None, None]


def probed(network, inputs):
    """The network's output, and the values inside that the golden file has."""
    found = {}

    def keep(name, of_input=False):
        def hook(module, given, made):
            found[name] = (given[0] if of_input else made).detach().numpy()

        return hook

    modules = dict(network.named_modules())
    modules["encoder"].register_forward_hook(keep("encoder_input", of_input=True))
    modules["decoder.conv_up1"].register_forward_hook(keep("ppm", of_input=True))
    for name in ("encoder.layer1", "encoder.layer4", *(f"decoder.conv_up{i}" for i in (1, 2, 3))):
        modules[name].register_forward_hook(keep(name.rpartition(".")[2]))
    image, masks, maps, previous = inputs
    with torch.no_grad():
        out = network(image, masks, maps, previous)
        normalised = network.normalise(image)
        arrays = {
            "out": out,
            "raw": network.logits(normalised, maps, previous),
            "guide": network.filter.guide(guide_features(normalised, maps)),
        }
        if network.stream is not None:
            taps = network.stream(torch.cat([maps, previous], dim=1))
            found |= {f"u{stride}": tap.numpy() for stride, tap in taps.items()}
    return arrays | {f"probe_{name}": guided.probe(values) for name, values in found.items()}


@pytest.mark.parametrize("stream", [True, False])
def test_golden_network(stream):
    case = "net_64x96" if stream else "net_no_stream_64x64"
    network = released(stream)
    assert sum(p.numel() for p in network.parameters()) == SIZES[stream]
    arrays = probed(network, case_inputs(case))
    assert arrays.keys() == guided.outputs("interactive", case).keys()
    guided.check("interactive", case, **arrays)


def test_golden_session():
    case = "session_75x101"
    network, arrays = released(), guided.inputs("interactive", case)
    image, truth = arrays["image"], arrays["mask"]
    clicks, alphas = Clicks(101, 75), [np.zeros((75, 101), np.float32)]
    for _ in range(4):
        clicks = clicks.add(click_on_largest_error(alphas[-1], truth).click)
        alphas.append(segment(network, image, clicks, alphas[-1]))
    guided.check(
        "interactive",
        case,
        clicks=np.array([(y, x, label) for x, y, label in clicks]),
        alpha=np.stack(alphas[1:]),
        iou=np.array([intersection_over_union(alpha, truth) for alpha in alphas[1:]]),
    )


def light(**options):
    torch.manual_seed(0)
    config = {"backbone": "timm:test_resnet", "width": 0.125} | options
    return ClickNetwork(ClicksConfig(**config)).eval()


@pytest.mark.parametrize("stream", [True, False])
def test_only_feedback_sees_the_matte(stream):
    image, masks, maps, previous = case_inputs("net_no_stream_64x64")
    for feedback in (True, False):
        network = light(stream=stream, feedback=feedback)
        with torch.no_grad():
            for parameter in network.parameters():  # new channels of the encoder are 0
                parameter += 0.01
            with_matte = network(image, masks, maps, previous)
            without = network(image, masks, maps, 0 * previous)
        assert (with_matte == without).all() == (not feedback)


def test_without_a_filter_the_clicks_hold():
    image, masks, maps, previous = case_inputs("net_no_stream_64x64")
    with torch.no_grad():
        alpha = light(guided_filter=False)(image, masks, maps, previous)
    assert alpha[masks[:, :1] == 1].unique().tolist() == [0]
    assert alpha[masks[:, 1:] == 1].unique().tolist() == [1]
    assert 0 < alpha.mean() < 1


def test_many_clicks_take_twenty_steps(monkeypatch):
    seen = []

    def once(network, image, clicks, previous):
        seen.append(len(clicks))
        return previous

    monkeypatch.setattr("gfm.models.clicks.predict.segment", once)
    for count, wanted in ((0, []), (3, [1, 2, 3]), (20, list(range(1, 21)))):
        seen.clear()
        points = tuple((i, 0, True) for i in range(count))
        segment_session(None, None, Clicks(10_000, 1, points))
        assert seen == wanted
    segment_session(None, None, Clicks(10_000, 1, tuple((i, 0, True) for i in range(10_000))))
    assert seen[20:] == list(range(500, 10_001, 500))


def test_large_photographs_are_shrunk(monkeypatch):
    network = light()
    monkeypatch.setattr("gfm.models.clicks.predict.LONGEST", 64)
    clicks = Clicks(130, 70, ((60, 30, True), (1, 69, False)))
    image = guided.draw_image(70, 130)
    sizes = []
    network.encoder.register_forward_hook(lambda *given: sizes.append(given[1][0].shape[-2:]))
    alpha = segment(network, image, clicks)
    assert sizes == [(64, 64)] and alpha.shape == (70, 130)
    assert alpha[30, 60] == 1 and alpha[69, 1] == 0


def test_stream_reaches_the_stride_of_the_encoder():
    stream = InteractionStream(7, coarsest=32)
    assert stream.channels == {2: 64, 4: 256, 8: 256, 16: 256, 32: 256}
    taps = stream(torch.zeros(1, 7, 64, 32))
    assert {stride: tap.shape[2] for stride, tap in taps.items()} == {
        **{2: 32, 4: 16, 8: 8},
        **{16: 4, 32: 2},
    }
    assert list(InteractionStream(7).channels) == [2, 4, 8]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stream": "yes"}, "stream='yes'"),
        ({"width": 0}, "width=0"),
        ({"backbone": None}, "backbone=None"),
    ],
)
def test_bad_options_name_the_remedy(options, message):
    with pytest.raises(InputError, match=message):
        ClicksConfig(**options)


def test_checkpoint_that_does_not_fit():
    state = {key: torch.from_numpy(v) for key, v in guided.weights("interactive").items()}
    with pytest.raises(InputError, match="--variant stream"):
        convert_state_dict(state, "no_stream")
    del state["decoder.usr_encoder.conv1.bias"]
    with pytest.raises(InputError, match=r"missing .*convolutions.0.bias"):
        convert_state_dict(state)
