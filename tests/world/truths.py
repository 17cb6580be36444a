"""All that is true of a small world, computed apart from what renders it: the map's ways by Floyd and Warshall, directions by sectors."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

from onward.world import grammar
from onward.world.population import NOW
from onward.world.record import Record
from onward.world.relations import name_of
from onward.world.words import table, words
from onward.world.world import World

Truth = tuple[str, str, str, str | None]
"""Subject, relation, value; and where a way leads to."""


def of_record(record: Record) -> list[Truth]:
    return [(f["subject"], f["relation"], f["value"], f.get("to")) for f in record.truth["facts"]]


def all_truths(world: World) -> set[Truth]:
    return {*_of_subjects(world), *_of_map(world), *_of_animals(), *_of_countries(world)}


def _of_subjects(world: World) -> set[Truth]:
    subjects = list(world.subjects())
    found = {(name_of(s), fact.relation.name, fact.value, None) for s in subjects for fact in world.facts(s)}
    for a, b in product(world.people, world.people):
        mother = world.mother(a)
        if mother is not None and mother == world.mother(b) and a != b:
            found.add((a.name, "sister" if b.gender == "female" else "brother", b.name, None))
    return found


def _of_map(world: World) -> set[Truth]:
    cities, found = world.cities, set[Truth]()
    length = {(a.index, b.index): 0 if a == b else 10**9 for a, b in product(cities, cities)}
    for road in world.map.roads:
        length[road.a, road.b] = length[road.b, road.a] = road.length
    for k, i, j in product(range(len(cities)), repeat=3):
        length[i, j] = min(length[i, j], length[i, k] + length[k, j])
    for a, b in product(cities, cities):
        if a != b:
            found.add((a.name, "road length", str(length[a.index, b.index]), b.name))
            found.add((a.name, "distance", str(round(math.dist((a.x, a.y), (b.x, b.y)))), b.name))
            found.add((a.name, "direction", _sector(b.x - a.x, b.y - a.y), b.name))
            if a.population > b.population:
                found.add((a.name, "larger than", b.name, None))
    return found


def _sector(east: int, north: int) -> str:
    """By slopes: within 22.5 degrees of an axis it is the axis, otherwise what lies between two."""
    steep = math.tan(math.pi / 8)
    words = ["north" if north > 0 else "south"] * (abs(north) > steep * abs(east))
    words += ["east" if east > 0 else "west"] * (abs(east) > steep * abs(north))
    return "-".join(words)


def _of_animals() -> set[Truth]:
    found: dict[str, dict[str, Any]] = table("words")["animals"]
    legs = {2: "two", 4: "four"}
    return {
        (animal, name, legs[value] if name == "legs" else value, None)
        for animal, true in found.items()
        for name, value in true.items()
    }


def _of_countries(world: World) -> set[Truth]:
    found = set[Truth]()
    for i, country in enumerate(world.countries):
        largest = max((city for city in world.cities if city.country == country), key=lambda city: city.population)
        found.add((country, "largest city", largest.name, None))
        rivers = {city.river for city in world.cities if city.country == country}
        found |= {(country, "river", river, None) for river in rivers}
        found |= {(river, "country", country, None) for river in rivers}
        if i:
            found.add((country, "direction", "west", world.countries[i - 1]))
            found.add((world.countries[i - 1], "direction", "east", country))
    return found


def unsaid(record: Record) -> list[Truth]:
    """Facts of the truth that the text does not state: their value does not stand in it, nor an age that says it."""
    text = (record.text or "").lower()
    return [fact for fact in of_record(record) if not any(form.lower() in text for form in _forms(fact))]


def _forms(fact: Truth) -> list[str]:
    subject, relation, value, _ = fact
    if relation in ("born", "founded"):
        age = NOW - int(value)
        return [value, str(age), grammar.number(age)]
    if relation in ("mother", "father", "spouse", "friend", "sister", "brother", "larger than"):
        return [value, value.split()[0], subject]  # first names do, and in letters "I" is one of the two
    if (relation, value) in (("direction", "east"), ("direction", "west")):
        return ["east", "west"]  # whoever lies east of somebody has them in the west
    return [value]


def untold(world: World, record: Record) -> list[str]:
    """Names of people, places and companies, jobs and drinks that stand in the text, but not in the truth."""
    text, truth = record.text or "", record.truth
    named = {part for fact in (*truth["facts"], *truth.get("events", [])) for part in fact.values()} | {truth["about"]}
    names = [person.name for person in world.people] + [name_of(s) for s in (*world.cities, *world.companies)]
    names += [
        *world.countries,
        *world.rivers,
        *map(grammar.a, words("job")),
        "apple juice",
        "buttermilk",
        "lemonade",
        "ginger beer",
    ]
    return [
        name
        for name in names
        if name in text and not any(name.removeprefix("an ").removeprefix("a ") in part for part in named)
    ]
