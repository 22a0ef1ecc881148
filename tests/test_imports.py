"""Names with a leading underscore stay in their module; `make lint` checks the rest."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator

import pytest
from documents import ROOT

PACKAGES = ("gfm", "rssn", "data_tools")
FOLDERS = (*PACKAGES, "scripts", "tests")


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def private_names(code: str) -> Iterator[str]:
    """The private names of our packages that a module imports, or takes from one it imports."""
    nodes = list(ast.walk(ast.parse(code)))
    modules = set()
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.module.split(".")[0] in PACKAGES:
                names = [name for name in node.names if name.name[0].islower()]
                modules |= {name.asname or name.name for name in names}
                parts = (*node.module.split("."), *(name.name for name in node.names))
                yield from filter(is_private, parts)
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id in modules and is_private(node.attr):
                yield f"{node.value.id}.{node.attr}"


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_module_imports_a_private_name(folder):
    found = {}
    for path in sorted((ROOT / folder).rglob("*.py")):
        names = private_names(path.read_text(encoding="utf-8"))
        # Tests replace inner functions of a module to see what happens when they fail.
        if told := [name for name in names if folder != "tests" or "." not in name]:
            found[str(path.relative_to(ROOT))] = told
    assert not found


def test_private_names_are_found():
    code = "from gfm.a import _b\nfrom rssn._c import d\nfrom rssn import e\ne._f()\ne.__name__\n"
    assert list(private_names(code)) == ["_b", "_c", "e._f"]
    assert not list(private_names("import torch._dynamo\nfrom torch import _C\nself._g()\n"))


def test_every_part_of_gfm_has_its_layer():
    """A new folder, a system too, gets a place in the contract, or nothing would check it."""
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    layers = [each.get("layers", []) for each in tools["importlinter"]["contracts"]]
    (layers_of_gfm,) = (each for each in layers if "gfm.blocks" in each)
    listed = set(" ".join(layers_of_gfm).replace("|", " ").replace(":", " ").split())
    patterns = ("*.py", "*/__init__.py", "models/*.py", "models/*/__init__.py")
    parts = [path for pattern in patterns for path in (ROOT / "gfm").glob(pattern)]
    names = {str(path.relative_to(ROOT)).removesuffix(".py").replace("/", ".") for path in parts}
    names = {name.removesuffix(".__init__") for name in names} - {"gfm", "gfm.models"}
    assert names == listed
