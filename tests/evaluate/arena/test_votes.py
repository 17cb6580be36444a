"""Votes on the disk: added to, never changed, and there after a kill."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from onward.errors import DataError, OutputError
from onward.evaluate.arena.bradley_terry import Vote
from onward.evaluate.arena.votes import Battle, Votes, as_votes, left_chosen

BATTLE = Battle([{"role": "user", "content": "Wie heißt du?"}], "a", "b", "Ada.\n", "Bo \U0001f600", "left")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "votes.db"


def test_what_was_voted_comes_back(path):
    with Votes(path) as votes:
        assert votes.add(BATTLE) == 1
        assert votes.add(replace(BATTLE, choice="tie")) == 2
    with Votes(path) as votes:
        votes.add(replace(BATTLE, choice="right"))
        found = votes.battles()
    assert found == [BATTLE, replace(BATTLE, choice="tie"), replace(BATTLE, choice="right")]
    assert as_votes(found) == [Vote("a", "b", 1.0), Vote("a", "b", 0.5), Vote("a", "b", 0.0)]
    assert left_chosen(found) == (1, 2)


def test_half_a_character_is_no_reason_to_lose_a_vote(path):
    half = replace(BATTLE, messages=[{"role": "user", "content": "\ud83d"}], left_answer="Ada \ud83d")
    with Votes(path) as votes:
        votes.add(half)
        assert votes.battles() == [replace(half, left_answer="Ada ?")]


def test_what_is_taken_back_does_not_count_and_stays(path):
    with Votes(path) as votes:
        votes.add(BATTLE)
        votes.take_back(votes.add(replace(BATTLE, choice="right")))
        assert votes.battles() == [BATTLE]
    with sqlite3.connect(path) as file:
        assert file.execute("SELECT count(*) FROM votes").fetchone() == (2,)
    file.close()


@pytest.mark.parametrize("change", ["UPDATE votes SET choice = 'right'", "DELETE FROM votes"])
def test_votes_cannot_be_changed_from_outside(path, change):
    with Votes(path) as votes:
        votes.add(BATTLE)
    file = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="votes are never"):
        file.execute(change)
    file.close()
    with Votes(path) as votes:
        assert votes.battles() == [BATTLE]


def test_a_file_of_something_else_is_left_alone(tmp_path):
    text, other = tmp_path / "text", tmp_path / "other.db"
    text.write_text("no database, but long enough to be looked at" * 20)
    with sqlite3.connect(other) as file:
        file.execute("CREATE TABLE kept (x)")
    file.close()
    for path in (text, other):
        before = path.read_bytes()
        with pytest.raises(DataError, match="Choose another place"):
            Votes(path)
        assert path.read_bytes() == before
    with pytest.raises(OutputError, match="Choose another place"):
        Votes(tmp_path / "missing" / "votes.db")


WRITER = """
import sys
from pathlib import Path
from onward.evaluate.arena.votes import Battle, Votes
with Votes(Path(sys.argv[1])) as votes:
    while True:
        number = votes.add(Battle([{"role": "user", "content": "?"}], "a", "b", "x" * 5000, "y" * 5000, "left"))
        print(number, flush=True)
"""


def test_a_kill_loses_nothing_that_was_said_to_be_kept(path):
    for _ in range(3):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
        told = [int(writer.stdout.readline()) for _ in range(20)]
        os.kill(writer.pid, signal.SIGKILL)
        told += [int(line) for line in writer.stdout.read().split("\n")[:-1]]
        writer.wait()
        writer.stdout.close()
        with Votes(path) as votes:
            assert len(votes.battles()) in (told[-1], told[-1] + 1), "at most one more, of which nothing was said yet"
        file = sqlite3.connect(path)
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        file.close()


def test_several_may_vote_at_once(path):
    def vote():
        with Votes(path) as votes:
            for _ in range(10):
                votes.add(BATTLE)

    threads = [threading.Thread(target=vote) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Votes(path) as votes:
        assert len(votes.battles()) == 40
