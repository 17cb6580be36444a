"""Minimal pairs: what is planted is found, common words decide nothing, and whole sentences are scored as the model scores them."""

from __future__ import annotations

import json
import re
from collections import Counter
from random import Random

import pytest

from onward.errors import SuiteError
from onward.evaluate.builtin import minimal_pairs
from onward.evaluate.builtin.phenomena import PHENOMENA
from onward.evaluate.opening import open_suite
from onward.evaluate.run import evaluate, opened
from onward.evaluate.settings import How
from onward.generate.endpoint import EndpointModel
from onward.generate.load import load
from onward.serve.models import open_all
from onward.serve.settings import Limits
from serving import running


@pytest.fixture(scope="module")
def suite():
    return minimal_pairs.suite()


def words(sentence: str) -> list[str]:
    return re.findall(r"\w+", sentence.lower())


def test_pairs_are_minimal_and_come_by_twos(suite):
    assert Counter(item.kind for item in suite.items) == dict.fromkeys(PHENOMENA, minimal_pairs.OF_EACH)
    assert set(Counter(item.group for item in suite.items).values()) == {2}
    for item in suite.items:
        good, bad = (Counter(words(option)) for option in item.options)
        assert (good - bad).total() <= 1
        assert (bad - good).total() <= 1
    first = [item.right == 0 for item in suite.items]
    assert 0.45 < sum(first) / len(first) < 0.55


def test_how_common_words_are_decides_nothing(suite, planted):
    """A model of single words gets exactly half of each two pairs, but for polarity items, which have a word that the others lack."""
    for seed in range(5):
        worths = {}
        random = Random(seed)

        def worth(sentence, worths=worths, random=random):
            return float(sum(worths.setdefault(word, random.randrange(1, 10**6)) for word in words(sentence)))

        for kind in PHENOMENA:
            items = [item for item in suite.items if item.kind == kind]
            one = type(suite)(name="one", items=items, played=minimal_pairs.played)
            rows = planted(one, str, worth, place=f"{seed} {kind}")
            assert (rows["share right"].measured.value == 0.5) or kind == "polarity item"


def test_who_knows_is_right_and_who_guesses_by_chance(suite, planted):
    good = {item.answers[0] for item in suite.items}
    rows = planted(suite, str, lambda sentence: float(sentence in good) - 20)
    assert rows["share right"].measured.value == 1
    random, covered = Random(0), 0
    for number in range(10):
        rows = planted(suite, str, lambda _: random.random(), place=str(number))
        right = rows["share right"]
        covered += right.measured.low <= right.chance == 0.5 <= right.measured.high
    assert covered >= 8


def test_a_planted_strength_is_found(suite, planted):
    """Who knows seven pairs of ten, and takes the bad sentence of the others."""
    good, covered = {item.answers[0] for item in suite.items}, 0
    for number in range(10):
        random = Random(number)
        known = {item.options: random.random() < 0.7 for item in suite.items}
        of = {option: knows for options, knows in known.items() for option in options}

        def worth(sentence, of=of):
            return float((sentence in good) == of[sentence])

        right = planted(suite, str, worth, place=str(number))["share right"].measured
        covered += right.low <= 0.7 <= right.high
    assert covered >= 8


def test_who_likes_short_sentences_gets_the_baseline(suite, planted):
    rows = planted(suite, str, lambda sentence: -float(len(sentence)))
    assert rows["share right"].measured.value == pytest.approx(rows["share right"].baseline)


def test_who_cannot_score_is_asked_and_it_is_said(suite, planted):
    good = {item.answers[0] for item in suite.items}

    def say(asked):
        return next((option for option in re.findall(r"[AB]\) (.*)", asked) if option in good), "neither")

    rows = planted(suite, say)
    assert rows["share right"].measured.value == 1
    assert "no whole sentences were scored" in rows["share right"].about
    with pytest.raises(SuiteError, match="gives no log-probabilities"):
        planted(suite, say, how=How(mode="cloze"))


def test_what_does_not_go_together_is_refused(suite, planted):
    with pytest.raises(SuiteError, match="scored as they stand"):
        planted(suite, str, len, how=How(seeds=2, temperature=1.0))


@pytest.fixture(params=[True, False], ids=["begun", "not begun"])
def own_folder(request, model_folder):
    """With a token that begins a document, or without."""
    if not request.param:
        path = model_folder / "tokenizer_config.json"
        config = json.loads(path.read_text())
        del config["bos_token"]
        path.write_text(json.dumps(config))
    return model_folder


def test_a_folder_scores_whole_sentences_after_the_token_that_parts_documents(own_folder, tmp_path):
    few, model = open_suite("minimal-pairs", 6), load(own_folder)
    found = evaluate(model, few, How(), tmp_path / "out", opened(model, tmp_path / "out"))
    tokenizer = model.engine.tokenizer
    begin = [tokenizer.eos_ids[0] if tokenizer.bos_id is None else tokenizer.bos_id]
    assert len(found.records) == 6
    for record, item in zip(found.records, few.items, strict=True):
        for sentence, log_prob in record["log_probs"].items():
            whole = model.engine.score(begin, tokenizer.encode(sentence))
            assert log_prob == pytest.approx(sum(whole), abs=1e-3)
        best = max(record["log_probs"], key=record["log_probs"].get)
        assert record["score"] == float(best == item.answers[0])


def test_an_endpoint_scores_them_too(own_folder, tmp_path):
    few, model = open_suite("minimal-pairs", 4), load(own_folder)
    begin = "" if model.engine.tokenizer.bos_id is not None else "\n"
    with running(open_all([str(own_folder)], [], device="cpu"), Limits()) as up:
        served = EndpointModel(f"{up.url}/v1#model")
        found = evaluate(served, few, How(mode="cloze"), tmp_path / "out", opened(served, tmp_path / "out"))
        served._client.close()
    for record in found.records:
        for sentence, log_prob in record["log_probs"].items():
            assert log_prob == pytest.approx(model.score(begin, sentence), abs=1e-3)
