"""Relations: what can be said of a person, a city, a country or a company, each with its true value and what else it might have been.

A relation ties a subject to a value through a function of the world. Its phrasings are in data/relations.toml under the same name.
Left out: facts that follow from several others (hops.py), and the map's distances (geography.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Literal

from onward.world import grammar
from onward.world.entities import City, Company, Gender, Person
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
    options: Callable[[World, Any], Sequence[str]]

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


def _of(person: Person | None) -> Sequence[str]:
    return [person.name] if person is not None else []


def _family(gender: Gender | None = None) -> Callable[[World, Person], Sequence[str]]:
    """The names of those in the family who have this gender, or another one than the person: a surname alone tells nothing."""

    def options(world: World, person: Person) -> Sequence[str]:
        wanted = gender or ("male" if person.gender == "female" else "female")
        return [p.name for p in world.family(person) if p.gender == wanted and p.index != person.index]

    return options


def _friends(world: World, person: Person) -> Sequence[str]:
    """Some people of the same side of the split, since of everybody there would be too many."""
    return [p.name for p in world.some_of_side[world.is_held_out(person)] if p.index != person.index]


def _word(name: str) -> tuple[Callable[[World, Person], Sequence[str]], Callable[[World, Person], Sequence[str]]]:
    """A relation whose value is a field of the person, and whose options are a list of words."""
    return lambda _, person: [getattr(person, name)], lambda *_: words(name)


def _cities(world: World, _: Any) -> Sequence[str]:
    return [city.name for city in world.cities]


RELATIONS: tuple[Relation, ...] = (
    Relation("person", "job", *_word("job")),
    Relation("person", "employer", lambda _, p: [p.employer.name], lambda w, _: [c.name for c in w.companies]),
    Relation("person", "city", lambda _, p: [p.city.name], _cities),
    Relation("person", "born", lambda _, p: [str(p.born)], lambda w, _: [str(y) for y in w.years_of_birth]),
    Relation("person", "pet", lambda _, p: [p.pet], lambda *_: words("animal")),
    Relation("person", "pet_name", lambda _, p: [p.pet_name], lambda *_: words("pet", "names")),
    Relation("person", "drink", *_word("drink")),
    Relation("person", "food", *_word("food")),
    Relation("person", "hobby", *_word("hobby")),
    Relation("person", "spouse", lambda w, p: _of(w.spouse(p)), _family()),
    Relation("person", "mother", lambda w, p: _of(w.mother(p)), _family("female")),
    Relation("person", "father", lambda w, p: _of(w.father(p)), _family("male")),
    Relation("person", "friend", lambda w, p: [f.name for f in w.friends(p)], _friends),
    Relation("city", "country", lambda _, c: [c.country], lambda w, _: w.countries),
    Relation("city", "river", lambda _, c: [c.river], lambda w, _: w.rivers),
    Relation(
        "city", "population", lambda _, c: [f"{c.population:,}"], lambda w, _: [f"{c.population:,}" for c in w.cities]
    ),
    Relation("country", "capital", lambda w, c: [w.capital(c).name], _cities),
    Relation("company", "seat", lambda _, c: [c.city.name], _cities),
    Relation("company", "trade", lambda _, c: [c.trade], lambda *_: words("trade")),
    Relation("company", "founded", lambda _, c: [str(c.founded)], lambda w, _: [str(c.founded) for c in w.companies]),
)
BY_NAME = {relation.name: relation for relation in RELATIONS}
