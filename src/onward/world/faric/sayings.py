"""What there is to say in Faric: the facts of the world, everyday sentences with animals and things, and little stories; all as clauses.

Everyday sentences and stories are about nobody in particular ("the baker"), so that they say nothing of the people of the world. A fifth of
the combinations of an adjective with a noun, and of a verb with its object, are held out: every word is learned, but some red balls are
seen in tests only. Left out: texts and chats (kinds.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from random import Random

from onward.world import grammar
from onward.world.entities import Person
from onward.world.faric.clause import Clause, Phrase, Tense, clause
from onward.world.faric.lexicon import lexicon
from onward.world.relations import Fact, name_of
from onward.world.words import table, words

FILE = "faric_texts"
HELD_OUT_OF = 5
LUCKY = range(2, 13)
UNDENIED = ("love", "want")
"""Verbs of which the world does not know that they are false of other values."""
PEOPLE_VALUED = ("spouse", "mother", "father", "friend")
TENSES: tuple[Tense, ...] = ("present", "present", "past", "past", "future")
TIMES = {
    "present": ("every day", "every week", "at night"),
    "past": ("yesterday", "at night"),
    "future": ("tomorrow", "at night"),
}

# --- facts of the world -----------------------------------------------------------------------------------------------------


def fact_clause(fact: Fact, random: Random, who: str | None = None, other: str | None = None) -> Clause:
    """A fact as a statement or, now and then, a question.   who: what the subject is called in it.   other: a wrong value, to deny."""
    name = fact.relation.name
    notation = random.choice(words(f"statements.{name}", FILE))
    mood = random.random()
    if other is not None and mood < 0.15 and not notation.startswith(UNDENIED):
        return clause(_filled(marked(notation, "not"), fact, who, other))
    if mood < 0.3:
        asking = asked(notation, name) if mood < 0.22 else None
        return clause(_filled(asking or marked(notation, "?"), fact, who))
    return clause(_filled(notation, fact, who))


def statement(fact: Fact, random: Random, who: str | None = None) -> Clause:
    return clause(_filled(random.choice(words(f"statements.{fact.relation.name}", FILE)), fact, who))


def marked(notation: str, mark: str) -> str:
    """With a mark at its verb."""
    verb, separator, rest = notation.partition("; ")
    return f"{verb}/{mark}{separator}{rest}"


def asked(notation: str, relation: str) -> str | None:
    """A statement as a question for the value; None where that would be clumsy, or the same in English as another question."""
    head, *parts = notation.split("; ")
    for i, part in enumerate(parts):
        role, _, said = part.partition(" ")
        if role == "subject" and head == "be":
            continue
        if said == f"{{{relation}}}":
            parts[i] = f"{role} {_question_word(notation, relation, role)}"
        elif said == f"river {{{relation}}}":
            parts[i] = f"{role} which river"
        else:
            continue
        return marked("; ".join([head, *parts]), "?")
    return None


def _question_word(notation: str, relation: str, role: str) -> str:
    usual = str(table(FILE)["question_words"].get(relation, "where" if role == "in" else "what"))
    return "what" if "name of" in notation or (usual == "when" and role != "in") else usual


def _filled(notation: str, fact: Fact, who: str | None, value: str | None = None) -> str:
    subject, name = fact.subject, fact.relation.name
    slots = {"who": who or name_of(subject), name: value or fact.value}
    if isinstance(subject, Person):
        slots["they"] = grammar.PRONOUNS[subject.gender]["they"]
        slots["wife"] = "wife" if subject.gender == "male" else "husband"
        slots.setdefault("pet", subject.pet)
    if name == "hobby":
        slots["hobby_verb"] = sport(slots[name])
    return notation.format_map(slots)


def sport(hobby: str) -> str:
    """The verb that the dictionary makes a hobby from: "swim" of "swimming"."""
    return str(table("faric")["nouns"]["activity"][hobby].split(" + ")[0])


# --- everyday sentences -----------------------------------------------------------------------------------------------------


def everyday(random: Random, *, held_out: bool = False) -> Clause:
    """held_out: with a combination of words that no training text has, or without."""
    while True:
        found = _everyday(random)
        if has_held_out(found) == held_out:
            return found


def _everyday(random: Random) -> Clause:
    frame = random.choice(words("everyday.frames", FILE))
    found = clause(frame.format_map(Slots(random)))
    tense = random.choice(TENSES)
    time = random.choice(TIMES[tense]) if random.random() < 0.25 and found.verb != "be" else ""
    found = replace(found, tense=tense, time=time)
    mood = random.random()
    if mood < 0.15:
        return replace(found, negative=True)
    if mood < 0.27:
        return replace(found, asks=True)
    return _asking(found, random) if mood < 0.42 else found


def _asking(said: Clause, random: Random) -> Clause:
    """A question for one of its parts. The subject of "be" is not asked for: in English that is the question for the complement; and the
    complement only of what has an owner: "What is the baker's instrument?"
    """
    roles = [role for role, _ in said.parts if (role, said.verb) != ("subject", "be")]
    if said.subject.owner is None:
        roles = [role for role in roles if role != "as"]
    if not roles:
        return replace(said, asks=True)
    role = random.choice(roles)
    part = dict(said.parts)[role]
    if part.kind == "noun" and role != "as" and random.random() < 0.3:
        return replace(said.with_part(role, Phrase(part.head, adjective="which")), asks=True)
    place = role == "in" and "in" not in lexicon().verbs[said.verb].prepositions
    return replace(said.with_part(role, Phrase("where" if place else "who" if part.living else "what")), asks=True)


class Slots(dict[str, str]):
    """What fills a frame: drawn when a slot is first asked for, and the same from then on."""

    def __init__(self, random: Random, **known: str) -> None:
        super().__init__(known)
        self.random = random

    def __missing__(self, slot: str) -> str:
        self[slot] = SLOTS[slot](self.random)
        return self[slot]


def _noun(random: Random, *groups: str, of: str, adjective: float = 0.4, several: float = 0.2) -> str:
    """One of some groups, often with an adjective or a number.   of: whose adjectives it has.   adjective, several: how often."""
    noun = random.choice(_group(*groups))
    if random.random() < adjective:
        noun = f"{random.choice(words(f'everyday.adjectives.{of}', FILE))} {noun}"
    return f"{random.randrange(2, 21)} {noun}" if random.random() < several else noun


@cache
def _group(*names: str) -> tuple[str, ...]:
    return lexicon().group(*names)


def _person(random: Random) -> str:
    if random.random() < 0.3:
        return random.choice(("she", "he", "she", "he", "they"))
    return _noun(random, "person", of="person", adjective=0.2, several=0.1)


def _animal(random: Random) -> str:
    return _noun(random, "animal", of="animal")


def _being(random: Random) -> str:
    return _person(random) if random.random() < 0.5 else _animal(random)


def _item(random: Random) -> str:
    noun = _noun(random, "object", "ware", "container", "instrument", of="thing")
    return f"{noun} of {_being(random)}" if random.random() < 0.15 else noun


def _food(random: Random) -> str:
    return random.choice((*_group("food"), *(grammar.plural(dish) for dish in _group("dish"))))


def _flowers(random: Random) -> str:
    flower = random.choice(_group("flower"))
    return f"{random.randrange(2, 21)} {flower}" if random.random() < 0.5 else grammar.plural(flower)


SLOTS: dict[str, Callable[[Random], str]] = {
    "person": _person,
    "animal": _animal,
    "being": _being,
    "other": _being,
    "item": _item,
    "small": lambda random: _noun(random, "object", of="thing"),
    "container": lambda random: _noun(random, "container", of="thing", several=0),
    "room": lambda random: _noun(random, "room", of="thing", adjective=0.1, several=0),
    "food": _food,
    "drink": lambda random: random.choice(words("drink")),
    "instrument": lambda random: random.choice(_group("instrument")),
    "flower": lambda random: random.choice(_group("flower")),
    "flowers": _flowers,
    "number": lambda random: random.choice([grammar.NUMBERS[value] for value in LUCKY]),
    "plain_animal": lambda random: _noun(random, "animal", of="animal", adjective=0),
    "plain_item": lambda random: _noun(random, "object", "ware", "container", of="thing", adjective=0),
    "like_animals": lambda random: random.choice(words("everyday.adjectives.animal", FILE)),
    "like_things": lambda random: random.choice(words("everyday.adjectives.thing", FILE)),
    "sport": lambda random: sport(random.choice(words("hobby"))),
}

# --- stories ----------------------------------------------------------------------------------------------------------------


def story(random: Random) -> list[Clause]:
    """Five or six sentences on one thing, without a combination that is held out."""
    while True:
        person, other = random.sample(_group("person"), 2)
        slots = Slots(
            random,
            person=person,
            they=random.choice(("she", "he")),
            y=other if random.random() < 0.5 else random.choice(_group("animal")),
            animal=_noun(random, "animal", of="animal", several=0),
            item=_noun(random, "object", "ware", of="thing", several=0),
            container=random.choice(_group("container")),
        )
        slots["room"], slots["room2"] = random.sample(_group("room"), 2)
        found = [clause(line.format_map(slots)) for line in random.choice(list(table(FILE)["stories"].values()))]
        if not any(map(has_held_out, found)):
            return found


# --- what is held out -------------------------------------------------------------------------------------------------------


def combinations(said: Clause) -> Iterator[tuple[str, str]]:
    """Each adjective with its noun, and the verb with its object, of those that may be held out."""
    for role, part in said.parts:
        yield from _described(part)
        if role == "as" and part.kind == "adjectives":
            yield part.head, said.subject.head
    thing = said["object"]
    if thing and thing.kind == "noun" and said.verb in words("everyday.held_out_verbs", FILE):
        yield said.verb, thing.head


def _described(part: Phrase | None) -> Iterator[tuple[str, str]]:
    while part is not None:
        if part.adjective in words("everyday.adjectives.thing", FILE):
            yield part.adjective, part.head
        part = part.owner


def has_held_out(said: Clause) -> bool:
    return any(is_held_out(*pair) for pair in combinations(said))


@cache
def is_held_out(first: str, noun: str) -> bool:
    """By place: the n-th adjective or verb is held out with every fifth noun of the dictionary, from another one on for each n."""
    firsts = words("everyday.adjectives.thing", FILE) + words("everyday.held_out_verbs", FILE)
    nouns = list(lexicon().nouns)
    return noun in nouns and (firsts.index(first) + nouns.index(noun)) % HELD_OUT_OF == 0
