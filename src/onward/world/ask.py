"""Asking the world itself: a question in English, answered from the truth.

It understands every phrasing that questions are rendered with: one fact, two facts ("Ada Ashford's husband"), comparisons, and claims. Each
phrasing is turned into a pattern, and what stands in its slots is looked up. Left out: any other English, which gets the closest examples.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from onward.errors import WorldError
from onward.world import grammar
from onward.world.entities import Person
from onward.world.phrases import phrasings
from onward.world.questions.comparisons import MEASURES
from onward.world.questions.hops import BETWEEN
from onward.world.relations import RELATIONS, Fact, Relation, Subject, kind_of, name_of
from onward.world.words import table, words
from onward.world.world import World

SUBJECTS = {"who": "(?P<who>.+)", "whom": "(?P<who>.+)", "whose": "(?P<who>.+?)'s?", "theirs": "(?P<who>.+?)'s?"}
PRONOUN = {"they": "(?:he|she|it)", "them": "(?:him|her|it)", "their": "(?:his|her|its)"}
NAME = r"\S+(?: \S+)?"
WORDS = {
    "wife": "(?:wife|husband)",
    "man": "(?:man|woman)",
    "pet": f"(?P<pet>{'|'.join(words('animal'))})",
    "a": f"(?P<a>{NAME})",
    "b": f"(?P<b>{NAME})",
    "claim": "(?P<claim>.+)",
}


@dataclass(frozen=True)
class Answer:
    """In a sentence, and the facts that it is made from."""

    text: str
    facts: list[Fact]


def ask(world: World, question: str) -> Answer:
    """Raises WorldError where the question is not understood, or names nobody and nothing in this world."""
    asked = " ".join(question.split()).rstrip("?.! ")
    for find in (_fact, _comparison, _claim):
        if (found := find(world, asked)) is not None:
            return found
    near = difflib.get_close_matches(asked, _examples(world), n=3, cutoff=0)
    raise WorldError(f'"{question}" is no question that this world understands. Ask, for example: {" ".join(near)}')


def _fact(world: World, asked: str) -> Answer | None:
    matched = False
    for relation in RELATIONS:
        for pattern in _patterns(relation.questions.all):
            if (found := pattern.fullmatch(asked)) is None:
                continue
            matched = True
            subject = resolve(world, found["who"])
            if subject is not None and kind_of(subject) == relation.kind:
                return _told(world, subject, relation)
    if matched:
        raise WorldError(
            f'"{asked}?" is on nobody and nothing in this world: look at the spelling, and give the full name.'
        )
    return None


def _told(world: World, subject: Subject, relation: Relation) -> Answer:
    facts = world.facts_in(subject, relation)
    return Answer(" ".join(fact.answer() for fact in facts) or table("questions")["unknown"]["answer"], facts)


def _comparison(world: World, asked: str) -> Answer | None:
    for name, (kind, measure) in MEASURES.items():
        for pattern in _patterns(phrasings("questions", "comparisons", name, "questions").all):
            found = pattern.fullmatch(asked)
            both = [resolve(world, found[side]) for side in "ab"] if found else []
            compared = [one for one in both if one is not None and isinstance(one, kind)]
            if len(compared) == 2:
                more, less = (name_of(one) for one in sorted(compared, key=measure, reverse=True))
                answer = table("questions")["comparisons"][name]["answer"]
                alike = measure(compared[0]) == measure(compared[1])
                return Answer("Neither of them." if alike else answer.format(More=more, less=less), [])
    return None


def _claim(world: World, asked: str) -> Answer | None:
    for frame in _patterns(tuple(f.rstrip("?. ") for f in phrasings("questions", "yes_no", "frames").all)):
        found = frame.fullmatch(asked)
        for relation in RELATIONS if found else ():
            for pattern in _patterns(tuple(s for s in relation.statements.all)):
                said = pattern.fullmatch(found["claim"]) if found else None
                subject = resolve(world, said["who"]) if said and "who" in said.groupdict() else None
                if said is None or subject is None or kind_of(subject) != relation.kind:
                    continue
                if not _possible(world, subject, relation, said[relation.name]):
                    continue
                facts = world.facts_in(subject, relation)
                true = any(said[relation.name].lower() == fact.value.lower() for fact in facts)
                answer = _told(world, subject, relation)
                return Answer(f"{'Yes' if true else 'No'}, {answer.text}" if facts else answer.text, facts)
    return None


def _possible(world: World, subject: Subject, relation: Relation, value: str) -> bool:
    """Whether a value is of the right sort: "a good friend, Yvonne" is no animal that somebody has."""
    return world.people.find(value) is not None or value.lower() in map(str.lower, relation.options(world, subject))


def resolve(world: World, named: str) -> Subject | None:
    """Whom or what a name stands for, or a way to name somebody through somebody else."""
    if (person := world.people.find(named)) is not None:
        return person
    things: list[Subject] = [*world.cities, *world.companies, *world.countries]
    if here := [thing for thing in things if name_of(thing).lower() == named.lower()]:
        return here[0]
    for first, lead in BETWEEN.items():
        for pattern in _patterns(phrasings("questions", "hops", first).all):
            if (found := pattern.fullmatch(named)) and isinstance(subject := resolve(world, found["who"]), Person):
                return lead(world, subject)
    return None


@cache
def _patterns(phrasings: tuple[str, ...]) -> list[re.Pattern[str]]:
    return [re.compile(_pattern(phrasing), re.IGNORECASE) for phrasing in phrasings]


def _pattern(phrasing: str) -> str:
    """A phrasing as a regular expression, whose groups are its slots. A slot that comes twice is looked at once."""
    seen, found = set[str](), ""
    for i, part in enumerate(re.split(r"\{(\w+)\}", phrasing.rstrip("?. "))):
        if i % 2 == 0:
            found += re.escape(part)
            continue
        slot = part[0].lower() + part[1:]
        name = slot.removeprefix("a_") if slot != "a" else slot
        group = (SUBJECTS | PRONOUN | WORDS).get(name, f"(?P<{name}>.+)")
        article = "(?:an? )" if slot.startswith("a_") else ""
        found += article + (re.sub(r"\?P<\w+>", "?:", group) if name in seen else group)
        seen.add(name)
    return found


def _examples(world: World) -> list[str]:
    """A question on each relation, asked about somebody or something of this world."""
    subjects: dict[str, Subject] = {"person": world.people[0], "city": world.cities[0], "company": world.companies[0]}
    subjects["country"] = world.countries[0]
    return list(_one_of_each(world, subjects))


def _one_of_each(world: World, subjects: dict[str, Any]) -> Iterator[str]:
    for relation in RELATIONS:
        for fact in world.facts_in(subjects[relation.kind], relation)[:1]:
            yield grammar.capital(fact.render(relation.questions.trained[0]))
