"""Drafts change how fast a text comes, and never which: any drafter, with penalties, forms, stops, batches and few blocks."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from onward.errors import FolderError, PlanError
from onward.generate.constraint import of_regex
from onward.generate.drafters.drafter import Aim, Drafter
from onward.generate.drafters.lookup import Lookup
from onward.generate.drafters.many import Many
from onward.generate.drafters.random import Random
from onward.generate.drafters.tree import Tree
from onward.generate.engine import Engine, Request
from onward.generate.pages import BLOCK
from onward.generate.settings import Sampling
from onward.generate.speculation import LATEST, SIZES, Pace, Report
from onward.generate.streams import uniform
from onward.model.trunk import LanguageModel
from samples import randomised

BEGINNING = [7, 8, 9, 10, 11, 12, 13, 14] * 3


class Knows(Drafter):
    """Knows what follows, most of the time: trees in which the right token is one of `width` siblings, with chance `right`."""

    def __init__(self, texts: list[list[int]], width: int, right: float) -> None:
        self.name, self.texts, self.width, self.right = "knows", texts, width, right

    def propose(self, ids, k, aim: Aim) -> Tree:
        del aim
        whole = next((text for text in self.texts if text[: len(ids)] == list(ids)), None)
        tokens, parents, parent = [], [], -1
        for place in range(len(ids), len(ids) + k) if whole else ():
            if place == len(whole):
                break
            siblings = [whole[place], *((whole[place] + n) % 250 for n in range(1, self.width))]
            chance = uniform(len(ids), "explore", place, np.arange(2))
            turn = int(chance[0] * self.width) if chance[1] < self.right else 1
            siblings = siblings[turn:] + siblings[:turn] if chance[1] < self.right else siblings[1:] or [249]
            begin = len(tokens)
            tokens += siblings
            parents += [parent] * len(siblings)
            if whole[place] not in siblings:
                break
            parent = begin + siblings.index(whole[place])
        return Tree(tokens[:k], parents[:k])


def endless(tokenizer):
    return dict.fromkeys(tokenizer.eos_ids, -float("inf"))


def windowed(model):
    return randomised(LanguageModel(replace(model.config, window=20, window_layers=(1,))))


requests = st.lists(
    st.builds(
        lambda shared, own, form, **sampling: (
            Request(prompt=BEGINNING[:shared] + own, sampling=Sampling(**sampling)),
            form,
        ),
        shared=st.integers(0, 24),
        own=st.lists(st.integers(0, 250), min_size=1, max_size=8),
        form=st.sampled_from([None, None, "[a-z ]{5,30}\\."]),
        seed=st.integers(-9, 9),
        temperature=st.sampled_from([0, 0.8, 1.2]),
        top_p=st.sampled_from([1, 0.9]),
        repetition_penalty=st.sampled_from([1, 1.3]),
        frequency_penalty=st.sampled_from([0, 0.7]),
        max_tokens=st.sampled_from([1, 2, 9, 30]),
        stop=st.sampled_from([(), ("e", "th"), (" ",)]),
    ),
    min_size=1,
    max_size=5,
)
engines = st.fixed_dictionaries(
    {"at_once": st.integers(1, 5), "chunk": st.integers(1, 40), "blocks": st.integers(64 // BLOCK + 1, 14)}
)
drafts = st.tuples(st.sampled_from(["random", "bush", "lookup", "knows", "many"]), st.integers(1, 15), st.booleans())


def drafter_of(kind: str, texts: list[list[int]]) -> Drafter:
    return {
        "random": lambda: Random(348),
        "bush": lambda: Random(348, width=3),
        "lookup": lambda: Lookup(1, 4),
        "knows": lambda: Knows(texts, 3, 0.9),
        "many": lambda: Many([Lookup(1, 4), Random(348, width=2), Knows(texts, 2, 0.7)]),
    }[kind]()


@pytest.mark.parametrize("kind", ["full", "windowed in one layer"])
def test_no_drafter_changes_a_text_or_keeps_a_block(kind, tiny_model, tokenizer):
    model = (tiny_model if kind == "full" else windowed(tiny_model)).double()
    plain = Engine(model, tokenizer)
    forms = {form: form and of_regex(tokenizer, form, ends=plain.ends) for form in (None, "[a-z ]{5,30}\\.")}

    @given(requests, engines, drafts, st.lists(st.integers(0, 6), min_size=5, max_size=5))
    @settings(max_examples=25, deadline=None)
    def check(asked, sizes, draft, comes_at):
        asked = [replace(request, constraint=forms[form], alternatives=2) for request, form in asked]
        wanted = plain.run(asked)
        texts = [[*request.prompt, *done.drawn] for request, done in zip(asked, wanted, strict=True)]
        engine, (which, most, fixed) = Engine(model, tokenizer, **sizes), draft
        engine.draft(drafter_of(which, texts), most=most, fixed=fixed)
        runs, step = {}, 0
        while len(runs) < len(asked) or any(run.finish is None for run in runs.values()):
            runs |= {n: engine.submit(one) for n, one in enumerate(asked) if n not in runs and comes_at[n] <= step}
            engine.step()
            step += 1
        for number, one in enumerate(wanted):
            got = runs[number].completion()
            assert (got.drawn, got.text, got.finish) == (one.drawn, one.text, one.finish)
            assert got.log_probs == pytest.approx(one.log_probs, abs=1e-9)
            assert [[id for id, _ in best] for best in got.alternatives] == [
                [id for id, _ in b] for b in one.alternatives
            ]
        assert engine.pages.used == 0

    check()


@pytest.mark.parametrize("weights", [None, "fp32"])
@pytest.mark.parametrize("width", [1, 2])
def test_a_drafter_that_knows_saves_most_passes(weights, width, tiny_model, tokenizer):
    request = Request(
        prompt=BEGINNING, sampling=Sampling(temperature=1, seed=4, max_tokens=36), bias=endless(tokenizer)
    )
    (wanted,) = Engine(tiny_model, tokenizer).run([request])
    engine = Engine(tiny_model, tokenizer, weights=weights)
    engine.draft(Knows([[*BEGINNING, *wanted.drawn]], width, 1.0), most=8, fixed=True)
    (got,) = engine.run([request])
    assert got.ids == wanted.ids
    report = engine.speculation.report
    assert report.passes <= 36 / (8 / width) + 2
    assert report.acceptance > 0.9
    assert report.tokens == 35  # the first one comes with the prompt


def test_what_a_draft_wrote_is_not_taken_for_what_was_said(tiny_model, tokenizer):
    """The cache after drafts is as the one without: the next request shares it."""
    sampling = Sampling(temperature=1, seed=4, max_tokens=30)
    first = Request(prompt=BEGINNING, sampling=sampling, bias=endless(tokenizer))
    engine = Engine(tiny_model.double(), tokenizer)
    (wanted,) = Engine(tiny_model, tokenizer).run([first])
    engine.draft(Knows([[*BEGINNING, *wanted.drawn]], 3, 0.6), most=9, fixed=True)
    engine.run([first])
    further = Request(prompt=[*BEGINNING, *wanted.drawn], sampling=Sampling(temperature=1, max_tokens=9))
    engine.draft(None)
    (again,) = engine.run([further])
    assert again.cached >= 3 * BLOCK
    (fresh,) = Engine(tiny_model, tokenizer).run([further])
    assert again.ids == fresh.ids
    assert again.log_probs == pytest.approx(fresh.log_probs, abs=1e-9)


def test_by_ratio_the_text_is_another_one_and_repeats_itself(tiny_model, tokenizer):
    asked = [Request(prompt=BEGINNING, sampling=Sampling(temperature=1, seed=seed, max_tokens=20)) for seed in range(6)]

    def said(mode):
        engine = Engine(tiny_model, tokenizer, at_once=1)
        engine.draft(Random(tiny_model.config.vocab_size), mode, 4, fixed=True)
        return [done.ids for done in engine.run(asked)]

    assert said("ratio") == said("ratio")
    assert said("coupled") == [done.ids for done in Engine(tiny_model, tokenizer).run(asked)] != said("ratio")


def test_a_drafter_with_another_vocabulary_is_refused(tiny_model, tokenizer):
    engine = Engine(tiny_model, tokenizer)
    engine.draft(Random(100_000), fixed=True)
    with pytest.raises(PlanError, match="Draft with its own tokeniser"):
        engine.run([Request(prompt=BEGINNING, sampling=Sampling(max_tokens=9))])
    assert engine.pages.used == 0


def test_no_numbers_in_a_draft_fail_the_one_request(tiny_model, tokenizer):
    with torch.no_grad():
        tiny_model.embedding.tokens.weight[200] = torch.nan
    engine = Engine(tiny_model, tokenizer)
    asked = [Request(prompt=[200, 3], sampling=Sampling(max_tokens=9))]
    engine.draft(Lookup(1, 3), fixed=True)
    with pytest.raises(FolderError, match="no finite numbers"):
        engine.run(asked)


def paced(rate_of, passes, pace=None):
    """How often each size is chosen where a pass with so many drafted tokens gives (tokens, seconds)."""
    pace = pace or Pace(SIZES)
    chosen = []
    for _ in range(passes):
        chosen.append(pace.choose())
        pace.note(chosen[-1], *rate_of(chosen[-1]))
    return chosen


def test_what_pays_is_found():
    chosen = paced(lambda size: (1 + 0.8 * size, 1 + 0.1 * size), 400)
    assert chosen[200:].count(15) > 190


def test_what_does_not_pay_costs_less_than_a_twentieth():
    seconds = sum(1 + size for size in paced(lambda size: (1, 1 + size), 1500))
    assert seconds < 1.05 * 1500


def test_not_even_a_dear_drafter_costs_more_once_it_is_known():
    pace = Pace(SIZES)
    paced(lambda size: (1, 1 + 20 * (size > 0)), 100, pace)
    assert sum(1 + 20 * (size > 0) for size in paced(lambda size: (1, 1 + 20 * (size > 0)), 5000, pace)) < 1.05 * 5000


def test_what_comes_to_pay_is_found_again():
    pace = Pace(SIZES)
    paced(lambda size: (1, 1 + size), 300, pace)
    assert paced(lambda size: (1 + size, 1 + 0.1 * size), 2 * LATEST, pace)[-50:].count(0) < 5


def test_one_slow_pass_does_not_decide():
    pace = Pace(SIZES)
    paced(lambda size: (1 + 0.5 * size, 1), 100, pace)
    for _ in range(3):
        pace.note(15, 8.5, 100)
    assert pace.choose() == 15


def test_the_report_adds_up():
    report = Report("a", passes=10, tokens=30, drafted=10, proposed=40, accepted=20, tried=25, seconds=3, without=6)
    assert report.measured == 2
    assert report.acceptance == 0.8
    assert report.modelled == pytest.approx((1 - 0.8**5) / 0.2)
    assert any("3.00 a pass" in line for line in report.lines())
