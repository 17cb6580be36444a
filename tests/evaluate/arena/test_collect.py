"""Who meets whom, on which side, and what a person's keys come to; the last at a real terminal, on a pty."""

import io
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from collections import Counter

import pytest
from rich.console import Console

from onward.align.ranking.prompts import Prompt
from onward.align.ranking.terminal import Terminal
from onward.errors import PlanError
from onward.evaluate.arena.collect import Arena, collect
from onward.evaluate.arena.settings import Answering
from onward.evaluate.arena.votes import Votes
from onward.generate.chat_model import ChatModel, Reply

SAME, TOO_LONG = "say the same", "too long"


class Named(ChatModel):
    """Says its name, in secret, and what it was asked."""

    def __init__(self, name):
        self.name = name

    def replies(self, messages, samplings):
        asked = messages[-1]["content"]
        if asked == TOO_LONG and self.name == "a":
            raise PlanError("too long")
        said = "the same" if asked == SAME else f"<{self.name}> on {asked}"
        return [Reply(said, "stop", 1, 1) for _ in samplings]

    def stream(self, messages, sampling):
        yield self.replies(messages, [sampling])[0].text

    def score(self, prompt, continuation):
        raise NotImplementedError


def prompts(*texts):
    return [Prompt([{"role": "user", "content": text}]) for text in texts]


@pytest.fixture
def votes(tmp_path):
    with Votes(tmp_path / "votes.db") as opened:
        yield opened


def arena(votes, names="abc", seed=0):
    return Arena({name: Named(name) for name in names}, Answering(seed=seed), votes)


class Keys(Terminal):
    """A terminal on which these keys are pressed. A lower-case model name votes for that model, wherever it stands."""

    def __init__(self, keys):
        self.console, self.name = Console(file=io.StringIO(), width=80), "me"
        self.keys, self.seen, self.said = list(keys), [], []

    def single_keys(self):
        return open(os.devnull)

    def show(self, _, prompt, answers):
        self.seen.append((prompt.messages[-1]["content"], *answers))

    def key(self):
        return self.keys.pop(0)

    def say(self, words):
        self.said.append(words)


def test_all_pairs_meet_alike_and_both_sides_are_taken(votes):
    battles = arena(votes)
    shown = [battles.show(prompt) for prompt in prompts(*map(str, range(300)))]
    met = Counter(frozenset((one.left[0], one.right[0])) for one in shown)
    assert set(met.values()) == {100}
    left = Counter(one.left[0] for one in shown)
    assert all(70 < count < 130 for count in left.values()), left
    assert all(one.left[1] == f"<{one.left[0]}> on {one.prompt.messages[0]['content']}" for one in shown)


def test_keys_become_votes_for_the_side_they_stand_for(votes):
    terminal = Keys("abts")
    found = collect(arena(votes), prompts("1", "2", "3", "4"), terminal)
    assert (found.votes, found.whole) == (3, True)
    assert [one.choice for one in votes.battles()] == ["left", "right", "tie"]
    for battle, (asked, first, second) in zip(votes.battles(), terminal.seen, strict=False):
        assert (battle.left_answer, battle.right_answer) == (first, second)
        assert battle.left_answer == f"<{battle.left_model}> on {asked}"


def test_votes_are_taken_back_and_asked_for_again(votes):
    terminal = Keys("uabuubtaq")
    found = collect(arena(votes), prompts("1", "2", "3", "4", "5"), terminal)
    asked = [seen[0] for seen in terminal.seen]
    assert asked == ["1", "1", "2", "3", "2", "1", "2", "3", "4"]
    assert terminal.said[1] == "there is no vote of this sitting to take back"
    assert [one.choice for one in votes.battles()] == ["right", "tie", "left"]
    assert (found.votes, found.whole) == (3, False)


def test_the_next_sitting_begins_with_what_has_no_vote(votes):
    collect(arena(votes), prompts("1", "2", "3"), Keys("abq"))
    terminal = Keys("q")
    collect(arena(votes), prompts("1", "2", "3"), terminal)
    assert terminal.seen[0][0] == "3"


def test_equal_answers_are_ties_and_a_prompt_that_is_refused_is_passed_over(votes):
    terminal = Keys("a")
    found = collect(arena(votes, "ab"), prompts(SAME, TOO_LONG, "1"), terminal)
    assert (found.votes, found.alike, found.refused) == (1, 1, 1)
    assert [one.choice for one in votes.battles()] == ["tie", "left"]
    assert [seen[0] for seen in terminal.seen] == ["1"]


def test_one_model_is_no_arena(votes):
    with pytest.raises(PlanError, match="two models"):
        arena(votes, "a")


VERB = """
import typer
from onward.cli.arena import arena
from onward.cli.options import expanded
app = typer.Typer()
app.command()(expanded(arena))
app()
"""


def test_typed_prompts_at_a_real_terminal(model_folder, tmp_path):
    """On a pty: two prompts are typed, a key is pressed for each, an empty line stops. No model's name is shown before the end."""
    other = tmp_path / "other"
    shutil.copytree(model_folder, other)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", VERB, model_folder, other, "-o", tmp_path / "votes.db", "--max-tokens", "8"]
    environment = os.environ | {"COLUMNS": "100", "TERM": "xterm"}
    process = subprocess.Popen([*map(str, command)], stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    try:
        vote_at(Screen(ours), ours, model_folder, other)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    with Votes(tmp_path / "votes.db") as votes:
        assert [one.choice for one in votes.battles()] == ["left", "right"]
        assert {one.messages[0]["content"] for one in votes.battles()} == {"Hi?"}


def vote_at(screen, ours, one, other):
    for key in "ab":
        screen.until("What shall they be asked")
        os.write(ours, b"Hi?\n")
        seen = screen.until(r"\[q\] stop ")
        assert str(other) not in seen
        assert str(one) not in seen
        os.write(ours, key.encode())
    screen.until("What shall they be asked")
    os.write(ours, b"\n")
    seen = screen.until("The answer shown first was chosen in 50%.*")
    assert "2 votes in this sitting" in seen


class Screen:
    """What a terminal shows, read from the other side of it."""

    def __init__(self, number):
        self.number, self.text = number, ""

    def until(self, pattern):
        """All since the last call, up to a pattern."""
        end = time.monotonic() + 100
        while not (found := re.search(pattern, self.text, re.DOTALL)):
            assert time.monotonic() < end, self.text
            if select.select([self.number], [], [], 1)[0]:
                piece = os.read(self.number, 65536).decode()
                self.text += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", piece).replace("\r", "")
        seen, self.text = self.text[: found.end()], self.text[found.end() :]
        return seen
