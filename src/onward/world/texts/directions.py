"""Directions: the shortest way by road from one city to another, leg by leg, with true lengths and points of the compass.

Some are for somebody who wants to visit a friend or a relative, and so repeat who lives where. Left out: ways that are not the shortest.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from onward.world import grammar
from onward.world.entities import City, Person
from onward.world.record import Record
from onward.world.texts.telling import Card, Teller, card_of, person_card, told
from onward.world.texts.ties import ties
from onward.world.texts.ways import direction_fact, distance_fact, road_fact
from onward.world.world import World

ROUNDS = 40
"""Ways that begin in each city, to cities that are drawn."""
COPIES = 1
"""Ways that everybody asks for who has somebody in another city."""
SEEN, BACK, TITLED = 0.5, 0.3, 0.7
"""Shares that tell the straight line and the way back, and that have a title."""


def directions(world: World) -> Iterator[Record]:
    yield from told(world, "direction", "city", world.cities, ROUNDS, _from_city)
    yield from told(world, "direction", "person", world.people, COPIES, _for_person)


def _from_city(teller: Teller, start: City) -> Record:
    end = teller.random.choice([city for city in teller.world.cities if city.index != start.index])
    card = _card(teller.world, start, end)
    titled = teller.random.random() < TITLED
    return way(teller, start, end, f"{teller.say('title', card)}\n\n" if titled else "")


def _for_person(teller: Teller, person: Person) -> Record | None:
    hosts = [tie for tie in ties(teller.world, person) if tie.person.city != person.city]
    if not hosts:
        return None
    host = teller.random.choice(hosts)
    teller.note(*host.facts)
    teller.happens("visit", guest=person.name, host=host.person.name, city=host.person.city.name)
    cards = (person_card(person), card_of({"word": host.word}), person_card(host.person).under("host"))
    return way(teller, person.city, host.person.city, f"{teller.say('reason', *cards)} ")


def way(teller: Teller, start: City, end: City, before: str) -> Record:
    """All legs, and what can be said of the whole way, after the text that stands before."""
    world, card = teller.world, _card(teller.world, start, end)
    route = world.map.route(start, end)
    legs = [_leg(world, a, b) for a, b in pairwise(route)]
    if len(legs) == 1:
        said = [teller.say("direct", card), teller.say("only", *legs)]
    else:
        steps = ["first", *["middle"] * (len(legs) - 2), "last"]
        said = [teller.say(step, leg) for step, leg in zip(steps, legs, strict=True)]
        stations = card_of({"stations": grammar.listed([city.name for city in route[1:-1]])})
        said.insert(
            teller.random.choice((0, len(said))) if before else len(said), teller.say("through", card, stations)
        )
        said.append(teller.say("total", card))
    if len(legs) > 1 and teller.random.random() < SEEN:
        said.append(teller.say("seen", card))
    if teller.random.random() < BACK:
        said.append(teller.say("back", card))
    return teller.record(before + " ".join(said), f"{start.name} to {end.name}")


def _card(world: World, start: City, end: City) -> Card:
    """Of the whole way."""
    return card_of(
        {"start": start.name, "end": end.name},
        {
            "total": road_fact(world.map, start, end),
            "direction": direction_fact(start, end),
            "distance": distance_fact(start, end),
        },
    )


def _leg(world: World, a: City, b: City) -> Card:
    return card_of(
        {"here": a.name, "next": b.name},
        {"length": road_fact(world.map, a, b), "towards": direction_fact(a, b)},
    )
