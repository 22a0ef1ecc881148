import io
import json

import numpy as np
import pytest
from folders import background, scene
from rich.console import Console

from data_tools.__main__ import main
from data_tools.statistics import Statistics, bars, describe
from rssn.imaging.reading import read_rgb
from rssn.imaging.writing import write_alpha, write_rgb, write_rgba


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    for name in ("original", "mask", "backgrounds"):
        (folder / name).mkdir(parents=True)
    for seed, height in enumerate((32, 48, 80)):
        image, _ = scene(seed, height, 64)
        alpha = np.zeros((height, 64), np.float32)
        alpha[:, 32:], alpha[:, 30:32] = 1, np.float32(128 / 255)
        write_rgb(folder / f"original/p{seed}.png", image)
        write_alpha(folder / f"mask/p{seed}.png", alpha)
    write_rgb(folder / "backgrounds/b.jpg", background(9))
    return folder


def test_quantities_of_known_mattes(data):
    statistics = describe(data, workers=1, quiet=True)
    assert statistics.counts == {str(data): {"photograph": 3, "background": 1}}
    values = statistics.quantities()
    assert values["shorter side, px"] == [32, 48, 64, 48]
    assert values["alpha 1, share"] == [0.5] * 3
    assert values["transition, share"] == [2 / 64] * 3
    assert values["transition width, px"] == [2] * 3
    # 128 / 255 is in the 11th of 20 ranges; 2 columns of 32, 48 and 80 pixels
    assert statistics.fractions()[10] == sum(statistics.fractions()) == 320
    assert statistics.summaries()["shorter side, px"]["q0.5"] == 48


def test_command_writes_numbers_and_a_picture(data, tmp_path, capsys):
    numbers, picture = tmp_path / "x/s.json", tmp_path / "x/s.png"
    arguments = ["stats", str(data), "--quiet", "--workers", "1"]
    assert main([*arguments, "--json", str(numbers), "--picture", str(picture)]) == 0
    content = json.loads(numbers.read_text())
    assert content["bits of alpha"] == {"8": 3} and len(content["images"]) == 4
    assert "signature" not in content["images"][0]
    assert read_rgb(picture).shape[1] == 6 * 200 + 8
    printed = capsys.readouterr().out
    assert "transition width, px" in printed and "█" in printed


def test_tables_fit_a_terminal_of_80_columns(data, monkeypatch):
    values = [-254.6, -0.00123456, 0.0923456, 0.999999, 12345.6]
    names = ["transition width, px", "red - blue, levels"]
    monkeypatch.setattr(Statistics, "quantities", lambda _: dict.fromkeys(names, values))
    console = Console(width=80, file=io.StringIO())
    for table in describe(data, workers=1, quiet=True).tables():
        console.print(table)
    printed = console.file.getvalue()
    assert "…" not in printed
    # Count, mean and quantiles; the 10 % lie between the first two: -152.76.
    assert "5 2418 -255 -153 0.0923 7408 12346" in " ".join(printed.split())


def test_unusable_images_are_named_and_the_others_described(data, capsys):
    (data / "original/p0.png").write_bytes(b"no")
    assert main(["stats", str(data), "--quiet", "--workers", "1"]) == 1
    printed = capsys.readouterr()
    assert "p0.png" in printed.err and "photograph" in printed.out


def test_nothing_that_can_be_described(tmp_path, capsys):
    (tmp_path / "a.png").write_bytes(b"no")
    assert main(["stats", str(tmp_path), "--quiet", "--workers", "1"]) == 2
    assert main(["stats", str(tmp_path), "--picture", "x.jpg"]) == 2
    assert ".png" in capsys.readouterr().err


def test_picture_of_cutouts_and_of_rgb_pngs(tmp_path):
    image, alpha = scene(1)
    write_rgba(tmp_path / "a.png", image, alpha)
    write_rgb(tmp_path / "b.png", image)
    out = tmp_path / "out.png"
    assert main(["stats", str(tmp_path), "--quiet", "--workers", "1", "--picture", str(out)]) == 0
    sheet = read_rgb(out)
    corner = (8 + (192 - 48) // 2, 8 + (192 - 64) // 2)  # of the first tile
    assert alpha[0, 0] == 0 and tuple(sheet[corner]) == (225, 225, 225)
    assert tuple(sheet[corner[0], corner[1] + 200]) == tuple(image[0, 0])


def test_bars_are_as_high_as_their_counts():
    assert bars([0, 1, 4, 8]) == " ▁▄█"
    assert bars([0, 0]) == "  "
