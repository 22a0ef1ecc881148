"""Pretrained weights that an encoder begins with."""

from __future__ import annotations

import pytest
import timm
import torch

from gfm.encoders.build import ENCODERS, build_encoder
from gfm.encoders.weights import tagged_weights
from rssn.imaging.errors import InputError

NAMES = {"r34": "resnet34", "r34_2b": "resnet34", "r101": "resnet101", "d121": "densenet121"}


@pytest.fixture
def downloads(monkeypatch):
    """Names of the weights that would be downloaded."""
    names, create = [], timm.create_model

    def without_weights(name, pretrained=False, **options):
        if pretrained:
            names.append(name)
        return create(name, **options)

    monkeypatch.setattr(timm, "create_model", without_weights)
    with torch.device("meta"):
        yield names


@pytest.mark.parametrize("backbone", ENCODERS)
def test_encoders_of_the_paper_begin_with_weights_of_its_time(backbone, downloads):
    encoder = build_encoder(backbone, "timm")
    assert downloads == [f"{NAMES[backbone]}.tv_in1k"]
    assert encoder.weights == "timm:tv_in1k"
    assert timm.is_model_pretrained(downloads[0])


@pytest.mark.parametrize(
    ("backbone", "weights", "name"),
    [
        ("r34", "timm:a1_in1k", "resnet34.a1_in1k"),
        ("d121", "timm:ra_in1k", "densenet121.ra_in1k"),
        ("timm:resnet18", "timm:tv_in1k", "resnet18.tv_in1k"),
        ("timm:resnet18", "timm", "resnet18.a1_in1k"),  # the one that timm prefers
        ("timm:resnet18.tv_in1k", "timm", "resnet18.tv_in1k"),
        ("timm:lcnet_050", "timm", "lcnet_050.ra2_in1k"),
    ],
)
def test_tag_decides_the_weights(backbone, weights, name, downloads):
    encoder = build_encoder(backbone, weights)
    assert downloads == [name]
    assert encoder.weights == f"timm:{name.partition('.')[2]}"


@pytest.mark.parametrize("backbone", ["r34", "timm:resnet34"])
def test_unknown_tag_is_refused_with_those_that_there_are(backbone):
    with pytest.raises(InputError, match=r"'timm:nope': .*'resnet34'.*:tv_in1k'"):
        build_encoder(backbone, "timm:nope")


def test_files_and_random_values_have_no_tag(tmp_path):
    file = tmp_path / "timm.pth"
    torch.save(timm.create_model("test_resnet").state_dict(), file)
    assert build_encoder("timm:test_resnet", file).weights == str(file)
    assert build_encoder("timm:test_resnet").weights is None
    assert tagged_weights("r34", file) is file and tagged_weights("r34", None) is None
