"""Crops of material at the edge of the object, with the F and B that made them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from materials import write_material

from gfm.data.close_ups import CloseUpOptions, CloseUps
from gfm.data.crops import CropOptions
from gfm.data.loader import CropBatches, TrainingLoader
from gfm.data.module import GFMData
from gfm.data.samples import Batch
from gfm.models.contract import Licence
from rssn.imaging.errors import InputError
from rssn.shards.material import Material


@pytest.fixture(scope="module")
def material(tmp_path_factory) -> Material:
    return Material(write_material(tmp_path_factory.mktemp("material")))


def test_samples_depend_on_the_generator_alone(material):
    makers = [CloseUps(material, CloseUpOptions()) for _ in range(2)]
    makers[0].draw(64, np.random.default_rng(9))
    one, other = (maker.draw(64, np.random.default_rng(3)) for maker in makers)
    for part, same in zip(one, other, strict=True):
        np.testing.assert_array_equal(part, same)


def test_composites_keep_the_composition_equation(material):
    samples = CloseUps(material, CloseUpOptions(composites=1, degrade=0))
    planes = samples.draw(96, np.random.default_rng(5))
    alpha = planes.alpha[..., None]
    blend = alpha * planes.foreground + (1 - alpha) * planes.background
    assert np.abs(blend - planes.image).mean() < 1.5  # rounding, and noise that clips


def test_photographs_have_no_colours_of_their_own(material):
    planes = CloseUps(material, CloseUpOptions(composites=0)).draw(64, np.random.default_rng(0))
    assert planes.foreground is None and planes.background is None and planes.unseen is None


def test_second_object_is_unseen_as_a_whole(material):
    options = CloseUpOptions(composites=1, second=1, unseen=1, textures=0, degrade=0)
    made = [CloseUps(material, options).draw(96, np.random.default_rng(n)) for n in range(8)]
    for planes in made:
        assert planes.unseen.any() and not planes.unseen[planes.alpha == 0].all()
    usual = CloseUps(material, replace(options, unseen=0))
    assert usual.draw(96, np.random.default_rng(0)).unseen is None


def test_crops_show_an_edge(material):
    samples = CloseUps(material, CloseUpOptions())
    for seed in range(20):
        alpha = samples.draw(64, np.random.default_rng(seed)).alpha
        assert ((alpha > 0) & (alpha < 1)).any()


def test_licences_count_draws(material):
    options = CloseUpOptions(composites=0.5, behind=0.5, second=1, textures=0)
    # photographs 0.5 + 0.5 * 0.5, cut-outs 0.5 * 2, backgrounds 0.5 * 0.5
    assert CloseUps(material, options).licences() == [
        Licence("cutout", "CC0", 0.5),
        Licence("photograph", "CC0", 0.375),
        Licence("background", "CC0", 0.125),
    ]


@pytest.mark.parametrize(
    ("changed", "named"),
    [({"weights": {"nobody": 1}}, "nobody"), ({"unseen": 2}, "unseen"), ({"colour": 1}, "colour")],
)
def test_impossible_options_are_refused(material, changed, named):
    with pytest.raises(InputError, match=named):
        CloseUps(material, CloseUpOptions(**changed))


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"material": None}, "data.close_ups"),
        ({"draw": {}}, "data.draw"),
        ({"augment": "augment.yaml"}, "data.augment"),
    ],
)
def test_options_without_effect_are_refused(material, changed, named):
    given = {"material": str(material.path), "close_ups": CloseUpOptions()} | changed
    with pytest.raises(InputError, match=named):
        GFMData(**given).samples()


def test_batches_take_turns_with_the_sizes(material):
    options = CropOptions(size=32, more_sizes=(64,))
    samples = CloseUps(material, CloseUpOptions(samples=7))

    def batches(consumed: int = 0) -> list[Batch]:
        loader = TrainingLoader(CropBatches(samples, options, batch_size=2))
        loader.load_state_dict({"epoch": 0, "consumed": consumed})
        return list(loader)

    whole, rest = batches(), batches(2)
    assert [batch.image.shape[-1] for batch in whole] == [32, 64, 32, 64]
    for batch, again in zip(whole[1:], rest, strict=True):
        np.testing.assert_array_equal(batch.image, again.image)
