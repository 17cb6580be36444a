"""Items that are answered in the model's own words, judged by their rules.

Beside the number stand three others: the chance of a guess; what one gets who always gives the answer that is most often right among items
of the kind; and a control, the same replies held against the answers to other questions, which shows what is got without looking at
the question. Left out: options that are scored (choosing.py).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from random import Random

from onward.errors import SuiteError
from onward.evaluate import references
from onward.evaluate.asking import Answer, Respondent, Wanted
from onward.evaluate.examined import RIGHT, UNFORMED, Examined, Row, mean
from onward.evaluate.items import Item
from onward.evaluate.prompts import open_prompt
from onward.evaluate.rules import RULES, Score
from onward.evaluate.settings import How
from onward.evaluate.suite import Said, Suite
from onward.train.measure import Measured

CONTROLS = 5
"""Other questions whose answers each reply is held against."""


def examine(respondent: Respondent, suite: Suite, how: How, *, chat: bool) -> Examined:
    """chat: whether it is asked as in a chat.   Raises SuiteError, EndpointError, FolderError, OutputError."""
    prompts = [open_prompt(item, suite.shown(item, how.shots), chat=chat) for item in suite.items]
    wanted = [
        Wanted(prompt.messages, prompt.text, how.sampling(number, suite.max_tokens, prompt.stop))
        for prompt in prompts
        for number in range(how.seeds)
    ]
    answers, found = respondent.ask(wanted), Examined(suite)
    said: list[Said] = []
    for place, (item, prompt) in enumerate(zip(suite.items, prompts, strict=True)):
        own = answers[place * how.seeds : (place + 1) * how.seeds]
        if not _all_there(found, item, own):
            continue
        scores = []
        for number, answer in enumerate(own):
            assert answer is not None
            score = RULES[item.rule](answer.text.strip(), item)
            said.append(Said(item, answer.text.strip(), score))
            scores.append(score.value)
            found.records.append(_record(item, prompt.words, how.seed + number, answer, score))
        found.scores[item.id] = sum(scores) / len(scores)
    if suite.counted:
        found.scores = dict(suite.counted(said))
        if not found.scores and found.unasked and not found.unreached:
            why = next(iter(found.unasked.values()))
            raise SuiteError(f"{respondent.name} can be asked nothing of {suite.name} that counts: {why}")
    found.rows = _rows(suite, said) if found.scores else []
    return found


def _all_there(found: Examined, item: Item, answers: Sequence[Answer | None]) -> bool:
    """Whether an item was answered as often as it was asked; if not, it is noted why."""
    if any(answer is None for answer in answers):
        found.unreached += 1
        return False
    if refused := next((answer.refused for answer in answers if answer and answer.refused), ""):
        found.unasked[item.id] = refused
        return False
    return True


def _record(item: Item, prompt: str, seed: int, answer: Answer, score: Score) -> dict[str, object]:
    return {
        "id": item.id,
        "kind": item.kind,
        "seed": seed,
        "prompt": prompt,
        "answer": answer.text,
        "right": list(item.answers),
        "rule": item.rule,
        "score": score.value,
        "formed": score.formed,
        "finish": answer.finish,
        "log_probs": answer.log_probs,
        "prompt_tokens": answer.prompt_tokens,
        "tokens": answer.tokens,
    }


def _rows(suite: Suite, said: Sequence[Said]) -> list[Row]:
    """The number, and what it is to be held against."""
    items = [one.item for one in said]
    metric = _metric(items)
    rows = list(suite.rows(said)) if suite.rows else []
    if not suite.counted:
        rows += [
            Row(metric, mean(items, [one.score.value for one in said]), suite.chance, usual_share(items)),
            Row("control: answers to other questions", control(said), about="the same replies, held against those"),
        ]
    unformed = [float(not one.score.formed) for one in said]
    if any(unformed):
        rows.append(Row(UNFORMED, mean(items, unformed), about="counted as wrong above"))
    if metric in references.OF_CORPORA:
        texts, wanted = [one.text for one in said], [item.answers for item in items]
        whole = references.of_corpus(metric, texts, wanted)
        rows.append(Row(f"{metric} of all texts as one", Measured(value=whole, low=None, high=None, n=len(texts))))
    return [*rows, *(suite.further(said) if suite.further else ())]


def _metric(items: Sequence[Item]) -> str:
    rules = {item.rule for item in items}
    return rules.pop() if len(rules) == 1 and rules <= references.METRICS.keys() else RIGHT


def usual_share(items: Sequence[Item]) -> float | None:
    """What one gets who gives, to all items of a kind, the answer that is right most often among them."""
    by_kind = defaultdict[str, Counter[str]](Counter)
    for item in items:
        if item.rule == "regex" or not item.answers[0]:  # a pattern is nothing that one can say
            return None
        by_kind[item.kind][item.answers[0]] += 1
    usual = {kind: counts.most_common(1)[0][0] for kind, counts in by_kind.items()}
    return sum(RULES[item.rule](usual[item.kind], item).value for item in items) / len(items)


def control(said: Sequence[Said]) -> Measured:
    """The replies, each held against the answers to some other questions: what a model gets that does not look at the question."""
    random, everything, items, values = Random(0), list(said), list[Item](), list[float]()
    for one in said:
        drawn = random.sample(everything, min(CONTROLS + 1, len(everything)))
        for other in [other.item for other in drawn if other.item.id != one.item.id][:CONTROLS]:
            items.append(one.item)
            values.append(RULES[other.rule](one.text, other).value)
    return mean(items, values)
