"""Questions over two facts: the second one is about whom or what the first one leads to. The answer names the one between.

"Which river does the city where Ada Ashford lives lie on?" "The city where Ada Ashford lives, Falport, lies on the Arlen." Left out: three
facts and more, and relatives further away (kinship.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from onward.world import grammar
from onward.world.entities import City, Company, Person
from onward.world.phrases import phrasings
from onward.world.questions.asking import Pick, Question, asked, options_of
from onward.world.record import Record
from onward.world.relations import Subject, slots
from onward.world.world import World

ROUNDS = 2
OF_EACH = 2
"""Second facts that are asked for through each first one, in one round."""
BETWEEN: dict[str, Callable[[World, Person], Person | City | Company | None]] = {
    "spouse": lambda world, person: world.spouse(person),
    "mother": lambda world, person: world.mother(person),
    "father": lambda world, person: world.father(person),
    "employer": lambda _, person: person.employer,
    "city": lambda _, person: person.city,
}
BACK = {"spouse": ("spouse",), "mother": ("spouse", "friend"), "father": ("spouse", "friend")}
"""Second relations that are left out after a first one: those that lead back, or say what another question asks."""


def hops(world: World) -> Iterator[Record]:
    return asked(world, "hop", ask, lambda: world.people, ROUNDS)


def ask(world: World, subject: Subject, random: Random, pick: Pick) -> Iterator[Question]:
    """Some questions through each relation that leads on from this person."""
    assert isinstance(subject, Person)
    for first, lead in BETWEEN.items():
        between = lead(world, subject)
        if between is None:
            continue
        named = slots(subject, "full") | {"man": "man" if subject.gender == "female" else "woman"}
        facts = [f for f in world.facts(between) if f.relation.name not in (*BACK.get(first, ()), "friend")]
        for fact in random.sample(facts, min(OF_EACH, len(facts))):
            asking = pick(fact.relation.questions)
            # "the woman he married's hobby" is no English: before what is theirs, only the first way to name them will do.
            bridges = phrasings("questions", "hops", first)
            bridge = (bridges.all[0] if "{whose}" in asking else pick(bridges)).format_map(named)
            through = grammar.mention("thing", bridge, bridge, "full") | _fields(fact.subject)
            value = grammar.with_articles({fact.relation.name: fact.value})
            text = asking.format_map(through | value)
            answered = grammar.mention("thing", f"{bridge}, {between.name},", between.name, "full")
            answered |= {"Whose": grammar.possessive(between.name), "theirs": grammar.possessive(between.name)}
            answer = fact.relation.answer.format_map(_fields(fact.subject) | answered | value)
            facts_used = [{"subject": subject.name, "relation": first, "value": between.name}, fact.as_data()]
            truth = {"facts": facts_used, "answer": fact.value, "relation": f"{first}, {fact.relation.name}"}
            yield Question(text, answer.replace(",.", "."), truth | options_of(world, fact))


def _fields(subject: Subject) -> dict[str, str]:
    """The slots of whom is asked about that are not what they are called: pronouns, husband or wife, kind of pet."""
    called = ("who", "whose", "whom", "theirs")
    return {name: value for name, value in slots(subject, "full").items() if name.lower() not in called}
