"""The core alone: matting without PyTorch, numba and the other packages of extras."""

from __future__ import annotations

import re
import subprocess

import pytest
from core import core_command, run_core
from documents import ROOT
from tiny import draw_photograph

from rssn.imaging.writing import write_rgb

pytestmark = pytest.mark.integration


@pytest.fixture
def photograph(tmp_path):
    write_rgb(tmp_path / "p.png", draw_photograph(3, 96, 128))
    return tmp_path / "p.png"


def test_every_call_of_matting_runs(photograph):
    code = """
    import numpy as np
    import gfm
    photograph = sys.argv[1]
    for model in (None, gfm.load_model(), gfm.load_model("lite", "cpu")):
        assert gfm.matte(photograph, model).alpha.shape == (96, 128)
    for how in ({"refine": "none"}, {"refine": "fusion"}, {"foreground": "blur"},
                {"augmentation": "full"}, {"strategy": "full"}, {"max_memory": "4GB"}):
        made = gfm.matte(photograph, **how)
    trimap = np.full((96, 128), 128, np.uint8)
    trimap[:, :40], trimap[:, 88:] = 0, 255
    assert gfm.matte(photograph, trimap=trimap).alpha[0, 100] == 1
    assert gfm.matte(photograph, mask=trimap == 255).foreground.shape == (96, 128, 3)
    assert len(gfm.matte_batch([photograph] * 2, options=gfm.MatteOptions(refine="none"))) == 2
    assert gfm.matte(photograph, clicks=[(64, 48, True)]).alpha[48, 64] == 1
    session = gfm.Session(photograph).click(64, 48).click(2, 2, positive=False).undo().redo()
    assert session.matte.alpha[48, 64] == 1 and session.matte.alpha[2, 2] == 0
    made.save(sys.argv[2])
    assert made.on((255, 255, 255)).shape == (96, 128, 3)
    """
    run_core(code, photograph, photograph.with_name("cutout.png"))
    assert photograph.with_name("cutout.png").is_file()


def test_matting_leaves_nothing_in_the_home_of_the_user(photograph, tmp_path):
    """Such as the identifier under which ONNX Runtime sends its telemetry."""
    home = tmp_path / "home"
    home.mkdir()
    # Nothing else of the environment: ONNX Runtime keeps quiet under the variables of a CI.
    given = {"HOME": str(home), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [*core_command("import gfm; gfm.matte(sys.argv[1])"), str(photograph)]
    subprocess.run(command, env=given, check=True, capture_output=True)
    assert list(home.rglob("*")) == []


COMMANDS = """
import contextlib, io
from gfm.__main__ import main
import shlex
for line in sys.argv[1:]:
    told = io.StringIO()
    with contextlib.redirect_stderr(told):
        code = main(shlex.split(line))
    print(code, told.getvalue().strip().replace("\\n", " "))
"""


def test_commands_of_the_core_run(photograph):
    out = photograph.parent / "out"
    lines = [f"matte {photograph} --out {out}", "licence lite", "licence guided --json"]
    told = run_core(COMMANDS, *lines)
    assert [line for line in told.splitlines() if line.startswith("0 ")], told
    assert {each.name for each in out.iterdir()} == {"alpha", "rgba", "trimap"}


@pytest.mark.parametrize(
    "line",
    [
        "fit --data.shards shards",
        "sanity --data.shards shards",
        "info",
        "export --format onnx --out m.onnx",
        "convert m.pth --backbone r34 --rosta TT --out m.safetensors",
    ],
)
def test_commands_of_an_extra_name_it_in_one_line(line):
    told = run_core(COMMANDS, line)
    assert told.startswith("2 error: the package ") and "pip install -e '.[train]'" in told
    assert told.count("\n") == 1


def test_names_and_files_of_an_extra_name_it(tmp_path):
    (tmp_path / "m.safetensors").touch()
    code = """
    import numpy as np
    import gfm, rssn
    from gfm.inference.colours import estimate_colours
    image, half = np.zeros((8, 8, 3), np.uint8), np.full((8, 8), 0.5, np.float32)
    for ask in (lambda: gfm.GFM, lambda: gfm.save_model,
                lambda: rssn.estimate_foreground(image, half), lambda: rssn.denoise(image, 5),
                lambda: gfm.load_model(sys.argv[1]), lambda: gfm.load_model("owner/name"),
                lambda: estimate_colours(image, half, "multilevel")):
        try:
            ask()
        except ValueError as error:
            print(error)
        else:
            raise SystemExit("not refused")
    """
    told = run_core(code, tmp_path / "m.safetensors").splitlines()
    assert len(told) == 7
    extras = [re.findall(r"pip install -e '\.\[(\w+)\]' in the project's", line) for line in told]
    names = ("train", "train", "compose", "compose", "train", "train", "compose")
    assert extras == [[name] for name in names]


def test_videos_need_their_extra():
    told = run_core(COMMANDS, "matte clip.mp4 --out frames")
    assert told.startswith("2 error: the package av is missing") and "'.[video]'" in told


def test_server_needs_its_extra_alone():
    run_core("import gfm.serve.application", extras=("web",))
    told = run_core(COMMANDS, "serve")
    assert "pip install -e '.[web]'" in told


def test_server_corrects(photograph):
    """With brushes; clicks where their model is packaged for ONNX Runtime."""
    code = """
    import json
    from starlette.testclient import TestClient
    import gfm
    from gfm.commands.serve import _packaged_clicks
    from gfm.serve.application import create_app
    from gfm.serve.clicking import opener
    clicks = _packaged_clicks()
    open_clicks = opener(gfm.load_model(clicks)) if clicks else None
    app = create_app(gfm.load_model(), open_clicks=open_clicks)
    with TestClient(app, base_url="http://127.0.0.1") as client:
        opened = client.post("/sessions", content=open(sys.argv[1], "rb"))
        session = "/sessions/" + opened.json()["id"]
        edits = [{"kind": "stroke", "path": [[64, 48]], "radius": 30, "mark": "keep"},
                 {"kind": "stroke", "path": [[64, 18], [94, 48]], "radius": 6, "mark": "unknown"}]
        edits += [{"kind": "click", "x": 5, "y": 5, "mark": "remove"}] * bool(clicks)
        for edit in edits:
            made = client.post(session + "/clicks", json=edit)
            assert made.status_code == 200, made.text
        assert client.get(session + "/matte?output=layers").status_code == 200
    """
    run_core(code, photograph, extras=("web",))
