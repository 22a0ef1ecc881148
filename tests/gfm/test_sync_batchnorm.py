"""Batch norms across devices: their conversion leaves the network what it was."""

from __future__ import annotations

import copy

import pytest
import torch
from pytorch_lightning.plugins.layer_sync import TorchSyncBatchNorm
from tiny import build, random_image
from torch import nn

from gfm.encoders.build import build_encoder
from gfm.encoders.densenet import DenseNet

ENCODERS = {
    "d121": 0,  # of our own modules
    "timm:test_resnet": 0,
    "timm:test_efficientnet": 1,  # whose norms apply their activation themselves
    "timm:densenet121": 1,
}


def synchronised(module: nn.Module) -> nn.Module:
    """As `--trainer.sync_batchnorm true` does; on a CPU without processes it computes as before."""
    converted = TorchSyncBatchNorm().apply(module)
    norms = [m for m in converted.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    assert norms and all(isinstance(norm, nn.SyncBatchNorm) for norm in norms)
    return converted


@pytest.mark.parametrize("backbone", ENCODERS)
@pytest.mark.parametrize("mode", ["train", "eval"])
def test_synchronised_encoder_is_the_same(backbone, mode):
    torch.manual_seed(0)
    encoder = build_encoder(backbone).train(mode == "train")
    image = random_image(64, 64, batch=2)
    with torch.no_grad():
        wanted = copy.deepcopy(encoder)(image)
        keys = list(encoder.state_dict())
        whole = nn.ModuleDict({"encoder": encoder})  # as in the network and its task
        ours = synchronised(whole)["encoder"]
        assert list(ours.state_dict()) == keys
        for level, right in zip(copy.deepcopy(ours)(image), wanted, strict=True):
            assert torch.equal(level, right)
        reverted = TorchSyncBatchNorm().revert(whole)["encoder"]  # as Lightning does at the end
        assert not any(isinstance(m, nn.SyncBatchNorm) for m in reverted.modules())
        reverted.train(mode == "train")  # which Lightning leaves open
        for level, right in zip(reverted(image), wanted, strict=True):
            assert torch.equal(level, right)


def test_densenet_outside_a_network_keeps_its_activations():
    net = DenseNet().eval()
    image = random_image(64, 64)
    with torch.no_grad():
        wanted = net.features(image)
        assert torch.equal(synchronised(net).features(image), wanted)


def test_synchronised_network_gives_the_same_matte():
    model = build("timm:test_efficientnet", "RIM")
    image = random_image(64, 64)
    with torch.no_grad():
        wanted = model(image).alpha
        assert torch.equal(synchronised(model)(image).alpha, wanted)
