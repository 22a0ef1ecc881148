"""A user's own albumentations pipeline: planes move together, and stay a composite."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest
from documents import ROOT, blocks
from tiny import draw_matte, draw_photograph, write_shards

from gfm.commands.fit import command_line
from gfm.data.augmentation import import_albumentations
from gfm.data.crops import CropOptions, Cropper, Planes
from gfm.data.module import GFMData
from rssn.imaging.blending import blend
from rssn.imaging.errors import InputError

albumentations = import_albumentations()
SIZE = 64
OPTIONS = CropOptions(sides=(SIZE,), size=SIZE)


@pytest.fixture
def cropper(tmp_path):
    """A cropper with a pipeline of transforms."""

    def made(*transforms):
        file = tmp_path / "augment.yaml"
        albumentations.save(albumentations.Compose(transforms), file, data_format="yaml")
        return Cropper(OPTIONS, file)

    return made


def draw_planes(noise=0):
    """A composite of two photographs, and what it differs by."""
    alpha = draw_matte(SIZE, SIZE, radius=20, rim=16)
    foreground, background = (draw_photograph(seed, SIZE, SIZE) for seed in (1, 2))
    image = blend(alpha, foreground, background)
    levels = np.random.default_rng(0).integers(-noise, noise + 1, image.shape)
    return Planes((image + levels).clip(0, 255).astype(np.uint8), alpha, foreground, background)


def finish(cropper, planes, seed=0):
    return cropper.finish(planes, np.random.default_rng(seed))


@pytest.mark.parametrize(
    "transform",
    [
        albumentations.Affine(rotate=(-40, 40), scale=(0.7, 1.4), p=1),
        albumentations.ElasticTransform(p=1),
        albumentations.RandomResizedCrop((SIZE, SIZE), p=1),
        albumentations.CoarseDropout(fill=90, p=1),
        albumentations.RandomBrightnessContrast(0.5, 0.5, p=1),
        albumentations.HueSaturationValue(40, 60, 40, p=1),
        albumentations.RandomGamma((40, 200), p=1),
        albumentations.ColorJitter(p=1),
        albumentations.CLAHE(p=1),
        albumentations.ToGray(p=1),
        albumentations.GaussianBlur((5, 7), p=1),
        albumentations.GaussNoise((0.1, 0.2), p=1),
        albumentations.ISONoise(p=1),
        albumentations.ImageCompression("jpeg", (10, 30), p=1),
    ],
    ids=lambda transform: type(transform).__name__,
)
def test_composite_stays_the_blend_of_its_parts(transform, cropper):
    made, planes = cropper(transform), draw_planes()
    for seed in range(3):
        image, *parts = finish(made, planes, seed)[:4]
        np.testing.assert_array_equal(image, blend(*parts))
        assert (parts[1] != planes.foreground).any()


def test_what_a_composite_differs_by_is_transformed_with_it(cropper):
    """Levels halve, so that the noise of at most 8 is one of at most 4, and rounding."""
    halve = albumentations.RandomBrightnessContrast((0, 0), (-0.5, -0.5), p=1)
    planes = draw_planes(noise=8)
    image, *parts = finish(cropper(halve), planes)[:4]
    noise = image.astype(int) - blend(*parts)
    before = planes.image.astype(int) - blend(*planes[1:4])
    assert 3 <= np.abs(noise).max() <= 5
    assert np.abs(noise - before / 2).max() <= 1


def test_alpha_moves_with_the_colours_and_is_interpolated_linearly(cropper):
    """Half a pixel to the right: alpha is the mean of neighbours; its nearest would be levels."""
    half = albumentations.Affine(
        translate_px={"x": (1, 1), "y": (0, 0)}, scale=1.5, keep_ratio=True, p=1
    )
    levels = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE), np.uint8)
    picture = np.repeat(levels[..., None], 3, axis=2)
    planes = Planes(picture, levels / np.float32(255), None, None)
    made = finish(cropper(half), planes)
    assert np.abs(made.alpha * 255 - made.image[..., 0]).max() <= 2  # cv2 weighs in 1/32 px
    assert not np.isin(np.rint(made.alpha * 255 * 64), np.arange(256) * 64).all()
    assert made.foreground is None and made.background is None
    assert half.mask_interpolation == cv2.INTER_NEAREST  # the default, which would be used


def test_other_warnings_refuse_nothing(tmp_path):
    """`ShiftScaleRotate` warns that `Affine` does the same."""
    (tmp_path / "augment.yaml").write_text(PLAIN.format("ShiftScaleRotate"))
    Cropper(OPTIONS, tmp_path / "augment.yaml")


def test_transforms_of_equal_share_are_drawn_apart(cropper):
    """With one seed for each transform both flips would come together or not at all."""
    made = cropper(albumentations.HorizontalFlip(p=0.5), albumentations.VerticalFlip(p=0.5))
    planes = draw_planes()
    seen = set()
    for seed in range(32):
        image = finish(made, planes, seed).image
        views = {(a, b): planes.image[::b, ::a] for a in (1, -1) for b in (1, -1)}
        seen |= {name for name, view in views.items() if np.array_equal(image, view)}
    assert seen == {(1, 1), (1, -1), (-1, 1), (-1, -1)}


PLAIN = """\
transform:
  __class_fullname__: Compose
  transforms:
  - __class_fullname__: {}
    p: 0.01
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PLAIN.format("HorizontalFlop"), "'HorizontalFlop' .*HorizontalFlip?"),
        (PLAIN.format("Lambda"), "'Lambda'"),
        (PLAIN.format("RandomGamma\n    gama: 3"), "RandomGamma: .*'gama'"),
        (PLAIN.format("Blur\n    blur_limit: x"), "Blur: .*blur_limit"),
        (PLAIN.replace("p: 0.01", "").format("Blur"), "Blur: .*'p'"),
        (PLAIN.format("CenterCrop\n    height: 32\n    width: 32"), "32x32x3 "),
        (PLAIN.format("Normalize"), "64x64x3 float32 .*Normalize"),
        (PLAIN.format("ToTensorV2"), "ToTensorV2"),
        (PLAIN.format("PixelDistributionAdaptation"), "pda_metadata"),
        (PLAIN.format("RandomCrop3D\n    size: [8, 8, 8]"), "fails on a crop"),
        (PLAIN.replace("__class_fullname__: {}", "name: Blur"), "names no transform"),
        ("transform: [", "YAML"),
        ("flip: 1", "`transform:`"),
    ],
)
def test_unusable_files_are_refused(text, message, tmp_path):
    file = tmp_path / "augment.yaml"
    file.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        Cropper(OPTIONS, file)
    assert str(caught.value).startswith(f"data.augment={file}: ")
    assert "\n" not in str(caught.value)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=re.escape(f"data.augment={tmp_path}/a.yaml: ")):
        Cropper(OPTIONS, tmp_path / "a.yaml")


def test_what_the_pipeline_replaces_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"data\.crop\.jitter=0\.2 .*data\.augment"):
        Cropper(CropOptions(jitter=0.2), tmp_path / "a.yaml")


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    return write_shards(tmp_path_factory.mktemp("augment") / "shards", (4, 3))


def batches(shards, file, workers):
    data = GFMData(
        str(shards), crop=CropOptions((32,), 32), batch_size=2, workers=workers, augment=str(file)
    )
    return {
        key: [part[number].numpy() for part in batch[:4]]
        for batch in data.train_dataloader()
        for number, key in enumerate(batch.keys)
    }


@pytest.mark.integration
def test_samples_are_the_same_with_any_number_of_workers(shards, tmp_path):
    file = tmp_path / "augment.yaml"
    transforms = [albumentations.Rotate(p=1), albumentations.HueSaturationValue(p=1)]
    albumentations.save(albumentations.Compose(transforms), file, data_format="yaml")
    alone, forked = batches(shards, file, 0), batches(shards, file, 2)
    assert alone.keys() == forked.keys() and len(alone) == 7
    for key, parts in alone.items():
        for ours, wanted in zip(forked[key], parts, strict=True):
            np.testing.assert_array_equal(ours, wanted)


def test_example_of_the_documentation_is_taken(tmp_path):
    (example,) = (
        block.text
        for block in blocks(ROOT / "docs/training_data.md", "yaml")
        if "__class_fullname__" in block.text
    )
    (tmp_path / "augment.yaml").write_text(example)
    cropper, planes = Cropper(OPTIONS, tmp_path / "augment.yaml"), draw_planes()
    made = [finish(cropper, planes, seed) for seed in range(8)]
    for image, *parts in (each[:4] for each in made):
        np.testing.assert_array_equal(image, blend(*parts))
    assert len({one.alpha.tobytes() for one in made}) == 8  # zoomed and turned, each otherwise


def test_command_line_takes_the_file(tmp_path):
    made = command_line(
        ["--trainer.accelerator", "cpu", "--data.augment", "own.yaml", "--quiet"], is_run=False
    )
    with pytest.raises(InputError, match=r"own\.yaml: "):
        made.datamodule.shards = str(write_shards(tmp_path / "shards", (2,)))
        made.datamodule.train_dataloader()
