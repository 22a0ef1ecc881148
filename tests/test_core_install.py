"""The core in an empty environment: its wheel, the lines of the README, and the steps of the image.

The image itself needs docker; here its steps run one by one, with other folders.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from documents import ROOT, blocks, commands

from data_tools.scenes import draw_scene
from rssn.imaging.reading import read_rgba
from rssn.imaging.writing import write_alpha, write_rgb

pytestmark = pytest.mark.slow

DOCKERFILE = (ROOT / "Dockerfile").read_text()
COPIED = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.M)
STEPS = re.findall(r"^RUN (.+)$", DOCKERFILE, re.M)
NOBODY = 65534
TOKEN = "a-token-for-the-test"


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """Files that the image is built from, and nothing else of the repository."""
    folder = tmp_path_factory.mktemp("src")
    folder.chmod(0o755)
    for name in " ".join(COPIED).split():
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            shutil.copy(ROOT / name, folder)
    return folder


def outside() -> dict[str, str]:
    """The environment of a process that does not see the repository."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def run(command: list[object], folder: Path, **more: object) -> str:
    """Run a command, which must succeed, and return its output."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words, cwd=folder, capture_output=True, text=True, **{"env": outside(), **more}
    )
    assert done.returncode == 0, f"{shlex.join(words)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def step(command: str, source: Path, python: str = sys.executable) -> None:
    """Run a step of the image with a Python of this machine."""
    for name in ("wheels", "opt/gfm"):
        command = command.replace(f"/{name}", str(source / name))
    command = re.sub("^python", shlex.quote(python), command)
    run(["sh", "-ec", command], source)


@pytest.fixture(scope="module")
def wheel(source) -> Path:
    """The wheel of the core."""
    step(STEPS[0], source)
    (made,) = (source / "wheels").iterdir()
    held = {Path(name).suffix for name in zipfile.ZipFile(made).namelist() if "/weights/" in name}
    assert held == {".onnx"}
    return made


def find_python(version: str) -> str:
    """A Python of that version; the test is left out where none is installed."""
    named = shutil.which(f"python{version}")
    of_pyenv = Path("~/.pyenv/versions").expanduser().glob(f"{version}.*/bin/python")
    code = f"import ensurepip, sys; sys.exit('%d.%d' % sys.version_info[:2] != {version!r})"
    for python in (sys.executable, *filter(None, [named]), *sorted(map(str, of_pyenv))):
        if subprocess.run([python, "-c", code], capture_output=True).returncode == 0:
            return python
    pytest.skip(f"no Python {version}")


@pytest.fixture(scope="module", params=["3.11", "3.12", "3.13"])
def core(source, wheel, request) -> Path:
    """Python with the wheel's core alone."""
    folder = source / f"core{request.param}"
    run([find_python(request.param), "-m", "venv", folder], source)
    python = folder / "bin/python"
    run([python, "-m", "pip", "install", "-q", "--only-binary", ":all:", wheel], source)
    return python


def test_lines_of_the_readme_run_in_the_core(core, tmp_path):
    listed = run([core, "-m", "pip", "list"], tmp_path)
    assert "onnxruntime" in listed and "torch" not in listed and "numba" not in listed
    drawn = draw_scene(np.random.default_rng(3), 96, 128)
    (tmp_path / "photos").mkdir()
    for name in ("photo.jpg", "photos/one.jpg"):
        write_rgb(tmp_path / name, drawn.image)
    trimap = drawn.alpha * 0 + 128 / 255
    trimap[:, :40], trimap[:, 88:] = 0, 1
    write_alpha(tmp_path / "trimap.png", trimap)
    (first, *_) = blocks(ROOT / "README.md", "python")
    lines = [line for line in first.text.splitlines() if "model" not in line]
    assert sum("gfm.matte" in line for line in lines) >= 2
    run([core, "-c", "\n".join(lines)], tmp_path)
    assert read_rgba(tmp_path / "cutout.png")[1].shape == drawn.alpha.shape
    assert (tmp_path / "by_trimap.png").is_file()
    whole = [line for block in blocks(ROOT / "README.md", "") for line in commands(block.text)]
    mine = [line for line in whole if line.startswith("python -m gfm matte") and ".mp4" not in line]
    assert len(mine) >= 2
    for line in mine:
        run([core, *shlex.split(line)[1:]], tmp_path)
    assert (tmp_path / "mattes/rgba/one.png").is_file()


def test_size_of_the_core_is_printed(core, tmp_path):
    script = ROOT / "scripts/bench_core.py"
    told = run(
        [sys.executable, script, "--python", core, "--runs", "1"],
        ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert re.search(r"all packages +\d+\.\d MB", told) and "ONNX Runtime, refined" in told
    assert float(re.search(r"all packages +([\d.]+) MB", told)[1]) < 400


def public_python() -> str:
    """A Python that every user may run; that of a home folder is for its owner alone."""
    code = "import ensurepip, sys; sys.exit(sys.version_info < (3, 11))"
    for python in (sys.executable, "/usr/bin/python3"):
        with contextlib.suppress(OSError):
            if subprocess.run([python, "-c", code], user=NOBODY, cwd="/").returncode == 0:
                return python
    pytest.skip("no Python 3.11 that another user may run")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="runs as another user")
def test_steps_of_the_image_serve_without_root_and_without_a_place_to_write(
    source, wheel, tmp_path
):
    python = public_python()
    for each in STEPS[1:]:
        step(each, source, python)
    folders = [source, *source.parents]
    before = {folder: folder.stat().st_mode for folder in folders if folder != Path("/")}
    (start,) = re.findall(r"^CMD (\[.+\])$", DOCKERFILE, re.M)
    (check,) = re.findall(r"^HEALTHCHECK .*CMD (\[.+\])$", DOCKERFILE, re.M)
    words = [word.strip('" ') for word in start.strip("[]").split(",")]
    port = str(free_port())
    words[words.index("8000")] = port
    given = {
        "PATH": f"{source}/opt/gfm/bin:/usr/bin:/bin",
        "PYTHONDONTWRITEBYTECODE": "1",
        "GFM_SERVE_TOKEN": TOKEN,
    }
    nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": [], "cwd": "/", "env": given}
    for folder in before:
        folder.chmod(before[folder] | 0o555 & ~0o222)
    server = subprocess.Popen(
        [source / "opt/gfm/bin" / words[0], *words[1:]], stderr=subprocess.PIPE, text=True, **nobody
    )
    try:
        health = [word.strip('" ') for word in check.strip("[]").split(",")]
        for _ in range(120):
            asked = [source / "opt/gfm/bin/python", *health[1:], port]
            if subprocess.run(asked, **nobody).returncode == 0:
                break
            assert server.poll() is None, server.stderr.read()
            time.sleep(1)
        else:
            pytest.fail("the server is not healthy")
        drawn = draw_scene(np.random.default_rng(3), 96, 128)
        write_rgb(tmp_path / "p.png", drawn.image)
        code = """
import sys, urllib.request
data = open(sys.argv[2], "rb").read()
asked = urllib.request.Request(f"http://127.0.0.1:{sys.argv[1]}/matte", data)
asked.add_header("Authorization", f"Bearer {sys.argv[3]}")
asked.add_header("Content-Type", "image/png")
sys.stdout.buffer.write(urllib.request.urlopen(asked).read()[:4])
"""
        made = subprocess.run(
            [sys.executable, "-c", code, port, tmp_path / "p.png", TOKEN], capture_output=True
        )
        assert made.stdout == b"\x89PNG", made.stderr
    finally:
        server.terminate()
        server.wait()
