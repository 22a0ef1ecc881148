"""Runs beside the paper: the table, its differences, and what cannot be compared."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pytest

from gfm.config import GFMConfig
from gfm.tracking import sources, wandb_access
from gfm.tracking.compare_command import main
from gfm.tracking.published import METRICS, PUBLISHED, published
from gfm.tracking.rows import Row, row_of
from gfm.tracking.summary import RunSummary, Scores
from rssn.errors import InputError

SCRIPT = Path(__file__).parents[2] / "scripts" / "compare_runs.py"
SCORES = dict(zip(METRICS, (18.0, 0.0070, 0.0110, 14.0, 17.0, 12.5, 3.0, 2.5), strict=True))


def write_run(folder: Path, sad: float = 18.0, **values: object) -> Path:
    """A run with a worse validation before the one that counts, and a worse one after it."""
    network = asdict(GFMConfig(backbone="d121"))
    defaults = {"dataset": "AM-2k", "track": "rssn", "network": network, "strategy": "hybrid"}
    summary = RunSummary(**{"command": "fit", "d1": 3, "d2": 2, **defaults, **values})
    for epoch, worse in enumerate((5, 0, 1)):
        metrics = SCORES | {"sad": sad + worse}
        summary = summary.with_scores(Scores(epoch, 10 * epoch, 200, metrics))
    folder.mkdir()
    summary.write(folder)
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


def test_wandb_is_not_asked_without_a_key(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(wandb_access, "has_key", lambda: False)
    monkeypatch.setattr(wandb_access, "answers", lambda: pytest.fail("asked the server"))
    assert main(["entity/project/run"]) == 1
    assert "there is no key for W&B; run `wandb login` first" in capsys.readouterr().err
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
    monkeypatch.setattr(sources, "check_online", lambda what: None)
    found, scores = sources.read_run("us/matting/1")
    assert found.row == summary.row and scores == summary.best
    with pytest.raises(InputError, match="is no run of `gfm fit --wandb`"):
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
    monkeypatch.setattr(sources, "check_online", lambda what: None)
    assert sources.publish("us/matting", "t", "| a |") == Report.url
    wanted = {"entity": "us", "project": "matting", "title": "t", "blocks": [{"text": "| a |"}]}
    assert made == {**wanted, "saved": True}


def test_script_writes_the_table(tmp_path):
    run, out = write_run(tmp_path / "run"), tmp_path / "table.md"
    command = [sys.executable, str(SCRIPT), str(run), "--out", str(out)]
    done = subprocess.run(command, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert "| difference | -1.19 |" in out.read_text() and not done.stdout


def test_printed_rows_are_told_apart_and_hang_together():
    rows = [entry.row for entry in PUBLISHED]
    assert len(set(rows)) == len(rows) == 63
    for entry in PUBLISHED:
        assert len(entry.figures) == (8 if entry.table == 1 else 5)
        if entry.table == 1:  # the regions make up the whole, but for its rounding
            assert sum(entry.figures[5:]) == pytest.approx(entry.figures[0], abs=0.015)
    assert published(Row("PM-10k", "rssn", "r34", "TT")).figures[0] == 13.84
    assert published(Row("AM-2k", "noise", "d121", "TT")).figures[0] == 19.87


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


def test_names_are_the_papers():
    assert Row(None, None, "r34", "TT", single_decoder=True).name == "GFM-TT-SINGLE(r)"
    assert Row(None, None, "r34", "TT", bridge=False).name == "GFM-TT(r) excl. BB"
    assert Row(None, None, "d121", "TT", reductions=(2.6, 2.6)).name == (
        "GFM-TT(d) at d1=2.6, d2=2.6"
    )
    assert Row(None, None, "d121", "RIM", reductions=(3, 3)).name == "GFM-RIM(d)"
    assert Row(None, None, "timm:a", "FT", 0.5, pyramid="one", reductions=(2, 2)).name == (
        "GFM-FT(timm:a) w/ one PPM at width 0.5, d1=2, d2=2"
    )
