"""FBA from a photograph and a trimap to a matte at full size."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from guided import check, inputs, weights

from gfm.models.fba.config import FBAConfig
from gfm.models.fba.predict import AUGMENTED, PLAIN, View, predict
from gfm.models.fba.released import convert_state_dict
from rssn.imaging.errors import InputError


class Echo:
    """A network whose alpha is a channel of the image, and whose colours are the guidance's."""

    config = FBAConfig()

    def __init__(self):
        self.sizes = []

    def run(self, inputs, outputs):
        image, distances = inputs["image"].astype(np.float32), inputs["distances"]
        self.sizes.append(tuple(image.shape[-2:]))
        return [image[:, :1], distances[:, :3], distances[:, 3:]]


@pytest.fixture(scope="module")
def network():
    state = {key: torch.from_numpy(value) for key, value in weights("fba").items()}
    return convert_state_dict(state, FBAConfig())


@pytest.mark.parametrize(("resizing", "prefix"), [("released", ""), ("nearest", "nearest_")])
def test_files_to_matte(network, resizing, prefix):
    given = inputs("fba", "pipeline_75x101")
    made = predict(network, given["image"], given["trimap"], resizing)
    got = {f"{prefix}{name}": value for name, value in made._asdict().items()}
    check("fba", "pipeline_75x101", **got)


def test_known_pixels_are_exact():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (19, 30, 3), dtype=np.uint8)
    trimap = rng.choice(np.array([0, 128, 255], np.uint8), (19, 30))
    alpha, front, back = predict(Echo(), image, trimap)
    assert (alpha[trimap == 0] == 0).all() and (alpha[trimap == 255] == 1).all()
    colours = (image / 255).astype(np.float32)
    assert (front[trimap == 255] == colours[trimap == 255]).all()
    assert (back[trimap == 0] == colours[trimap == 0]).all()


def test_views_are_undone():
    """A network that only passes its input on sees 24 views; their mean is the input."""
    y, x = np.mgrid[:64, :40]
    image = np.repeat((2 * y + x).astype(np.uint8)[..., None], 3, axis=2)
    trimap = np.full((64, 40), 128, np.uint8)
    echo = Echo()
    alpha = predict(echo, image, trimap, views=AUGMENTED)[0]
    assert len(AUGMENTED) == len(set(AUGMENTED)) == 24
    assert set(echo.sizes) == {(56, 32), (32, 56), (64, 40), (40, 64), (80, 56), (56, 80)}
    inside = (slice(4, -4), slice(4, -4))
    assert np.abs(alpha - image[..., 0] / 255)[inside].max() < 2e-3


def test_view_turns_and_mirrors():
    array = np.arange(6.0).reshape(2, 3, 1)
    for view in (*AUGMENTED[:8], *PLAIN):
        assert (view.back(view.of(array)) == array).all()
    assert View(1).of(array)[..., 0].tolist() == [[2, 5], [1, 4], [0, 3]]


def test_checkpoint_that_does_not_fit_is_refused(network):
    state = network.state_dict()
    with pytest.raises(InputError, match=r"missing encoder\.bn1\.bias; left over extra"):
        part = {key: value for key, value in state.items() if key != "encoder.bn1.bias"}
        convert_state_dict(part | {"extra": torch.zeros(1)}, FBAConfig())
    with pytest.raises(InputError, match=r"conv1\.weight \(64, 3, 7, 7\) .*\(64, 11"):
        convert_state_dict(state | {"encoder.conv1.weight": torch.zeros(64, 3, 7, 7)}, FBAConfig())
