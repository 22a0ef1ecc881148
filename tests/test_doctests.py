"""The examples in the docstrings of public names."""

from __future__ import annotations

import doctest
import importlib
import sys

import numpy as np
import pytest

PUBLIC = {
    "gfm": "Matte load_model matte",
    "gfm.metrics": "evaluate",
    "rssn": "add_noise blend blur compose cover_crop denoise estimate_foreground",
}


@pytest.mark.parametrize(
    ("package", "name"),
    [(package, name) for package, names in PUBLIC.items() for name in names.split()],
)
def test_example_gives_what_it_says(package, name):
    public = getattr(importlib.import_module(package), name)
    names = vars(sys.modules[public.__module__]) | {"np": np}
    finder, runner = doctest.DocTestFinder(recurse=False), doctest.DocTestRunner()
    found = [test for test in finder.find(public, name, globs=names) if test.examples]
    assert found
    for test in found:
        runner.run(test)
    assert runner.summarize(verbose=False).failed == 0
