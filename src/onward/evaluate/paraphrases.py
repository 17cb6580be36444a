"""What wording does to reference metrics: sentences of the world that say the same in other words, and such that say something else in the
same words.

The world states each fact in many phrasings, so a paraphrase has the same meaning for certain; and a sentence with another value in the
place of the right one is wrong for certain. A metric of meaning would put every paraphrase above every falsehood. Left out: longer texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from onward.evaluate import references, statistics
from onward.train.measure import Measured
from onward.world import World
from onward.world.relations import Fact

SHOWN = ("exact_match", "f1", "wer", "bleu", "chrf", "ter", "rouge1", "rouge2", "rougeL")


@dataclass(frozen=True)
class Case:
    """A statement; the same fact in another phrasing; and a falsehood in the statement's own.   about: whom."""

    statement: str
    paraphrase: str
    falsehood: str
    about: str


@dataclass(frozen=True)
class Fooled:
    """Of a metric: what paraphrases and falsehoods get, and in which share of the cases the falsehood is found nearer (ties count half)."""

    metric: str
    paraphrase: Measured
    falsehood: Measured
    fooled: Measured


def cases(world: World, most: int = 400) -> list[Case]:
    """Of the people of the world, a few facts each."""
    found = []
    for case in _cases(world):
        found.append(case)
        if len(found) == most:
            break
    return found


def _cases(world: World) -> Iterator[Case]:
    for person in world.some:
        random = world.random("paraphrases", person.name)
        for fact in world.facts(person):
            others = world.others(fact, random, 1)
            ways = fact.relation.statements.all
            if not others or len(ways) < 2:
                continue
            one, other = random.sample(ways, 2)
            wrong = Fact(person, fact.relation, others[0])
            yield Case(fact.render(one), fact.render(other), wrong.render(one), person.name)


def fooled(found: Sequence[Case], metrics: Sequence[str] = SHOWN) -> list[Fooled]:
    """Each metric on the cases. Cases about one person are taken together in the intervals.   Raises SuiteError without the eval extra."""
    about = [case.about for case in found]
    rows = []
    for name in metrics:
        metric = references.METRICS[name]
        same = [metric(case.paraphrase, [case.statement]) for case in found]
        wrong = [metric(case.falsehood, [case.statement]) for case in found]
        sign = -1 if name in references.FEWER else 1
        worse = [float(sign * bad > sign * good) + 0.5 * (bad == good) for good, bad in zip(same, wrong, strict=True)]
        rows.append(
            Fooled(
                name,
                statistics.mean(same, about),
                statistics.mean(wrong, about),
                statistics.mean(worse, about),
            )
        )
    return rows
