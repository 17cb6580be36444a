"""News: short items with a headline, on people, couples, companies, cities and roads.

What happened is invented, and noted in the truth under "events"; it contradicts no fact, and all that is said besides is true. Left out:
dates and numbers that would have to agree between items, such as for how many years a couple has been married.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from onward.world.entities import City, Company, Person, Road
from onward.world.record import Record
from onward.world.texts.telling import DAYS, Card, Teller, card_of, city_card, company_card, data, person_card, told
from onward.world.texts.ties import Tie, ties
from onward.world.texts.ways import direction_fact, road_fact
from onward.world.world import World

COPIES = 6
"""Items on everybody."""
ROUNDS = 20
"""Items on every company, city and road."""
ABOUT_PEOPLE = ("birthday", "lost", "prize", "staff", "club", "visit", "couple")
ABOUT_COMPANIES = ("jubilee", "opening")
ABOUT_CITIES = ("bridge", "market", "government")


def news(world: World) -> Iterator[Record]:
    yield from told(world, "news", "person", world.people, COPIES, on_person)
    yield from told(world, "news", "company", world.companies, ROUNDS, on_company)
    yield from told(world, "news", "city", world.cities, ROUNDS, on_city)
    yield from told(world, "news", "road", world.map.roads, ROUNDS, on_road)


def on_person(teller: Teller, person: Person) -> Record:
    """A birthday, a prize and the like; a visit, if there is somebody in another city; an anniversary, if there is a marriage."""
    close = ties(teller.world, person)
    couple = [tie for tie in close if tie.word in ("wife", "husband")]
    hosts = [tie for tie in close if tie.person.city != person.city]
    known = {"couple": bool(couple), "visit": bool(hosts)}
    event = teller.random.choice([name for name in ABOUT_PEOPLE if known.get(name, True)])
    if event == "visit":
        return _visit(teller, person, teller.random.choice(hosts))
    if event == "couple":
        return _couple(teller, person, couple[0])
    return _item(teller, event, person.name, [person_card(person)], more=_facts(teller, person))


def _visit(teller: Teller, person: Person, host: Tie) -> Record:
    there = host.person.city
    teller.note(*host.facts)
    way = road_fact(teller.world.map, person.city, there)
    cards = [person_card(person), card_of({"there": there.name, "word": host.word}, {"length": way})]
    cards.append(person_card(host.person).under("host"))
    more = [teller.say("visit.host", *cards), *([teller.say("visit.way", *cards)] if teller.some(0, 1) else [])]
    return _item(
        teller, "visit", person.name, cards, more=[*more, *_facts(teller, person, host.person)], city=there.name
    )


def _couple(teller: Teller, person: Person, spouse: Tie) -> Record:
    """With first names only after the beginning: "she" might be either of two, "they" is both."""
    teller.note(*spouse.facts)
    found = _item(teller, "couple", person.name, [person_card(person), person_card(spouse.person).under("spouse")])
    if person.city.name in (found.text or ""):
        teller.note(data(spouse.person.name, "city", person.city.name))
    return found


def _facts(teller: Teller, person: Person, after: Person | None = None) -> list[str]:
    facts = teller.world.facts(person)
    return teller.describe(person, teller.random.sample(facts, teller.some(0, 2)), after=after)


def on_company(teller: Teller, company: Company) -> Record:
    event = teller.random.choice(ABOUT_COMPANIES)
    return _item(teller, event, company.name, [company_card(company)], city=company.city.name)


def on_city(teller: Teller, city: City) -> Record:
    event = teller.random.choice([event for event in ABOUT_CITIES if event != "government" or city.capital])
    if event == "government":
        teller.note(data(city.country, "capital", city.name))
    return _item(teller, event, city.name, [city_card(city)])


def on_road(teller: Teller, road: Road) -> Record:
    """Seen from either end."""
    a, b = teller.random.sample([teller.world.cities[road.a], teller.world.cities[road.b]], 2)
    way = card_of({}, {"length": road_fact(teller.world.map, a, b), "direction": direction_fact(a, b)})
    return _item(teller, "road", a.name, [city_card(a), city_card(b).under("to"), way], to=b.name)


def _item(
    teller: Teller, event: str, about: str, cards: Sequence[Card], more: Sequence[str] = (), **what: str
) -> Record:
    """Headline, what happened, then `more` and what can be said of the event besides."""
    day = teller.random.choice(DAYS)
    cards = [*cards, card_of({"day": day})]
    headline, said = teller.say(f"{event}.headline", *cards), [teller.say(f"{event}.lead", *cards), *more]
    said[1:1] = teller.several(f"{event}.more", teller.some(1, 3), *cards)
    teller.happens(event, of=about, **what)
    return teller.record(f"{headline}\n\n{' '.join(said)}", about)
