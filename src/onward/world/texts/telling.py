"""Telling: what the kinds of raw text share: phrasings filled in, and a note of every fact that they state.

A phrasing says by its slots what it states: one with {a_job} states the job of whoever's card it is filled in from. So the truth of a text
is noted while it is written, and nothing is stated that was not noted. Left out: what is told, and in which order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from string import Formatter
from typing import TypeVar

from onward.world import grammar, relations
from onward.world.entities import City, Company, Person
from onward.world.grammar import Called
from onward.world.phrases import phrasings
from onward.world.population import NOW
from onward.world.record import Record
from onward.world.relations import Fact
from onward.world.words import table
from onward.world.world import World

TESTED = 100
"""At most so many texts of a kind are rendered in held-out phrasings, each on another person or place."""

CARDS = 1024
"""So many cards are kept, as far as they are asked for again soon: memory is bounded."""

LATER: tuple[Called, ...] = ("first", "pronoun", "pronoun")
"""What somebody is called who has been named in full."""
OTHERS = ("spouse", "mother", "father", "friend")
"""Relations whose values are people."""
OWN = 0.7
"""Share of statements on third persons in the kind's own phrasings; the others are in those of relations.toml."""

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
T = TypeVar("T")
Data = dict[str, str]
"""A fact as truth.json has it: subject, relation, value; and "to" where it is between two places."""


@dataclass(frozen=True)
class Card:
    """slots: all that a phrasing can say of somebody or something.   facts: what it states with which of them."""

    slots: dict[str, str]
    facts: dict[str, Data]

    def under(self, prefix: str) -> Card:
        """For a second person or place in the same phrasing: {job} becomes {PREFIX_job}, {a_job} {a_PREFIX_job}."""
        return Card(
            {_prefixed(slot, prefix): value for slot, value in self.slots.items()},
            {f"{prefix}_{slot}": fact for slot, fact in self.facts.items()},
        )


def _prefixed(slot: str, prefix: str) -> str:
    low = slot[0].lower() + slot[1:]
    found = f"a_{prefix}_{low[2:]}" if low.startswith("a_") else f"{prefix}_{low}"
    return found if low == slot else grammar.capital(found)


@lru_cache(CARDS)
def person_card(person: Person, called: Called = "first") -> Card:
    """{name} and {first} besides what they are called; the facts that are a word; {age}, {age_words}; {country}, {river}, {man}."""
    named = ("job", "pet", "pet_name", "drink", "food", "hobby")
    values = {name: str(getattr(person, name)) for name in named}
    values |= {"employer": person.employer.name, "city": person.city.name, "born": str(person.born)}
    facts = {name: data(person.name, name, value) for name, value in values.items()}
    facts |= {"age": facts["born"], "age_words": facts["born"]}
    facts["country"] = data(person.city.name, "country", person.city.country)
    facts["river"] = data(person.city.name, "river", person.city.river)
    age = NOW - person.born
    values |= {"name": person.name, "first": person.first, "country": person.city.country, "age": str(age)}
    values |= {
        "river": person.city.river,
        "age_words": grammar.number(age),
        "man": "man" if person.gender == "male" else "woman",
    }
    return Card(relations.slots(person, called) | grammar.with_articles(values), facts)


@lru_cache(CARDS)
def city_card(city: City, called: Called = "full") -> Card:
    values = {"country": city.country, "river": city.river, "population": f"{city.population:,}"}
    facts = {name: data(city.name, name, value) for name, value in values.items()}
    return Card(relations.slots(city.name, called) | grammar.with_articles(values | {"name": city.name}), facts)


@lru_cache(CARDS)
def company_card(company: Company, called: Called = "full") -> Card:
    """{years}, {years_words}: how many it has existed.   {country}: that of its seat."""
    values = {"seat": company.city.name, "trade": company.trade, "founded": str(company.founded)}
    facts = {name: data(company.name, name, value) for name, value in values.items()}
    facts |= {"years": facts["founded"], "years_words": facts["founded"]}
    facts["country"] = data(company.city.name, "country", company.city.country)
    years = NOW - company.founded
    values |= {"name": company.name, "country": company.city.country}
    values |= {"years": str(years), "years_words": grammar.number(years)}
    return Card(relations.slots(company.name, called) | grammar.with_articles(values), facts)


def card_of(names: dict[str, str], facts: dict[str, Data] | None = None) -> Card:
    """Of anything: slots that state nothing, and slots that state a fact, filled with its value; each also with a capital."""
    found = names | {slot: fact["value"] for slot, fact in (facts or {}).items()}
    return Card(grammar.with_articles(found), facts or {})


def fact_card(fact: Fact) -> Card:
    """Of one fact, under its relation's name."""
    return card_of({}, {fact.relation.name: fact.as_data()})


def data(subject: str, relation: str, value: str, to: str | None = None) -> Data:
    return {"subject": subject, "relation": relation, "value": value} | ({"to": to} if to else {})


@cache
def slots_in(phrasing: str) -> tuple[str, ...]:
    """The slots of a phrasing, without article and capital: pet and whom in "{A_pet} lives with {whom}."."""
    found = (name for _, name, _, _ in Formatter().parse(phrasing) if name)
    return tuple(dict.fromkeys((name[0].lower() + name[1:]).removeprefix("a_") for name in found))


def _stated(phrasing: str, cards: Sequence[Card]) -> list[Data]:
    return [card.facts[slot] for card in cards for slot in slots_in(phrasing) if slot in card.facts]


class Teller:
    """Writes one text of a kind. No phrasing comes twice in it before all of its list have come."""

    def __init__(self, world: World, kind: str, *what: object, held_out: bool = False) -> None:
        self.world, self.kind, self.held_out = world, kind, held_out
        self.random = world.random(kind, *what, held_out)
        self.facts: list[Data] = []
        self.events: list[Data] = []
        self._left: dict[str, list[str]] = {}

    def say(self, path: str, *cards: Card, **values: str) -> str:
        """A phrasing of data/KIND.toml, by its place there, as in "me.job"; filled in from cards and other values."""
        left = self._left.setdefault(path, [])
        if not left:
            left += self._shuffled(path)
        return self._fill(left.pop(), cards, grammar.with_articles(values))

    def several(self, path: str, most: int, *cards: Card) -> list[str]:
        """So many sentences of a list at most, each of which says something new, or states no fact at all."""
        found = list[str]()
        for phrasing in self._shuffled(path):
            stated = _stated(phrasing, cards)
            if len(found) < most and (not stated or any(fact not in self.facts for fact in stated)):
                found.append(self._fill(phrasing, cards, {}))
        return found

    def _shuffled(self, path: str) -> list[str]:
        phrases = phrasings(self.kind, *path.split("."))
        found = list(phrases.held_out if self.held_out else phrases.trained)
        self.random.shuffle(found)
        return found

    def _fill(self, phrasing: str, cards: Sequence[Card], values: dict[str, str]) -> str:
        """And note the facts that it states."""
        self.note(*_stated(phrasing, cards))
        slots = dict[str, str]()
        for card in cards:
            slots |= card.slots
        return phrasing.format_map(slots | values)

    def state(self, fact: Fact, called: Called = "full") -> str:
        """A fact in one of its relation's own phrasings."""
        self.note(fact.as_data())
        return fact.state(self.random, called, held_out=self.held_out)

    def describe(self, person: Person, facts: Sequence[Fact], own: str = "", after: Person | None = None) -> list[str]:
        """Facts about a third person, who has been named: in the kind's own phrasings, where it has some, or the relation's.

        After a sentence that names somebody else, as the last one before these did if there is an `after`, no pronoun stands.
        """
        said, names, other = list[str](), table(self.kind).get(own, {}), after is not None
        for fact in facts:
            called: Called = "first" if other else self.random.choice(LATER)
            other = fact.relation.name in OTHERS
            if fact.relation.name in names and self.random.random() < OWN:
                said.append(self.say(f"{own}.{fact.relation.name}", person_card(person, called), fact_card(fact)))
            else:
                said.append(self.state(fact, called))
        return said

    def note(self, *facts: Data) -> None:
        self.facts += [fact for fact in facts if fact not in self.facts]

    def happens(self, event: str, **what: str) -> None:
        """Notes something that the world does not know of, and that was invented for this text."""
        self.events.append({"event": event} | what)

    def some(self, fewest: int, most: int) -> int:
        return self.random.randint(fewest, most)

    def record(self, text: str, about: str) -> Record:
        truth = {"about": about, "facts": self.facts} | ({"events": self.events} if self.events else {})
        return Record(kind=self.kind, split="phrasing" if self.held_out else "train", text=text, truth=truth)


def told(
    world: World, kind: str, what: str, subjects: Sequence[T], rounds: int, tell: Callable[[Teller, T], Record | None]
) -> Iterator[Record]:
    """Texts on all subjects, which are `what`, so many rounds; then on some, in phrasings that none of these has.

    tell: gives None where there is nothing to tell.
    """
    for turn in range(rounds):
        for i, subject in enumerate(subjects):
            if record := tell(Teller(world, kind, what, i, turn), subject):
                yield record
    for i in range(0, len(subjects), max(1, len(subjects) // TESTED)):
        if record := tell(Teller(world, kind, what, i, held_out=True), subjects[i]):
            yield record
