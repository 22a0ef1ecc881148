"""Every YAML that ships is read by the command it is for, and is the paper's where it says so."""

from __future__ import annotations

import functools
import operator
from pathlib import Path

import pytest
import torch
import yaml
from pytorch_lightning import Trainer

from gfm.__main__ import main
from gfm.commands.fit import GFMCommandLine
from gfm.commands.given import given_model_options
from gfm.data.module import GFMData
from gfm.models.glance_focus.config import GFMConfig
from gfm.models.glance_focus.network import GFM
from gfm.models.registry import SYSTEMS as REGISTERED
from gfm.tracking.published import PUBLISHED
from gfm.tracking.rows import Row, row_of
from gfm.training.task import MattingTask
from rssn.build.builder import parser, route_options
from rssn.route.compose import ROUTES, RouteOptions

CONFIGS = Path(__file__).parents[2] / "configs"
FILES = sorted(CONFIGS.rglob("*.yaml"))
MEDIAN = CONFIGS / "hybrid/median.yaml"  # of model files; tests/gfm/test_ensemble.py has some
# What every file held when tracks and models were no files of their own, by its name.
OLD = yaml.safe_load((Path(__file__).parent / "old_configs.yaml").read_text("utf-8"))
GUIDED = CONFIGS / "guided.yaml"  # of another task; tests/gfm/test_guided_training.py reads it
# Of further systems, by the folder; the tests of each system read its files.
SYSTEMS = [path for path in FILES if path.parent.name in REGISTERED]
TRACKS, MODELS = (sorted(CONFIGS.glob(f"{kind}/*.yaml")) for kind in ("tracks", "models"))
FINETUNE = CONFIGS / "finetune.yaml"  # of a model file; tests/gfm/test_packaged.py reads it
APART = (MEDIAN, GUIDED, FINETUNE)
WHOLE = [path for path in FILES if path not in (*TRACKS, *MODELS, *SYSTEMS, *APART)]
ROUTE_FILES = [p for p in WHOLE if not {"model", "data"} & yaml.safe_load(p.read_text()).keys()]
HYBRID = sorted(CONFIGS.glob("hybrid/*.yaml"))


def files_of(old: str) -> tuple[Path, Path]:
    """The files of the track and the model that an old name stands for."""
    track, _, model = old.partition("/")
    return CONFIGS / f"tracks/{track}.yaml", CONFIGS / f"models/{model}.yaml"


PAPER = [files_of(old) for old in OLD]
# One run for each track and each model: no option is in both files.
COVER = {path: files for files in PAPER for path in files}.values()
RUNS = [*((path,) for path in WHOLE if path not in ROUTE_FILES), *dict.fromkeys(COVER)]


def name(files: Path | tuple[Path, ...]) -> str:
    """Their names within the folder."""
    files = (files,) if isinstance(files, Path) else files
    return "+".join(str(path.relative_to(CONFIGS)) for path in files)


def read(files: tuple[Path, ...]) -> dict:
    """Contents of several files; no option is in two of them."""
    held = [yaml.safe_load(path.read_text()) for path in files]
    assert len({key for each in held for key in each}) == sum(map(len, held))
    return functools.reduce(operator.or_, held)


def flags(files: tuple[Path, ...]) -> list[str]:
    """The files as options of the command line."""
    return [word for path in files for word in ("--config", str(path))]


@pytest.fixture(scope="module")
def instantiate(tmp_path_factory):
    """Makes the objects of some files; networks of equal configuration are built once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("configs"))
        patch.setattr("gfm.models.glance_focus.task.GFM", functools.cache(GFM))
        # Pretrained weights would be downloaded; the meta device has no memory to fill.
        given = ("--model.weights", "null", "--trainer.accelerator", "cpu")
        with torch.device("meta"):
            made = GFMCommandLine(
                MattingTask, GFMData, subclass_mode_model=True, run=False, args=[*given]
            )

            def of(files: tuple[Path, ...]) -> GFMCommandLine:
                made.config = made.parser.parse_args([*flags(files), *given])
                made.config_dump = yaml.safe_load(made.parser.dump(made.config, skip_none=False))
                made.instantiate_classes()
                return made

            yield of


@pytest.mark.parametrize("files", RUNS, ids=name)
def test_run_is_instantiated(files, instantiate):
    made, given = instantiate(files), read(files)
    assert isinstance(made.trainer, Trainer)
    config = made.model.model.config
    assert config.backbone == given.get("model", {}).get("backbone", "r34")
    rosta = given.get("model", {}).get("rosta", "TT")
    assert config.rosta == rosta == made.datamodule.targets.rosta
    for key, value in given.get("data", {}).items():
        if key == "mixture":
            assert [part.shards for part in made.datamodule.mixture] == [v["shards"] for v in value]
        elif key in ("crop", "draw"):
            for option, wanted in value.items():
                given_to = getattr(getattr(made.datamodule, key), option)
                assert given_to == (tuple(wanted) if isinstance(wanted, list) else wanted)
        else:
            assert getattr(made.datamodule, key) == value
    if files in PAPER:
        assert_as_in_the_paper(files, made)


def test_track_and_model_are_what_the_old_file_was():
    """Nothing is merged within an option, so the parser sees what it saw."""
    for old, held in OLD.items():
        assert read(files_of(old)) == held


@pytest.mark.parametrize("old", ["ori/r34_tt", "coco/d121_bt", "rssn/r34_2b_rim"])
def test_parser_merges_track_and_model(old, instantiate, tmp_path):
    (tmp_path / "old.yaml").write_text(yaml.safe_dump(OLD[old]))
    parser = instantiate(files_of(old)).parser
    ours, wanted = (
        parser.parse_args(flags(files)) for files in (files_of(old), (tmp_path / "old.yaml",))
    )
    assert len(ours.pop("config")) == 2 and wanted.pop("config") and ours == wanted
    assert parser.parse_args(flags(files_of(old)[::-1])).model == ours.model


@pytest.mark.parametrize(
    ("command", "form"),
    [
        (["fit"], "--config {}"),
        (["fit"], "-c {}"),
        (["sanity", "--quiet"], "--config={}"),
    ],
    ids=str,
)
def test_old_name_gives_the_new_ones(command, form, capsys):
    old = CONFIGS / "rssn/d121_tt.yaml"
    assert main([*command, *form.format(old).split()]) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert told.endswith(
        f"give --config {CONFIGS}/tracks/rssn.yaml --config {CONFIGS}/models/d121_tt.yaml"
    )


def test_options_of_every_file_count_as_given():
    """A checkpoint does not replace them, in whichever file they are."""
    bt, hybrid = CONFIGS / "models/d121_bt.yaml", CONFIGS / "hybrid/3_3.yaml"
    given = given_model_options(["fit", *flags((bt, hybrid)), "--model.width", "1"])
    assert given == {"backbone", "rosta", "weights", "d2", "width"}


def assert_as_in_the_paper(files: tuple[Path, Path], made: GFMCommandLine) -> None:
    """Section 5.2.2; r34_2b is not in it and fits where r101 does."""
    track, config, data = files[0].stem, made.model.model.config, made.datamodule
    assert files[1].stem.startswith(f"{config.backbone}_{config.rosta.lower()}")
    assert made.config.run.track == track and made.config.run.dataset is None
    assert data.batch_size == {"r34": 32, "r34_2b": 8, "r101": 8, "d121": 4}[config.backbone]
    assert made.trainer.max_epochs == (500 if track == "ori" else 100)
    assert made.trainer.max_epochs % made.trainer.check_val_every_n_epoch == 0
    assert (data.crop.sides, data.crop.size) == ((640, 960, 1280), 320)
    assert (data.crop.transition, data.crop.flip, data.crop.jitter) == (0.5, 0.5, 0)
    assert data.crop.focus_region == ("fusion" if config.rosta == "TT" else "paper")
    assert files[1].read_text().startswith(f"# {data.batch_size} crops per step in all")
    options = made.model.hparams
    assert (options["learning_rate"], options["schedule"]) == (1e-5, "constant")
    assert options["weight_decay"] == 0 and options["loss"] == "paper"
    assert read(files)["model"]["weights"] == "timm"


def row(files: tuple[Path, ...]) -> Row:
    given = read(files)
    model = given["model"]
    tested = [
        model.pop(key, usual) for key, usual in (("strategy", "hybrid"), ("d1", 3), ("d2", 2))
    ]
    for file in ("weights", "model", "ensemble"):
        model.pop(file, None)
    return row_of(GFMConfig(**model), "AM-2k", given["run"]["track"], *tested)


@pytest.mark.parametrize("path", [path for path in TRACKS if path.stem != "ori"], ids=name)
def test_composition_tracks_are_composed_on_the_fly(path):
    """Section 5.2.2: five backgrounds for each foreground, others every epoch."""
    build = next(line for line in path.read_text().splitlines() if "rssn.build" in line)
    given = parser().parse_args(build.partition("rssn.build ")[2].split())
    track = path.stem
    assert (given.content, given.route, str(given.out)) == ("sources", track, f"{track}/")
    assert route_options(given.route, given.k) == ROUTES[track] and ROUTES[track].k == 5


def test_every_track_has_every_network():
    wanted = {
        f"{track}/{backbone}_{rosta}"
        for track in ("ori", "coco", "bg20k", "rssn")
        for backbone in ("r34", "r34_2b", "d121", "r101")
        for rosta in ("tt", "ft", "bt", "rim")
    }
    assert len(wanted) == 64 and wanted <= OLD.keys() and len(OLD) == 74
    assert {path for files in PAPER for path in files} == {*TRACKS, *MODELS}


def test_every_published_row_has_its_file():
    printed = {entry.row for entry in PUBLISHED if entry.row.dataset == "AM-2k"}
    rows = [row(files) for files in PAPER]
    assert len(set(rows)) == len(rows)
    # What is left differs in its test alone: a trained model with a file of hybrid/.
    left = printed - set(rows)
    assert {one.reductions for one in left} == {row((path,)).reductions for path in HYBRID}
    assert all(one.track == "ori" and one.config.backbone == "d121" for one in left)


@pytest.mark.parametrize("path", ROUTE_FILES, ids=name)
def test_route_is_read(path):
    route = RouteOptions.from_yaml(path)
    for key, value in yaml.safe_load(path.read_text()).items():
        assert getattr(route, key) == value


def test_there_is_something_to_test():
    assert RUNS and ROUTE_FILES and PAPER and HYBRID
