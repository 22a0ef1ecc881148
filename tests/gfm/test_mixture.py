"""Several training sets as one: each sample as often as asked for, no draw twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny import draw_matte, draw_photograph, write_photographs

from gfm.data.crops import CropOptions, Cropper, Planes
from gfm.data.mixture import ArrangedPhotographs, Mixture, Part, open_mixture
from gfm.data.module import GFMData
from rssn import ROUTES
from rssn.build.builder import BuildOptions, build
from rssn.imaging.errors import InputError
from rssn.imaging.writing import write_alpha, write_rgb, write_rgba
from rssn.stream.arrangement import ArrangementOptions


class Named:
    """A training set that says what it was asked for."""

    def __init__(self, name: str, count: int) -> None:
        self.name, self.count = name, count
        self.asked: list[tuple[int, int]] = []

    def __len__(self) -> int:
        return self.count

    def key(self, number: int) -> str:
        return f"{self.name}{number}"

    def crop(
        self, number: int, epoch: int, cropper: Cropper, rng: np.random.Generator
    ) -> tuple[Planes, float]:
        self.asked.append((number, epoch))
        image = np.zeros((8, 8, 3), np.uint8)
        return Planes(image, image[..., 0].astype(np.float32), image, image), 1.0


def test_every_sample_comes_as_often_as_asked_for_and_never_twice_alike():
    few, many = Named("few", 2), Named("many", 5)
    mixture = Mixture([(few, 3), (many, 1)])
    assert len(mixture) == 2 * 3 + 5
    keys = [mixture.key(number) for number in range(len(mixture))]
    assert len(set(keys)) == len(keys)
    cropper, rng = Cropper(CropOptions()), np.random.default_rng(0)
    for epoch in range(2):
        for number in range(len(mixture)):
            mixture.crop(number, epoch, cropper, rng)
    assert Counter(few.asked) == {(n, turn): 1 for n in range(2) for turn in range(6)}
    assert Counter(many.asked) == {(n, epoch): 1 for n in range(5) for epoch in range(2)}


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shards of two cut-outs' sources, and of two photographs as they are."""
    folder = tmp_path_factory.mktemp("mixture")
    for part in ("fg", "bg"):
        (folder / part).mkdir()
    for number in range(2):
        write_rgba(folder / "fg" / f"f{number}.png", draw_photograph(number), draw_matte())
        write_rgb(folder / "bg" / f"b{number}.png", draw_photograph(number + 5))
    sources = BuildOptions(replace(ROUTES["noise"], k=2), content="sources", image_format="png")
    build(folder / "fg", folder / "bg", folder / "sources", sources, workers=1)
    write_photographs(folder / "photographs", 2)
    originals = BuildOptions(ROUTES["original"], image_format="png", method="multilevel")
    build(folder / "photographs", None, folder / "originals", originals, workers=1)
    return folder


def parts(material: Path) -> list[Part]:
    arrangement = ArrangementOptions()
    return [
        Part(str(material / "sources"), 2, arrangement),
        Part(str(material / "originals"), 3, arrangement),
        Part(str(material / "photographs")),
    ]


def test_batches_of_all_kinds_of_parts_train(material: Path):
    data = GFMData(
        mixture=parts(material), crop=CropOptions((48,), 32), batch_size=4, workers=0, seed=1
    )
    samples = len(open_mixture(parts(material)))
    batches = list(data.train_dataloader())
    assert sum(len(batch.keys) for batch in batches) == samples == 2 * 2 * 2 + 3 * 2 + 2
    assert all(batch.image.shape[1:] == (3, 32, 32) for batch in batches)


def test_arranged_photograph_is_still_the_blend_of_its_colours(material: Path):
    mixture = open_mixture([parts(material)[1]])
    assert isinstance(mixture.sets[0][0], ArrangedPhotographs)
    cropper = Cropper(CropOptions(size=32))
    for number in range(len(mixture)):
        planes, scale = mixture.crop(number, 0, cropper, np.random.default_rng(number))
        assert scale > 0
        assert planes.foreground is not None
        assert planes.background is not None
        alpha = planes.alpha[..., None]
        blended = alpha * planes.foreground + (1 - alpha) * planes.background
        assert np.abs(blended - planes.image).mean() < 4


def test_settings_that_contradict_each_other_are_refused(material: Path):
    with pytest.raises(InputError, match=r"data\.shards and data\.mixture"):
        GFMData(shards="x", mixture=parts(material)).train_dataloader()
    with pytest.raises(InputError, match=r"data\.mixture"):
        GFMData(mixture=[]).train_dataloader()
    with pytest.raises(InputError, match="repeat=0 of x"):
        Part("x", 0)
    with pytest.raises(InputError, match="no such file"):
        open_mixture([Part(str(material / "nothing"), 1, ArrangementOptions())])


def test_folder_of_photographs_takes_part_without_being_built(tmp_path: Path):
    folder = write_photographs(tmp_path / "photographs", 2)
    still = ArrangementOptions(turn=0, stretch=1, shift=0, detail=0, second=0, colour=0)
    mixture = open_mixture([Part(str(folder), 3, still)])
    assert len(mixture) == 6
    cropper = Cropper(CropOptions(size=32, flip=0))
    planes, scale = mixture.crop(1, 0, cropper, np.random.default_rng(0))
    assert planes.image.shape == (32, 32, 3) and planes.foreground is None
    assert 0.05 < planes.alpha.mean() < 0.95 and scale > 0
    other, _ = mixture.crop(1, 0, cropper, np.random.default_rng(0))
    np.testing.assert_array_equal(planes.image, other.image)


def test_folder_with_an_empty_mask_names_it(tmp_path: Path):
    folder = write_photographs(tmp_path / "photographs", 1)
    write_alpha(folder / "mask" / "p0.png", np.zeros((48, 64), np.float32))
    mixture = open_mixture([Part(str(folder), 1, ArrangementOptions())])
    with pytest.raises(InputError, match=r"p0\.png: .* 0 "):
        mixture.crop(0, 0, Cropper(CropOptions(size=32)), np.random.default_rng(0))
