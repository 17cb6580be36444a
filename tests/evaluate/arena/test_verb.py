"""The verb without a terminal: what the votes say, and what cannot be done."""

import json

import pytest
import typer
from typer.testing import CliRunner

from onward.cli.arena import arena
from onward.cli.options import expanded
from onward.errors import DataError, PlanError
from onward.evaluate.arena.votes import Battle, Votes


@pytest.fixture
def run():
    app = typer.Typer()
    app.command()(expanded(arena))

    def invoke(*arguments):
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return invoke


@pytest.fixture
def path(tmp_path):
    with Votes(tmp_path / "votes.db") as votes:
        for number in range(40):
            choice = "tie" if number % 10 == 0 else "left" if number % 4 else "right"
            votes.add(Battle([{"role": "user", "content": "?"}], "mine/[red]a", "mine/b", "x", "y", choice))
    return tmp_path / "votes.db"


def test_what_the_votes_say(run, path):
    ended = run("-o", path)
    assert ended.exit_code == 0
    assert "mine/[red]a" in ended.stdout
    assert "40 votes, 4 of them ties." in ended.stdout
    found = json.loads(run("-o", path, "--json").stdout)
    assert [one["model"] for one in found["standings"]] == ["mine/[red]a", "mine/b"]
    assert found["left_chosen"] + found["ties"] + 8 == found["votes"] == 40
    assert found["one_chosen"] == 36


def test_no_votes_are_no_order_and_no_error(run, tmp_path):
    Votes(tmp_path / "none.db").__exit__()
    ended = run("-o", tmp_path / "none.db")
    assert ended.exit_code == 0
    assert "There is no order yet" in ended.output


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((), DataError, "Name two models"),
        (("a",), PlanError, "at least two models"),
        (("a", "a"), PlanError, "each named once"),
        (("a", "b"), PlanError, "needs a terminal"),
    ],
)
def test_what_cannot_be_done_is_said_and_leaves_nothing(run, tmp_path, arguments, error, words):
    ended = run(*arguments, "-o", tmp_path / "votes.db")
    assert isinstance(ended.exception, error)
    assert words in str(ended.exception)
    assert not (tmp_path / "votes.db").exists()
