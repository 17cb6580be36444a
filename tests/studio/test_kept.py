"""Conversations on disk."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from onward.errors import OutputError
from onward.studio.kept import Answer, Kept, beside, data_folder, latest_below, path_to


@pytest.fixture
def kept(tmp_path):
    return Kept(tmp_path / "deep" / "studio.db")


def test_branches_of_a_conversation(kept):
    number = kept.begin("Hello   there,\nhow are you?")
    first = kept.add(number, None, "Hello", {"seed": 0}, {"m": Answer("Hi", "stop")})
    second = kept.add(number, first.id, "Who?", {}, {"m": Answer("Me", "stop")})
    edited = kept.add(number, first.id, "What?", {}, {"m": Answer("It", "stop")})
    after = kept.add(number, edited.id, "Why?", {}, {"m": Answer()})
    found = kept.turns(number)
    assert [turn.asked for turn in path_to(found, after.id)] == ["Hello", "What?", "Why?"]
    assert [turn.id for turn in beside(found, edited)] == [second.id, edited.id]
    assert latest_below(found, first.id) == after.id
    assert latest_below(found, second.id) == second.id
    assert kept.conversations()[0][:2] == (number, "Hello there, how are you?")
    assert found[first.id] == first


def test_an_answer_is_written_down_and_nothing_else_changes(kept):
    number = kept.begin("a")
    turn, other = (kept.add(number, None, "a", {}, {"m": Answer()}) for _ in range(2))
    turn.answers["m"] = Answer("said", "stop")
    kept.answered(turn)
    found = kept.turns(number)
    assert found[turn.id].answers == {"m": Answer("said", "stop")}
    assert found[other.id].answers == {"m": Answer()}


def test_many_write_at_a_time(kept):
    number = kept.begin("a")
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda i: kept.add(number, None, str(i), {}, {}), range(40)))
    assert {turn.asked for turn in kept.turns(number).values()} == {str(i) for i in range(40)}
    assert len({turn.id for turn in made}) == 40


def test_a_conversation_can_be_removed(kept):
    number, other = kept.begin("a"), kept.begin("b")
    kept.add(number, None, "a", {}, {})
    kept.remove(number)
    assert kept.turns(number) == {}
    assert [one[0] for one in kept.conversations()] == [other]


def test_a_file_that_is_something_else_is_one_clear_line(tmp_path):
    (tmp_path / "studio.db").write_text("no database, but long enough to be read as one" * 10)
    with pytest.raises(OutputError, match=r"studio\.db cannot be read"):
        Kept(tmp_path / "studio.db")


def test_where_a_users_data_lie(monkeypatch, tmp_path):
    monkeypatch.delenv("ONWARD_DATA", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert data_folder() == tmp_path / "onward"
    monkeypatch.setenv("ONWARD_DATA", str(tmp_path / "own"))
    assert data_folder() == tmp_path / "own"
