"""The default road, small: a world is made, found as a crawl, cleaned, learned from, and every stage is examined on it."""

import json
from itertools import combinations

import pytest
from rich.console import Console

from onward import lineage
from onward.build import Road, build, country, exam, manners, votes
from onward.train.plan import Shape, Wishes

WISHES = Wishes(steps=8, length=192, batch=768)
SHAPE = Shape(depth=1, width=32, heads=2)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of the default road in a world of twenty people."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(country, "PEOPLE", 20)
        patch.setattr(exam, "MOST", 12)
        patch.setattr(manners, "MOST", 12)
        patch.setattr(votes, "MOST", 40)
        road = Road.in_the_world(tmp_path_factory.mktemp("default") / "run", WISHES, SHAPE)
        build(road, Console(quiet=True), lambda _: None)
        yield road


def test_every_stage_is_examined_beside_chance_and_baseline(run):
    for stage in ("base", "sft", "chat"):
        found = {r.suite: r for r in lineage.read(run.out / stage).results if r.metric == exam.METRIC}
        assert list(found) == list(exam.SUBJECTS.values())
        assert 0.05 < found["one fact"].chance < 0.11
        assert found["true or not"].chance == 0.5
    page = (run.out / "report.html").read_text()
    assert "near-duplicate" in page
    assert "Questions answered right" in page
    assert country.ABOUT in page


def test_what_is_learned_from_is_the_cleaned_crawl(run):
    clean = [
        json.loads(line) for line in (run.out / "data" / "corpus" / "clean" / "00000.jsonl").read_text().splitlines()
    ]
    crawl = (run.out / "data" / "world" / "crawl" / "crawl.jsonl").read_text().split("\n")
    assert 0.5 < len(clean) / len(crawl) < 0.95
    sources = lineage.read(run.out / "base").data
    assert {source["path"].rpartition("/data/")[2] for source in sources} == {"corpus/clean/00000.jsonl"}


def test_who_opens_a_chat_is_told_what_to_ask(run):
    history = lineage.read(run.out / "chat")
    assert history.about == country.ABOUT
    assert len(history.try_asking) == 5
    assert all(question.endswith(("?", ".")) for question in history.try_asking)


def test_the_same_command_goes_on_where_it_stopped(run):
    made = (run.out / "data" / "world" / "truth.json").stat().st_mtime_ns
    seen = []
    (run.out / "samples.json").unlink()
    assert build(run, Console(quiet=True), seen.append) == run.out / "chat"
    assert seen == []
    assert (run.out / "data" / "world" / "truth.json").stat().st_mtime_ns == made


def test_the_road_goes_on_by_votes_and_a_reward_model_to_reinforcement(run):
    votes = [json.loads(line) for line in (run.out / "data" / "votes.jsonl").read_text().splitlines()]
    assert all(len(set(vote["answers"])) == len(vote["scores"]) > 1 for vote in votes)
    assert all(len(set(vote["scores"])) > 1 for vote in votes)
    assert all(sum(vote["scores"]) <= len(list(combinations(vote["answers"], 2))) for vote in votes)
    chat = lineage.read(run.out / "chat")
    assert chat.verb == "rl"
    assert [parent.verb for parent in chat.parents] == ["sft", "reward"]
    found = {result.metric: result for result in chat.results if result.suite == manners.SUITE}
    assert found[manners.GOLD].n == 12
    assert found["preferred to the stage before"].chance == 0.5
    assert "Reinforcement has" in (run.out / "report.html").read_text()
    base = {result.metric for result in lineage.read(run.out / "base").results}
    assert manners.GOLD in base
    assert "preferred to the stage before" not in base


def test_the_requests_ask_for_forms_for_facts_and_for_what_nobody_knows(run):
    lines = [json.loads(line) for line in country.requests(run.out / "data").read_text().splitlines()]
    forms = [line["truth"].get("form") for line in lines]
    assert {"sentence", "word", "capitals", "list", None} == set(forms)
    assert all(line["prompt"][-1]["role"] == "user" for line in lines)
