"""The data module: crops for training, photographs to validate and predict."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from batches import CROPS, batches_of, keys_of
from tiny import draw_matte, draw_photograph, write_photographs, write_shards

from gfm.data.material import MaterialOptions
from gfm.data.mixture import Part
from gfm.data.module import GFMData, Photographs, Pictures
from gfm.data.sets import open_training_set
from gfm.models.glance_focus.targets import GFMTargets
from rssn.build.builder import BuildOptions
from rssn.build.builder import build as build_shards
from rssn.imaging.errors import InputError
from rssn.imaging.writing import write_rgb
from rssn.route.compose import RouteOptions
from rssn.stream.arrangement import ArrangementOptions


def test_data_module_says_how_many_steps_there_are(seven):
    data = GFMData(str(seven), crop=CROPS, batch_size=3, workers=0)
    loader = data.train_dataloader()
    assert len(loader) == 3 and [len(batch.keys) for batch in loader] == [3, 2, 2]
    again = GFMData(str(seven), crop=CROPS, batch_size=3, workers=0)
    again.load_state_dict(data.state_dict())
    assert keys_of(again.train_dataloader()) == keys_of(loader)  # both in the second epoch


def test_batches_hold_the_labels_of_the_representation(seven):
    data = GFMData(str(seven), targets=GFMTargets("RIM"), crop=CROPS, batch_size=7, workers=0)
    (batch,) = data.train_dataloader()
    assert batch.image.shape == (7, 3, 32, 32) and list(batch.targets) == ["TT", "FT", "BT"]


def test_focus_is_trained_where_the_options_say(seven):
    regions = {}
    for name in ("fusion", "paper"):
        crop = replace(CROPS, kernel=9, focus_region=name)
        data = GFMData(str(seven), targets=GFMTargets("FT"), crop=crop, batch_size=7, workers=0)
        (batch,) = data.train_dataloader()
        labels = batch.targets["FT"]
        beyond = {"fusion": batch.alpha >= 0, "paper": batch.alpha > 0}[name]
        wanted = (labels.glance[:, None] == 0) & beyond
        assert torch.equal(labels.region, wanted.float())
        regions[name] = labels.region
    assert regions["fusion"].sum() > regions["paper"].sum() > 0
    with pytest.raises(InputError, match=r"focus_region='all' .*'fusion'"):
        replace(CROPS, focus_region="all")


def test_photographs_are_cropped_as_they_are(tmp_path):
    folder = write_photographs(tmp_path / "photographs", 3)
    (batches,) = batches_of(folder)
    assert sorted(keys_of(batches)) == ["p0", "p1", "p2"]
    assert batches[0].foreground is None and batches[0].background is None
    (folder / "mask" / "p1.png").unlink()
    with pytest.raises(InputError, match=r"p1\.png: "):
        batches_of(folder)


def test_route_that_has_no_effect_is_refused(seven, tmp_path):
    folder = write_photographs(tmp_path / "photographs", 1)
    with pytest.raises(InputError, match=r"photographs, .*data\.route"):
        GFMData(str(folder), route=RouteOptions()).samples()
    part = Part(str(seven))
    with pytest.raises(InputError, match=r"data\.route .*data\.shards"):
        GFMData(mixture=[part], route=RouteOptions()).samples()
    with pytest.raises(InputError, match=r"data\.draw .*data\.material"):
        GFMData(str(seven), draw=MaterialOptions()).samples()
    arranged = Part(str(seven), arrangement=ArrangementOptions(), route=RouteOptions())
    for each in (replace(part, route=RouteOptions()), arranged):
        with pytest.raises(InputError, match="finished composites"):
            GFMData(mixture=[each]).samples()


@pytest.mark.integration
def test_sources_are_composed_anew_every_epoch(tmp_path):
    folder = write_photographs(tmp_path / "photographs", 2)
    route = RouteOptions(k=2, denoise_probability=0, shorter_side=None)
    options = BuildOptions(route, image_format="png", content="sources")
    backgrounds = write_photographs(tmp_path / "more", 5) / "original"
    build_shards(folder, backgrounds, tmp_path / "sources", options, workers=1)
    first, second = batches_of(tmp_path / "sources", epochs=2)
    keys = ["p0-k0", "p0-k1", "p1-k0", "p1-k1"]
    assert sorted(keys_of(first)) == sorted(keys_of(second)) == keys
    images = {image.numpy().tobytes() for batch in first + second for image in batch.image}
    assert len(images) == 8
    for batch in first:
        again = batch.alpha * batch.foreground + (1 - batch.alpha) * batch.background
        assert (again - batch.image).abs().mean() < 0.02  # but for noise that is clipped
    with pytest.raises(InputError, match="finished composites"):
        open_training_set(write_shards(tmp_path / "done", (1,)), route)


def test_folder_without_manifest_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"manifest\.json: "):
        GFMData(str(tmp_path)).train_dataloader()
    with pytest.raises(InputError, match=r"data\.shards"):
        GFMData().train_dataloader()


def test_more_devices_than_samples_are_refused(seven):
    with pytest.raises(InputError, match=r"7 training samples .*8 devices"):
        batches_of(seven, world=8)
    for options in ({"batch_size": 0}, {"workers": -1}, {"skip_bad": -1}):
        with pytest.raises(InputError, match="no negative numbers"):
            GFMData(str(seven), **options).train_dataloader()


def test_validation_gives_whole_photographs(tmp_path):
    folder = write_photographs(tmp_path / "photographs", 2)
    given = list(GFMData(validation=str(folder)).val_dataloader())
    assert [name for name, _, _ in given] == ["p0", "p1"]
    _, image, alpha = given[1]
    np.testing.assert_array_equal(image, draw_photograph(1))
    np.testing.assert_array_equal(alpha, draw_matte())
    assert Photographs(folder, side=24)[0][1].shape == (24, 32, 3)
    assert GFMData().val_dataloader() == []
    (folder / "mask" / "p1.png").unlink()
    with pytest.raises(InputError, match=r"p1\.png: "):
        GFMData(validation=str(folder)).test_dataloader()
    for name in ("original", "mask"):
        (tmp_path / "empty" / name).mkdir(parents=True)
    empty = str(tmp_path / "empty")
    for ask in (GFMData(validation=empty).val_dataloader, GFMData(empty).train_dataloader):
        with pytest.raises(InputError, match="empty/original and mask/: "):
            ask()


def test_prediction_gives_photographs_and_where_their_mattes_go(tmp_path):
    folder = write_photographs(tmp_path / "photographs", 2) / "original"
    out = tmp_path / "made" / "mattes"
    given = list(GFMData(photographs=str(folder), mattes=str(out)).predict_dataloader())
    assert [target for target, _ in given] == [out / "p0.png", out / "p1.png"] and out.is_dir()
    np.testing.assert_array_equal(given[0][1], draw_photograph(0))
    with pytest.raises(InputError, match=r"data\.photographs"):
        GFMData(photographs=str(folder)).predict_dataloader()
    write_rgb(folder / "p0.jpg", draw_photograph(0))
    with pytest.raises(InputError, match="two photographs"):
        Pictures(folder, out)
    (folder / "p0.jpg").unlink()
    with pytest.raises(InputError, match="no folder can be made there"):
        Pictures(folder, folder / "p0.png")
