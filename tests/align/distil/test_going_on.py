"""Real processes, killed and stopped in the middle; and the same command again."""

import json
import signal
import subprocess
import sys
import time

import pytest

from onward.align.distil.asking import AHEAD
from onward.align.distil.distil import distil
from onward.align.distil.settings import Distillation
from onward.cli import main
from onward.errors import EndpointError, FolderError, OutputError

COUNT = 30
WANTED = Distillation(count=COUNT, at_once=1)


def begin(teacher, seeds, out, *options):
    command = ["distil", teacher.url, seeds, "-o", out, "--count", COUNT, *options]
    return subprocess.Popen(
        [sys.executable, "-m", "onward", *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def replies(out):
    file = out.with_name(out.name + ".distilling") / "replies.jsonl"
    return file.read_text().splitlines() if file.exists() else []


def stop(process, out, how, after):
    began = time.monotonic()
    while len(replies(out)) < after and process.poll() is None and time.monotonic() < began + 60:
        time.sleep(0.005)
    process.send_signal(how)
    said = process.communicate(timeout=60)[1]
    assert not out.exists(), "it was stopped too late to test anything"
    return said


@pytest.mark.parametrize("at_once", [1, 6])
def test_killed_and_stopped_it_ends_as_if_nothing_had_been_and_asks_nothing_twice(teacher, seeds, tmp_path, at_once):
    distil(teacher.url, seeds, tmp_path / "whole.jsonl", WANTED)
    once = len(teacher.asked)
    teacher.asked, teacher.delay = [], 0.05
    out = tmp_path / "cut.jsonl"
    stop(begin(teacher, seeds, out, "--at-once", at_once), out, signal.SIGKILL, 8)
    said = stop(begin(teacher, seeds, out, "--at-once", at_once), out, signal.SIGINT, 20)
    assert said.splitlines()[-1] == "onward: stopped. Nothing is lost: the same command goes on."
    assert "Traceback" not in said
    known = len(replies(out))
    process = begin(teacher, seeds, out, "--at-once", at_once)
    printed, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert f"{known} replies are there already" in said
    assert out.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    # On their way when it was killed and when it was stopped, and ahead of the last one that was kept.
    assert len(teacher.asked) <= once + (2 + AHEAD) * at_once
    assert ["kept", str(COUNT)] in [line.split() for line in printed.splitlines()]


def test_a_line_that_was_not_finished_is_asked_for_again_and_counts_are_as_before(teacher, seeds, tmp_path):
    whole = distil(teacher.url, seeds, tmp_path / "whole.jsonl", WANTED)
    out = tmp_path / "cut.jsonl"
    teacher.faults = [None] * 25 + [500]
    with pytest.raises(EndpointError, match="fault 500"):
        distil(teacher.url, seeds, out, WANTED)
    file = tmp_path / "cut.jsonl.distilling" / "replies.jsonl"
    file.write_bytes(file.read_bytes()[:-20])
    teacher.faults = [None] * 5 + [500]
    with pytest.raises(EndpointError, match="fault 500"):  # going on writes behind what is whole
        distil(teacher.url, seeds, out, WANTED)
    asked = len(teacher.asked)
    found = distil(teacher.url, seeds, out, WANTED)
    assert found | {"seconds": 0} == whole | {"seconds": 0}
    assert len(teacher.asked) - asked == whole["writing"]["asked"] + whole["answering"]["asked"] - 29
    assert out.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


@pytest.fixture
def begun(teacher, seeds, tmp_path):
    """A distillation that has stopped after twenty replies."""
    teacher.faults = [None] * 20 + [500]
    with pytest.raises(EndpointError, match="fault 500"):
        distil(teacher.url, seeds, tmp_path / "cut.jsonl", WANTED)
    return tmp_path / "cut.jsonl"


def test_another_command_is_refused_and_only_the_end_and_the_pace_may_change(teacher, seeds, begun):
    for other in (Distillation(count=COUNT, seed=1), Distillation(count=COUNT, temperature=0.1)):
        with pytest.raises(OutputError, match="holds another run: its"):
            distil(teacher.url, seeds, begun, other)
    found = distil(teacher.url, seeds, begun, Distillation(count=5, budget=10**9, at_once=3))
    assert found["kept"] == 5


def test_with_less_wanted_what_there_is_becomes_the_output_and_nothing_is_asked(teacher, seeds, begun):
    asked = len(teacher.asked)
    assert distil(teacher.url, seeds, begun, Distillation(count=3, at_once=1))["kept"] == 3
    assert len(teacher.asked) == asked


def test_a_budget_counts_what_was_spent_before(teacher, seeds, begun):
    spent = sum(entry["prompt_tokens"] + entry["tokens"] for entry in map(json.loads, replies(begun)))
    asked = len(teacher.asked)
    found = distil(teacher.url, seeds, begun, Distillation(count=COUNT, budget=spent, at_once=1))
    assert found["ended"] == "the budget is used up"
    assert found["prompt_tokens"] + found["tokens"] == spent
    assert len(teacher.asked) == asked


def test_a_damaged_journal_is_named_by_its_line(teacher, seeds, begun):
    file = begun.with_name(begun.name + ".distilling") / "replies.jsonl"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0], "{}", *lines[2:]]) + "\n")
    with pytest.raises(FolderError, match=r"replies\.jsonl, line 2, is damaged .*--force"):
        distil(teacher.url, seeds, begun, WANTED)


def test_the_verb_prints_a_table_or_json(teacher, seeds, tmp_path, monkeypatch, capsys):
    def printed(*options):
        monkeypatch.setattr(
            sys, "argv", ["onward", "distil", teacher.url, str(seeds), "--count", "5", *map(str, options)]
        )
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0
        return capsys.readouterr()

    table, said = printed("-o", tmp_path / "one.jsonl")
    for words in (
        "asked for new instructions",
        "dropped: ROUGE-L of 0.7 or more",
        "dropped: says that it will not answer",
        "tokens that the teacher read",
    ):
        assert words in table
    assert "It ended because there is as much as was wanted." in said
    assert json.loads(printed("-o", tmp_path / "two.jsonl", "--json").out)["kept"] == 5
