"""Fixtures of several files of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from browsing import opened_browser
from clips import write_clip
from tiny import build, clip_frames, shared, write_photographs, write_shards

from gfm.checkpoints.files import save_model


@pytest.fixture
def model_file(tmp_path) -> Path:
    """The file of a tiny network, TT."""
    save_model(shared(), tmp_path / "m.safetensors")
    return tmp_path / "m.safetensors"


@pytest.fixture
def ft_model(tmp_path) -> str:
    """The file of a tiny network of another representation than the default, FT."""
    save_model(build(rosta="FT"), tmp_path / "ft.safetensors")
    return str(tmp_path / "ft.safetensors")


@pytest.fixture
def clip(tmp_path) -> Path:
    """A video of `clip_frames`."""
    return write_clip(tmp_path / "clip.avi", clip_frames())


@pytest.fixture(scope="session")
def data(tmp_path_factory) -> Path:
    """Six samples in shards/ and two photographs in photographs/, for `gfm fit`."""
    folder = tmp_path_factory.mktemp("data")
    write_shards(folder / "shards", (4, 2))
    write_photographs(folder / "photographs", 2)
    return folder


@pytest.fixture(scope="session")
def seven(tmp_path_factory) -> Path:
    """Seven samples in shards of three, three and one."""
    return write_shards(tmp_path_factory.mktemp("seven") / "shards", (3, 3, 1))


@pytest.fixture
def in_tmp_path(tmp_path, monkeypatch):
    """Run in a folder of the test's own, to which `gfm fit` writes runs/."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def browser():
    """The system's browser, started once."""
    with opened_browser() as browser:
        yield browser
