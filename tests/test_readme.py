"""Every command and snippet of the README, and of the pages that go on where it ends, runs.

The user's files are small stand-ins. The blocks run in their order, in one folder: what a command
writes, the next ones find. The commands between backquotes in the text of a page follow its blocks.
A command that cannot run here is in `NOT_RUN`.
"""

from __future__ import annotations

import re
import subprocess
import tomllib
from itertools import pairwise

import numpy as np
import pytest
from documents import PAGES, ROOT, blocks, commands, prose_commands, run
from standins import BACKBONE, SIDE, write_packaged, write_user

from data_tools.scenes import draw_scene
from gfm.checkpoints import packaged
from gfm.inference.loading import packaged_model

README = ROOT / "README.md"
PAGES_FOLLOWED = (
    *("install", "matting", "correct", "review", "composition", "data", "reproduce"),
    *("bench", "adamatting", "fba", "lsa", "clicks", "systems", "training", "licences", "video"),
)
FOLLOWED = (README, *(ROOT / f"docs/{name}.md" for name in PAGES_FOLLOWED))

NOT_RUN = {
    "make ": "builds an environment first; that the target is there is tested below",
    "pip install ": "needs a package index; that the extra is there is tested below",
    "python -m gfm serve": "runs until it is stopped; tests/gfm/test_serve_command.py starts it",
    "docker ": "is not there; tests/test_core_install.py runs the steps of the image",
    "python -m gfm matte photo.jpg --model model.safetensors --out -": "writes to standard output; "
    "tests/gfm/test_matte_command.py reads it",
    "python scripts/review_fit.py": "fits to collections that are not in the repository",
    "python scripts/bench_core.py": "needs an environment; tests/test_core_install.py makes one",
    "python scripts/overfit_system.py": "trains for hours; tests/gfm/test_overfit.py has less",
    "python scripts/add_hashes.py": "takes the material of the packaged models; "
    "tests/gfm/test_hashes.py has some",
    "python -m gfm convert": "no released checkpoint is at hand; tests/gfm/test_convert.py has one",
    "python -m data_tools prepare --layout NAME": "stands for all layouts; AM-2k's runs",
    "python -m gfm evaluate --convention": "is half a command, as are the next ones",
    "python -m rssn.build --content sources": "",
    "python -m rssn.build --extend": "",
    "python -m gfm fit --licences permissive ...": "tests/gfm/test_licences.py has whole ones",
    "python -m gfm validate --config configs/hybrid/median.yaml": "needs three models; "
    "tests/gfm/test_ensemble.py has them",
}
SLOW = ("python -m gfm export",)  # compares the exported network at several sizes
CROPS = ["--data.crop.sides", "[32]", "--data.crop.size", "32", "--model.backbone", BACKBONE]
LARGER = [
    *(*CROPS, "--data.crop.sides", "[64]", "--data.crop.size", "64", "--data.batch_size", "3"),
]
CPU = ["--data.workers", "0", "--trainer.accelerator", "cpu"]
TINY = [*CROPS, *CPU, "--model.width", "0.25", "--model.weights", "null", "--data.batch_size", "4"]
ONCE = ["--trainer.max_epochs", "1", "--trainer.check_val_every_n_epoch", "1"]
# What is added to a command, so that it takes a second and not a day.
MORE = {
    "python -m rssn": ["--workers", "1"],
    "python -m rssn.picture": [],
    "python -m gfm matte photos/ --out mattes/ --review": ["--review", "1"],  # not exit code 3
    "python -m gfm matte photo.jpg --model lsa.safetensors --trimap trimap.png --backpropagate": [
        *("--backpropagate", "2")
    ],
    "python -m data_tools": ["--workers", "1"],
    "python -m data_tools synthesize": ["--count", "1", "--backgrounds", "1", "--size", "32"],
    "python -m data_tools curate-backgrounds": ["--shorter-side", "16"],
    "python -m gfm evaluate": ["--workers", "1"],
    "python -m gfm evaluate-clicks": ["--clicks", "2"],
    "python -m gfm sanity": [*TINY, "--seconds", "2"],
    "python -m gfm sanity --config configs/adamatting": [*LARGER, *CPU, "--seconds", "2"],
    "python -m gfm fit": [*TINY, *ONCE],
    "python -m gfm fit --config configs/adamatting": [*LARGER, *CPU, *ONCE],
    "python -m gfm fit --config configs/fba": [*LARGER, *CPU, *ONCE, "--model.weights", "null"],
    "python -m gfm fit --config configs/lsa": [
        *(*CROPS, *CPU, *ONCE, "--model.weights", "null", "--model.size", "32"),
        *("--data.crop.sides", "[64]", "--data.crop.size", "64", "--data.batch_size", "3"),
    ],
}
# What stands in the text for a name of the user's, and what it is here.
NAMES = {
    "DIR": "AM-2k/train",
    "PHOTOGRAPHS": "AM-2k/train",
    "TRAIN": "AM-2k/train",
    "VALIDATION": "AM-2k/validation",
    "SHARDS": "shards/",
    "MODEL": "model.safetensors",
    "FILE": "model.safetensors",
    "--out backgrounds/": "--out curated/",  # backgrounds/ is there already
    "--foregrounds photos/": "--foregrounds AM-2k/train",
    "--out shards/ --k 5": "--out five/ --k 5",  # shards/ is another build's
    "--weights R-50-GN-WS.pth": "",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Files of the user's, and small models in the package."""
    place, weights = tmp_path_factory.mktemp("user"), tmp_path_factory.mktemp("weights")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        for name in ("configs", "scripts"):
            (place / name).symlink_to(ROOT / name)
        write_user(place)
        for out in ("composites", "lsa"):
            sources = "--foregrounds am2k/train --backgrounds bg20k/train --route coco --quiet"
            build = f"python -m rssn.build {sources} --content sources --out {out}"
            assert run(build, ["--workers", "1"]) == 0
        write_packaged(weights)
        patch.setattr(packaged, "FOLDER", weights)
        packaged_model.cache_clear()
        yield place
    packaged_model.cache_clear()


def first_of(table: dict, command: str) -> str:
    """The longest entry of a table that a command begins with."""
    return max((start for start in table if command.startswith(start)), key=len, default="")


def all_commands() -> list[str]:
    """The commands of each page: those of its blocks, then those of its text."""
    found = []
    for page in FOLLOWED:
        found += [line for block in blocks(page, "", "sh") for line in commands(block.text)]
        # A prose command without options only names the program.
        found += [line for line in prose_commands(page) if " --" in line or "make" in line]
    return found


def run_here(command: str, capfd) -> None:
    """Run a command with the names and the sizes of this folder."""
    for name, here in NAMES.items():
        command = re.sub(rf"{name}(?=\s|$)", here, command)
    more = MORE.get(first_of(MORE, command), [])
    if command.startswith("python -m data_tools "):
        more = [*MORE["python -m data_tools"], *more]
    code = run(command, more)
    assert code == 0, f"{command}: exit code {code}\n{capfd.readouterr().err[-2000:]}"


@pytest.mark.integration
def test_commands_run_in_their_order(folder, capfd):
    left_out = (*NOT_RUN, *SLOW)
    found = dict.fromkeys(all_commands())
    chosen = [command for command in found if not command.startswith(left_out)]
    assert len(chosen) >= 15
    for command in chosen:
        run_here(command, capfd)


def test_composition_track_of_the_paper_takes_sources():
    """A row of a COMP track is trained on composites made anew every epoch."""
    builds = {}
    for words in map(str.split, all_commands()):
        options = dict(pairwise(words))
        if "rssn.build" in words:
            builds[options["--out"]] = options
        elif "fit" in words and "configs/tracks/rssn.yaml" in words:
            assert builds[options["--data.shards"]]["--content"] == "sources"
            return
    pytest.fail("no row of a COMP track is trained")


@pytest.mark.integration
@pytest.mark.parametrize("start", SLOW)
def test_slow_commands_run(start, folder, capfd):
    for command in all_commands():
        if command.startswith(start):
            run_here(command, capfd)


def test_what_is_not_run_still_stands_there():
    found = all_commands()
    found += [line for page in FOLLOWED for line in prose_commands(page)]
    for start in (*NOT_RUN, *SLOW):
        assert any(line.startswith(start) for line in found), f"{start}: remove it from the list"


def test_make_has_the_targets():
    for target in {line.split()[1] for line in all_commands() if line.startswith("make ")}:
        asked = ["make", "--dry-run", target]
        assert subprocess.run(asked, cwd=ROOT, capture_output=True).returncode == 0, target


def test_extras_are_there():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    text = "".join(page.read_text() for page in PAGES)
    named = re.findall(r"pip install (?:-e )?'\.\[([a-z,0-9]+)\]'", text)
    assert named
    for extra in ",".join(named).split(","):
        assert extra in project["optional-dependencies"], extra


def test_snippets_run(folder):
    drawn = draw_scene(np.random.default_rng(5), SIDE, SIDE)
    names = {"photo": drawn.image, "alpha": drawn.alpha, "background": drawn.background}
    snippets = [block for page in FOLLOWED for block in blocks(page, "python")]
    assert len(snippets) >= 5
    for block in snippets:
        exec(compile(block.text, str(block), "exec"), names)
    for name in ("cutout", "by_trimap", "by_clicks"):
        assert (folder / f"{name}.png").is_file()
    assert names["sample"].composite.shape == (SIDE, SIDE, 3)
