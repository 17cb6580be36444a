"""The four parts of an examination, each with its rows and its control. How each comes about stands in its own file.

Left out: what the parts come to together (examination.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from onward.errors import SuiteError
from onward.evaluate import statistics
from onward.evaluate.asking import Answer, FolderRespondent, Wanted
from onward.evaluate.contamination import completion, membership, order, separation, yes_no
from onward.evaluate.contamination.completion import Halves
from onward.evaluate.contamination.gathering import AGAINST, Asking
from onward.evaluate.contamination.separation import Contrast
from onward.evaluate.examined import mean
from onward.evaluate.items import Item
from onward.train.measure import Measured

BLIND = "control: told apart by words alone"
MIN_K = "Min-K%++: AUC"
ORDER = "order: excess of the published one"


def completed(asked: Asking, test: str, unseen: Sequence[Item]) -> None:
    """Guided and general completions of the items, and general ones of unseen texts."""
    items = _halvable(asked.found.suite.items)
    if not items:
        raise SuiteError(f"{test}: every text is a single word. Texts that can be cut in half are wanted.")
    near, guided = {}, {}
    for name, texts, by in (("guided", items, test), ("general", [*items, *_halvable(unseen)], "")):
        halves = {one.id: Halves.of(one.text) for one in texts}
        answers = asked.ask(texts, [completion.wanted(halves[one.id], by, chat=asked.chat) for one in texts])
        there, said = [one for one, _ in answers], [answer.text for _, answer in answers]
        near[name] = {one.id: completion.near(text, halves[one.id]) for one, text in zip(there, said, strict=True)}
        asked.note(there, f"{name} completion", said)
        asked.note(there, f"{name} ROUGE-L", list(near[name].values()))
        if name == "guided":
            guided = {one.id: (text, halves[one.id]) for one, text in zip(there, said, strict=True)}
    both = [one for one in items if one.id in near["guided"] and one.id in near["general"]]
    if not both:
        return
    asked.found.scores.update(near["guided"])
    _completed_rows(asked, both, near["guided"], near["general"], [guided[one.id] for one in both])
    members, others = (
        [near["general"][one.id] for one in group if one.id in near["general"]] for group in (both, unseen)
    )
    if min(len(members), len(others)) > 1:
        asked.tested("completion: AUC", separation.area(members, others), 0.5, "against those of unseen texts")


def _completed_rows(
    asked: Asking,
    items: Sequence[Item],
    guided: dict[str, float],
    general: dict[str, float],
    said: Sequence[tuple[str, Halves]],
) -> None:
    named, plain = ([scores[one.id] for one in items] for scores in (guided, general))
    difference = statistics.paired(plain, named, [one.cluster for one in items])
    asked.add("completion, guided: ROUGE-L", mean(items, named), about="given the test's name")
    asked.add("completion, guided: exact", mean(items, [completion.exact(*one) for one in said]))
    asked.add("completion, general: ROUGE-L", mean(items, plain), about="without the name")
    others = completion.to_others([text for text, _ in said], [halves for _, halves in said])
    asked.add("control: to another text's end", mean(items, others), about="the guided ones")
    one_sided = difference.p / 2 if difference.value > 0 else 1 - difference.p / 2
    shown = Measured(value=difference.value, low=difference.low, high=difference.high, n=difference.n)
    asked.tested("completion: guided less general", Contrast(shown, one_sided), 0.0, "what the name is worth")


def _halvable(items: Sequence[Item]) -> list[Item]:
    return [one for one in items if len(one.text.split()) > 1]


def said(asked: Asking, unseen: Sequence[Item]) -> None:
    """Whether it says to have seen the texts; and others, which are unseen or made up."""
    items = asked.found.suite.items
    texts = yes_no.made_up([one.text for one in items], asked.how.seed)
    fresh = unseen or [Item(id=f"{AGAINST}made-up-{one.id}", text=text) for one, text in zip(items, texts, strict=True)]
    everything, scores = [*items, *fresh], asked.respondent.scores
    answers = asked.ask(everything, [yes_no.wanted(one.text, chat=asked.chat, scores=scores) for one in everything])
    asked.note([one for one, _ in answers], "says yes", [yes_no.says_yes(answer) for _, answer in answers])
    own, others = (
        [yes_no.says_yes(answer) for one, answer in answers if one.id.startswith(AGAINST) == new]
        for new in (False, True)
    )
    if not (own and others):
        return
    asked.add("seen it? yes", statistics.mean(own), about="yes likelier than no" if scores else "yes is said")
    asked.add("control: seen it? yes", statistics.mean(others), about=f"to {'unseen' if unseen else 'made-up'} texts")
    asked.tested("seen it? yes, above the control", separation.more(own, others, asked.how.seed), 0.0, "")


def likely(asked: Asking, respondent: FolderRespondent, unseen: Sequence[Item]) -> None:
    """Min-K% and its like, held against unseen texts."""
    if not unseen:
        return
    everything = [*asked.found.suite.items, *unseen]
    readings = membership.readings(respondent, [one.text for one in everything])
    read = {one.id: tokens for one, tokens in zip(everything, readings, strict=True)}
    asked.late.update(id for id, tokens in read.items() if tokens is None)
    there = {id: tokens for id, tokens in read.items() if tokens is not None and len(tokens.log_probs)}
    members, others = ([one for one in group if one.id in there] for group in (asked.found.suite.items, unseen))
    if min(len(members), len(others)) < 2:
        return
    for name, score in membership.SCORES.items():
        own, theirs = ([score(there[one.id]) for one in group] for group in (members, others))
        asked.note([*members, *others], name, [*own, *theirs])
        asked.tested(f"{name}: AUC", separation.area(own, theirs), 0.5, "")
        found = separation.true_positives(own, theirs, asked.how.seed)
        asked.add(f"{name}: found at 5 % false", found, separation.FALSE)
    if min(len(members), len(others)) > 3:
        halves = ([membership.min_k_plus_plus(there[one.id]) for one in members[first::2]] for first in (0, 1))
        itself = separation.area(*halves).measured
        asked.add("control: Min-K%++, every other item", itself, 0.5, "the test against itself")
        by_words = separation.blind([one.text for one in members], [one.text for one in others])
        asked.tested(BLIND, by_words, 0.5, "without a model")


def likelihoods(respondent: FolderRespondent, texts: Sequence[str], seed: int) -> dict[range, list[Answer | None]]:
    """To each shard of the texts an answer for each of its orders, the published one first."""
    model = respondent.model
    shards = order.shards(texts, lambda text: len(model.text_prompt(text)), model.engine.room)
    tried = [order.orders(shard, seed) for shard in shards]
    wanted = [Wanted(text=order.LEAD, options=(order.written(one, texts),)) for orders in tried for one in orders]
    answers = iter(respondent.ask(wanted))
    return {shard: [next(answers) for _ in orders] for shard, orders in zip(shards, tried, strict=True)}


def ordered(asked: Asking, respondent: FolderRespondent) -> None:
    """The published order against others."""
    items = asked.found.suite.items
    known: list[list[float]] = []
    for shard, answers in likelihoods(respondent, [one.text for one in items], asked.how.seed).items():
        if all(asked.there(items[shard.start], one) for one in answers):
            known.append([one.log_probs[0] for one in answers if one])
            asked.note([items[at] for at in shard], "shard", [len(known)] * len(shard))
    if not known:
        return
    excess = order.excess(known)
    contrast = Contrast(statistics.mean(excess), order.permutation_p(known, asked.how.seed))
    asked.tested(ORDER, contrast, 0.0, f"nats a shard, {len(known):,} shards")
    student = order.t_p(excess)
    shown = Measured(value=student, low=None, high=None, n=len(known))
    asked.add("order: p by Student's t", shown, about=f"p = {student:.2g}")
    if shuffled := order.another(known, asked.how.seed):
        asked.add("control: excess of another order", statistics.mean(order.excess(shuffled)), 0.0, "nats a shard")
