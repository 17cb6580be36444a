"""Minimal pairs of English grammar, in the manner of BLiMP: which of two whole sentences is the likelier one.

A sentence is scored from its first token on, after the token that begins a document or, where a model has none, the one that ends it, as
lm-eval does it; an endpoint that says nothing of the first token is asked after an empty line. The sum counts, as in BLiMP (Warstadt et
al. 2020, arXiv 1912.00582), and beside it stands the mean per byte. A model that gives no log-probabilities is asked which of the two is
right; that is another task, and its results say so. Left out: what the pairs are made of (phenomena.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random

from onward.errors import SuiteError
from onward.evaluate.asking import Answer, EndpointRespondent, Respondent, Wanted
from onward.evaluate.builtin.phenomena import PHENOMENA
from onward.evaluate.examined import RIGHT, Examined, Row, mean
from onward.evaluate.items import CHOICE, Item
from onward.evaluate.run import examine
from onward.evaluate.settings import How
from onward.evaluate.suite import Suite

OF_EACH = 60
"""Pairs of a phenomenon; two by two they belong together."""
ASKED = "Which of these two sentences is good English?"
ASKED_INSTEAD = "it was asked which one is right: no whole sentences were scored"


def suite() -> Suite:
    return Suite(
        name="minimal-pairs",
        items=list(items()),
        about=f"{len(PHENOMENA)} phenomena of English grammar; right is the likelier of two whole sentences",
        played=played,
    )


def items() -> Iterator[Item]:
    """No two pairs alike; the good sentence comes first as often as not."""
    for name, make in PHENOMENA.items():
        random, seen = Random(f"minimal pairs {name}"), set[str]()
        while len(seen) < OF_EACH:
            pairs = make(random)
            if any("".join(pair) in seen for pair in pairs):
                continue
            group = f"{name} {len(seen) // 2}"
            for pair in pairs:
                seen.add("".join(pair))
                yield Item(
                    id=f"{name}-{len(seen):02}",
                    messages=({"role": "user", "content": ASKED},),
                    rule=CHOICE,
                    answers=pair[:1],
                    options=tuple(random.sample(pair, 2)),
                    group=group,
                    kind=name,
                    chance=1 / 2,
                )


def played(suite: Suite, respondent: Respondent, how: How, chat: bool) -> Examined:
    """By whole sentences; as a question with options where another --mode than cloze is asked for, or nothing else can be done."""
    endpoint = isinstance(respondent, EndpointRespondent)
    if how.mode == "cloze" and not (respondent.scores or endpoint):
        raise SuiteError(f"--mode cloze: {respondent.name} gives no log-probabilities. Use --mode said.")
    if how.mode == "cloze" or (how.mode == "auto" and respondent.scores):
        return by_sentences(suite, respondent, how)
    found = examine(respondent, replace(suite, played=None), how, chat=chat)
    found.suite = suite
    found.rows = [
        replace(row, about=f"{row.about}; {ASKED_INSTEAD}") if row.metric == RIGHT else row for row in found.rows
    ]
    return found


def by_sentences(suite: Suite, respondent: Respondent, how: How) -> Examined:
    """Which sentence is the likelier one, of no question at all.   Raises SuiteError, EndpointError, OutputError."""
    if how.seeds > 1 or how.shots:
        raise SuiteError("--seeds, --shots: whole sentences are scored as they stand, and once. Leave them out.")
    wanted = [Wanted(sampling=how.sampling(0, suite.max_tokens, ()), options=item.options) for item in suite.items]
    found, per_byte = Examined(suite), list[float]()
    for item, answer in zip(suite.items, respondent.ask(wanted), strict=True):
        if answer is None:
            found.unreached += 1
        elif answer.refused:
            found.unasked[item.id] = answer.refused
        else:
            found.scores[item.id] = _preferred(item, answer.log_probs)
            sizes = [len(option.encode()) for option in item.options]
            per_byte.append(_preferred(item, [one / size for one, size in zip(answer.log_probs, sizes, strict=True)]))
            found.records.append(_record(item, answer, found.scores[item.id]))
    asked = found.asked
    if asked:
        found.rows = [
            Row(RIGHT, mean(asked, list(found.scores.values())), 1 / 2, _shorter(asked), "the likelier whole sentence"),
            Row(f"{RIGHT}, per byte", mean(asked, per_byte), 1 / 2, about="long sentences are not put off"),
        ]
    return found


def _preferred(item: Item, worths: Sequence[float]) -> float:
    """1 where the good sentence is worth more, 1/2 where both are worth the same."""
    good, bad = worths[item.right], worths[1 - item.right]
    return float(good > bad) + float(good == bad) / 2


def _shorter(items: Sequence[Item]) -> float:
    """What one gets who always takes the sentence with fewer characters."""
    return sum(_preferred(item, [-len(option) for option in item.options]) for item in items) / len(items)


def _record(item: Item, answer: Answer, score: float) -> dict[str, object]:
    return {
        "id": item.id,
        "kind": item.kind,
        "right": list(item.answers),
        "score": score,
        "log_probs": dict(zip(item.options, answer.log_probs, strict=True)),
        "prompt_tokens": answer.prompt_tokens,
    }
