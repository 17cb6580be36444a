"""Descriptions of cities, countries, companies, rivers and animals: what is true of each, in any order.

"It" stands only where nothing else has been spoken of in between. Left out: people, who have biographies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from onward.world import grammar
from onward.world.entities import City, Company
from onward.world.grammar import Called
from onward.world.record import Record
from onward.world.relations import slots
from onward.world.texts.telling import Card, Teller, card_of, city_card, company_card, data, person_card, told
from onward.world.texts.ways import direction_fact, road_fact
from onward.world.words import table, words
from onward.world.world import World

ROUNDS = 20
"""Descriptions of each."""
TITLED = 0.6
"""Share that has a title."""
DRAWN = 40
"""So many people are looked at, to find one who owns an animal of a kind."""


def descriptions(world: World) -> Iterator[Record]:
    yield from told(world, "description", "city", world.cities, ROUNDS, _city)
    yield from told(world, "description", "country", world.countries, ROUNDS, _country)
    yield from told(world, "description", "company", world.companies, ROUNDS, _company)
    yield from told(world, "description", "river", world.rivers, ROUNDS, _river)
    yield from told(world, "description", "animal", words("animal"), ROUNDS, _animal)


# --- cities -------------------------------------------------------------------------------------------------------------


def _city(teller: Teller, city: City) -> Record:
    world, card, capital = teller.world, city_card(city), teller.world.capital(city.country)
    cards: dict[Called, Card] = {"full": card, "pronoun": city_card(city, "pronoun")}
    said = _own(teller, city, cards, "city", ("country", "river", "population"))
    rest = [_road(teller, city, world.cities[to]) for to in world.map.neighbours[city.index]]
    rest += [_seat(teller, company, card) for company in world.companies if company.city == city][:2]
    rest += [_compared(teller, city)]
    ruled = card_of({"capital": capital.name})
    rest += [teller.say("city.capital" if city == capital else "city.not_capital", card, ruled)]
    teller.note(data(city.country, "capital", capital.name))
    return _finished(teller, city.name, said, rest)


def _road(teller: Teller, city: City, to: City) -> str:
    facts = {"length": road_fact(teller.world.map, city, to), "direction": direction_fact(city, to)}
    return teller.say("city.road", city_card(city), card_of({"to": to.name}, facts))


def _compared(teller: Teller, city: City) -> str:
    than = teller.random.choice([other for other in teller.world.cities if other.index != city.index])
    more, less = (city, than) if city.population > than.population else (than, city)
    teller.note(data(more.name, "larger than", less.name))
    other = card_of({"than": than.name}, {"than_population": data(than.name, "population", f"{than.population:,}")})
    return teller.say("city.larger" if city == more else "city.smaller", city_card(city), other)


def _seat(teller: Teller, company: Company, card: Card) -> str:
    facts = company_card(company).facts
    teller.note(facts["seat"])
    named = card_of({"company": company.name}, {name: facts[name] for name in ("trade", "founded")})
    return teller.say("city.company", card, named)


# --- countries and rivers -----------------------------------------------------------------------------------------------


def _country(teller: Teller, country: str) -> Record:
    world, random = teller.world, teller.random
    cities = [city for city in world.cities if city.country == country]
    rivers = list(dict.fromkeys(f"the {city.river}" for city in cities))
    largest = max(cities, key=lambda city: city.population)
    names = {
        "number": f"{grammar.number(len(cities))} {grammar.plural('city', len(cities))}",
        "cities": grammar.listed(random.sample([city.name for city in cities], len(cities))),
        "rivers": grammar.listed(random.sample(rivers, len(rivers))),
    }
    facts = {
        "capital": data(country, "capital", world.capital(country).name),
        "largest": data(country, "largest city", largest.name),
        "largest_population": data(largest.name, "population", f"{largest.population:,}"),
    }
    cards = (Card(slots(country, "full"), {}), card_of(names, facts))
    parts = ["capital", "largest", "rivers" if len(rivers) > 1 else "river", *(["cities"] if len(cities) > 1 else [])]
    if len(cities) > 1:
        teller.note(*(data(city.name, "country", country) for city in cities))
    teller.note(*(data(country, "river", river.removeprefix("the ")) for river in rivers))
    said = [teller.say("country.kind", *cards)]
    rest = [teller.say(f"country.{part}", *cards) for part in parts]
    return _finished(teller, country, said, rest + _neighbours(teller, country, cards[0]))


def _neighbours(teller: Teller, country: str, card: Card) -> list[str]:
    """Countries are strips of the map, from west to east."""
    said, countries = list[str](), teller.world.countries
    at = countries.index(country)
    for other, side, other_side in ((at - 1, "east", "west"), (at + 1, "west", "east")):
        if 0 <= other < len(countries):
            teller.note(data(country, "direction", other_side, countries[other]))
            names = {"neighbour": countries[other], "side": side, "other_side": other_side}
            said.append(teller.say("country.neighbour", card, card_of(names)))
    return said


def _river(teller: Teller, river: str) -> Record:
    cities = [city for city in teller.world.cities if city.river == river]
    listed = grammar.listed(teller.random.sample([city.name for city in cities], len(cities)))
    card = card_of({"river": river, "cities": listed}, {"country": data(river, "country", cities[0].country)})
    rest = [teller.say("river.cities", card)] if len(cities) > 1 else []
    for city in cities:
        facts = {"city": data(city.name, "river", river), "population": city_card(city).facts["population"]}
        teller.note(facts["city"])
        named = card_of({"city": city.name}, {"population": facts["population"]})
        rest.append(teller.say("river.every", card, named))
    return _finished(teller, f"the {river}", [teller.say("river.kind", card)], rest)


# --- companies and animals ----------------------------------------------------------------------------------------------


def _company(teller: Teller, company: Company) -> Record:
    cards: dict[Called, Card] = {"full": company_card(company), "pronoun": company_card(company, "pronoun")}
    said = _own(teller, company, cards, "company", ("seat", "trade", "founded"))
    return _finished(teller, company.name, said, [])


def _animal(teller: Teller, animal: str) -> Record:
    true = table("words")["animals"][animal]
    facts = {name: data(animal, name, str(value)) for name, value in true.items()}
    facts["legs"] = data(animal, "legs", grammar.number(true["legs"]))
    card = card_of({"animal": animal}, facts)
    rest = [teller.say(f"animal.{name}", card) for name in true]
    people = teller.world.people
    for index in teller.random.sample(range(len(people)), min(DRAWN, len(people))):
        if people[index].pet == animal:
            rest.append(teller.say("animal.owner", person_card(people[index])))
            break
    return _finished(teller, animal, [teller.say("animal.kind", card)], rest)


# --- all ----------------------------------------------------------------------------------------------------------------


def _own(
    teller: Teller, subject: City | Company, cards: dict[Called, Card], kind: str, parts: Sequence[str]
) -> list[str]:
    """What it is, and all its own facts: nothing else is spoken of, so that it may be called "it"."""
    said = [teller.say(f"{kind}.kind", cards["full"])]
    facts = {fact.relation.name: fact for fact in teller.world.facts(subject)}
    for part in teller.random.sample(parts, len(parts)):
        called = teller.random.choice(list(cards))
        own = teller.random.random() < 0.5
        said.append(teller.say(f"{kind}.{part}", cards[called]) if own else teller.state(facts[part], called))
    return said


def _finished(teller: Teller, about: str, first: list[str], rest: list[str]) -> Record:
    """The rest in any order, and perhaps a title before it all."""
    teller.random.shuffle(rest)
    titled = teller.random.random() < TITLED
    name = grammar.a(about) if about in words("animal") else about
    head = teller.say("title", card_of({"name": name})) + "\n\n" if titled else ""
    return teller.record(head + " ".join(first + rest), about)
