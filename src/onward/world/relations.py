"""Relations: what can be said of a person, a city, a country or a company, each with its true value and what else it might have been.

A relation ties a subject to a value through a function of the world. Its phrasings are in data/relations.toml under the same name.
Left out: facts that follow from several others (hops.py), and the map's distances (geography.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Literal

from onward.world import grammar
from onward.world.entities import City, Company, Person
from onward.world.grammar import Called
from onward.world.phrases import Phrasings, phrasings
from onward.world.words import table, words

if TYPE_CHECKING:
    from onward.world.world import World

Subject = Person | City | Company | str
"""Whatever has facts; a country is just its name."""
Kind = Literal["person", "city", "country", "company"]


@dataclass(frozen=True)
class Relation:
    """values: the true ones, none where the world does not say.   options: everything that a value might be, the true ones among it."""

    kind: Kind
    name: str
    values: Callable[[World, Any], Sequence[str]]
    options: Callable[[World], Sequence[str]]

    @property
    def statements(self) -> Phrasings:
        return phrasings("relations", self.kind, self.name, "statements")

    @property
    def questions(self) -> Phrasings:
        return phrasings("relations", self.kind, self.name, "questions")

    @property
    def answer(self) -> str:
        return str(table("relations")[self.kind][self.name]["answer"])


@dataclass(frozen=True)
class Fact:
    """One value of a relation of a subject. `render` fills in any of the relation's phrasings."""

    subject: Subject
    relation: Relation
    value: str

    def render(self, phrasing: str, called: Called = "full") -> str:
        return phrasing.format_map(
            slots(self.subject, called) | grammar.with_articles({self.relation.name: self.value})
        )

    def state(self, random: Random, called: Called = "full", *, held_out: bool = False) -> str:
        """As a sentence, in one of its phrasings."""
        return self.render(self.relation.statements.choose(random, held_out=held_out), called)

    def ask(self, random: Random, *, held_out: bool = False) -> str:
        return self.render(self.relation.questions.choose(random, held_out=held_out))

    def answer(self) -> str:
        return self.render(self.relation.answer)

    def as_data(self) -> dict[str, str]:
        """For records and truth.json: `{"subject", "relation", "value"}`."""
        return {"subject": name_of(self.subject), "relation": self.relation.name, "value": self.value}


def slots(subject: Subject, called: Called) -> dict[str, str]:
    """What a phrasing can say of its subject besides the relation itself."""
    if not isinstance(subject, Person):
        return grammar.mention("thing", name_of(subject), name_of(subject), called)
    found = grammar.mention(subject.gender, subject.name, subject.first, called)
    wife = "wife" if subject.gender == "male" else "husband"
    return found | {"wife": wife} | grammar.with_articles({"pet": subject.pet})


def name_of(subject: Subject) -> str:
    return subject if isinstance(subject, str) else subject.name


def kind_of(subject: Subject) -> Kind:
    kinds: dict[type, Kind] = {Person: "person", City: "city", Company: "company", str: "country"}
    return kinds[type(subject)]


def _names(people: Iterator[Person]) -> Sequence[str]:
    return [person.name for person in people]


def _of(person: Person | None) -> Sequence[str]:
    return [person.name] if person is not None else []


def _people(gender: str | None = None) -> Callable[[World], Sequence[str]]:
    """Some names, as options: of everybody there would be too many."""
    return lambda world: [p.name for p in world.people[:200] if gender in (None, p.gender)]


def _word(name: str) -> tuple[Callable[[World, Person], Sequence[str]], Callable[[World], Sequence[str]]]:
    """A relation whose value is a field of the person, and whose options are a list of words."""
    return lambda _, person: [getattr(person, name)], lambda _: words(name)


RELATIONS: tuple[Relation, ...] = (
    Relation("person", "job", *_word("job")),
    Relation("person", "employer", lambda _, p: [p.employer.name], lambda w: [c.name for c in w.companies]),
    Relation("person", "city", lambda _, p: [p.city.name], lambda w: [c.name for c in w.cities]),
    Relation("person", "born", lambda _, p: [str(p.born)], lambda w: [str(y) for y in w.years_of_birth]),
    Relation("person", "pet", lambda _, p: [p.pet], lambda _: words("animal")),
    Relation("person", "pet_name", lambda _, p: [p.pet_name], lambda _: words("pet", "names")),
    Relation("person", "drink", *_word("drink")),
    Relation("person", "food", *_word("food")),
    Relation("person", "hobby", *_word("hobby")),
    Relation("person", "spouse", lambda w, p: _of(w.spouse(p)), _people()),
    Relation("person", "mother", lambda w, p: _of(w.mother(p)), _people("female")),
    Relation("person", "father", lambda w, p: _of(w.father(p)), _people("male")),
    Relation("person", "friend", lambda w, p: _names(w.friends(p)), _people()),
    Relation("city", "country", lambda _, c: [c.country], lambda w: w.countries),
    Relation("city", "river", lambda _, c: [c.river], lambda w: w.rivers),
    Relation(
        "city", "population", lambda _, c: [f"{c.population:,}"], lambda w: [f"{c.population:,}" for c in w.cities]
    ),
    Relation("country", "capital", lambda w, c: [w.capital(c).name], lambda w: [c.name for c in w.cities]),
    Relation("company", "seat", lambda _, c: [c.city.name], lambda w: [c.name for c in w.cities]),
    Relation("company", "trade", lambda _, c: [c.trade], lambda _: words("trade")),
    Relation("company", "founded", lambda _, c: [str(c.founded)], lambda w: [str(c.founded) for c in w.companies]),
)
BY_NAME = {relation.name: relation for relation in RELATIONS}
