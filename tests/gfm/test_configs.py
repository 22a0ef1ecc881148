"""Every YAML that ships is read by the command it is for, and is the paper's where it says so."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest
import torch
import yaml
from pytorch_lightning import Trainer

from gfm.config import GFMConfig
from gfm.data import GFMData
from gfm.network import GFM
from gfm.task import GFMTask
from gfm.tracking.published import PUBLISHED
from gfm.tracking.rows import Row, row_of
from gfm.training import GFMCommandLine
from rssn.build import parser, route_options
from rssn.route import ROUTES, RouteOptions

CONFIGS = Path(__file__).parents[2] / "configs"
FILES = sorted(CONFIGS.rglob("*.yaml"))
MEDIAN = CONFIGS / "hybrid/median.yaml"  # of model files; tests/gfm/test_ensemble.py has some
RUNS = [p for p in FILES if p != MEDIAN and "model" in yaml.safe_load(p.read_text())]
ROUTE_FILES = [path for path in FILES if path not in (*RUNS, MEDIAN)]
PAPER = [path for path in RUNS if path.parent != CONFIGS and path.parent.name != "hybrid"]
HYBRID = sorted(CONFIGS.glob("hybrid/*.yaml"))


def name(path: Path) -> str:
    return str(path.relative_to(CONFIGS))


@pytest.fixture(scope="module")
def instantiate(tmp_path_factory):
    """Makes the objects of a file; networks of equal configuration are built once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("configs"))
        patch.setattr("gfm.task.GFM", functools.cache(GFM))
        # Pretrained weights would be downloaded; the meta device has no memory to fill.
        given = ("--model.weights", "null", "--trainer.accelerator", "cpu")
        with torch.device("meta"):
            made = GFMCommandLine(GFMTask, GFMData, run=False, args=[*given])

            def of(path: Path) -> GFMCommandLine:
                made.config = made.parser.parse_args(["--config", str(path), *given])
                made.instantiate_classes()
                return made

            yield of


@pytest.mark.parametrize("path", RUNS, ids=name)
def test_run_is_instantiated(path, instantiate):
    made = instantiate(path)
    given = yaml.safe_load(path.read_text())
    assert isinstance(made.trainer, Trainer)
    config = made.model.model.config
    assert config.backbone == given["model"].get("backbone", "r34")
    assert config.rosta == given["model"].get("rosta", "TT") == made.datamodule.rosta
    for key, value in given.get("data", {}).items():
        if key == "mixture":
            assert [part.shards for part in made.datamodule.mixture] == [v["shards"] for v in value]
        elif key in ("crop", "draw"):
            for option, wanted in value.items():
                given_to = getattr(getattr(made.datamodule, key), option)
                assert given_to == (tuple(wanted) if isinstance(wanted, list) else wanted)
        else:
            assert getattr(made.datamodule, key) == value
    if path in PAPER:
        assert_as_in_the_paper(path, made)


def assert_as_in_the_paper(path: Path, made: GFMCommandLine) -> None:
    """Section 5.2.2; r34_2b is not in it and fits where r101 does."""
    track, config, data = path.parent.name, made.model.model.config, made.datamodule
    assert path.stem.startswith(f"{config.backbone}_{config.rosta.lower()}")
    assert made.config.run.track == track and made.config.run.dataset is None
    assert data.batch_size == {"r34": 32, "r34_2b": 8, "r101": 8, "d121": 4}[config.backbone]
    assert made.trainer.max_epochs == (500 if track == "ori" else 100)
    assert made.trainer.max_epochs % made.trainer.check_val_every_n_epoch == 0
    assert (data.crop.sides, data.crop.size) == ((640, 960, 1280), 320)
    assert (data.crop.transition, data.crop.flip, data.crop.jitter) == (0.5, 0.5, 0)
    assert data.crop.focus_region == ("fusion" if config.rosta == "TT" else "paper")
    assert path.read_text().startswith(f"# {data.batch_size} crops per step in all")
    options = made.model.hparams
    assert (options["learning_rate"], options["schedule"]) == (1e-5, "constant")
    assert options["weight_decay"] == 0 and options["loss"] == "paper"
    assert yaml.safe_load(path.read_text())["model"]["weights"] == "timm"


def row(path: Path) -> Row:
    given = yaml.safe_load(path.read_text())
    model = given["model"]
    tested = [
        model.pop(key, usual) for key, usual in (("strategy", "hybrid"), ("d1", 3), ("d2", 2))
    ]
    for file in ("weights", "model", "ensemble"):
        model.pop(file, None)
    return row_of(GFMConfig(**model), "AM-2k", given["run"]["track"], *tested)


@pytest.mark.parametrize("path", [path for path in PAPER if path.parent.name != "ori"], ids=name)
def test_composition_tracks_are_composed_on_the_fly(path):
    """Section 5.2.2: five backgrounds for each foreground, others every epoch."""
    build = next(line for line in path.read_text().splitlines() if "rssn.build" in line)
    given = parser().parse_args(build.partition("rssn.build ")[2].split())
    track = path.parent.name
    assert (given.content, given.route, str(given.out)) == ("sources", track, f"{track}/")
    assert route_options(given.route, given.k) == ROUTES[track] and ROUTES[track].k == 5


def test_every_track_has_every_network():
    wanted = {
        f"{track}/{backbone}_{rosta}.yaml"
        for track in ("ori", "coco", "bg20k", "rssn")
        for backbone in ("r34", "r34_2b", "d121", "r101")
        for rosta in ("tt", "ft", "bt", "rim")
    }
    assert len(wanted) == 64 and wanted <= {name(path) for path in PAPER}


def test_every_published_row_has_its_file():
    printed = {entry.row for entry in PUBLISHED if entry.row.dataset == "AM-2k"}
    rows = [row(path) for path in PAPER]
    assert len(set(rows)) == len(rows)
    # What is left differs in its test alone: a trained model with a file of hybrid/.
    left = printed - set(rows)
    assert {one.reductions for one in left} == {row(path).reductions for path in HYBRID}
    assert all(one.track == "ori" and one.backbone == "d121" for one in left)


@pytest.mark.parametrize("path", ROUTE_FILES, ids=name)
def test_route_is_read(path):
    route = RouteOptions.from_yaml(path)
    for key, value in yaml.safe_load(path.read_text()).items():
        assert getattr(route, key) == value


def test_there_is_something_to_test():
    assert RUNS and ROUTE_FILES and PAPER and HYBRID
