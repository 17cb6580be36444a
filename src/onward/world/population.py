"""The people: families of ten, each person a pure function of (seed, index), so that a hundred thousand can stream past in no memory.

A family, by place: 0 and 1 are the grandparents; 2 their son and 3 his wife; 4 their daughter and 5 her husband; 6 and 7 the children of
2 and 3; 8 and 9 those of 4 and 5. The parents of 3 and 5 are not known to the world, which is where "I don't know" is the right answer.
Friends are found by a reflection of the indices, which is its own inverse: friendship is mutual, and needs no memory either.
Left out: divorce, remarriage, and whoever is too young to work.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache
from math import gcd
from random import Random
from typing import overload

from onward.errors import WorldError
from onward.world.entities import City, Company, Gender, Person
from onward.world.words import joined, words

NOW = 2026
"""The world's present year."""
FAMILY = 10
SPOUSE = {0: 1, 1: 0, 2: 3, 3: 2, 4: 5, 5: 4}
PARENTS = {2: (0, 1), 4: (0, 1), 6: (2, 3), 7: (2, 3), 8: (5, 4), 9: (5, 4)}
"""Father and mother."""
BORN = {0: (1940, 1949), 2: (1966, 1976), 6: (1994, 2006)}
"""Years of birth of the three generations, by the first place of each; parents are at least 18 years older than their children."""
BRANCH = (4, 5, 8, 9)
"""Who has the second surname of the family: the daughter's."""
OF_EACH = 5
"""First names of either gender that a family uses."""
FRIENDS = 2
KNOWN = 2000
"""People who are kept in memory, to be asked for again."""
FEWEST = 2 * FAMILY
HELD_OUT_OF = 5
"""Of so many families, one is not asked about in training."""


class People(Sequence[Person]):
    """Everybody, drawn anew each time that they are asked for. Indices from 0."""

    def __init__(
        self, seed: int, count: int, cities: Sequence[City], companies: Sequence[Company], skew: float = 0.9
    ) -> None:
        pairs, chunks = len(joined("surname")) // 2, len(words("female", "names")) // OF_EACH
        if not FEWEST <= count <= FAMILY * pairs * chunks:
            raise WorldError(f"{count} people: a world has from {FEWEST} to {FAMILY * pairs * chunks:,}.")
        if not 0.5 <= skew <= 1:
            raise WorldError(f"a skew of {skew:g}: at least 0.5, which is none, and at most 1.")
        self.seed, self.size, self.cities, self.companies, self.skew, self.pairs = (
            seed, count, cities, companies, skew, pairs
        )  # fmt: skip
        self._known = lru_cache(KNOWN)(self._draw)
        self._first_names = lru_cache(KNOWN)(self._shuffled)
        self._held_out = lru_cache(KNOWN)(self._draw_held_out)
        random = Random(f"{seed}/people")
        self.surnames = random.sample(joined("surname"), 2 * pairs)
        self.stride = next(step for step in iter(lambda: random.randrange(1, pairs), None) if gcd(step, pairs) == 1)
        jobs = random.sample(words("job"), len(words("job")))
        half = len(jobs) // 2
        self.leaning: dict[Gender, list[str]] = {"female": sorted(jobs[:half]), "male": sorted(jobs[half:])}
        self.centres = [random.random() for _ in range(FRIENDS)]

    def __len__(self) -> int:
        return self.size

    @overload
    def __getitem__(self, index: int) -> Person: ...
    @overload
    def __getitem__(self, index: slice) -> list[Person]: ...
    def __getitem__(self, index: int | slice) -> Person | list[Person]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self.size))]
        if not -self.size <= index < self.size:
            raise IndexError(index)
        return self._known(index % self.size)

    def _draw(self, index: int) -> Person:
        family, place = divmod(index, FAMILY)
        random = Random(f"{self.seed}/person/{index}")
        gender, first, last = self._named(family, place)
        born = self._born(family, place)
        lean = gender if random.random() < self.skew else ("male" if gender == "female" else "female")
        # A couple lives together: both draw the city from the one who has the smaller index.
        home = Random(f"{self.seed}/home/{family * FAMILY + min(place, SPOUSE.get(place, place))}")
        return Person(
            index=index,
            first=first,
            last=last,
            gender=gender,
            born=born,
            city=home.choice(self.cities),
            job=random.choice(self.leaning[lean]),
            employer=random.choice(self.companies),
            pet=random.choice(words("animal")),
            pet_name=random.choice(words("pet", "names")),
            drink=random.choice(words("drink")),
            food=random.choice(words("food")),
            hobby=random.choice(words("hobby")),
        )

    def _named(self, family: int, place: int) -> tuple[Gender, str, str]:
        """Gender and names. Families with the same two surnames have different first names, so that no two people share a full name."""
        repeat, pair = divmod(family, self.pairs)
        pair = pair * self.stride % self.pairs
        girl_first = Random(f"{self.seed}/children/{family}").random() < 0.5
        women = [1, 3, 4, 6 if girl_first else 7, 8 if girl_first else 9]
        gender: Gender = "female" if place in women else "male"
        same = women if gender == "female" else [p for p in range(FAMILY) if p not in women]
        return (
            gender,
            self._first_names(gender, pair)[OF_EACH * repeat + same.index(place)],
            self.surnames[2 * pair + (place in BRANCH)],
        )

    def _shuffled(self, gender: Gender, pair: int) -> list[str]:
        """All first names of a gender, in the order in which the families with these surnames take them."""
        names = words(gender, "names")
        return Random(f"{self.seed}/{gender}/{pair}").sample(names, len(names))

    def find(self, name: str) -> Person | None:
        """Whose full name it is, upper and lower case alike; no search, since a surname tells the families."""
        first, _, last = name.title().partition(" ")
        if last not in self.surnames:
            return None
        indices = (FAMILY * family + place for family in self._families(last) for place in range(FAMILY))
        people = (self[i] for i in indices if i < self.size)
        return next((person for person in people if (person.first, person.last) == (first, last)), None)

    def first_names(self, surname: str) -> set[str]:
        """All first names that go with a surname."""
        return {self._named(family, place)[1] for family in self._families(surname) for place in range(FAMILY)}

    def _families(self, surname: str) -> range:
        """The families that have a surname of this world's."""
        pair = self.surnames.index(surname) // 2
        return range(pair * pow(self.stride, -1, self.pairs) % self.pairs, -(-self.size // FAMILY), self.pairs)

    def _born(self, family: int, place: int) -> int:
        """Twins are left out: brothers and sisters were born in different years, so that they can be compared."""
        generation = max(first for first in BORN if first <= place)
        years = range(*BORN[generation])
        places = [p for p in range(FAMILY) if max(first for first in BORN if first <= p) == generation]
        return Random(f"{self.seed}/born/{family}/{generation}").sample(years, len(places))[places.index(place)]

    def is_held_out(self, index: int) -> bool:
        """Whether this person's family is not asked about in training: one family in each five, and at least one."""
        block, at = divmod(index // FAMILY, HELD_OUT_OF)
        return at == self._held_out(block)

    def _draw_held_out(self, block: int) -> int:
        """Which family of a block of five is held out. In the last block there may be none; in the first there must be one."""
        families = -(-self.size // FAMILY)
        return Random(f"{self.seed}/held out/{block}").randrange(HELD_OUT_OF if block else min(HELD_OUT_OF, families))

    def friends(self, index: int) -> list[int]:
        """Indices of a person's friends, outside the family; from none to two, in order of index.

        Of two friends, both are asked about in training or neither is: otherwise an answer on one would tell the other's.
        """
        side = self.is_held_out(index)
        others = self.held_out if side else self.size - self.held_out
        reflected = {(round(centre * others) - self._rank(index)) % others for centre in self.centres}
        return sorted(i for i in (self._at(side, rank) for rank in reflected) if i // FAMILY != index // FAMILY)

    @cached_property
    def held_out(self) -> int:
        """How many people are not asked about."""
        blocks = range(-(-self.size // (FAMILY * HELD_OUT_OF)))
        first = (FAMILY * (HELD_OUT_OF * block + self._held_out(block)) for block in blocks)
        return sum(min(FAMILY, max(0, self.size - index)) for index in first)

    def _rank(self, index: int) -> int:
        """The person's place among all on the same side."""
        family, place = divmod(index, FAMILY)
        block, at = divmod(family, HELD_OUT_OF)
        held = self._held_out(block)
        family = block if at == held else block * (HELD_OUT_OF - 1) + at - (at > held)
        return family * FAMILY + place

    def _at(self, held_out: bool, rank: int) -> int:
        """Whose rank it is on that side."""
        family, place = divmod(rank, FAMILY)
        block, at = (family, 0) if held_out else divmod(family, HELD_OUT_OF - 1)
        held = self._held_out(block)
        at = held if held_out else at + (at >= held)
        return (block * HELD_OUT_OF + at) * FAMILY + place
