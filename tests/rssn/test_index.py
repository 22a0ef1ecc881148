"""Tars of others: what can be used is indexed, the rest is named, and everything reads them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from drawings import draw_disc, draw_picture

from gfm.__main__ import main as gfm
from gfm.data.crops import CropOptions, Cropper
from gfm.data.module import GFMData
from gfm.data.sets import open_training_set
from gfm.training.sanity_data import check_validation
from rssn import Manifest, blend
from rssn.imaging.errors import InputError
from rssn.imaging.locations import Location, locate
from rssn.imaging.writing import encode_alpha, encode_rgb
from rssn.inspection.command import inspect_build
from rssn.inspection.command import main as inspect
from rssn.inspection.index import index_tars, main
from rssn.shards.parts import choose_parts

QUIET = ("--workers", "1", "--quiet")
PLAIN = CropOptions(sides=(48,), size=32, flip=0)


def foreign(number: int, side: int = 48) -> dict[str, bytes]:
    """A photograph and its matte as others keep them, with a caption beside."""
    alpha = encode_alpha(draw_disc(side, side))
    return {
        "txt": b"a disc",
        "JPG": encode_rgb(draw_picture(number, side, side)),
        "png": alpha,
    }


def whole(number: int, side: int = 48) -> dict[str, bytes]:
    """A composite with its parts, lossless, in names of others."""
    alpha = draw_disc(side, side)
    colours = [draw_picture(10 * number + each, side, side) for each in range(2)]
    pictures = {"img": blend(alpha, *colours), "fg": colours[0], "bg": colours[1]}
    parts = {f"{name}.png": encode_rgb(picture, "png") for name, picture in pictures.items()}
    return {**parts, "mask.png": encode_alpha(alpha)}


def write_tar(
    path: Location, samples: Mapping[str, Mapping[str, bytes]], form: int = tarfile.GNU_FORMAT
) -> None:
    """A tar as `tar cf` or WebDataset make it, with folders and files that are of no sample."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=form) as tar:
        folder = tarfile.TarInfo("./")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for key, members in samples.items():
            for name, content in {f"._{key}.png": b"", **_named(key, members)}.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    path.write_bytes(data.getvalue())


def _named(key: str, members: Mapping[str, bytes]) -> dict[str, bytes]:
    return {f"./{key}.{extension}": content for extension, content in members.items()}


def write_three(folder: Location) -> None:
    """00000.tar to 00002.tar, of two samples each, whose keys begin anew in every tar."""
    folder.mkdir(parents=True, exist_ok=True)
    for tar in range(3):
        samples = {f"{number:04d}": foreign(2 * tar + number) for number in range(2)}
        write_tar(folder / f"{tar:05d}.tar", samples)


@pytest.mark.parametrize(
    ("extensions", "parts"),
    [
        ("jpg png txt", {"composite": "jpg", "alpha": "png"}),
        ("image.png alpha.png json", {"composite": "image", "alpha": "alpha"}),
        ("jpg mask.png", {"composite": "jpg", "alpha": "mask"}),
        ("image.jpg png", {"composite": "image", "alpha": "png"}),
        (
            "composite.jpg alpha.png foreground.jpg background.jpg record.json",
            {name: name for name in ("composite", "alpha", "foreground", "background")},
        ),
    ],
)
def test_parts_are_told_by_their_names(extensions: str, parts: dict[str, str]) -> None:
    assert choose_parts(extensions.split(), {}) == parts


def test_parts_that_cannot_be_told_have_to_be_named() -> None:
    with pytest.raises(InputError, match=r"'a.jpg', 'b.jpg'.* --image jpg"):
        choose_parts(["a.jpg", "b.jpg"], {})
    given = {"composite": "a.jpg", "alpha": "b", "foreground": "none"}
    assert choose_parts(["a.jpg", "b.jpg", "fg.jpg"], given) == {"composite": "a.jpg", "alpha": "b"}
    with pytest.raises(InputError, match="--image c: "):
        choose_parts(["a.jpg", "b.jpg"], {"composite": "c"})


def test_indexed_tars_are_trained_on_and_inspected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_three(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(InputError, match=r"rssn\.index"):
        open_training_set(tmp_path)
    assert main([str(tmp_path / "{00000..2}.tar"), *QUIET]) == 0
    assert "6 samples in 3 tars (image = jpg, alpha = png)" in capsys.readouterr().out
    made = (tmp_path / "index.json").read_bytes()
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.tar")} == before

    samples = open_training_set(tmp_path)
    wanted = [f"{tar:05d}/{number:04d}" for tar in range(3) for number in range(2)]
    assert [samples.key(number) for number in range(len(samples))] == wanted
    data = GFMData(str(tmp_path), crop=PLAIN, batch_size=4, workers=1)
    batches = list(data.train_dataloader())
    assert sorted(key for batch in batches for key in batch.keys) == wanted
    assert all(batch.foreground is None for batch in batches)
    shown = {image.numpy().tobytes() for batch in batches for image in batch.image}
    assert len(shown) == 6

    assert inspect([str(tmp_path), *QUIET]) == 0
    told = inspect_build(tmp_path, workers=1)
    assert told["problems"] == [] and told["statistics"]["samples"] == 6
    assert told["statistics"]["blend_difference"] is None  # F and B are not known
    assert (tmp_path / "contact.jpg").is_file()
    assert main([str(tmp_path), *QUIET]) == 0  # the folder, and again
    assert (tmp_path / "index.json").read_bytes() == made
    assert inspect([str(tmp_path), "--sample", wanted[0], "--foregrounds", str(tmp_path)]) == 2
    assert "were not built here" in capsys.readouterr().err


@pytest.mark.integration
def test_fit_and_sanity_take_indexed_tars(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_three(tmp_path / "tars")
    monkeypatch.chdir(tmp_path)
    assert main(["tars", *QUIET]) == 0
    options = [
        *("--model.backbone", "timm:test_resnet", "--model.width", "0.25", "--data.workers", "1"),
        *("--data.crop.sides", "[32]", "--data.crop.size", "32", "--data.batch_size", "3"),
        *("--trainer.accelerator", "cpu", "--quiet"),
    ]
    assert gfm(["fit", "--data.shards", "tars", "--trainer.max_epochs", "2", *options]) == 0
    record = json.loads((tmp_path / "runs/version_0/run.json").read_text())
    assert (
        record["manifest_sha256"]
        == hashlib.sha256((tmp_path / "tars/manifest.json").read_bytes()).hexdigest()
    )
    capsys.readouterr()
    gfm(["sanity", "--shards", "tars", "--seconds", "1", *options])
    told = capsys.readouterr().out.splitlines()
    assert "6 of 6 samples were read, of 6 in all" in told[0]
    assert any("none are known, so the composition loss is left out" in line for line in told)


def test_photographs_in_folders_of_a_tar_are_known_in_the_validation(foregrounds: Path) -> None:
    keys = ["train/photo1", "./photo3", "other/photo9"]
    found = check_validation(str(foregrounds), None, keys)
    assert "2 are named as training samples, such as photo1" in found.text


def test_webdataset_and_the_index_see_the_same_samples(tmp_path: Path) -> None:
    webdataset = pytest.importorskip("webdataset")
    long = "f" * 120  # in a header of its own
    with webdataset.TarWriter(str(tmp_path / "a.tar")) as tar:
        for number in range(3):
            tar.write({"__key__": f"{long}/s{number}", **foreign(number)})
    index_tars([str(tmp_path)], workers=1)
    entries = Manifest.read(tmp_path).index()["a.tar"]
    theirs = webdataset.WebDataset(str(tmp_path / "a.tar"), shardshuffle=False)
    assert [entry.key for entry in entries] == [sample["__key__"] for sample in theirs]


@pytest.mark.parametrize("file_format", [tarfile.USTAR_FORMAT, tarfile.PAX_FORMAT])
def test_foreground_and_background_are_taken_where_they_are(
    tmp_path: Path, file_format: int
) -> None:
    write_tar(tmp_path / "a.tar", {"s0": whole(0), "s1": whole(1)}, file_format)
    padded = (tmp_path / "a.tar").read_bytes()
    (tmp_path / "a.tar").write_bytes(padded.rstrip(b"\0") + bytes(2 * tarfile.BLOCKSIZE))
    size = (tmp_path / "a.tar").stat().st_size
    with (tmp_path / "a.tar").open("ab") as file:  # some writers pad to a block, not a record
        file.write(bytes(-size % tarfile.BLOCKSIZE))
    assert main([str(tmp_path / "a.tar"), *QUIET]) == 0
    data = GFMData(str(tmp_path), crop=PLAIN, batch_size=2, workers=0)
    (batch,) = data.train_dataloader()
    again = batch.alpha * batch.foreground + (1 - batch.alpha) * batch.background
    assert (again - batch.image).abs().max() < 2 / 255
    assert inspect([str(tmp_path), *QUIET]) == 0
    assert main([str(tmp_path), *QUIET, "--foreground", "none", "--background", "none"]) == 0
    (batch,) = data.train_dataloader()
    assert batch.foreground is None


LEFT_OUT = (
    "0.tar: sample ./alone: has no alpha (png), or several, among ['jpg']",
    "0.tar: sample ./misfit: its parts differ in size: (height, width) {'composite': (48, 48), ",
    "0.tar: sample ./broken: its composite",
    "0.tar: sample ./coloured: its alpha",
    "1.tar: is cut short; copy it again, or leave it out",
)


def test_samples_that_cannot_be_used_are_left_out_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = {"jpg": foreign(0)["JPG"]}
    misfit = {**foreign(1), "png": encode_alpha(draw_disc(40, 48))}
    broken = {**foreign(2), "JPG": foreign(2)["JPG"][:400]}
    coloured = {**foreign(3), "png": encode_rgb(draw_picture(0, 48, 48), "png")}
    samples = {"good": foreign(5), "alone": alone, "misfit": misfit}
    write_tar(tmp_path / "0.tar", {**samples, "broken": broken, "coloured": coloured})
    write_tar(tmp_path / "1.tar", {"cut": foreign(6)})
    data = (tmp_path / "1.tar").read_bytes()
    (tmp_path / "1.tar").write_bytes(data[: len(data) // 2])
    write_tar(tmp_path / "2.tar", {"last": foreign(7)})
    assert main([str(tmp_path / "{0..2}.tar"), *QUIET]) == 1
    told = capsys.readouterr().err.replace(f"{tmp_path}/", "").splitlines()
    for line, wanted in zip(told, LEFT_OUT, strict=True):
        assert line.startswith(f"failed: {wanted}")
    samples = open_training_set(tmp_path)
    assert [samples.key(number) for number in range(len(samples))] == ["good", "last"]
    assert Manifest.read(tmp_path).failures and inspect([str(tmp_path), *QUIET]) == 0


def test_index_may_lie_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For folders of tars that cannot be written to."""
    write_three(tmp_path / "tars")
    monkeypatch.chdir(tmp_path)
    assert main(["tars", *QUIET, "--out", "mine/index"]) == 0
    assert sorted(path.suffix for path in (tmp_path / "tars").iterdir()) == [".tar"] * 3
    monkeypatch.chdir("/")
    samples = open_training_set(tmp_path / "mine/index")
    planes, _ = samples.crop(5, 0, Cropper(PLAIN), np.random.default_rng(0))
    assert len(samples) == 6 and planes.image.shape == (32, 32, 3)
    assert inspect([str(tmp_path / "mine/index"), *QUIET]) == 0
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError, match="--out"):
        index_tars([str(tmp_path / "tars")], out=tmp_path / "file/index", workers=1)


def test_changed_tar_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_three(tmp_path)
    index_tars([str(tmp_path)], workers=1)
    write_tar(tmp_path / "00001.tar", {"0000": foreign(2), "0001": foreign(9)})
    assert inspect([str(tmp_path), *QUIET]) == 1
    assert f"{tmp_path / '00001.tar'}: " in capsys.readouterr().err


def test_what_is_no_set_of_tars_is_refused(tmp_path: Path, finished: Path) -> None:
    (tmp_path / "other").mkdir()
    write_three(tmp_path / "three")
    write_tar(tmp_path / "other" / "a.tar", {"s": foreign(0)})
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(b""))
    for words, message in (
        (["three/{00000..3}.tar"], r"00003\.tar: no such file"),
        (["three/{00000..3.tar"], r"00000\.\.3\.tar'; close"),
        (["a.tar.gz"], r"is compressed, .* unpack it"),
        (["three/00000.tar", "other/a.tar"], r"several folders"),
        ([str(finished)], r"holds a build of rssn\.build"),
        (["foregrounds/mask"], r"holds no tars"),
    ):
        with pytest.raises(InputError, match=message):
            index_tars([str(tmp_path / word) for word in words], workers=1)
    write_tar(tmp_path / "other" / "a.tar", {"s": {**foreign(0), "png": b""}})
    with pytest.raises(InputError, match=r"a\.tar: sample \./s: .*alpha"):
        index_tars([str(tmp_path / "other")], workers=1)
    (tmp_path / "other" / "a.tar").write_bytes(b"no tar" * 1000)
    with pytest.raises(InputError, match=r"a\.tar: "):
        index_tars([str(tmp_path / "other")], workers=1)
    assert not (tmp_path / "other" / "manifest.json").exists()


@pytest.mark.integration
def test_tars_in_a_store_are_indexed_and_read_there(store: str) -> None:
    write_three(locate(store))
    assert main([f"{store}/{{00000..2}}.tar", *QUIET]) == 0
    manifest = json.loads((locate(store) / "manifest.json").read_bytes())
    assert manifest["configuration"]["parts"] == {"composite": "jpg", "alpha": "png"}
    assert inspect([store, *QUIET]) == 0
    data = GFMData(store, crop=PLAIN, batch_size=3, workers=1)
    keys = [key for batch in data.train_dataloader() for key in batch.keys]
    assert len(keys) == len(set(keys)) == 6
