"""Records of commands in their folders, and files under a second name: what exists is kept."""

import pytest

from data_tools.placing import place
from data_tools.records import read_record, write_json
from rssn.imaging.errors import InputError


def count_of(path):
    return read_record(path, lambda record: int(record["count"]))


@pytest.mark.parametrize("content", ["no JSON", "[]", "{}", '{"count": null}'])
def test_records_of_other_commands_are_refused(tmp_path, content):
    (tmp_path / "record.json").write_text(content)
    with pytest.raises(InputError, match=r"record\.json: .*--out"):
        count_of(tmp_path / "record.json")


def test_folder_is_new_empty_or_has_a_record(tmp_path):
    path = tmp_path / "new/record.json"
    assert count_of(path) is None
    write_json(path, {"count": 3})
    assert count_of(path) == 3
    (tmp_path / "empty").mkdir()
    assert count_of(tmp_path / "empty/record.json") is None
    path.rename(path.with_name("letter.txt"))
    for folder in (path.parent, path.with_name("letter.txt")):  # of other files, or no folder
        with pytest.raises(InputError, match=f"{folder}: .*--out"):
            count_of(folder / "record.json")


@pytest.mark.parametrize(
    ("way", "symbolic", "links"), [("hard", False, 2), ("symbolic", True, 1), ("copy", False, 1)]
)
def test_ways_of_placing(tmp_path, way, symbolic, links):
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_bytes(b"1")
    for _ in range(2):  # the same content may be there
        place(source, target, way)
    assert (target.is_symlink(), target.stat().st_nlink) == (symbolic, links)
    target.unlink()
    target.write_bytes(b"mine")
    with pytest.raises(InputError, match=f"{source}: {target}"):
        place(source, target, way)
    assert target.read_bytes() == b"mine"
