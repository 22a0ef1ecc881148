"""Samples drawn from a file of material, and what a model then knows of their licences."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from runs import column
from tiny import build, draw_matte, draw_photograph

import gfm
from gfm.checkpoints.files import save_model
from gfm.commands.fit import run
from gfm.data.crops import CropOptions, Cropper
from gfm.data.material import MaterialOptions, MaterialSet, degrade, photograph_view
from gfm.data.module import GFMData
from gfm.models.contract import Licence
from rssn.imaging.errors import InputError
from rssn.shards.material import Material, Picture, create_material
from rssn.stream.arrangement import ArrangementOptions


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sets of photographs, a cut-out and a background."""
    target = tmp_path_factory.mktemp("material") / "material.tar"
    with create_material(target, "webp", 95) as material:
        for number, (kind, source, licence) in enumerate(
            [
                ("photograph", "dogs", "MIT"),
                ("photograph", "cats", "CC0-1.0"),
                ("photograph", "cats", "CC0-1.0"),
                ("cutout", "toys", "MIT"),
                ("background", "rooms", "CC BY 4.0"),
            ]
        ):
            picture = Picture(f"{source}/{number}", kind, source, licence, (96, 128))
            alpha = draw_matte(96, 128, radius=24) if kind != "background" else None
            material.add(picture, draw_photograph(number, 96, 128), alpha)
    return target


def options(**changed: object) -> MaterialOptions:
    return MaterialOptions(**{"samples": 40} | changed)


def test_a_sample_depends_on_its_generator_alone(path: Path):
    samples = MaterialSet(Material(path), options())
    again = MaterialSet(Material(path), options())
    cropper = Cropper(CropOptions(size=64))
    for number in range(12):
        one, scale = samples.crop(number, 0, cropper, np.random.default_rng(number))
        other, _ = again.crop(0, 3, cropper, np.random.default_rng(number))
        np.testing.assert_array_equal(one.image, other.image)
        np.testing.assert_array_equal(one.alpha, other.alpha)
        assert one.image.shape == (64, 64, 3) and one.alpha.shape == (64, 64)
        assert 0 <= one.alpha.min() and one.alpha.max() == 1 and scale == 1.0
        assert one.foreground is None and one.background is None


def test_plain_view_is_the_photograph(path: Path):
    still = options(
        composites=0, zoom=(1, 1), turn=0, stretch=1, colour=0, degrade=0, weights={"cats": 0}
    )
    samples = MaterialSet(Material(path), still)
    planes, _ = samples.crop(0, 0, Cropper(CropOptions(size=96)), np.random.default_rng(5))
    photograph, matte = draw_photograph(0, 96, 128), draw_matte(96, 128, radius=24)
    near = [
        np.abs(planes.alpha[:, ::side] - matte[:, left : left + 96]).mean()
        for left in range(33)
        for side in (1, -1)
    ]
    assert min(near) < 0.003  # a square of the matte, at a place between two pixels
    left, side = divmod(int(np.argmin(near)), 2)
    shown = planes.image[:, :: (1, -1)[side]].astype(int)
    assert np.abs(shown - photograph[:, left : left + 96]).mean() < 4


def test_weights_and_shares_decide_what_is_drawn(path: Path):
    samples = MaterialSet(
        Material(path), options(composites=0.5, cutouts=0.25, weights={"dogs": 3, "cats": 0.5})
    )
    # photographs: 0.5 as they are and 0.5 * 0.75 composed; dogs 3 of 4, cats 2 * 0.5 of 4
    total = 0.875 + 0.125 + 0.5
    assert samples.licences() == [
        Licence("dogs", "MIT", round(0.875 * 0.75 / total, 5)),
        Licence("rooms", "CC BY 4.0", round(0.5 / total, 5)),
        Licence("cats", "CC0-1.0", round(0.875 * 0.25 / total, 5)),
        Licence("toys", "MIT", round(0.125 / total, 5)),
    ]
    drawn = [samples.pictures.pick("photograph", np.random.default_rng(n)) for n in range(400)]
    assert 0.68 < np.mean(np.array(drawn) == 0) < 0.82


def test_object_of_a_composite_is_before_the_background(path: Path):
    plain = ArrangementOptions(extents=(0.6, 0.6), turn=0, shift=0, detail=0, second=0, colour=0)
    samples = MaterialSet(
        Material(path), options(composites=1, cutouts=1, degrade=0, arrangement=plain)
    )
    planes, _ = samples.crop(0, 0, Cropper(CropOptions(size=64)), np.random.default_rng(1))
    assert 0.15 < planes.alpha.mean() < 0.35  # a disc of 0.6 of the picture covers 0.28
    assert planes.alpha[0].max() == 0


@pytest.mark.parametrize("turn", [0, 30])
def test_views_stay_inside_their_photograph(turn: float):
    rng = np.random.default_rng(0)
    for _ in range(50):
        view = photograph_view((96, 128), 64, options(zoom=(0.5, 2), turn=turn), rng)
        corners = np.array([[-0.5, -0.5, 1], [63.5, -0.5, 1], [-0.5, 63.5, 1], [63.5, 63.5, 1]])
        reached = corners @ view.matrix.T
        assert reached.min() > -0.51
        assert (reached < np.array([128, 96]) - 0.49).all()


def test_degrading_keeps_shape_and_type():
    image = draw_photograph(0, 64, 64)
    for seed in range(6):
        worse = degrade(image, np.random.default_rng(seed))
        assert worse.shape == image.shape and worse.dtype == np.uint8
        assert 0 < np.abs(worse.astype(int) - image).mean() < 20


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"weights": {"birds": 1}}, r"weights name \['birds'\]"),
        ({"weights": {"toys": 0}}, "no cutout"),
        ({"weights": {"dogs": -1}}, r"weights=\{'dogs': -1\}"),
        ({"composites": 1.5}, r"composites=1\.5"),
        ({"zoom": (2, 1)}, r"zoom=\(2, 1\)"),
    ],
)
def test_options_that_cannot_be_met_are_refused(path: Path, changed, message):
    with pytest.raises(InputError, match=message):
        MaterialSet(Material(path), options(**changed))


def test_two_kinds_of_data_are_refused(path: Path):
    data = GFMData(shards="shards", material=str(path))
    with pytest.raises(InputError, match=r"data\.shards and data\.material"):
        data.samples()


def test_options_of_crops_that_would_have_no_effect_are_refused(path: Path):
    data = GFMData(material=str(path), crop=CropOptions(size=64, jitter=0.1))
    with pytest.raises(InputError, match=r"data\.crop\.jitter .*data\.material"):
        data.samples()


@pytest.mark.integration
def test_model_file_knows_what_it_was_trained_on(path: Path, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = [
        "fit",
        f"--data.material={path}",
        "--data.draw.samples=16",
        "--data.crop.size=64",
        "--data.batch_size=4",
        "--data.workers=1",
        "--trainer.max_steps=3",
        "--trainer.log_every_n_steps=1",
        "--quiet",
    ]
    network = ["--model.backbone=timm:test_resnet", "--model.width=0.25", "--ema=0.5"]
    losses = []
    for name in ("a", "b"):
        run([*command, *network, f"--trainer.logger.init_args.version={name}"])
        losses.append(column(tmp_path / "runs" / name))
    assert len(losses[0]) == 3 and losses[0] == losses[1]  # to the bit
    model = gfm.load_model(tmp_path / "runs/a/checkpoints/last.safetensors", "cpu")
    assert model.licences[0][:2] == ("cats", "CC0-1.0")
    assert sum(each.share for each in model.licences) == pytest.approx(1, abs=1e-3)
    first = tmp_path / "first.safetensors"
    model.licences = [Licence("horses", "none stated", 1.0), *model.licences]
    save_model(model, first)
    run([*command, f"--model.model={first}", "--trainer.logger.init_args.version=c"])
    after = gfm.load_model(tmp_path / "runs/c/checkpoints/last.safetensors", "cpu")
    assert after.licences[-1] == Licence("horses", "none stated", 1.0)
    assert len(after.licences) == len(model.licences)
    assert {source: len(each) for source, each in after.hashes.items()} == {
        source: len(each) for source, each in Material(path).hashes.items()
    }


def test_untrained_model_says_nothing_and_damage_is_named(tmp_path: Path):
    save_model(build(), tmp_path / "model.safetensors")
    assert gfm.load_model(tmp_path / "model.safetensors", "cpu").licences == []
    data = (tmp_path / "model.safetensors").read_bytes()
    model = build()
    model.licences = [Licence("dogs", "MIT", 1.0)]
    save_model(model, tmp_path / "known.safetensors")
    assert gfm.load_model(tmp_path / "known.safetensors", "cpu").licences == model.licences
    assert len((tmp_path / "known.safetensors").read_bytes()) > len(data)
    torn = (tmp_path / "known.safetensors").read_bytes().replace(b'\\"share\\"', b'\\"shore\\"')
    (tmp_path / "torn.safetensors").write_bytes(torn)
    with pytest.raises(InputError, match=r"torn\.safetensors: .*licences"):
        gfm.load_model(tmp_path / "torn.safetensors", "cpu")
