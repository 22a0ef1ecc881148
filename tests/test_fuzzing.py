# ruff: noqa: E402 - the path to the helpers comes before them
"""Damaged pictures, configurations and checkpoints through every door: read, or named in one line.

The quick suite sends a few of each, the slow one as many as docs/reliability.md says.
"""

from __future__ import annotations

import faulthandler
import io
import json
import os
import pickle
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mutations import flip_bits, mutate
from PIL import Image
from safetensors.torch import save_file

# Helpers of the packages' own tests, which pytest would find only after this file.
sys.path[:0] = [str(Path(__file__).parent / name) for name in ("gfm", "rssn")]

from drawings import draw_disc, draw_picture
from serving import PNG, assert_same, decode, matte_of, open_client, post, saved
from tiny import shared

import gfm
from gfm.__main__ import main as gfm_main
from gfm.checkpoints.files import save_model
from gfm.checkpoints.metadata import CONFIG_KEY
from gfm.commands.fit import command_line, read_hyper_parameters
from gfm.inference.loading import load_model
from gfm.models.glance_focus.released import convert
from rssn import Manifest
from rssn.build.builder import main as build
from rssn.imaging.console import run_command
from rssn.imaging.errors import InputError
from rssn.imaging.headers import declared_size
from rssn.imaging.photographs import as_photograph, read_photograph
from rssn.imaging.reading import read_rgb
from rssn.imaging.writing import encode_alpha, encode_rgb, write_alpha, write_rgb
from rssn.inspection import command as inspection
from rssn.route.compose import RouteOptions

QUICK = 14
SLOW = pytest.mark.slow
PIXELS = draw_picture(3)
PICTURE = Image.fromarray(PIXELS)
GIGABYTE = 2**20  # of the kilobytes in which the system counts
SECONDS = 20  # for one picture


def see_through() -> Image.Image:
    image = PICTURE.copy()
    image.putalpha(Image.fromarray(draw_picture(4)[..., 0]))
    return image


def turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


SEEDS = {
    "rgb.png": saved(PICTURE, "PNG"),
    "deep.png": cv2.imencode(".png", PIXELS.astype(np.uint16) * 257)[1].tobytes(),
    "rgba.png": saved(see_through(), "PNG"),
    "palette.png": saved(PICTURE.quantize(32), "PNG"),
    "plain.jpg": saved(PICTURE, "JPEG", quality=90),
    "restart.jpg": encode_rgb(PIXELS),
    "progressive.jpg": saved(PICTURE, "JPEG", progressive=True),
    "cmyk.jpg": saved(PICTURE.convert("CMYK"), "JPEG"),
    "turned.jpg": saved(PICTURE, "JPEG", exif=turned()),
    "lossy.webp": saved(PICTURE, "WEBP"),
    "lossless.webp": saved(PICTURE, "WEBP", lossless=True),
    "lzw.tiff": saved(PICTURE, "TIFF", compression="tiff_lzw"),
    "raw.tif": saved(PICTURE, "TIFF"),
    "plain.bmp": saved(PICTURE, "BMP"),
}


def damaged(count: int) -> Iterator[tuple[str, bytes]]:
    """So many damaged pictures of all kinds in turn, each with a name of its own."""
    rng, names = np.random.default_rng(8), list(SEEDS)
    for number in range(count):
        name = names[number % len(names)]
        other = SEEDS[names[int(rng.integers(len(names)))]]
        yield f"d{number:04}.{name.partition('.')[2]}", mutate(SEEDS[name], rng, other)


@contextmanager
def bounded(count: int) -> Iterator[None]:
    """End the process with a traceback if it hangs; fail if it takes a gigabyte more."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    faulthandler.dump_traceback_later(60 + SECONDS * count / 10, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert peak - before < GIGABYTE, (
        f"{peak / GIGABYTE:.2f} GB at most, {before / GIGABYTE:.2f} before"
    )


def failed_lines(told: str) -> list[str]:
    """The lines that name an input; decoders in C add some of their own."""
    start = "failed: "
    return [line.removeprefix(start) for line in told.splitlines() if line.startswith(start)]


def can_be_read(read, *given) -> bool:
    try:
        read(*given)
    except InputError as error:
        assert "\n" not in str(error)
        return False
    return True


@pytest.mark.parametrize("count", [QUICK, pytest.param(2000, marks=SLOW)])
def test_build(count: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A third each as photographs, as mattes, and as backgrounds."""
    photographs, mattes, pictures = (tmp_path / name for name in ("set/original", "set/mask", "bg"))
    for folder in (photographs, mattes, pictures):
        folder.mkdir(parents=True)
    rng, matte = np.random.default_rng(2), encode_alpha(draw_disc())
    for number, (name, data) in enumerate(damaged(count)):
        if number // len(SEEDS) % 3 == 2:
            (pictures / name).write_bytes(data)
            continue
        spoils_matte = number // len(SEEDS) % 3 == 1
        place = photographs / (f"{name[:5]}.png" if spoils_matte else name)
        place.write_bytes(SEEDS["rgb.png"] if spoils_matte else data)
        matte_bytes = mutate(matte, rng) if spoils_matte else matte
        (mattes / f"{name[:5]}.png").write_bytes(matte_bytes)
    for number in range(3):
        write_rgb(photographs / f"good{number}.png", draw_picture(number))
        write_alpha(mattes / f"good{number}.png", draw_disc())
        write_rgb(pictures / f"good{number}.png", draw_picture(9 + number, 60, 80))
    out = tmp_path / "out"
    options = ["--route", "blur", "--k", "1", "--size", "32", "--workers", "1", "--quiet"]
    given = ["--foregrounds", str(photographs.parent), "--backgrounds", str(pictures)]
    with bounded(count):
        assert build([*given, "--out", str(out), *options]) == 1
    manifest = Manifest.read(out)
    lines = failed_lines(capfd.readouterr().err)
    assert sorted(lines) == sorted(manifest.failures)
    named = [line.partition(":")[0] for line in lines]
    assert len(set(named)) == len(named)
    built = {entry.key.removesuffix("-k0") for each in manifest.index().values() for entry in each}
    lost = {Path(name).stem for name in named if name.startswith(("original", "mask"))}
    assert built | lost == {path.stem for path in photographs.iterdir()} and not built & lost
    assert {f"good{number}" for number in range(3)} <= built
    unreadable = {path.name for path in pictures.iterdir() if not can_be_read(read_rgb, path)}
    # Of the backgrounds only those are read that a photograph is put before.
    assert {name for name in named if "/" not in name} <= unreadable
    assert inspection.main([str(out), "--workers", "1", "--quiet"]) == 0


@pytest.mark.parametrize("count", [QUICK, pytest.param(2000, marks=SLOW)])
def test_matte_command(count: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder, out, model = tmp_path / "in", tmp_path / "out", tmp_path / "m.safetensors"
    save_model(shared(), model)
    folder.mkdir()
    for name, data in damaged(count):
        (folder / name).write_bytes(data)
    (folder / "good.png").write_bytes(PNG)
    given = ["matte", str(folder), "--model", str(model), "--out", str(out), "--quiet"]
    with bounded(count):
        assert gfm_main([*given, "--outputs", "alpha"]) == 1
    named = {Path(line.partition(": ")[0]) for line in failed_lines(capfd.readouterr().err)}
    paths = sorted(folder.iterdir())
    assert named == {path for path in paths if not can_be_read(as_photograph, path)}
    made = {path.stem: path for path in (out / "alpha").iterdir()}
    assert made.keys() == {path.stem for path in paths if path not in named}
    for path in [folder / "good.png", *(path for path in paths if path not in named)][:20]:
        wanted = np.rint(gfm.matte(path, shared()).alpha * 255)
        assert_same(decode(made[path.stem].read_bytes()), wanted)


@pytest.mark.parametrize("count", [QUICK, pytest.param(2000, marks=SLOW)])
def test_server(count: int) -> None:
    wanted = np.rint(matte_of(PNG).alpha * 255)
    answered = 0
    with bounded(count), open_client() as client:
        for name, data in damaged(count):
            began = time.monotonic()
            answer = post(client, data, "output=alpha")
            assert time.monotonic() - began < SECONDS, name
            if answer.status_code == 200:
                answered += 1
                if answered % 20 == 0:
                    found = np.rint(matte_of(data).alpha * 255)
                    assert_same(decode(answer.content), found)
                continue
            assert answer.status_code in (400, 413, 415, 422), (name, answer.text)
            assert "\n" not in answer.json()["error"]
            unsized = 0 in declared_size(data)  # OpenCV reads some such TIFFs
            refused = answer.status_code in (413, 415) or unsized
            assert refused or not can_be_read(read_photograph, data, "x"), name
        assert answered > count / 5
        assert_same(decode(post(client, PNG, "output=alpha").content), wanted)


@pytest.mark.parametrize("count", [QUICK, pytest.param(1000, marks=SLOW)])
def test_configurations(count: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Of a route and of a run: taken, or refused with the name of the file or of the option."""
    rng, path = np.random.default_rng(4), tmp_path / "x.yaml"
    route = b"k: 3\ndenoise_sigma: auto\nblur_sizes: [20, 30, 40]\nnoise_sigma: 7.5\n"
    run = b"model: {backbone: r34, rosta: TT, width: 0.25}\ndata:\n  batch_size: 4\n  seed: 7\n"
    for number in range(count):
        is_route = number % 5 > 0
        path.write_bytes(mutate(route if is_route else run, rng))
        if is_route:
            code = run_command(lambda: RouteOptions.from_yaml(path) and None)
        else:
            code = run_command(lambda: command_line(["--config", str(path), "--print_config"]))
        told = [line for line in capfd.readouterr().err.splitlines() if line.startswith("error: ")]
        assert (code, len(told)) in ((0, 0), (2, 1)), path.read_bytes()


WRONG = [None, True, -1, 0, 1e308, 2**70, float("nan"), "x", "", [], {}, [1, 2], ["a", "b", "c"]]


@pytest.mark.parametrize("name", [*json.loads(shared().config.to_json())])
def test_option_of_a_model_that_is_wrong(name: str, tmp_path: Path) -> None:
    values = json.loads(shared().config.to_json())
    for wrong in WRONG[:3] if name == "pyramid" else WRONG:
        text = json.dumps({**values, name: wrong})
        save_file({"a": torch.zeros(1)}, tmp_path / "m.safetensors", {CONFIG_KEY: text})
        with pytest.raises(InputError) as caught:
            load_model(tmp_path / "m.safetensors", "cpu")
        assert str(caught.value).startswith(f"{tmp_path / 'm.safetensors'}: ")


@pytest.mark.parametrize("text", ["[]", "null", "3", "[[1, 2]]", '{"a"', "[" * 100_000])
def test_configuration_of_a_model_that_is_none(text: str, tmp_path: Path) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "m.safetensors", {CONFIG_KEY: text})
    with pytest.raises(InputError, match=r"m\.safetensors: the model's configuration"):
        load_model(tmp_path / "m.safetensors", "cpu")


class Malicious:
    """Would write a file where it is unpickled."""

    def __init__(self, canary: Path, way: int) -> None:
        self.canary, self.way = canary, way

    def __reduce__(self):
        if self.way == 0:
            return os.system, (f"touch {self.canary}",)
        if self.way == 1:
            return eval, (f"open({str(self.canary)!r}, 'w').close()",)
        return Path.touch, (self.canary,)


def malicious(canary: Path) -> Iterator[bytes]:
    for way in range(3):
        evil = Malicious(canary, way)
        for content in (
            evil,
            {"state_dict": evil},
            {"weight": torch.zeros(1), "more": evil},
            {"hyper_parameters": evil, "state_dict": {}},
        ):
            yield from (pickle.dumps(content, protocol) for protocol in (0, 2, 4))
            for zipped in (True, False):
                file = io.BytesIO()
                torch.save(content, file, _use_new_zipfile_serialization=zipped)
                yield file.getvalue()


def test_no_pickle_is_executed(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    files = list(malicious(canary))
    pickle.loads(files[0])
    assert canary.exists()  # so they would
    canary.unlink()
    for data in files:
        for name in ("x.pth", "x.ckpt", "x.safetensors"):
            path = tmp_path / name
            path.write_bytes(data)
            with pytest.raises(InputError) as caught:
                open_checkpoint(path)
            assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert not canary.exists()


def open_checkpoint(path: Path) -> None:
    if path.suffix == ".safetensors":
        load_model(path, "cpu")
    elif path.suffix == ".pth":
        convert(path, "r34", "TT")
    else:
        read_hyper_parameters(path)


@pytest.mark.parametrize("count", [12, pytest.param(320, marks=SLOW)])
def test_checkpoints(count: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    save_model(shared(), tmp_path / "whole.safetensors")
    whole = (tmp_path / "whole.safetensors").read_bytes()
    state = {"hyper_parameters": {"backbone": "r34"}, "state_dict": {"a": torch.zeros(3, 3)}}
    torch.save(state, tmp_path / "whole.ckpt")
    torch.save(state["state_dict"], tmp_path / "whole.pth")
    for number in range(count):
        kind = (".safetensors", ".ckpt", ".pth", ".safetensors")[number % 4]
        path = tmp_path / f"x{kind}"
        data = (tmp_path / f"whole{kind}").read_bytes()
        path.write_bytes(spoil_header(whole, rng) if number % 4 == 3 else mutate(data, rng))
        with bounded(1):
            try:
                open_checkpoint(path)
            except InputError as error:
                assert str(path) in str(error) and "\n" not in str(error)
            else:
                assert kind != ".pth"  # there is nothing of a network in it


def spoil_header(data: bytes, rng: np.random.Generator) -> bytes:
    """A model file whose header is of another length than it says, or says other things."""
    length = int.from_bytes(data[:8], "little")
    lengths = (0, 1, length - 1, length + 1, 2**31, 2**40, 2**63, 2**64 - 1)
    said = lengths[int(rng.integers(len(lengths)))]
    if rng.random() < 0.5:
        return said.to_bytes(8, "little") + data[8:]
    return data[:8] + flip_bits(data[8 : 8 + length], rng) + data[8 + length :]
