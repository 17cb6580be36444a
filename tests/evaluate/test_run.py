"""Examinations of a real folder and of a real server: what they write down, how they go on, and what they cost."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from onward import lineage
from onward.errors import FolderError, SuiteError
from onward.evaluate.run import evaluate, opened, results
from onward.evaluate.settings import How
from onward.generate.endpoint import EndpointModel
from onward.generate.load import load
from onward.generate.settings import Sampling
from onward.model import folder
from onward.serve.models import open_all
from onward.serve.settings import Limits
from serving import running

CHAT = How()


def examined(where, suite, out, how=CHAT, **further):
    model = load(where) if not isinstance(where, EndpointModel) else where
    asked = opened(model, out, **further)
    return asked, evaluate(model, suite, how, out, asked)


@pytest.fixture
def server(model_folder):
    with running(open_all([str(model_folder)], [], device="cpu"), Limits()) as up:
        model = EndpointModel(f"{up.url}/v1#model")
        yield model
        model._client.close()


def test_everything_is_written_down_and_stands_in_the_lineage(model_folder, questions, tmp_path):
    asked, found = examined(model_folder, questions, tmp_path / "out")
    files = sorted((tmp_path / "out" / "questions").iterdir())
    assert [file.suffix for file in files] == [".json", ".jsonl"]
    lines = [json.loads(line) for line in files[1].read_text().splitlines()]
    assert [line["id"] for line in lines] == [item.id for item in questions.items]
    assert all(len(line["log_probs"]) >= line["tokens"] > 0 > max(line["log_probs"]) for line in lines)
    model = load(model_folder)
    reply = model([{"role": "user", "content": "the cat 0?"}], temperature=0, max_tokens=64)[0]
    assert lines[0]["answer"] == reply.text
    told = json.loads(files[0].read_text())
    assert (told["items"], told["independent"]) == (12, 6)
    known = lineage.of(model_folder).results
    assert [(r.suite, r.metric, r.value) for r in known] == [
        ("questions", row.metric, row.measured.value) for row in found.rows
    ]
    assert known[0].baseline == pytest.approx(3 / 12)
    assert asked.spent == sum(line["prompt_tokens"] + line["tokens"] for line in lines)


def test_what_is_known_is_not_asked_again_unless_the_model_is_another(model_folder, questions, tmp_path):
    _, first = examined(model_folder, questions, tmp_path / "out")
    asked, again = examined(model_folder, questions, tmp_path / "out")
    assert asked.spent == 0
    assert again.records == first.records
    model = folder.load(model_folder)
    with torch.no_grad():
        model.embedding.tokens.weight[5] += 1
    folder.save(
        tmp_path / "other", model, lineage=lineage.Lineage(verb="test"), tokenizer_folder=tmp_path / "tokenizer"
    )
    assert examined(tmp_path / "other", questions, tmp_path / "out")[0].spent > 0


def test_who_was_killed_goes_on(model_folder, questions, tmp_path):
    asked, whole = examined(model_folder, questions, tmp_path / "out")
    path = asked.cache.path
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:5]) + lines[5][:30])
    asked, again = examined(model_folder, questions, tmp_path / "out")
    assert 0 < asked.spent < sum(r["prompt_tokens"] + r["tokens"] for r in whole.records)
    assert again.records == whole.records
    assert sorted(path.read_bytes().splitlines()) == sorted(line.rstrip() for line in lines)


def test_a_damaged_file_is_told(model_folder, questions, tmp_path):
    path = examined(model_folder, questions, tmp_path / "out")[0].cache.path
    path.write_text("{}\n")
    with pytest.raises(FolderError, match="line 1, is damaged"):
        examined(model_folder, questions, tmp_path / "out")


def test_a_budget_is_kept_and_a_larger_one_goes_on(model_folder, questions, tmp_path):
    short = replace(questions, max_tokens=4)
    _, whole = examined(model_folder, short, tmp_path / "whole")
    cost = sum(r["prompt_tokens"] + r["tokens"] for r in whole.records)
    asked, found = examined(model_folder, short, tmp_path / "out", budget=1)
    assert 0 < asked.spent <= cost
    spent = asked.spent
    asked, found = examined(model_folder, short, tmp_path / "out", budget=10 * cost)
    assert spent + asked.spent == cost
    assert found.unreached == 0
    assert found.records == whole.records


def test_options_are_scored_until_the_budget_is_spent(model_folder, choosing, tmp_path):
    asked, found = examined(model_folder, choosing, tmp_path / "out", budget=100)
    assert 100 <= asked.spent < 200
    assert found.unreached == 8 - len(found.scores) > 0
    assert not [r for r in lineage.of(model_folder).results if r.suite.startswith("choosing")]


def test_an_item_that_is_too_long_is_left_out_and_told(model_folder, questions, tmp_path):
    long = replace(questions.items[0], id="long", messages=({"role": "user", "content": "cat " * 160},))
    _, found = examined(model_folder, replace(questions, items=[long, *questions.items]), tmp_path / "out")
    assert list(found.unasked) == ["long"]
    assert "128 positions" in found.unasked["long"]
    assert len(found.scores) == 12
    with pytest.raises(SuiteError, match="can answer none of this"):
        examined(model_folder, replace(questions, items=[long]), tmp_path / "out")


def test_several_answers_to_an_item_are_one_cluster(model_folder, questions, tmp_path):
    how = How(ask="chat", seeds=3, temperature=1.0)
    _, found = examined(model_folder, questions, tmp_path / "out", how)
    assert len(found.records) == 36
    assert found.rows[0].measured.n == 6
    assert results(found, how)[0].seeds == [0, 1, 2]
    model = load(model_folder)
    one = model.replies([{"role": "user", "content": "the cat 0?"}], [Sampling(temperature=1.0, seed=2, max_tokens=64)])
    assert found.records[2]["answer"] == one[0].text


def test_a_served_folder_answers_as_the_folder_does(model_folder, server, questions, tmp_path):
    _, own = examined(model_folder, questions, tmp_path / "out")
    for at_once in (1, 6):
        _, served = examined(server, questions, tmp_path / f"served{at_once}", at_once=at_once)
        assert [r["answer"] for r in served.records] == [r["answer"] for r in own.records]
        assert served.scores == own.scores


def test_a_served_folder_scores_options_as_the_folder_does(model_folder, server, choosing, tmp_path):
    how = How(ask="text", mode="letter")
    (_, own), (_, served) = (examined(where, choosing, tmp_path / "out", how) for where in (model_folder, server))
    for ours, theirs in zip(own.records, served.records, strict=True):
        assert list(ours["log_probs"].values()) == pytest.approx(list(theirs["log_probs"].values()), abs=1e-4)
    assert own.scores == served.scores


def test_what_an_endpoint_cannot_do_is_refused(server, choosing, tmp_path):
    with pytest.raises(SuiteError, match="Use --ask text, or --mode said"):
        examined(server, choosing, tmp_path / "out", How(ask="chat", mode="letter"))
    with pytest.raises(SuiteError, match="--budget cannot be kept"):
        examined(server, choosing, tmp_path / "out", How(ask="text", mode="letter"), budget=1000)


def test_an_endpoint_carries_plain_texts_on_as_the_folder_does(model_folder, server, questions, tmp_path):
    how = How(ask="text")
    (_, own), (asked, served) = (
        examined(where, replace(questions, max_tokens=12), tmp_path / name, how)
        for where, name in ((model_folder, "own"), (server, "served"))
    )
    assert [r["answer"] for r in served.records] == [r["answer"] for r in own.records]
    assert len({r["answer"] for r in own.records}) > 1
    assert [r["prompt_tokens"] for r in served.records] == [r["prompt_tokens"] for r in own.records]
    assert served.scores == own.scores
    assert asked.spent > 0


def test_letters_are_scored_in_all_orders_and_once_without_the_question(model_folder, choosing, tmp_path):
    _, found = examined(model_folder, choosing, tmp_path / "out")
    assert len(found.records) == 8 * (3 + 1)
    model = load(model_folder)
    record = found.records[2]  # of the first item: the order as written, the control, the second order
    assert (record["order"], record["control"]) == (1, False)
    assert "A) dog\nB) fox\nC) cat\nAnswer with the letter." in record["prompt"]
    prompt = model.prompt([{"role": "user", "content": record["prompt"]}])
    for letter, log_prob in record["log_probs"].items():
        ids = model.engine.tokenizer.encode(letter)
        assert log_prob == pytest.approx(sum(model.engine.score(prompt, ids)), abs=1e-4)
    metrics = [row.metric for row in found.rows]
    assert "flip rate" in metrics
    assert "RStd of recalls" in metrics
    assert sum(row.measured.value for row in found.rows if row.metric.startswith("prior of")) == pytest.approx(1)


@pytest.mark.parametrize("mode", ["full", "cloze", "said"])
@pytest.mark.parametrize("ask", ["chat", "text"])
def test_other_ways_to_choose(model_folder, choosing, tmp_path, mode, ask):
    _, found = examined(model_folder, choosing, tmp_path / "out", How(ask=ask, mode=mode))
    assert len(found.scores) == 8
    metrics = {row.metric: row.measured.value for row in found.rows}
    assert ("share right, per byte" in metrics) == (mode != "said")
    assert ("flip rate" in metrics) == (mode != "cloze")
    assert ("not in the form asked for" in metrics) == (mode == "said")
    shown = ["A) " in record["prompt"] for record in found.records]
    assert all(shown) == (mode != "cloze")


def test_layouts_lie_side_by_side(model_folder, choosing, tmp_path):
    _, found = examined(model_folder, choosing, tmp_path / "out", How(ask="chat", layout="all", as_written=True))
    by_layout = [row.measured.value for row in found.rows if "lettered" in row.metric]
    assert len(by_layout) == 3
    assert found.rows[0].measured.value == pytest.approx(sum(by_layout) / 3)


def test_replies_that_look_at_no_question_are_known_by_the_control(questions):
    """Whoever names all the animals is right, and as right about other questions."""
    from onward.evaluate.answering import control
    from onward.evaluate.rules import RULES
    from onward.evaluate.suite import Said

    items = [replace(item, options=()) for item in questions.items]
    said = [(item, "cat dog fox hen owl", item.answers[0]) for item in items]
    blind = [Said(item, animals, RULES["contains"](animals, item)) for item, animals, _ in said]
    knowing = [Said(item, answer, RULES["contains"](answer, item)) for item, _, answer in said]
    assert control(blind).value == 1
    assert control(knowing).value < 0.4


def test_what_does_not_go_together_is_refused(model_folder, questions, choosing, tmp_path):
    with pytest.raises(SuiteError, match="would all be alike"):
        How(seeds=3)
    with pytest.raises(SuiteError, match="not every item of questions is a choice"):
        examined(model_folder, questions, tmp_path / "out", How(mode="letter"))
    with pytest.raises(SuiteError, match="asked for in all orders"):
        examined(model_folder, choosing, tmp_path / "out", How(seeds=2, temperature=1))
    with pytest.raises(SuiteError, match="--shots 1: questions has 0 examples"):
        examined(model_folder, questions, tmp_path / "out", How(shots=1))
    with pytest.raises(SuiteError, match="--budget 0"):
        examined(model_folder, questions, tmp_path / "out", budget=0)


def test_what_was_asked_in_another_way_is_another_result(model_folder, choosing, tmp_path):
    for how in (How(), How(mode="cloze"), How(mode="full", ask="text", as_written=True, layout="A.")):
        examined(model_folder, choosing, tmp_path / "out", how)
    names = {result.suite for result in lineage.of(model_folder).results}
    assert names == {"choosing", "choosing, cloze", "choosing, as text, full, lettered A., as written"}
    folders = {place.name for place in (tmp_path / "out").iterdir()}
    assert folders == {"answers", "choosing", "choosing-cloze", "choosing-as-text-full-lettered-A.-as-written"}
