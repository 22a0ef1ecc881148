"""Fixtures of several files of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from browsing import opened_browser
from tiny import shared

from gfm.checkpoints.files import save_model


@pytest.fixture
def model_file(tmp_path) -> Path:
    """The file of a tiny network, TT."""
    save_model(shared(), tmp_path / "m.safetensors")
    return tmp_path / "m.safetensors"


@pytest.fixture(scope="session")
def browser():
    """The system's browser, started once."""
    with opened_browser() as browser:
        yield browser
