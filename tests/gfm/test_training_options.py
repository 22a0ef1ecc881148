"""Options of `gfm fit` beside those of a model file or a checkpoint, and wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml
from runs import TINY, fit_arguments

from gfm.__main__ import main
from gfm.commands.fit import read_hyper_parameters
from gfm.models.glance_focus.task import GFMTask
from rssn.imaging.errors import InputError

pytestmark = pytest.mark.usefixtures("in_tmp_path")


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (
            ("--model.weights", "none.pth"),
            "model.weights=none.pth: ",
        ),
        (("--model.backbone", "r34"), "model.backbone=r34: "),
        (("--model.width=0.5",), "width is 0.25"),
        (("--config", "run.yaml"), "model.rosta=TT: "),
    ],
)
def test_option_that_a_model_file_overrules_is_refused(data, ft_model, option, message, capsys):
    Path("run.yaml").write_text("model:\n  rosta: TT\n")
    assert main(fit_arguments(data, "--model.model", ft_model, *option)) == 2
    assert message in capsys.readouterr().err.strip().splitlines()[-1]


def test_configuration_says_what_the_model_file_is(data, ft_model, tmp_path):
    same = ("--model.rosta", "FT", "--quiet")
    assert main(fit_arguments(data, "--model.model", ft_model, *same)) == 0
    options = yaml.safe_load((tmp_path / "runs/version_0/config.yaml").read_text())["model"][
        "init_args"
    ]
    assert (options["backbone"], options["rosta"]) == ("timm:test_resnet", "FT")
    assert options["width"] == 0.25 and options["weights"] is None
    with pytest.raises(InputError, match=r"model\.width=0\.5: .*model\.model="):
        GFMTask(width=0.5, model=ft_model)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fit", "--config", "run.yaml"), "'model.bakbone'"),
        (("fit", "--config", "none.yaml"), "none.yaml"),
        (("fit", "--model.rosta", "XX"), "['TT', 'FT', 'BT', 'RIM']. Got value: XX"),
        (("fit", "--model.backbone", "r35"), "backbone='r35'"),
        (("fit", "--data.crop.size", "33"), "error: size=33: "),
        (("fit", *TINY), "data.shards"),
        (("fit", *TINY, "--data.shards", "none"), "none/manifest.json: "),
        (("predict", *TINY), "data.photographs"),
        (("test", "--model.model", "none.safetensors"), "none.safetensors: "),
        (("fit", *TINY, "--trainer.val_check_interval", "1.5"), "val_check_interval"),
    ],
    ids=lambda value: " ".join(value[:3]) if isinstance(value, tuple) else "",
)
def test_wrong_usage_is_one_line_and_exit_2(arguments, message, capsys):
    Path("run.yaml").write_text("model:\n  bakbone: r34\n")
    assert main([*arguments]) == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("error: ") and message in last


@pytest.mark.parametrize("option", [{"pyramid": "one"}, {"pyramid_join": "sum"}])
def test_pyramid_of_a_single_decoder_is_refused(option):
    with pytest.raises(InputError, match=r"model\.single_decoder"):
        GFMTask("timm:test_resnet", width=0.25, single_decoder=True, **option)


def test_checkpoint_from_before_an_option_has_its_default(tmp_path):
    torch.save({"hyper_parameters": {"rosta": "FT", "_class": "x"}}, tmp_path / "old.ckpt")
    kept = read_hyper_parameters(tmp_path / "old.ckpt")
    assert (kept["rosta"], kept["mean"], kept["pyramid_join"]) == ("FT", None, "concatenate")
    assert "_class" not in kept


@pytest.mark.integration
def test_checkpoint_decides_what_was_not_asked_for(data, tmp_path, capsys):
    options = (*TINY, "--model.rosta", "FT", "--model.d1", "4", "--quiet")
    assert main(fit_arguments(data, *options)) == 0
    last = str(tmp_path / "runs" / "version_0" / "checkpoints" / "last.ckpt")
    go_on = ("--quiet", "--ckpt_path", last, "--trainer.max_steps", "3")
    asked = ("--model.learning_rate", "1e-3", "--model.encoder_learning_rate", "1e-4")
    assert main(fit_arguments(data, *go_on, *asked, "--model.weight_decay", "0.1")) == 0
    run = tmp_path / "runs" / "version_1"
    options = yaml.safe_load((run / "config.yaml").read_text())["model"]["init_args"]
    assert (options["rosta"], options["width"], options["d1"]) == ("FT", 0.25, 4)
    state = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    groups = state["optimizer_states"][0]["param_groups"]
    assert [group["lr"] for group in groups] == [1e-4, 1e-4, 1e-3, 1e-3]
    assert [group["weight_decay"] for group in groups] == [0.1, 0, 0.1, 0]
    for change, message in (
        (("--model.rosta", "TT"), "model.rosta='FT', not 'TT'"),
        (("--model.width=0.5",), "model.width=0.25, not 0.5"),
        (("--ckpt_path", "nowhere.ckpt"), "ckpt_path=nowhere.ckpt: "),
        (("--ckpt_path", str(data / "shards" / "manifest.json")), "manifest.json: "),
    ):
        assert main(fit_arguments(data, *go_on, *change)) == 2
        assert message in capsys.readouterr().err.strip().splitlines()[-1]


def test_folder_of_an_earlier_run_is_kept(data, tmp_path, capsys):
    arguments = fit_arguments(data, *TINY, "--quiet", "--trainer.logger.init_args.version", "a")
    assert main(arguments) == 0
    table = (tmp_path / "runs" / "a" / "metrics.csv").read_text()
    assert main(arguments) == 2
    assert "error: runs/a: holds an earlier run" in capsys.readouterr().err
    assert (tmp_path / "runs" / "a" / "metrics.csv").read_text() == table


def test_half_a_checkpoint_is_refused(data, tmp_path, capsys):
    assert main(fit_arguments(data, *TINY, "--quiet")) == 0
    whole = tmp_path / "runs" / "version_0" / "checkpoints" / "last.ckpt"
    (tmp_path / "half.ckpt").write_bytes(whole.read_bytes()[:5000])
    assert main(fit_arguments(data, *TINY, "--quiet", "--ckpt_path", "half.ckpt")) == 2
    assert "error: ckpt_path=half.ckpt: " in capsys.readouterr().err
