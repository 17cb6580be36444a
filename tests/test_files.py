import errno
import json
import os
import subprocess
from pathlib import Path

import pytest

from onward.errors import OutputError
from onward.files import append_line, check_apart, new_folder, whole_lines, write_bytes, write_json


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "kept.json"
    write_bytes(path, b"old")

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="no space left"):
        write_bytes(path, b"new")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("kept.json", b"old")]


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    with pytest.raises(RuntimeError), new_folder(tmp_path / "model") as beside:  # noqa: PT012
        (beside / "half").write_text("")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with new_folder(tmp_path / "model") as beside:
        (beside / "whole").write_text("")
        assert not (tmp_path / "model").exists()
    assert [p.name for p in (tmp_path / "model").iterdir()] == ["whole"]


def test_an_existing_folder_is_refused_and_replaced_only_with_force_and_at_the_end(tmp_path):
    with new_folder(tmp_path / "model") as beside:
        (beside / "onward.json").write_text("first")
    with pytest.raises(OutputError, match="exists already"), new_folder(tmp_path / "model"):
        pass
    with pytest.raises(RuntimeError), new_folder(tmp_path / "model", force=True):
        raise RuntimeError
    assert (tmp_path / "model" / "onward.json").read_text() == "first"
    with new_folder(tmp_path / "model", force=True) as beside:
        (beside / "onward.json").write_text("second")
    assert (tmp_path / "model" / "onward.json").read_text() == "second"
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def test_force_never_replaces_what_onward_did_not_make(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter.txt").write_text("dear")
    with pytest.raises(OutputError, match="not made by Onward"), new_folder(tmp_path / "home", force=True):
        pass
    assert (tmp_path / "home" / "letter.txt").exists()


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "no permission"),
        (errno.EROFS, "no permission"),
        (errno.ENOSPC, "no space"),
        (errno.EIO, "cannot write"),
    ],
)
def test_refusals_of_the_system_are_one_line_that_names_the_place(tmp_path, monkeypatch, number, words):
    def refuse(_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OutputError, match=words) as error:
        write_bytes(tmp_path / "x", b"")
    assert "\n" not in str(error.value)
    assert str(tmp_path / "x") in str(error.value)


def test_what_a_killed_process_left_behind_is_swept_away_and_a_living_ones_is_not(tmp_path):
    dead = subprocess.Popen(["true"])
    dead.wait()
    alive = subprocess.Popen(["sleep", "60"])
    for process in (dead, alive):
        (tmp_path / f".model.{process.pid}.partial").mkdir()
    with new_folder(tmp_path / "model") as beside:
        (beside / "x").write_text("")
    assert {p.name for p in tmp_path.iterdir()} == {"model", f".model.{alive.pid}.partial"}
    alive.kill()
    alive.wait()


def test_a_folder_that_stood_aside_when_the_process_was_killed_comes_back(tmp_path):
    dead = subprocess.Popen(["true"])
    dead.wait()
    (tmp_path / f".model.{dead.pid}.old").mkdir()
    (tmp_path / f".model.{dead.pid}.old" / "onward.json").write_text("the only copy")
    with pytest.raises(OutputError, match="exists already"), new_folder(tmp_path / "model"):
        pass
    assert (tmp_path / "model" / "onward.json").read_text() == "the only copy"


def test_ctrl_c_between_the_two_names_puts_the_old_folder_back(tmp_path, monkeypatch):
    with new_folder(tmp_path / "model") as beside:
        (beside / "onward.json").write_text("first")
    rename, calls = Path.rename, []

    def interrupted(self, target):
        calls.append(self)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt), new_folder(tmp_path / "model", force=True) as beside:
        (beside / "onward.json").write_text("second")
    assert [p.name for p in tmp_path.iterdir()] == ["model"]
    assert (tmp_path / "model" / "onward.json").read_text() == "first"


def test_force_never_replaces_a_file_or_a_link_that_leads_nowhere(tmp_path):
    (tmp_path / "precious").write_text("one of a kind")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("precious", "link"):
        with pytest.raises(OutputError, match="no folder that Onward made"), new_folder(tmp_path / name, force=True):
            pass
    assert (tmp_path / "precious").read_text() == "one of a kind"
    assert (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("name", [".", "./", "", ".."])
def test_a_folder_needs_a_name_of_its_own(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match="name of its own"), new_folder(Path(name), force=True):
        pass


def test_a_replaced_link_goes_and_what_it_leads_to_stays(tmp_path):
    with new_folder(tmp_path / "real") as beside:
        (beside / "onward.json").write_text("first")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with new_folder(tmp_path / "link", force=True) as beside:
        (beside / "onward.json").write_text("second")
    assert {p.name: (p / "onward.json").read_text() for p in tmp_path.iterdir()} == {"real": "first", "link": "second"}


def test_what_is_to_be_read_may_not_lie_where_is_to_be_written(tmp_path):
    (tmp_path / "out" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "out")
    (tmp_path / "out" / "elsewhere").symlink_to("/")
    check_apart(tmp_path / "out", [tmp_path / "beside.txt", tmp_path / "out.txt", tmp_path])
    for inside in ("out", "out/a.txt", "out/deep/b.txt", "link/a.txt", "out/elsewhere"):
        with pytest.raises(OutputError, match="lies inside"):
            check_apart(tmp_path / "out", [tmp_path / inside])


def test_a_name_that_is_not_utf_8_comes_back_from_json(tmp_path):
    name = os.fsdecode(b"B\xe4ume.txt")
    write_json(tmp_path / "x.json", {"path": name})
    assert json.loads((tmp_path / "x.json").read_text(encoding="utf-8")) == {"path": name}


def test_half_a_line_that_a_crash_has_left_is_taken_back(tmp_path):
    path = tmp_path / "lines.jsonl"
    assert whole_lines(path) == []
    append_line(path, {"text": "a\u2028b\n", "half a pair": "\ud83d"})
    append_line(path, {"text": "c"})
    with path.open("ab") as file:
        file.write(b'{"text": "d')
    assert [json.loads(line)["text"] for line in whole_lines(path)] == ["a\u2028b\n", "c"]
    append_line(path, {"text": "e"})
    assert [json.loads(line)["text"] for line in path.read_text(encoding="utf-8").split("\n")[:-1]] == [
        "a\u2028b\n",
        "c",
        "e",
    ]
