"""Progress and exit codes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from rssn.imaging import console
from rssn.imaging.errors import FailedInputs, InputError


def test_progress_yields_the_items_and_writes_a_line_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert list(console.progress([3, 1, 2], "Count")) == [3, 1, 2]
    assert "Count: 3/3" in capsys.readouterr().err


def test_nothing_to_do_is_done_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(console.progress([], "Count")) == []
    assert capsys.readouterr().err == "Count: 0/0, 0.00/s, 0 s left\n"


def test_quiet_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(console.progress(range(3), "Count", quiet=True)) == [0, 1, 2]
    assert capsys.readouterr().err == ""


def test_lines_come_by_time(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 1.0, 11.0, 11.0, 12.0, 12.0])
    monkeypatch.setattr(console.time, "monotonic", lambda: next(clock))
    with console.Bar("Wait", total=4) as bar:
        bar.advance()
        bar.advance(note="almost")
        assert capsys.readouterr().err == "Wait: 2/4, 0.18/s, 11 s left almost\n"
        bar.advance(2)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (InputError("a.png: is empty"), 2, "error: a.png: is empty\n"),
        (FailedInputs(["a: bad", "b: bad"]), 1, "failed: a: bad\nfailed: b: bad\n"),
        (
            OSError(28, "No space left on device", "out.json"),
            2,
            "error: OSError: [Errno 28] No space left on device: 'out.json'; give files that can "
            "be read, and a disk with room to write to\n",
        ),
        (KeyboardInterrupt(), 130, "interrupted; what was finished is kept\n"),
    ],
)
def test_errors_become_exit_codes(
    error: BaseException, code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def command() -> None:
        raise error

    assert console.run_command(command) == code
    assert capsys.readouterr().err == message


def test_done_is_zero_and_a_programming_error_is_not_hidden() -> None:
    assert console.run_command(lambda: None) == 0
    with pytest.raises(ZeroDivisionError):
        console.run_command(lambda: 1 / 0)  # type: ignore[arg-type]


@pytest.mark.integration
def test_output_that_nobody_reads_any_more_ends_quietly() -> None:
    body = (
        "import sys; from rssn.imaging.console import run_command; "
        "sys.exit(run_command(lambda: [print('x' * 100) for _ in range(10_000)]))"
    )
    command = [sys.executable, "-c", body]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141
