"""The map: cities in countries, rivers, roads with lengths and directions, and the shortest way from one city to another.

Coordinates are true: distances and directions are computed from them, so that whatever is said about the map can be checked. Roads are
straight. Left out: everything between the cities.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from random import Random

from onward.errors import WorldError
from onward.world.entities import City, Company, Road
from onward.world.words import joined, words

SIDE = 300
"""Kilometres that the map is wide and high."""
COUNTRIES = 3
COMPASS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")
YEARS = (1850, 1990)
"""When companies were founded."""


class Map:
    """Cities and the roads between them."""

    def __init__(self, cities: tuple[City, ...]) -> None:
        self.cities = cities

    @cached_property
    def roads(self) -> tuple[Road, ...]:
        """As few and short as connect all cities (Prim), and from each city to its nearest one besides."""
        found, reached = set[tuple[int, int]](), {0}
        pairs = [(distance(a, b), a.index, b.index) for a in self.cities for b in self.cities if a.index != b.index]
        while len(reached) < len(self.cities):
            _, a, b = min(pair for pair in pairs if pair[1] in reached and pair[2] not in reached)
            reached.add(b)
            found.add((min(a, b), max(a, b)))
        for city in self.cities:
            for _, a, b in sorted(pair for pair in pairs if pair[1] == city.index)[:2]:
                found.add((min(a, b), max(a, b)))
        return tuple(Road(a=a, b=b, length=distance(self.cities[a], self.cities[b])) for a, b in sorted(found))

    @cached_property
    def neighbours(self) -> dict[int, dict[int, int]]:
        """For each city the cities that a road leads to, and its length."""
        found: dict[int, dict[int, int]] = {city.index: {} for city in self.cities}
        for road in self.roads:
            found[road.a][road.b] = found[road.b][road.a] = road.length
        return found

    def route(self, a: City, b: City) -> tuple[City, ...]:
        """The shortest way by road (Dijkstra), both ends included; of equal ones that with the smaller indices."""
        heap: list[tuple[int, tuple[int, ...]]] = [(0, (a.index,))]
        done = set[int]()
        while heap:
            length, path = heapq.heappop(heap)
            if path[-1] == b.index:
                return tuple(self.cities[i] for i in path)
            if path[-1] not in done:
                done.add(path[-1])
                for following, further in self.neighbours[path[-1]].items():
                    heapq.heappush(heap, (length + further, (*path, following)))
        raise AssertionError("all cities are connected")

    def length(self, route: Sequence[City]) -> int:
        """Kilometres along a route."""
        return sum(self.neighbours[a.index][b.index] for a, b in pairwise(route))


def distance(a: City, b: City) -> int:
    """Kilometres in a straight line, rounded."""
    return round(math.hypot(a.x - b.x, a.y - b.y))


def direction(a: City, b: City) -> str:
    """Where b lies as seen from a, as one of eight points of the compass."""
    turn = math.atan2(b.x - a.x, b.y - a.y) / (2 * math.pi)  # 0 is north, clockwise
    return COMPASS[round(turn * 8) % 8]


def draw_map(random: Random, cities: int) -> Map:
    """Cities that lie apart, in countries that are strips of the map from west to east, each with one capital.   Raises WorldError."""
    names, most = joined("city"), len(joined("city"))
    if not COUNTRIES <= cities <= most:
        raise WorldError(f"{cities} cities: a world has from {COUNTRIES} to {most}.")
    places = sorted(_places(random, cities))
    countries = random.sample(words("country", "names"), COUNTRIES)
    rivers = random.sample(words("river", "names"), 2 * COUNTRIES)
    named = random.sample(names, cities)
    sizes = random.sample(range(4, 200), cities)  # thousands; all different, so that cities can be compared
    country_of = [i * COUNTRIES // cities for i in range(cities)]
    capitals = {random.choice([i for i in range(cities) if country_of[i] == c]) for c in range(COUNTRIES)}
    return Map(
        tuple(
            City(
                index=i,
                name=named[i],
                country=countries[country_of[i]],
                river=rivers[2 * country_of[i] + i % 2],
                population=1000 * sizes[i],
                capital=i in capitals,
                x=x,
                y=y,
            )
            for i, (x, y) in enumerate(places)
        )
    )


def _places(random: Random, count: int) -> list[tuple[int, int]]:
    """Points at least two thirds as far apart as a square grid of so many would be; a little less for each one that does not fit."""
    found: list[tuple[int, int]] = []
    apart = 2 / 3 * SIDE / math.sqrt(count)
    while len(found) < count:
        place = (random.randrange(SIDE), random.randrange(SIDE))
        if all(math.dist(place, other) >= apart for other in found):
            found.append(place)
        else:
            apart *= 0.999
    return found


def draw_companies(random: Random, count: int, cities: Sequence[City]) -> tuple[Company, ...]:
    """Companies with different names, their cities as evenly spread as can be."""
    trades = words("trade")
    return tuple(
        Company(
            index=i,
            name=name,
            city=cities[i % len(cities)],
            trade=random.choice(trades),
            founded=random.randrange(*YEARS),
        )
        for i, name in enumerate(random.sample(joined("company"), count))
    )
