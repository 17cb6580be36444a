"""What stands aside while a new run is made, and comes back, wherever a kill cuts the way."""

from pathlib import Path

import pytest

from onward.train import aside
from onward.train.workspace import claim

MADE, WORTH = ("base", "data", "report.html"), ("*/onward.json",)


def files(folder):
    return {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def run(tmp_path):
    """A finished run, with a file of somebody else in it."""
    folder = tmp_path / "run"
    claim(folder, {"lr": 1}, force=False, worth=WORTH, made=MADE).close()
    for name in ("base/onward.json", "data/tokens", "report.html", "my notes.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(f"old {name}")
    return folder


def begin(run, **asked):
    claim(run, asked, force=True, worth=WORTH, made=MADE).close()


def test_force_takes_nothing_away_until_the_new_run_is_whole(run):
    before = files(run)
    begin(run, lr=2)
    assert {p.name for p in run.iterdir()} == {"onward-request.json", aside.BEFORE, "my notes.txt"}
    aside.put_back(run, MADE, WORTH)
    assert files(run) == before
    begin(run, lr=2)
    (run / "base").mkdir()
    (run / "base" / "onward.json").write_text("new")
    aside.put_back(run, MADE, WORTH)
    assert (run / "base" / "onward.json").read_text() == "new", "minutes were spent on it"
    aside.forget(run)
    assert {p.name for p in run.iterdir()} == {"onward-request.json", "base", "my notes.txt"}


def test_force_twice_keeps_the_finished_run_and_not_the_one_that_was_only_begun(run):
    begin(run, lr=2)
    (run / "base").mkdir()
    (run / "base" / "onward.json").write_text("half")
    begin(run, lr=3)
    assert not (run / "base").exists()
    assert (run / aside.BEFORE / "base" / "onward.json").read_text() == "old base/onward.json"


def test_another_request_where_nothing_is_lost_leaves_what_is_somebody_elses(run):
    (run / "base" / "onward.json").unlink()
    claim(run, {"lr": 2}, force=False, worth=WORTH, made=MADE).close()
    assert {p.name for p in run.iterdir()} == {"onward-request.json", "my notes.txt"}


@pytest.mark.parametrize("steps", range(12))
def test_a_kill_between_any_two_steps_loses_nothing(run, monkeypatch, steps):
    """The next start, with the command of the old run, finds it as it was."""

    class KilledError(BaseException):
        pass

    before, left = files(run), steps

    def counted(name):
        real = getattr(Path, name)

        def step(self, *arguments, **named):
            nonlocal left
            if left == 0:
                raise KilledError
            left -= 1
            return real(self, *arguments, **named)

        return step

    with monkeypatch.context() as patched:
        for name in ("rename", "rmdir", "mkdir"):
            patched.setattr(Path, name, counted(name))
        try:
            begin(run, lr=2)
            aside.put_back(run, MADE, WORTH)
        except KilledError:
            pass
        else:
            assert steps > 9, "the way was whole: nothing was cut"
    claim(run, {"lr": 1}, force=False, worth=WORTH, made=MADE).close()
    assert files(run) == before
