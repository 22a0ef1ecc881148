"""Beginnings and ends of runs on the command line: last validation, whole numbers, messages."""

from __future__ import annotations

import logging

import pytest
from runs import CPU, TINY, fit_arguments, rows

from gfm.__main__ import main
from gfm.commands.fit import command_line
from gfm.commands.given import blamed_files

pytestmark = pytest.mark.usefixtures("in_tmp_path")


@pytest.mark.integration
@pytest.mark.parametrize(
    ("ends", "steps"),
    [
        (["--trainer.max_steps", "4"], [4]),
        (["--trainer.max_steps", "-1", "--trainer.max_epochs", "2"], [6]),
        (["--trainer.max_steps", "40", "--trainer.max_time", "00:00:00:01"], None),
        (["--trainer.max_steps", "7", "--trainer.check_val_every_n_epoch", "2"], [6, 7]),
        (["--trainer.max_steps", "6", "--trainer.check_val_every_n_epoch", "1"], [3, 6]),
    ],
    ids=["steps", "epochs", "time", "in between as well", "no more than once"],
)
def test_last_weights_are_validated(data, tmp_path, ends, steps):
    given = [*TINY, "--trainer.check_val_every_n_epoch", "5", *ends, "--quiet"]
    assert main(fit_arguments(data, *given, "--data.validation", str(data / "photographs"))) == 0
    run = tmp_path / "runs" / "version_0"
    found = [int(row["step"]) + 1 for row in rows(run) if row["val_sad"]]
    if steps is None:  # as many as the machine did
        assert found[-1] == max(int(row["step"]) + 1 for row in rows(run) if row["loss"])
    else:
        assert found == steps
    assert (run / "checkpoints" / "best.safetensors").is_file()


@pytest.mark.integration
@pytest.mark.parametrize(("text", "steps"), [("1", 2), ("2", 4), ("1.0", 6)])
def test_batches_of_an_epoch_are_counted_in_whole_numbers(data, tmp_path, text, steps):
    given = [*TINY, "--trainer.max_steps", "-1", "--trainer.max_epochs", "2", "--quiet"]
    assert main(fit_arguments(data, *given, "--trainer.limit_train_batches", text)) == 0
    assert len([row for row in rows(tmp_path / "runs" / "version_0") if row["loss"]]) == steps


def test_limits_are_read_as_they_are_written():
    limits = {"train": "1", "val": "0.5", "test": "1.0", "predict": "7"}
    given = [f"--trainer.limit_{name}_batches={text}" for name, text in limits.items()]
    options = command_line([*CPU, *given], is_run=False).config.trainer
    found = [repr(options[f"limit_{name}_batches"]) for name in limits]
    assert found == ["1", "0.5", "1.0", "7"]


@pytest.mark.integration
def test_quiet_says_nothing(data, capfd, caplog):
    with caplog.at_level(logging.INFO):
        assert main(fit_arguments(data, *TINY, "--quiet")) == 0
    told = capfd.readouterr()
    assert "Seed set" not in told.err + told.out + caplog.text


@pytest.mark.parametrize(
    ("text", "more", "word", "in_file"),
    [
        ("data: {batch_sise: 4}", (), "batch_sise", True),
        ("model: {width: wide}", (), "model.width", True),
        ("nothing: 1", (), "nothing", True),
        ("model: {width: 0.5}", ("--model.width", "wide"), "model.width", False),
        ("model: {width: 0.5}", ("--model.wide", "1"), "model.wide", False),
    ],
    ids=["option", "value", "group", "beside the file", "unknown beside the file"],
)
def test_parser_names_the_file(tmp_path, text, more, word, in_file, capsys):
    path = tmp_path / "x.yaml"
    path.write_text(text)
    assert main(["fit", "--config", str(path), *more]) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert word in told and told.startswith(f"error: {path}: ") == in_file


def test_the_file_among_several_that_holds_the_option(tmp_path):
    for name, text in (("a.yaml", "seed_everything: 3"), ("b.yaml", "data: {batch_sise: 4}")):
        (tmp_path / name).write_text(text)
    given = ["fit", "-c", str(tmp_path / "a.yaml"), f"--config={tmp_path / 'b.yaml'}"]
    message = "Group 'data' does not accept option 'batch_sise'"
    assert blamed_files(message, given) == [tmp_path / "b.yaml"]
    assert len(blamed_files("of another kind", given)) == 2
