"""The pages of docs/: their commands and names exist, and the tutorial can be followed."""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from inspect import signature
from pathlib import Path

import numpy as np
import pytest
import yaml
from documents import PAGES, ROOT, blocks, commands, prose_commands, run

import gfm
import rssn
from data_tools.scenes import draw_scene
from gfm.commands.fit import task_class
from gfm.models.registry import SYSTEMS

TUTORIAL = ROOT / "docs" / "tutorial.md"
LIGHTNING = ("fit", "validate", "test", "predict", "sanity")
OWN_OPTIONS = {"config", "print_config", "quiet", "help", "shards", "validation", "seconds"}
# What is added to commands of the tutorial, so that following it takes minutes.
SHORTER = {
    "python -m rssn.build": "--limit 6 --workers 1",
    "python -m gfm sanity": "--seconds 5 --trainer.accelerator cpu",
    "python -m gfm fit": "--trainer.max_epochs 5 --trainer.log_every_n_steps 1 "
    "--trainer.accelerator cpu",
}


def find_commands(pattern: str) -> list[str]:
    """What the group of the pattern finds in the commands of all pages."""
    lines = [line for page in PAGES for line in prose_commands(page)]
    for page in PAGES:
        for block in blocks(page, "", "sh"):
            lines += block.text.replace("\\\n", " ").splitlines()
    named = (re.search(pattern, line) for line in lines)
    return sorted({" ".join(shlex.split(found[1], comments=True)) for found in named if found})


def flat(options: Mapping, prefix: str = "") -> set[str]:
    """The dotted names of all options in nested tables."""
    names = set()
    for key, value in options.items():
        names.add(prefix + key)
        if isinstance(value, Mapping):
            names |= flat(value, f"{prefix}{key}.")
    return names


@pytest.fixture(scope="module")
def lightning_options():
    """The names of all options of `gfm fit`."""
    from gfm.commands.fit import command_line
    from gfm.data.crops import CropOptions
    from gfm.data.material import MaterialOptions

    made = command_line(["--trainer.accelerator", "cpu", "--quiet"], is_run=False)
    options = yaml.safe_load(made.parser.dump(made.config, skip_none=False))
    groups = {"crop": CropOptions, "draw": MaterialOptions}
    data = {
        f"data.{group}.{name}" for group, kind in groups.items() for name in kind.__annotations__
    }
    # The task's options are written without `init_args`, too.
    short = {name.replace("model.init_args.", "model.") for name in flat(options)}
    return flat(options) | short | data | {"ckpt_path"} | OWN_OPTIONS


@pytest.mark.parametrize("command", find_commands(r"-m ((?:gfm|rssn|data_tools)\b.* --.*)"))
def test_options_exist(command, capsys, request):
    module, *words = command.split()
    given = {word.partition("=")[0] for word in words if word.startswith("--")}
    if module == "gfm" and words[0] in LIGHTNING:
        known = request.getfixturevalue("lightning_options")
        if "--model" in words:
            task = task_class(words[words.index("--model") + 1])
            known = known | {f"model.{name}" for name in signature(task).parameters}
        assert {name.removeprefix("--") for name in given} <= known
        return
    subcommand = "" if "." in module else words[0]
    assert run(f"python -m {module} {subcommand} --help") == 0
    assert given <= set(re.findall(r"--[\w-]+", capsys.readouterr().out))


@pytest.mark.parametrize("command", find_commands(r"python (scripts/.*)"))
def test_options_of_scripts_exist(command):
    """In their text, since importing all of them would take a minute."""
    script, *words = command.split()
    text = (ROOT / script).read_text()
    for option in (word.partition("=")[0] for word in words if word.startswith("--")):
        assert f'"{option}"' in text, option


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_blocks_and_links_are_sound(page):
    for block in blocks(page, "python"):
        tree = compile(block.text, str(block), "exec", ast.PyCF_ONLY_AST)
        for name in ast.walk(tree):
            if isinstance(name, ast.Attribute) and isinstance(name.value, ast.Name):
                if name.value.id in ("gfm", "rssn", "data_tools"):
                    package = importlib.import_module(name.value.id)
                    assert hasattr(package, name.attr), f"{block}: {ast.unparse(name)}"
    for block in blocks(page, "yaml"):
        assert yaml.safe_load(block.text), str(block)
    for block in blocks(page, "json"):
        assert json.loads(block.text), str(block)
    links = re.findall(r"\]\((?!https?:)([^)#\s]+)", page.read_text(encoding="utf-8"))
    for target in links:
        assert (page.parent / target).exists(), f"{page}: {target}"


def test_every_page_is_in_the_contents():
    index = (ROOT / "docs" / "index.md").read_text()
    trees = [block.text for block in blocks(ROOT / "docs" / "index.md", "{toctree}")]
    named = {line for tree in trees for line in tree.splitlines() if line and line[0] != ":"}
    there = {
        str(page.relative_to(ROOT / "docs").with_suffix(""))
        for page in PAGES
        if page.is_relative_to(ROOT / "docs")
    }
    assert named == there - {"index"}, index


def test_every_public_name_and_system_is_in_the_reference():
    text = "".join(page.read_text() for page in (ROOT / "docs" / "api").glob("*.md"))
    names = [f"{package.__name__}.{name}" for package in (gfm, rssn) for name in package.__all__]
    names += [home.rpartition(".")[0] for home in SYSTEMS.values()]
    assert [name for name in names if not re.search(rf"{re.escape(name)}\b", text)] == []


def test_composition_snippet_runs():
    drawn = draw_scene(np.random.default_rng(5), 48, 48)
    names = {"photo": drawn.image, "alpha": drawn.alpha, "background": drawn.background}
    (block,) = blocks(ROOT / "docs" / "composition.md", "python")
    exec(compile(block.text, str(block), "exec"), names)
    # 20 to 60 px are meant for 1080; the picture has 48.
    assert names["sample"].record["blur"]["size"] in (1, 2, 3)


def test_where_things_go_is_there():
    """The files and names of the table in CONTRIBUTING.md."""
    page = (ROOT / "CONTRIBUTING.md").read_text()
    table = page.split("## Where things go")[1].split("\n## ")[0]
    rows = [row for row in table.splitlines() if row.startswith("| a")]
    assert len(rows) >= 9
    for path in set(re.findall(r"`([\w./]+/[\w./]*)`", "".join(rows))):
        assert (ROOT / path).exists(), path
    for module, name in (
        ("gfm.encoders.build", "ENCODERS"),
        ("gfm.models.glance_focus.loss", "LossWeights"),
        ("gfm.models.glance_focus.loss", "GFMLoss"),
        ("gfm.metrics", "METRICS"),
        ("rssn.route.compose", "ROUTES"),
        ("rssn.route.steps", "MORE_STEPS"),
        ("data_tools.scenes.kinds", "KINDS"),
        ("gfm.__main__", "COMMANDS"),
        ("data_tools.__main__", "COMMANDS"),
    ):
        assert name in page and hasattr(importlib.import_module(module), name), name


@pytest.mark.integration
def test_tutorial_can_be_followed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (route,) = blocks(TUTORIAL, "yaml")
    (tmp_path / "route.yaml").write_text(route.text)
    here = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{here}:{os.environ['PATH']}", "PROJECT": str(ROOT)}
    for block in blocks(TUTORIAL, "sh"):
        script = ["set -eu"]
        for line in block.text.replace("\\\n", " ").splitlines():
            more = next((SHORTER[start] for start in SHORTER if line.startswith(start)), "")
            script.append(f"{line} {more}")
        done = subprocess.run(
            ["bash", "-c", "\n".join(script)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        # Five steps and five seconds teach nothing: sanity may say so.
        allowed = (0, 1) if "gfm sanity" in block.text else (0,)
        assert done.returncode in allowed, f"{block}: {done.stderr[-2000:]}"
    names: dict[str, object] = {}
    (snippet,) = blocks(TUTORIAL, "python")
    exec(compile(snippet.text, str(snippet), "exec"), names)
    assert (tmp_path / "cutout.png").is_file() and (tmp_path / "report.html").is_file()
    assert names["matte"].alpha.shape == (512, 512)
    assert json.loads((tmp_path / "result.json").read_text())["count"] == 9


def test_commands_are_told_from_comments():
    text = "make demo  # the path\n\npython -m gfm fit \\\n  --config a.yaml\n# nothing"
    assert commands(text) == ["make demo", "python -m gfm fit --config a.yaml"]
    assert run("python -m data_tools --help") == 0
