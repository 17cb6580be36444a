"""eval and compare on the command line."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def suite(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("max_tokens: 4\nitems:\n" + "".join(f"  - {{prompt: 'cat {i}?', answer: cat}}\n" for i in range(6)))
    return path


def test_eval_prints_a_table_writes_it_down_and_show_finds_it(onward, model_folder, suite, tmp_path):
    ended = onward("eval", model_folder, "--suite", suite, "-o", tmp_path / "out")
    assert ended.code == 0, ended.err
    assert "mine, 6 items" in ended.out
    assert "share right" in ended.out
    assert "control: answers to other questions" in ended.out
    assert "6 answers" in ended.err
    assert "mine, share right" in onward("show", model_folder).out
    again = onward("eval", model_folder, "--suite", suite, "-o", tmp_path / "out", "--json")
    assert "all was known" in again.err
    told = json.loads(again.out)
    assert [(one["suite"], one["items"]) for one in told] == [("mine", 6)]
    assert told[0]["results"][0]["baseline"] == 1  # who always says cat


def test_compare_says_that_a_model_is_like_itself(onward, model_folder, suite, tmp_path):
    ended = onward("compare", model_folder, model_folder, "--suite", suite, "-o", tmp_path / "out")
    assert ended.code == 0, ended.err
    assert "no difference seen (p = 1; the second scores more on 0 of 6, less on 0)" in ended.out
    told = json.loads(
        onward("compare", model_folder, model_folder, "--suite", suite, "-o", tmp_path / "out", "--json").out
    )
    assert told["verdict"] == "no difference seen"
    assert told["difference"]["value"] == 0


def test_a_budget_that_does_not_suffice_is_told(onward, model_folder, tmp_path):
    path = tmp_path / "long.jsonl"
    path.write_text("".join(json.dumps({"prompt": f"cat {i}?", "answer": "cat"}) + "\n" for i in range(60)))
    ended = onward("eval", model_folder, "--suite", path, "--budget", 50, "-o", tmp_path / "out")
    assert ended.code == 0
    assert "of 60 items unasked; a larger one goes on" in ended.err
    assert "long" not in onward("show", model_folder).out


def test_what_is_wrong_is_one_line(onward, model_folder, tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("items:\n  - {prompt: a}\n")
    ended = onward("eval", model_folder, "--suite", path, "-o", tmp_path / "out")
    assert ended.code == 2
    assert "bad.yaml, line 2: there is no answer" in " ".join(ended.err.split())
    assert onward("eval", model_folder, "--suite", "nothing", "-o", tmp_path / "out").code == 2
    assert onward("eval", model_folder, "--suite", path, "--seeds", 3, "-o", tmp_path / "out").code == 2


def test_a_run_that_has_a_report_has_the_results_in_it(onward, model_folder, suite, tmp_path):
    base = model_folder.rename(tmp_path / "base")
    assert onward("report", tmp_path).code == 0
    assert "mine" not in (tmp_path / "report.html").read_text()
    assert onward("eval", base, "--suite", suite, "-o", tmp_path / "out").code == 0
    page = (tmp_path / "report.html").read_text()
    assert "Control: answers to other questions" in page
