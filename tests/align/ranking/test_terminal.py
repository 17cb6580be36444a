"""A person at a real terminal: keys are pressed on a pty, and the votes are read from the disk."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from onward.corpus.preferences import read_preferences

SHOWN = re.compile(r"(\d+) of 12.*?\n\s*A  (I say .*?)\n\s*B  (I say .*?)\[a\]", re.DOTALL)


class Sitting:
    """`onward rank ... --judge me`, with a keyboard and a screen."""

    def __init__(self, *command):
        self.screen, theirs = pty.openpty()
        environment = os.environ | {"COLUMNS": "100", "TERM": "xterm"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "onward", "rank", *map(str, command), "--judge", "me"],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
            start_new_session=True,
        )
        os.close(theirs)
        self.text = ""

    def until(self, pattern):
        """What has been shown since the last call, up to a pattern."""
        end = time.monotonic() + 100
        while not (found := re.search(pattern, self.text, re.DOTALL)):
            assert time.monotonic() < end, self.text
            if select.select([self.screen], [], [], 1)[0]:
                try:
                    piece = os.read(self.screen, 65536)
                except OSError:
                    piece = b""
                assert piece, f"it has ended: {self.text}"
                self.text += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", piece.decode()).replace("\r", "")
        seen, self.text = self.text[: found.end()], self.text[found.end() :]
        return seen

    def question(self):
        """The number of the prompt, and both answers."""
        self.until(r"─+ (?=\d+ of 12)")
        number, *answers = SHOWN.search(self.until(r"\[q\] stop ")).groups()
        return int(number), *(" ".join(answer.split()) for answer in answers)

    def press(self, keys):
        os.write(self.screen, keys.encode())

    def ended(self):
        """The exit code, once all has been read."""
        seen, end = self.text, time.monotonic() + 100
        with suppress(OSError):  # the other side has gone
            while True:
                assert select.select([self.screen], [], [], end - time.monotonic())[0], f"it goes on: {seen}"
                if not (piece := os.read(self.screen, 65536)):
                    break
                seen += piece.decode()
        os.close(self.screen)
        return self.process.wait(100), seen


@pytest.fixture
def sit():
    """Begins sittings, and sees that none goes on after the test."""
    begun = []

    def begin(*command):
        begun.append(Sitting(*command))
        return begun[-1]

    yield begin
    for sitting in begun:
        sitting.process.kill()
        sitting.process.wait()


@pytest.fixture
def command(server, prompts, tmp_path):
    return (server.url("answerer"), prompts, "-o", tmp_path / "votes.jsonl")


def votes_in(path):
    return [(json.loads(line)["chosen"], json.loads(line)["rejected"]) for line in path.read_text().splitlines()]


def test_a_person_votes_takes_back_stops_and_goes_on(sit, command, tmp_path, server):
    out, passed = tmp_path / "votes.jsonl", tmp_path / "votes.jsonl.ranking" / "passed.jsonl"
    sitting = sit(*command)
    number, a, b = sitting.question()
    assert number == 1
    sitting.press("x\x1b[A?a")  # neither an arrow nor another key is a vote
    number, c, d = sitting.question()
    assert number == 2
    assert votes_in(out) == [(a, b)], "it is on the disk before the next one is shown"
    sitting.press("u")
    assert sitting.question() == (1, a, b)
    assert votes_in(out) == []
    sitting.press("u")
    sitting.until("there is no vote of this sitting to take back")
    assert sitting.question() == (1, a, b)
    sitting.press("B")
    assert sitting.question() == (2, c, d)
    sitting.press(" ")
    assert sitting.question()[0] == 3
    sitting.press("s")
    assert sitting.question()[0] == 4
    assert [json.loads(line)["became"] for line in passed.read_text().splitlines()] == ["tie", "skipped"]
    sitting.press("u")
    assert sitting.question()[0] == 3
    sitting.press("s")
    fourth = sitting.question()
    sitting.press("q")
    code, seen = sitting.ended()
    assert code == 0, seen
    assert "9 prompts are left: the same command goes on." in seen
    assert votes_in(out) == [(b, a)]
    asked = len(server.asked)

    sitting = sit(*command)
    assert sitting.question() == fourth, "the same answers in the same order"
    sitting.press("a")
    sitting.question()
    os.killpg(sitting.process.pid, signal.SIGINT)
    code, seen = sitting.ended()
    assert code == 130
    assert "Nothing is lost: the same command goes on." in seen
    assert votes_in(out) == [(b, a), fourth[1:]]
    assert len(server.asked) <= asked + 2 * 3, "only what had not been answered is asked for"
    assert [vote.answers for vote in read_preferences(out)] == votes_in(out)


def test_the_last_vote_ends_it_and_says_what_to_do_next(sit, command, tmp_path):
    sitting = sit(*command)
    for _ in range(12):
        sitting.question()
        sitting.press("a")
    code, seen = sitting.ended()
    assert code == 0, seen
    assert "every prompt has been judged" in seen
    assert "onward reward mine/chat" in seen
    assert not (tmp_path / "votes.jsonl.ranking").exists()
    first = [json.loads(line)["asked"] for line in (tmp_path / "votes.jsonl").read_text().splitlines()]
    assert first == [{"asked": 1, "first": 1, "second": 0}] * 12
