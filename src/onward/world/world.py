"""World: a small country made from a seed, whose truth can be asked.

Cities and companies are few and held; people are drawn when they are asked for, each a pure function of (seed, index), so that a hundred
thousand of them take no memory. Left out: every text; texts are rendered from the world by the files beside this one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from random import Random

from onward.world.entities import City, Company, Person
from onward.world.geography import draw_companies, draw_map
from onward.world.population import BORN, FAMILY, NOW, PARENTS, SPOUSE, People
from onward.world.relations import RELATIONS, Fact, Relation, Subject, kind_of

PEOPLE = 200
SOME = 200
CITIES = 12
COMPANIES = (12, 240)
"""Fewest and most; between, one for each ten people."""


class World:
    """The same for the same arguments, on every machine.

    people: how many, from 20 to 115,200.   cities: from 3 up.   skew: the share of people whose job is one that leans to their gender;
    which jobs lean which way is drawn, and 0.5 is no skew.   Raises WorldError.
    """

    def __init__(self, seed: int = 0, *, people: int = PEOPLE, cities: int = CITIES, skew: float = 0.9) -> None:
        self.seed = seed
        self.map = draw_map(self.random("map"), cities)
        count = min(max(people // 10, COMPANIES[0]), COMPANIES[1])
        self.companies: tuple[Company, ...] = draw_companies(self.random("companies"), count, self.map.cities)
        self.people = People(seed, people, self.map.cities, self.companies, skew)

    def random(self, *what: object) -> Random:
        """A source of chance of its own for each purpose, so that what is rendered first changes nothing that comes after it."""
        return Random("/".join(map(str, (self.seed, *what))))

    # --- places ---------------------------------------------------------------------------------------------------------

    @property
    def cities(self) -> tuple[City, ...]:
        return self.map.cities

    @cached_property
    def countries(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(city.country for city in self.cities))

    @cached_property
    def rivers(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(city.river for city in self.cities))

    def capital(self, country: str) -> City:
        return next(city for city in self.cities if city.country == country and city.capital)

    # --- people ---------------------------------------------------------------------------------------------------------

    @property
    def years_of_birth(self) -> range:
        return range(min(first for first, _ in BORN.values()), max(last for _, last in BORN.values()))

    def age(self, person: Person) -> int:
        """In the world's present year, for those who have had their birthday."""
        return NOW - person.born

    @cached_property
    def some(self) -> list[Person]:
        """The first people, for where somebody is needed and it does not matter who."""
        return self.people[:SOME]

    @cached_property
    def some_of_side(self) -> dict[bool, list[Person]]:
        """The same, by whether they are held out."""
        return {side: [person for person in self.some if self.is_held_out(person) == side] for side in (False, True)}

    def is_held_out(self, person: Person) -> bool:
        """Whether questions on this person are asked in tests only. Texts tell of everybody."""
        return self.people.is_held_out(person.index)

    def spouse(self, person: Person) -> Person | None:
        return self._relative(person, SPOUSE.get(person.index % FAMILY))

    def father(self, person: Person) -> Person | None:
        return self._relative(person, PARENTS.get(person.index % FAMILY, (None, None))[0])

    def mother(self, person: Person) -> Person | None:
        return self._relative(person, PARENTS.get(person.index % FAMILY, (None, None))[1])

    def children(self, person: Person) -> list[Person]:
        place = person.index % FAMILY
        return [child for p, parents in PARENTS.items() if place in parents and (child := self._relative(person, p))]

    def siblings(self, person: Person) -> list[Person]:
        """Brothers and sisters; none are known of those whose parents are not."""
        mother = self.mother(person)
        return [child for child in self.children(mother) if child.index != person.index] if mother else []

    def family(self, person: Person) -> list[Person]:
        """Everybody in the person's family, the person included."""
        first = person.index - person.index % FAMILY
        return self.people[first : first + FAMILY]

    def friends(self, person: Person) -> Iterator[Person]:
        return (self.people[i] for i in self.people.friends(person.index))

    def _relative(self, person: Person, place: int | None) -> Person | None:
        """Who has this place in the person's family; the last family of a world may be incomplete."""
        if place is None:
            return None
        index = person.index - person.index % FAMILY + place
        return self.people[index] if index < len(self.people) else None

    # --- facts ----------------------------------------------------------------------------------------------------------

    def facts(self, subject: Subject) -> list[Fact]:
        """All that is known of somebody or something, in the order of RELATIONS."""
        kind = kind_of(subject)
        return [fact for relation in RELATIONS if relation.kind == kind for fact in self.facts_in(subject, relation)]

    def facts_in(self, subject: Subject, relation: Relation) -> list[Fact]:
        """Those of one relation: none where the world does not say, several where it has several values."""
        return [Fact(subject, relation, value) for value in relation.values(self, subject)]

    def subjects(self) -> Iterator[Subject]:
        """Everybody and everything that has facts."""
        yield from self.people
        yield from self.cities
        yield from self.countries
        yield from self.companies

    def others(self, fact: Fact, random: Random, count: int) -> Sequence[str]:
        """Wrong values of the same relation, all different: what else the answer might have been. Fewer if there are no more."""
        true = set(fact.relation.values(self, fact.subject))
        wrong = [value for value in dict.fromkeys(fact.relation.options(self, fact.subject)) if value not in true]
        return random.sample(wrong, min(count, len(wrong)))
