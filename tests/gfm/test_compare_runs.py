"""Runs beside the paper: the table, its differences, and what cannot be compared."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tiny import draw_matte

from gfm.commands.compare import main
from gfm.evaluation.evaluate import evaluate_folders
from gfm.models.glance_focus.config import GFMConfig
from gfm.tracking import sources
from gfm.tracking.published import METRICS, PUBLISHED, published
from gfm.tracking.rows import Row, row_of
from gfm.tracking.summary import RunSummary, Scores, recipe_sha256
from rssn.imaging.errors import InputError
from rssn.imaging.writing import write_alpha

SCRIPT = Path(__file__).parents[2] / "scripts" / "compare_runs.py"
SCORES = dict(zip(METRICS, (18.0, 0.0070, 0.0110, 14.0, 17.0, 12.5, 3.0, 2.5), strict=True))


def write_run(folder: Path, sad: float = 18.0, **values: object) -> Path:
    """A run with a worse validation after the one that counts."""
    network = asdict(GFMConfig(backbone="d121"))
    defaults = {"dataset": "AM-2k", "track": "rssn", "network": network, "strategy": "hybrid"}
    summary = RunSummary(**{"command": "fit", "d1": 3, "d2": 2, **defaults, **values})
    best, last = (
        Scores(epoch, 10 * epoch, 200, SCORES | {"sad": sad + epoch - 1}) for epoch in (1, 2)
    )
    folder.mkdir()
    replace(summary, best=best, last=last).write(folder)
    return folder


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("| \n").split("|")]


def test_table_has_ours_the_paper_and_the_difference(tmp_path, capsys):
    rssn = write_run(tmp_path / "a")
    network = asdict(GFMConfig(backbone="d121", pyramid="one"))
    ablation = write_run(tmp_path / "b", 11.0, track="ori", network=network)
    assert main([str(rssn), str(ablation), "--json", str(tmp_path / "out" / "table.json")]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line]
    assert lines[0] == "### AM-2k, ORI" and lines[6] == "### AM-2k, COMP-RSSN"
    assert cells(lines[1])[1:] == "SAD MSE MAD Grad Conn SAD-TRAN SAD-FG SAD-BG".split()
    assert cells(lines[3])[:2] == [f"GFM-TT(d) w/ one PPM, `{ablation}`", "11.00"]
    assert cells(lines[4])[:2] == ["paper, table 4", "10.71"]
    # Table 4 prints no regions.
    assert cells(lines[5]) == [
        *("difference", "+0.29", "+0.0041", "+0.0047", "+3.77", "+7.12", "–", "–", "–")
    ]
    printed = "19.19 0.0069 0.0112 13.37 18.31 12.10 4.37 2.72".split()
    assert cells(lines[10])[1:] == printed
    wanted = "-1.19 +0.0001 -0.0002 +0.63 -1.31 +0.40 -1.37 -0.22".split()
    assert cells(lines[11]) == ["difference", *wanted]

    first, second = json.loads((tmp_path / "out" / "table.json").read_text())["runs"]
    assert (first["run"], first["epoch"], first["step"]) == (str(rssn), 1, 10)
    assert first["difference"]["sad"] == pytest.approx(-1.19)
    assert second["paper"]["table"] == 4 and "sad_fg" not in second["difference"]


def test_seeds_have_a_mean_and_a_spread(tmp_path, capsys):
    runs = [write_run(tmp_path / f"s{seed}", 17.0 + seed, seed=seed) for seed in (0, 1, 3)]
    assert main([*map(str, runs), "--json", str(tmp_path / "table.json")]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line]
    # 17, 18 and 20: mean 18.33, deviation sqrt((1.33**2 + 0.33**2 + 1.67**2) / 2) = 1.53
    assert cells(lines[6])[:3] == [
        *("mean ± standard deviation of 3 seeds", "18.33 ± 1.53", "0.0070 ± 0.0000")
    ]
    assert cells(lines[7])[:2] == ["paper, table 1", "19.19"]
    assert cells(lines[8])[:2] == ["difference", "-0.86"] and len(lines) == 9
    (group,) = json.loads((tmp_path / "table.json").read_text())["groups"]
    assert group["runs"] == [str(run) for run in runs]
    assert group["mean"]["sad"] == pytest.approx(55 / 3)
    assert group["deviation"]["sad"] == pytest.approx(1.5275, abs=1e-4)


def test_a_resumed_run_is_one_seed(tmp_path, capsys):
    first = write_run(tmp_path / "first", 20.0, seed=0)
    summary = RunSummary.read(write_run(tmp_path / "resumed", 19.0, seed=0))
    last = Scores(9, 90, 200, SCORES | {"sad": 30.0})
    replace(summary, last=last).write(tmp_path / "resumed")
    other = write_run(tmp_path / "other", 17.0, seed=1)
    assert main([str(first), str(tmp_path / "resumed"), str(other)]) == 0
    assert "| mean ± standard deviation of 2 seeds | 18.00 ± 1.41 |" in capsys.readouterr().out


@pytest.mark.parametrize("changed", [{"recipe_sha256": "b"}, {"manifest_sha256": "b"}], ids=str)
def test_runs_of_other_options_or_shards_are_not_averaged(tmp_path, capsys, changed):
    first = write_run(tmp_path / "a", seed=0, recipe_sha256="a", manifest_sha256="a")
    same = {"recipe_sha256": "a", "manifest_sha256": "a"}
    second = write_run(tmp_path / "b", seed=1, **same | changed)
    assert main([str(first), str(second)]) == 0
    out = capsys.readouterr().out
    assert "mean ±" not in out and out.count("paper, table 1") == 2


def test_recipe_is_all_but_the_seed_and_what_is_kept():
    options = {
        "seed_everything": 0,
        "model": {"learning_rate": 1e-5},
        "data": {"batch_size": 4, "workers": 0, "seed": 0},
        "trainer": {"max_epochs": 3, "logger": True},
        "wandb": None,
    }
    wanted = recipe_sha256(options)
    other = {"seed_everything": 1, "wandb": "p", "run": {"track": "ori"}, "ckpt_path": "last.ckpt"}
    other["data"] = {"batch_size": 4, "workers": 8, "seed": 1}
    other["trainer"] = {"max_epochs": 3, "logger": False}
    assert recipe_sha256(options | other) == wanted
    for changed in ({"ema": 0.9}, {"model": {"learning_rate": 1e-4}}, {"data": {"batch_size": 8}}):
        assert recipe_sha256(options | changed) != wanted


@pytest.fixture
def mattes(tmp_path) -> Path:
    """True mattes of two discs, and a method that makes them a tenth too opaque."""
    for name in ("alpha", "theirs"):
        (tmp_path / name).mkdir()
    for number, radius in enumerate((20, 30)):
        alpha = draw_matte(96, 96, radius)
        write_alpha(tmp_path / "alpha" / f"p{number}.png", alpha)
        worse = np.clip(alpha + np.float32(0.1), 0, 1)
        write_alpha(tmp_path / "theirs" / f"p{number}.png", worse)
    return tmp_path


def test_mattes_of_other_methods_are_rows(mattes, tmp_path, capsys):
    run = write_run(tmp_path / "run")
    given = ["--mattes", f"Theirs={mattes / 'theirs'}", "--alpha", str(mattes / "alpha"), "--quiet"]
    given += ["--dataset", "AM-2k", "--track", "rssn", "--json", str(tmp_path / "table.json")]
    assert main([str(run), *given]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line]
    assert lines[0] == "### AM-2k, COMP-RSSN" and len(lines) == 7
    assert cells(lines[3])[0] == f"GFM-TT(d), `{run}` (200 photographs)"
    name, *shown = cells(lines[6])
    assert name == f"Theirs, `{mattes / 'theirs'}` (2 photographs)"
    report = evaluate_folders(mattes / "theirs", mattes / "alpha", "auto", workers=1, quiet=True)
    assert shown == [
        f"{report.means[key]:.{4 if key in ('mse', 'mad') else 2}f}" for key in METRICS
    ]
    assert float(shown[0]) > 0 and float(shown[-1]) > 0  # the background as well
    (method,) = json.loads((tmp_path / "table.json").read_text())["methods"]
    assert method["name"] == "Theirs" and method["metrics"] == report.means


def test_methods_alone_and_their_faults(mattes, capsys):
    theirs, alpha = mattes / "theirs", mattes / "alpha"
    (theirs / "p1.png").unlink()
    given = ["--mattes", f"A={theirs}", "--mattes", "wrong", "--alpha", str(alpha), "--quiet"]
    assert main(given) == 1
    shown = capsys.readouterr()
    assert shown.out.startswith("### own photographs, own training data")
    assert f"failed: A: p1: no prediction in {theirs}" in shown.err
    assert "failed: --mattes wrong: give NAME=DIR" in shown.err
    assert main(["--mattes", f"A={theirs}"]) == 2 and main([]) == 2
    shown = capsys.readouterr()
    assert "--mattes needs --alpha" in shown.err and "nothing to compare" in shown.err


def test_runs_that_the_paper_does_not_have_stand_alone(tmp_path, capsys):
    slim = asdict(GFMConfig(backbone="d121", width=0.25))
    for name, values in {
        "slim": {"network": slim},
        "mine": {"dataset": None},
        "other": {"d1": 2.5},
    }.items():
        write_run(tmp_path / name, **values)
    assert main([str(tmp_path / name) for name in ("slim", "mine", "other")]) == 0
    text = capsys.readouterr().out
    assert "difference" not in text and text.count("(not in the paper)") == 3
    assert "GFM-TT(d) at d1=2.5, d2=2" in text and "### own photographs, COMP-RSSN" in text


def test_runs_that_cannot_be_read_are_named_and_the_rest_is_compared(tmp_path, capsys):
    good = write_run(tmp_path / "good")
    for name, content in (("empty", None), ("torn", "{"), ("other", "[]"), ("old", '{"a": 1}')):
        (tmp_path / name).mkdir()
        if content is not None:
            (tmp_path / name / "run.json").write_text(content)
    RunSummary("fit", None, None, {"backbone": "r34"}, "hybrid", 3, 2).write(tmp_path / "empty")
    less = json.loads((write_run(tmp_path / "less") / "run.json").read_text())
    del less["best"]["metrics"]["grad"]
    (tmp_path / "less" / "run.json").write_text(json.dumps(less))
    bad = [str(tmp_path / name) for name in ("empty", "torn", "other", "old", "none", "less")]
    assert main([str(good), *bad]) == 1
    shown = capsys.readouterr()
    assert "19.19" in shown.out
    failed = shown.err.splitlines()
    assert len(failed) == 6 and all(line.startswith("failed: ") for line in failed)
    assert "was never validated" in failed[0] and "no such folder" in failed[4]
    assert "its validation has no grad" in failed[5]


def test_offline_wandb_folder_leads_to_its_run(tmp_path):
    run = write_run(tmp_path / "run")
    inside = run / "wandb" / "offline-run-1"
    inside.mkdir(parents=True)
    assert sources.read_run(str(inside)) == sources.read_run(str(run))


def test_wandb_says_itself_that_there_is_no_key(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert main(["entity/project/run"]) == 1
    assert "W&B does not give it" in (told := capsys.readouterr().err) and "wandb login" in told
    run = write_run(tmp_path / "run")
    assert main([str(run), "--report", "project"]) == 2
    assert "--report project: give entity/project" in capsys.readouterr().err


def test_run_on_wandb_is_read_from_its_configuration(tmp_path, monkeypatch):
    """A stand-in for W&B's client."""
    summary = RunSummary.read(write_run(tmp_path / "run"))
    kept = {"us/matting/1": {"summary": json.loads(json.dumps(summary.as_dict()))}}

    class Api:
        def __init__(self, timeout: float) -> None:
            assert timeout <= 30

        def run(self, path: str) -> SimpleNamespace:
            return SimpleNamespace(config=kept.get(path, {}))

    monkeypatch.setattr("wandb.Api", Api)
    found, scores = sources.read_run("us/matting/1")
    assert found.row == summary.row and scores == summary.best
    with pytest.raises(InputError, match="gfm fit --wandb"):
        sources.read_run("us/matting/2")


def test_report_holds_the_table(monkeypatch):
    """A stand-in for the package, with the names of wandb-workspaces 0.4."""
    made = {}

    class Report:
        url = "https://wandb.example/report"

        def __init__(self, **values: object) -> None:
            made.update(values)

        def save(self) -> None:
            made["saved"] = True

    package = type(sys)("wandb_workspaces.reports.v2")
    package.MarkdownBlock, package.Report = dict, Report
    for name in ("wandb_workspaces", "wandb_workspaces.reports", "wandb_workspaces.reports.v2"):
        monkeypatch.setitem(sys.modules, name, package)
    assert sources.publish("us/matting", "t", "| a |") == Report.url
    wanted = {"entity": "us", "project": "matting", "title": "t", "blocks": [{"text": "| a |"}]}
    assert made == {**wanted, "saved": True}


@pytest.mark.integration
def test_script_writes_the_table(tmp_path):
    run, out = write_run(tmp_path / "run"), tmp_path / "table.md"
    command = [sys.executable, str(SCRIPT), str(run), "--out", str(out)]
    done = subprocess.run(command, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert "| difference | -1.19 |" in out.read_text() and not done.stdout


def test_printed_rows_are_told_apart_and_hang_together():
    rows = [entry.row for entry in PUBLISHED]
    assert len(set(rows)) == len(rows) == 64
    for entry in PUBLISHED:
        assert len(entry.figures) == (8 if entry.table == 1 else 5)
        if entry.table == 1:  # the regions make up the whole, but for its rounding
            assert sum(entry.figures[5:]) == pytest.approx(entry.figures[0], abs=0.015)
    assert published(Row("PM-10k", "rssn", GFMConfig("r34"))).figures[0] == 13.84
    assert published(Row("AM-2k", "noise", GFMConfig("d121"))).figures[0] == 19.87


@pytest.mark.parametrize(
    ("rosta", "strategy", "reductions"),
    [
        ("TT", "hybrid", (3, 2)),
        ("TT", "resize", (2, 2)),
        ("FT", "full", (1, 1)),
        ("RIM", "hybrid", (3, 3)),
        ("RIM", "resize", (3, 3)),
    ],
)
def test_row_knows_the_passes_of_a_test(rosta, strategy, reductions):
    assert row_of(GFMConfig(rosta=rosta), None, None, strategy, 3, 2).reductions == reductions


def test_row_of_a_model_that_asks_for_sides_is_no_row_of_the_paper():
    config = GFMConfig(backbone="d121", glance_side=320)
    row = row_of(config, "AM-2k", "ori", "hybrid", None, None)
    assert row.reductions == (None, 2) and published(row) is None
    assert row.name == "GFM-TT(d) at d1=by the model, d2=2"
    assert row_of(config, "AM-2k", "ori", "hybrid", 3, None).reductions == (3, 2)
    assert row_of(GFMConfig(), "AM-2k", "ori", "hybrid", None, None).reductions == (3, 2)


def test_names_are_the_papers():
    assert Row(None, None, GFMConfig(single_decoder=True)).name == "GFM-TT-SINGLE(r)"
    summed = Row(None, None, GFMConfig(pyramid_join="sum"))
    assert summed.name == "GFM-TT(r) at summed pyramid"
    assert row_of(GFMConfig(pyramid_join="sum"), None, None, "hybrid", 3, 2) == summed
    assert Row(None, None, GFMConfig(bridge=False)).name == "GFM-TT(r) excl. BB"
    assert Row(None, None, GFMConfig("d121"), (2.6, 2.6)).name == ("GFM-TT(d) at d1=2.6, d2=2.6")
    assert Row(None, None, GFMConfig("d121", "RIM"), (3, 3)).name == "GFM-RIM(d)"
    assert Row(None, None, GFMConfig("timm:a", "FT", 0.5, "one"), (2, 2)).name == (
        "GFM-FT(timm:a) w/ one PPM at width 0.5, d1=2, d2=2"
    )
