"""Record of what a model was trained on: from the lists beside pictures to the exported file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from tiny import build, draw_matte, draw_photograph, shared, write_photographs, write_shards

from gfm.__main__ import main
from gfm.checkpoints.files import read_licences, save_model
from gfm.checkpoints.licences import by_terms, check_allowed, terms, verdict
from gfm.commands.fit import run
from gfm.data.licences import joined, shares
from gfm.data.sets import open_training_set
from gfm.data.turns import TaskPart, TasksInTurn
from gfm.encoders.weights import weights_licence
from gfm.models.contract import Licence
from rssn import Manifest
from rssn.build.builder import main as build_shards
from rssn.imaging.errors import InputError
from rssn.imaging.writing import write_rgb, write_rgba

MIT, BY, UNKNOWN = (
    Licence("scans", "MIT", 0.5),
    Licence("prints", "CC BY 4.0", 0.3),
    Licence("found", "none stated", 0.2),
)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("MIT (repo) / 'License: Public Domain' (README.dataset.txt)", "permissive"),
        ("CC0 / Unsplash / Pexels", "permissive"),
        ("'can be freely used for any purpose, including commercial'", "permissive"),
        ("apache-2.0", "permissive"),
        ("bsd-3-clause", "permissive"),
        ("CC-BY-4.0 / Unsplash licence", "attribution"),
        ("MIT (repository); several are renders, CC BY 4.0", "attribution"),
        ("CC-BY(-SA)", "share-alike"),
        ("GPL-3.0", "share-alike"),
        ("https://creativecommons.org/licenses/by/4.0/", "attribution"),
        ("https://creativecommons.org/licenses/by-sa/4.0/", "share-alike"),
        ("https://creativecommons.org/licenses/by-nc/4.0/", "non-commercial"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "permissive"),
        ("Creative Commons Attribution-NoDerivatives 4.0", "unknown"),
        ("CC BY-NC-SA 4.0", "non-commercial"),
        ("cc-by-nc-4.0", "non-commercial"),
        ("ECSSD: none stated, research set (repo's MIT covers its code)", "non-commercial"),
        ("none stated for the weights; authors point to: non-commercial use", "non-commercial"),
        ("non-commercial use and distribution only (Adobe)", "non-commercial"),
        ("research only, no commercial use without permission", "non-commercial"),
        ("none stated; masks by a service under MIT", "unknown"),
        ("CC BY-ND 4.0", "unknown"),
        ("terms of Flickr", "unknown"),
        ("DAVIS-2016 val", "unknown"),
        ("not recorded", "unknown"),
        ("", "unknown"),
    ],
)
def test_terms_of_a_licence(text, kind):
    assert terms(text) == kind


def test_verdict_names_every_source():
    line = verdict([MIT, BY, UNKNOWN])
    assert line.startswith("unknown. ")
    for told in ("not known of found", "with credit to prints", "allowed by scans"):
        assert told in line
    assert verdict([MIT]).startswith("permissive. ")
    assert verdict([]).startswith("not recorded")
    assert by_terms([BY, BY._replace(licence="CC BY 2.0")]) == {"attribution": ["prints"]}


def test_sources_that_are_not_allowed_are_named():
    check_allowed([MIT], "permissive")
    check_allowed([MIT, BY], "attribution")
    with pytest.raises(InputError, match=r"permissive .*prints \(CC BY 4\.0\), found"):
        check_allowed([MIT, BY, UNKNOWN], "permissive")
    with pytest.raises(InputError, match=r"attribution .*found \(none stated\);"):
        check_allowed([MIT, BY, UNKNOWN], "attribution")


def test_shares_of_several_sets():
    assert shares([("a", "MIT", 1), ("b", "MIT", 2), ("a", "MIT", 1), ("c", "MIT", 0)]) == [
        Licence("a", "MIT", 0.5),
        Licence("b", "MIT", 0.5),
    ]
    parts = [([MIT._replace(share=1.0)], 30), ([MIT, BY._replace(share=0.5)], 10)]
    assert joined(parts) == [MIT._replace(share=0.875), BY._replace(share=0.125)]


@pytest.fixture(scope="module")
def shards(tmp_path_factory) -> Path:
    """A build of three cut-outs, two of them with a licence, over three backgrounds with one."""
    folder = tmp_path_factory.mktemp("licences")
    for name in ("cut", "backs"):
        (folder / name).mkdir()
    for number in range(3):
        write_rgba(folder / f"cut/c{number}.png", draw_photograph(number), draw_matte())
        write_rgb(folder / f"backs/b{number}.png", draw_photograph(9 + number))
    (folder / "cut/licences.csv").write_text(
        "file,licence,source\nc0.png,MIT,scans\nc1.png,CC BY 4.0,prints\n"
    )
    record = {"layout": "bg-20k", "licence": "MIT by its release agreement"}
    (folder / "backs/prepared.json").write_text(json.dumps(record))
    command = ["--foregrounds", str(folder / "cut"), "--backgrounds", str(folder / "backs")]
    out = ["--out", str(folder / "shards"), "--route", "bg20k", "--k", "2"]
    assert build_shards([*command, *out, "--workers", "1", "--quiet"]) == 0
    return folder / "shards"


FOUND = [
    Licence("bg-20k", "MIT by its release agreement", 0.5),
    Licence("foregrounds", "not recorded", 0.16667),
    Licence("prints", "CC BY 4.0", 0.16667),
    Licence("scans", "MIT", 0.16667),
]


def test_build_records_the_origins_of_its_pictures(shards):
    origins = Manifest.read(shards).origins
    assert [(each.part, each.source, each.uses) for each in origins] == [
        ("foreground", None, 2),
        ("foreground", "prints", 2),
        ("foreground", "scans", 2),
        ("background", "bg-20k", 6),
    ]
    samples = open_training_set(shards)
    assert samples.licences() == FOUND
    turns = TasksInTurn([(TaskPart("matting", str(shards), 8), samples)], 0)
    assert turns.licences() == FOUND


def test_photographs_and_builds_of_earlier_versions(tmp_path):
    photographs = write_photographs(tmp_path / "people", 2)
    assert open_training_set(photographs).licences() == [
        Licence("photographs", "not recorded", 1.0)
    ]
    (photographs / "licences.csv").write_text("file,licence,dataset\noriginal/p0.png,CC0,mine\n")
    assert Licence("mine", "CC0", 0.5) in open_training_set(photographs).licences()
    old = write_shards(tmp_path / "old", [1])
    assert open_training_set(old).licences() == [Licence("old", "not recorded", 1.0)]


def test_licences_of_encoder_weights():
    assert weights_licence("timm:tf_efficientnet_lite0", "package") == "Apache-2.0"
    assert weights_licence("r34", "timm:tv_in1k") == "bsd-3-clause"
    assert weights_licence("r34", "weights.pth") is None
    assert weights_licence("r34", None) is None


def command(shards: Path, *more: str) -> list[str]:
    """A training of two steps."""
    return [
        *("fit", f"--data.shards={shards}", "--data.crop.size=32", "--data.crop.sides=[32]"),
        *("--data.batch_size=2", "--data.workers=0", "--trainer.max_steps=2", "--quiet"),
        *("--model.backbone=timm:test_resnet", "--model.width=0.25", *more),
    ]


@pytest.mark.integration
def test_training_carries_licences_to_the_exported_file(shards, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    start = tmp_path / "start.pth"
    torch.save(build().encoder.body.state_dict(), start)
    run(command(shards, f"--model.weights={start}", "--ema=0.5"))
    run_folder = tmp_path / "runs/version_0/checkpoints"
    found = [*FOUND, Licence("initial weights start.pth", "not recorded", 0.0)]
    assert read_licences(run_folder / "last.safetensors") == found
    run(command(shards, f"--ckpt_path={run_folder}/last.ckpt", "--trainer.max_steps=3"))
    resumed = tmp_path / "runs/version_1/checkpoints/last.safetensors"
    assert read_licences(resumed) == found
    assert main(["licence", str(resumed)]) == 0
    told = capsys.readouterr().out
    assert "prints" in told and "33.3%" not in told and "16.7%" in told and "start" in told
    assert "not known of foregrounds, initial weights start.pth" in " ".join(told.split())


def test_fit_refuses_before_it_computes(shards, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(command(shards, "--licences=permissive")) == 2
    told = capsys.readouterr().err
    assert "foregrounds (not recorded), prints (CC BY 4.0)" in told and "scans" not in told
    assert len(told.splitlines()) == 1
    assert not list(tmp_path.rglob("*.ckpt"))
    assert main(command(shards, "--licences=all")) == 2
    assert "permissive" in capsys.readouterr().err


def test_command_as_json_and_without_licences(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    save_model(shared(), tmp_path / "silent.safetensors")
    assert main(["licence", str(tmp_path / "silent.safetensors")]) == 0
    assert "silent.safetensors: not recorded" in capsys.readouterr().out
    model = build()
    model.licences = [MIT, UNKNOWN]
    save_model(model, tmp_path / "m.safetensors")
    assert main(["licence", str(tmp_path / "m.safetensors"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["verdict"] == "unknown"
    assert told["by_terms"] == {"unknown": ["found"], "permissive": ["scans"]}
    assert told["sources"][0] == {**MIT._asdict(), "terms": "permissive"}
    assert main(["licence", str(tmp_path / "silent.safetensors"), "--json", "o.json"]) == 0
    assert json.loads(Path("o.json").read_text())["verdict"] == "not recorded"


def test_command_on_what_is_no_model(tmp_path, capsys):
    for name, message in (
        ("last.ckpt", "give last.safetensors"),
        ("m.onnx", "m.onnx: "),
        ("m.safetensors", "m.safetensors: "),
    ):
        assert main(["licence", str(tmp_path / name)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert message in line
