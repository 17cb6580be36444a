"""What there is in the world: people, cities, roads, companies. Values only; how they are drawn is in population.py and geography.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Gender = Literal["female", "male"]


@dataclass(frozen=True, kw_only=True)
class City:
    """x, y: kilometres east and north of the map's south-west corner.   population: inhabitants."""

    index: int
    name: str
    country: str
    river: str
    population: int
    capital: bool
    x: int
    y: int


@dataclass(frozen=True, kw_only=True)
class Road:
    """Between two cities, by their indices; length in kilometres, rounded. Can be gone both ways."""

    a: int
    b: int
    length: int


@dataclass(frozen=True, kw_only=True)
class Company:
    """Makes `trade`, which is a plural or a mass noun: "boats", "bread"."""

    index: int
    name: str
    city: City
    trade: str
    founded: int


@dataclass(frozen=True, kw_only=True)
class Person:
    """Relatives and friends are asked for from the world, which knows them by index."""

    index: int
    first: str
    last: str
    gender: Gender
    born: int
    city: City
    job: str
    employer: Company
    pet: str
    pet_name: str
    drink: str
    food: str
    hobby: str

    @property
    def name(self) -> str:
        return f"{self.first} {self.last}"
