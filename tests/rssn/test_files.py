"""Files that are whole or not there, and errors that name them as the user did."""

from __future__ import annotations

import pytest

from rssn.imaging.errors import InputError
from rssn.imaging.files import make_folder, whole_file, write_errors


def test_a_file_that_cannot_be_written_is_named_as_given(tmp_path):
    path = tmp_path / "no folder" / "a.json"
    message = r"no folder/a\.json: cannot be written \(No such file or directory\); give another"
    with (
        pytest.raises(InputError, match=message),
        write_errors(path, "give another"),
        whole_file(path) as part,
    ):
        part.write_text("{}")


def test_errors_of_libraries_that_write():
    with (
        pytest.raises(InputError, match=r"m: .*RuntimeError: full"),
        write_errors("m", also=RuntimeError),
    ):
        raise RuntimeError("full")
    with pytest.raises(RuntimeError), write_errors("m"):
        raise RuntimeError("another thing")


def test_folder_in_place_of_a_file(tmp_path):
    (tmp_path / "a").touch()
    with pytest.raises(InputError, match=r"--out x: .*Not a directory"):
        make_folder(tmp_path / "a" / "b", "--out x")
    make_folder(tmp_path / "b" / "c")
    make_folder(tmp_path / "b" / "c")
    assert (tmp_path / "b" / "c").is_dir()
