"""Files that a run leaves behind: the panel, the record, W&B's files."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import timm
import torch
import yaml
from pytorch_lightning.loggers import CSVLogger, WandbLogger
from runs import rows
from tiny import draw_photograph, shared, write_photographs, write_shards

from gfm.__main__ import main
from gfm.inference.matting import matte
from gfm.models.glance_focus.options import PassOptions
from gfm.models.glance_focus.predict import focus_map
from gfm.tracking.loggers import WandbOptions, run_loggers
from gfm.tracking.panel import GAP, ValidationPanel, error_map, panel_picture
from gfm.tracking.record import log_data
from gfm.tracking.summary import RunSummary, Scores, recipe_sha256
from rssn.imaging.errors import InputError
from rssn.imaging.reading import read_rgb


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_shards(folder / "shards", (4,))
    write_photographs(folder / "photographs", 3)
    return folder


@pytest.fixture(autouse=True)
def in_tmp_path(tmp_path, monkeypatch):
    """Runs are written to the working directory; nothing of the user's W&B is seen."""
    monkeypatch.chdir(tmp_path)
    for variable in ("WANDB_MODE", "WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("WANDB_SILENT", "true")
    yield
    if "wandb" in sys.modules:  # which reads the environment once in a process
        sys.modules["wandb"].teardown()


def fit(data: Path, *more: str) -> int:
    return main(
        [
            *("fit", "--quiet", "--trainer.accelerator", "cpu", "--data.workers", "0"),
            *("--data.shards", str(data / "shards"), "--data.batch_size", "2"),
            *("--data.crop.sides", "[32]", "--data.crop.size", "32"),
            *("--model.backbone", "timm:test_resnet", "--model.width", "0.25"),
            *("--data.validation", str(data / "photographs")),
            *("--trainer.max_epochs", "2", "--trainer.log_every_n_steps", "1", *more),
        ]
    )


def test_panel_shows_the_five_parts_in_order():
    photograph = np.full((2, 3, 3), (10, 20, 30), np.uint8)
    trimap = np.array([[0, 1, 2], [2, 2, 2]], np.uint8)
    focus, alpha = np.full((2, 3), 0.2, np.float32), np.full((2, 3), 0.6, np.float32)
    reference = np.full((2, 3), 0.6, np.float32)
    picture = panel_picture(photograph, trimap, [focus], alpha, reference)
    assert picture.shape == (2, 5 * 3 + 4 * GAP, 3)
    parts = [picture[:, start : start + 3] for start in range(0, picture.shape[1], 3 + GAP)]
    np.testing.assert_array_equal(parts[0], photograph)
    np.testing.assert_array_equal(parts[1][0, :, 0], [0, 128, 255])
    assert (parts[2] == 51).all() and (parts[3] == 153).all() and (parts[4] == 0).all()
    assert (picture[:, 3 : 3 + GAP] == 128).all()


def test_error_map_tells_too_opaque_from_too_transparent():
    alpha = np.array([[1, 0, 0.5]], np.float32)
    reference = np.array([[0, 1, 0.5]], np.float32)
    wanted = [[(255, 160, 0), (0, 160, 255), (0, 0, 0)]]
    np.testing.assert_array_equal(error_map(alpha, reference), wanted)
    half = error_map(np.full((1, 1), 0.5, np.float32), np.zeros((1, 1), np.float32))
    assert half[0, 0].tolist() == [128, 80, 0]


def test_focus_of_the_panel_is_the_one_that_is_fused():
    photograph, model = draw_photograph(0, 128, 192), shared()
    maps = {}
    for strategy, atol in (("hybrid", 0), ("full", 1e-6)):  # both fuse at the photograph's size
        with torch.inference_mode():
            maps[strategy] = focus_map(model, photograph, PassOptions(strategy))
            maps["resize"] = focus_map(model, photograph, PassOptions("resize"))
        made = matte(photograph, model, strategy=strategy, foreground="none")
        inside = made.trimap == 1
        assert inside.any() and maps[strategy].shape == inside.shape
        np.testing.assert_allclose(made.alpha[inside], maps[strategy][inside], rtol=0, atol=atol)
    np.testing.assert_array_equal(maps["resize"], maps["hybrid"])  # at 1/d2 as well


def test_focus_of_an_integrating_network_is_that_of_tt():
    photograph = draw_photograph(0, 128, 192)
    rim = shared(rosta="RIM")
    with torch.inference_mode():
        focus = focus_map(rim, photograph, PassOptions("full"))
        output = rim(torch.from_numpy(photograph / np.float32(255)).permute(2, 0, 1)[None])
    np.testing.assert_allclose(focus, output.tt.focus[0, 0], atol=1e-5)


def test_panel_of_a_negative_count_is_refused():
    with pytest.raises(InputError, match=r"panel\.count=-1"):
        ValidationPanel(-1)


@pytest.mark.integration
def test_run_leaves_its_record_panel_and_errors(data, tmp_path):
    torch.save(timm.create_model("test_resnet").state_dict(), "encoder.pth")
    more = ("--panel.count", "2", "--model.weights", "encoder.pth")
    assert fit(data, *more, "--run.track", "rssn", "--run.dataset", "AM-2k") == 0
    run = tmp_path / "runs" / "version_0"
    assert (run / "metrics.csv").is_file() and not (run / "wandb").exists()
    panel = sorted(path.name for path in (run / "panel").iterdir())
    assert panel == [f"p{n}_0000000{step}.jpg" for n in range(2) for step in (2, 4)]
    shown = read_rgb(run / "panel" / panel[0])[:, :64].astype(int)
    assert np.abs(shown - read_rgb(data / "photographs/original/p0.png")).mean() < 4

    summary = RunSummary.read(run)
    assert (summary.command, summary.track, summary.dataset) == ("fit", "rssn", "AM-2k")
    assert summary.row.name == "GFM-TT(timm:test_resnet) at width 0.25"
    manifest = (data / "shards" / "manifest.json").read_bytes()
    assert summary.manifest_sha256 == hashlib.sha256(manifest).hexdigest()
    assert summary.seed == 0 and summary.weights == "encoder.pth"
    options = yaml.safe_load((run / "config.yaml").read_text())
    assert summary.recipe_sha256 == recipe_sha256({**options, "seed_everything": 7})
    assert summary.model_file == "checkpoints/best.safetensors"
    assert summary.last.epoch == 1 and summary.last.step == 4 and summary.last.photographs == 3
    errors = json.loads((run / "errors" / "val_00000004.json").read_text())
    assert [image["name"] for image in errors["images"]] == ["p0", "p1", "p2"]
    assert errors["means"] == summary.last.metrics
    sad = [image["sad"] for image in errors["images"]]
    parts = [errors["means"][f"sad_{part}"] for part in ("transition", "fg", "bg")]
    assert errors["means"]["sad"] == pytest.approx(np.mean(sad)) == pytest.approx(sum(parts))


@pytest.mark.integration
def test_wandb_gets_the_whole_run(data, tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    where = ("--wandb_entity", "us", "--wandb_group", "seeds", "--wandb_tags", "[first, small]")
    assert fit(data, "--wandb", "matting", *where) == 0
    run = tmp_path / "runs" / "version_0"
    assert (run / "metrics.csv").is_file() and (run / "run.json").is_file()
    (offline,) = (run / "wandb").glob("offline-run-*")
    summary, number = RunSummary.read(run), offline.name.rpartition("-")[2]
    rates = ("learning_rate", "learning_rate_encoder", "gradient_norm", "samples_per_second")
    shards = f"shards-{summary.manifest_sha256[:12]}"
    wanted = ("matting", "us", "seeds", "first", "small", summary.manifest_sha256, "val_sad_fg")
    kept = wait_for(offline, *wanted, *rates, "waiting", f"model-{number}", shards)
    assert b"FITTING" not in kept
    media = offline / "files" / "media"
    assert len(list((media / "images").iterdir())) == 2 * 3
    table = json.loads(next((media / "table").glob("val_photographs_*")).read_text())
    assert table["columns"][:2] == ["name", "sad"] and len(table["data"]) == 3

    last = str(run / "checkpoints" / "last.ckpt")
    go_on = ("--ckpt_path", last, "--trainer.max_epochs", "3")
    assert fit(data, "--wandb", "matting", *go_on) == 0
    (again,) = (tmp_path / "runs" / "version_1" / "wandb").glob("offline-run-*")
    assert again.name.rpartition("-")[2] == number


def wait_for(offline: Path, *wanted: str) -> bytes:
    """Record of a run by W&B; a process of its own writes it, and not at once."""
    (kept,) = offline.glob("run-*.wandb")
    deadline = time.monotonic() + 60
    while missing := [each for each in wanted if each.encode() not in kept.read_bytes()]:
        assert time.monotonic() < deadline, missing
        time.sleep(0.1)
    return kept.read_bytes()


def test_wandb_without_a_key_says_so_in_its_own_words(data, capsys):
    assert fit(data, "--wandb", "matting") == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("error: W&B: ") and "wandb login" in last
    assert "or set WANDB_MODE=offline" in last


def test_wandb_options_without_a_project_are_refused(data, capsys):
    assert fit(data, "--wandb_group", "seeds") == 2
    assert "--wandb_group: " in capsys.readouterr().err


def test_shards_are_what_the_model_of_an_online_run_comes_from(data):
    used = []
    run = SimpleNamespace(offline=False, use_artifact=used.append)
    log_data(SimpleNamespace(experiment=run), str(data / "shards"))
    log_data(SimpleNamespace(experiment=run), str(data / "photographs"))  # without a manifest
    (artifact,) = used
    manifest = (data / "shards" / "manifest.json").read_bytes()
    assert artifact.metadata["manifest_sha256"] == hashlib.sha256(manifest).hexdigest()
    assert artifact.type == "dataset" and list(artifact.manifest.entries) == ["manifest.json"]


def test_rates_of_a_run_are_logged(data, tmp_path):
    rates = ("--model.learning_rate", "1e-3", "--model.encoder_learning_rate", "1e-4")
    assert fit(data, *rates, "--trainer.gradient_clip_val", "1e-9") == 0
    steps = [row for row in rows(tmp_path / "runs" / "version_0") if row["loss"]]
    assert len(steps) == 4
    for step in steps:
        assert float(step["learning_rate"]) == pytest.approx(1e-3)
        assert float(step["learning_rate_encoder"]) == pytest.approx(1e-4)
        assert float(step["gradient_norm"]) > 1e-6  # before clipping
        assert float(step["samples_per_second"]) > 0
        assert 0 < float(step["waiting"]) < 1


def test_csv_is_always_logged_and_first(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    assert run_loggers(False, WandbOptions("matting")) is False
    for given in (None, True, [], OtherLogger(tmp_path)):
        loggers = run_loggers(given, None)
        assert isinstance(loggers[0], CSVLogger) and loggers[0].save_dir == "runs"
    mine = CSVLogger(tmp_path, name="", version="mine")
    csv, wandb = run_loggers(mine, WandbOptions("matting"))
    assert csv is mine and isinstance(wandb, WandbLogger)
    assert wandb.save_dir == str(tmp_path / "mine")


class OtherLogger(WandbLogger):
    """Any logger but a CSV logger."""

    def __init__(self, folder: Path) -> None:
        super().__init__(save_dir=folder, offline=True)


def test_summary_is_read_as_it_was_written(tmp_path):
    scores = Scores(0, 5, 1, {"sad": 2.0})
    network = {"backbone": "r34", "rosta": "TT"}
    summary = RunSummary("fit", None, None, network, "hybrid", 3, 2, best=scores, last=scores)
    summary.write(tmp_path)
    assert RunSummary.read(tmp_path) == summary


@pytest.mark.integration
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    "logger",
    [
        (),
        ("--wandb", "matting"),
        ("--trainer.logger", "WandbLogger", "--trainer.logger.offline", "true"),
        ("--trainer.logger", "false"),
    ],
    ids=["metrics.csv", "--wandb", "WandbLogger", "none"],
)
def test_every_logger_trains_with_loading_processes(data, logger, workers, monkeypatch):
    """W&B watches what is imported, and refuses what a forked process tells it."""
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.delitem(sys.modules, "albumentations", raising=False)
    assert fit(data, "--data.workers", str(workers), "--trainer.max_epochs", "1", *logger) == 0
