"""Every command and snippet of the README, and of the pages that go on where it ends, runs.

The user's files are small stand-ins. The blocks run in their order, in one folder: what a command
writes, the next ones find. The commands between backquotes in the text of a page follow its blocks.
A command that cannot run here is in `NOT_RUN`.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from itertools import pairwise

import numpy as np
import pytest
from clips import write_clip
from documents import PAGES, ROOT, blocks, commands, prose_commands, run

from data_tools.scenes import draw_scene
from gfm.checkpoints import packaged
from gfm.checkpoints.files import save_model
from gfm.inference.loading import packaged_model
from gfm.models.glance_focus.config import GFMConfig
from gfm.models.glance_focus.network import GFM
from gfm.models.guided.config import GuidedConfig
from gfm.models.guided.network import Guided
from gfm.models.light_clicks.config import LightClicksConfig
from gfm.models.light_clicks.network import LightClicks
from rssn.imaging.writing import write_alpha, write_rgb

README = ROOT / "README.md"
PAGES_FOLLOWED = ("install", "matting", "correct", "review", "composition", "data", "reproduce")
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
    "python -m gfm convert": "no released checkpoint is at hand; tests/gfm/test_convert.py has one",
}
SLOW = ("python -m gfm export",)  # compares the exported network at several sizes
TINY = [
    *("--model.backbone", "timm:test_resnet", "--model.width", "0.25", "--model.weights", "null"),
    *("--data.crop.sides", "[32]", "--data.crop.size", "32"),
    *("--data.batch_size", "4", "--data.workers", "0", "--trainer.accelerator", "cpu"),
]
# What is added to a command, so that it takes a second and not a day.
MORE = {
    "python -m rssn": ["--workers", "1"],
    "python -m rssn.picture": [],
    "python -m gfm matte photos/ --out mattes/ --review": ["--review", "1"],  # not exit code 3
    "python -m data_tools": ["--workers", "1"],
    "python -m data_tools synthesize": ["--count", "1", "--backgrounds", "1", "--size", "32"],
    "python -m data_tools curate-backgrounds": ["--shorter-side", "16"],
    "python -m gfm evaluate": ["--workers", "1"],
    "python -m gfm sanity": [*TINY, "--seconds", "2"],
    "python -m gfm fit": [
        *(*TINY, "--trainer.max_epochs", "1", "--trainer.check_val_every_n_epoch", "1")
    ],
}
SPLITS = ("AM-2k/train", "AM-2k/validation", "am2k/train", "am2k/validation", "test")
# What stands in the text for a name of the user's, and what it is here.
NAMES = {
    "DIR": "AM-2k/train",
    "--out backgrounds/": "--out curated/",  # backgrounds/ is there already
    "--foregrounds photos/": "--foregrounds AM-2k/train",
    "--out shards/ --k 5": "--out five/ --k 5",  # shards/ is another build's
}


def draw_pairs(folder, first, count=3, side=48):
    """Drawn photographs in original/ and their mattes in mask/."""
    for name in ("original", "mask"):
        (folder / name).mkdir(parents=True)
    for number in range(first, first + count):
        drawn = draw_scene(np.random.default_rng(number), side, side)
        write_rgb(folder / "original" / f"p{number}.jpg", drawn.image)
        write_alpha(folder / "mask" / f"p{number}.png", drawn.alpha)


def drawn_trimap(side=48):
    """Object on the left, a band of unknown pixels, background on the right; as alpha."""
    return np.repeat([1, 128 / 255, 0], side // 3)[None].repeat(side, 0).astype(np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Files of the README's user: photographs with mattes, backgrounds, and a model."""
    place = tmp_path_factory.mktemp("user")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        for name in ("configs", "scripts"):
            (place / name).symlink_to(ROOT / name)
        for number, split in enumerate(SPLITS):
            draw_pairs(place / split, 10 * number)
        for number in range(6):
            for name in ("backgrounds", "bg20k/train", "downloads"):
                (place / name).mkdir(parents=True, exist_ok=True)
                noise = np.random.default_rng(number).integers(0, 256, (48, 48, 3), np.uint8)
                write_rgb(place / name / f"b{number}.png", noise)
        (place / "test/original").rename(place / "photos")
        photo = sorted((place / "photos").iterdir())[0]
        (place / "photo.jpg").write_bytes(photo.read_bytes())
        config = GFMConfig(backbone="timm:test_resnet", width=0.25)
        save_model(GFM(config).eval(), place / "model.safetensors")
        write_alpha(place / "trimap.png", drawn_trimap())
        frame = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
        write_clip(place / "clip.mp4", [frame] * 3, sound="aac")
        shutil.copytree(place / "test/mask", place / "masks")
        clicks = {"width": 48, "height": 48, "clicks": [[24, 24, True], [2, 2, False]]}
        (place / "clicks.json").write_text(json.dumps(clicks))
        weights = tmp_path_factory.mktemp("weights")  # the package's, with small models
        guided = GuidedConfig(widths=(8, 8, 8, 8, 4), full=4)
        save_model(Guided(guided).eval(), weights / "guided.safetensors")
        save_model(GFM(config).eval(), weights / "lite.safetensors")
        clicks = LightClicksConfig(widths=(4, 8, 8, 8, 8), side=64)
        save_model(LightClicks(clicks).eval(), weights / "clicks-lite.safetensors")
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
    drawn = draw_scene(np.random.default_rng(5), 48, 48)
    names = {"photo": drawn.image, "alpha": drawn.alpha, "background": drawn.background}
    snippets = [block for page in FOLLOWED for block in blocks(page, "python")]
    assert len(snippets) >= 5
    write_alpha(folder / "mask.png", drawn.alpha)
    for block in snippets:
        exec(compile(block.text, str(block), "exec"), names)
    for name in ("cutout", "by_trimap", "by_clicks"):
        assert (folder / f"{name}.png").is_file()
    assert names["sample"].composite.shape == (48, 48, 3)
