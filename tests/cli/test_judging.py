"""judge on the command line: a real folder and models behind an address, judged over HTTP."""

from __future__ import annotations

import json
from collections import defaultdict

import pytest

from onward import lineage
from onward.evaluate.judging.planted import Planted, PlantedJudge
from speaking import ByRule, speaking

COUNT = 40


@pytest.fixture
def prompts(tmp_path):
    path = tmp_path / "asked.txt"
    path.write_text("".join(f"cat {number}?\n" for number in range(COUNT)))
    return path


@pytest.fixture
def server():
    judges = {
        "first": PlantedJudge(Planted(position=2.0), defaultdict(float)),
        "long": PlantedJudge(Planted(length=2.0), defaultdict(float)),
        "mute": ByRule(lambda _: "Both have their merits."),
        "marks": ByRule(lambda messages: f"Well. [[{1 + len(messages[-1]['content']) % 10}]]"),
    }
    brief = ByRule(lambda messages: "Yes. " * (1 + int(messages[-1]["content"][4:-1]) % 7))
    wordy = ByRule(lambda messages: "Yes, certainly. " * (1 + int(messages[-1]["content"][4:-1]) % 5))
    with speaking(judges | {"brief": brief, "wordy": wordy}) as up:
        yield up


def figures(ended):
    assert ended.code == 0, ended.err
    return {one["metric"]: one for one in json.loads(ended.out)["results"]}


def test_a_folder_is_marked_and_remembers_by_whom(onward, model_folder, prompts, server, tmp_path):
    out, judge = tmp_path / "out", server.url("marks")
    command = ("judge", model_folder, "--by", judge, "--prompts", prompts, "--max-tokens", 8, "-o", out)
    ended = onward(*command)
    assert ended.code == 0, ended.err
    assert f"{COUNT} questions of asked, judged by {judge}" in ended.out
    assert "mark from 1 to 10" in ended.out
    assert "control: answers to other questions" in ended.out
    (lines,) = (out / "judged").glob("*.jsonl")
    records = [json.loads(line) for line in lines.read_text().splitlines()]
    assert [record["asked"] for record in records] == [f"cat {number}?" for number in range(COUNT)]
    (result,) = lineage.of(model_folder).results
    assert (result.suite, result.metric) == (f"asked, judged by {judge}", "mark from 1 to 10")
    assert result.value == pytest.approx(sum(record["mark"] for record in records) / COUNT)
    asked = server.asked["marks"]
    again = onward(*command, "--json")
    assert "all was known" in again.err
    assert server.asked["marks"] == asked <= COUNT + 20
    assert figures(again)["mark from 1 to 10"]["value"] == result.value


def test_two_are_compared_in_both_orders(onward, model_folder, prompts, server, tmp_path):
    out = tmp_path / "out"
    ended = onward("judge", model_folder, server.url("brief"), "--by", server.url("first"), "--prompts", prompts, "-o", out,
                   "--max-tokens", 8)  # fmt: skip
    assert ended.code == 0, ended.err
    assert server.asked["first"] == 2 * COUNT
    for words in (
        "won by the first",
        "were answers equally long",
        "both orders say the same",
        "odds by standing first",
    ):
        assert words in ended.out
    known = {result.metric: result for result in lineage.of(model_folder).results}
    assert set(known) == {
        f"won against {server.url('brief')}",
        f"won against {server.url('brief')}, were answers equally long",
    }
    (numbers,) = (out / "judged").glob("*.json")
    told = {one["metric"]: one for one in json.loads(numbers.read_text())["results"]}
    assert told["odds by standing first"]["low"] > 1
    assert told["won by the first"]["value"] == known[f"won against {server.url('brief')}"].value
    lines = [json.loads(line) for line in numbers.with_suffix(".jsonl").read_text().splitlines()]
    assert [line["shown_first"] for line in lines] == ["one", "other"] * COUNT


def test_the_order_of_the_models_does_not_matter(onward, prompts, server, tmp_path):
    a, b, judge = (server.url(name) for name in ("wordy", "brief", "long"))
    one, other = (
        figures(onward("judge", *pair, "--by", judge, "--prompts", prompts, "-o", tmp_path / "out", "--json"))
        for pair in ((a, b), (b, a))
    )
    assert one["won by the first"]["value"] == pytest.approx(1 - other["won by the first"]["value"])
    assert one["won by the first"]["low"] > 0.5
    assert one["odds by being twice as long"]["low"] > 1


def test_who_judges_itself_is_told(onward, prompts, server, tmp_path):
    ended = onward(
        "judge", server.url("marks"), "--by", server.url("marks"), "--prompts", prompts, "-o", tmp_path / "out"
    )
    assert ended.code == 0, ended.err
    assert "The judge judges its own answers" in ended.out


def test_what_is_wrong_is_one_line(onward, model_folder, prompts, server, tmp_path):
    out = tmp_path / "out"

    def refused(*models, by="marks", **further):
        options = [part for name, value in further.items() for part in (f"--{name}", value)]
        ended = onward("judge", *models, "--by", server.url(by), "--prompts", prompts, "-o", out, *options)
        assert ended.code == 2
        return " ".join(ended.err.split())

    brief, wordy = server.url("brief"), server.url("wordy")
    for models in ((brief,), (brief, wordy)):
        assert "none of its" in (said := refused(*models, by="mute"))
        assert "Both have their merits." in said
    assert "one model is marked, or two different ones" in refused(brief, brief)
    assert "one model is marked, or two different ones" in refused(brief, wordy, model_folder)
    assert "The same command with a larger one goes on" in refused(brief, budget=10)
    prompts.write_text(
        json.dumps({"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "?"}]})
    )
    prompts = prompts.rename(prompts.with_suffix(".jsonl"))
    assert "has a system message" in refused(brief)
    prompts.write_text('{"question_id": 1, "turns": ["a"]}\n{"question_id": 1, "turns": ["b"]}\n')
    assert "two questions with the question_id 1" in refused(brief)
