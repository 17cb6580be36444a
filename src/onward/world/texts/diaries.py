"""Diaries: what a person did on a few days, in the first person and the past tense.

The days are invented; what is said in passing is true: whom somebody is married to is told by sitting with {wife}, whom the evening
belongs to. Left out: dates, since the days did not happen in any year.
"""

from __future__ import annotations

from collections.abc import Iterator

from onward.world.entities import Person
from onward.world.record import Record
from onward.world.relations import Fact
from onward.world.texts.telling import DAYS, Teller, card_of, fact_card, person_card, told
from onward.world.texts.ties import ties
from onward.world.words import table
from onward.world.world import World

COPIES = 6
"""Diaries that everybody writes."""
WEEKEND = DAYS[5:]
PARTS = ("morning", "work", "noon", "evening")
"""Of a day, in their order; at weekends there is no work, but there may be a visit."""


ABSENT = ("mother", "father", "friend")
"""Relations with those from whom letters and calls come."""
TOLD, ENDED = 0.9, 0.4
"""Shares of the parts of a day that something is told of, and of the days that an end is told of."""


def diaries(world: World) -> Iterator[Record]:
    return told(world, "diary", "person", world.people, COPIES, diary)


def diary(teller: Teller, writer: Person) -> Record:
    """One of two or three days that follow each other. Each fact is told once."""
    first, count = teller.random.randrange(len(DAYS)), teller.some(2, 3)
    decks = {part: _deck(teller, writer, part) for part in PARTS}
    days = [DAYS[(first + i) % len(DAYS)] for i in range(count)]
    parts = [teller.say("title", person_card(writer)), *(_day(teller, writer, day, decks) for day in days)]
    return teller.record("\n\n".join(parts), writer.name)


def _deck(teller: Teller, writer: Person, part: str) -> list[Fact]:
    facts = [fact for fact in teller.world.facts(writer) if fact.relation.name in table("diary")[part]]
    teller.random.shuffle(facts)
    return facts


def _day(teller: Teller, writer: Person, day: str, decks: dict[str, list[Fact]]) -> str:
    """No letter comes from a friend on a day of visits: the friend might be the one who is visited."""
    card, weekend = person_card(writer), day in WEEKEND
    fodder = card_of({"fodder": table("words")["animals"][writer.pet]["eats"]})
    said = [teller.say("start", card_of({"day": day}))]
    for part in PARTS:
        deck = [fact for fact in decks[part] if not (weekend and fact.relation.name in ABSENT)]
        if part == "work" and weekend:
            said += _visit(teller, writer)
        elif deck and teller.random.random() < TOLD:
            decks[part].remove(deck[0])
            said.append(teller.say(f"{part}.{deck[0].relation.name}", card, fodder, fact_card(deck[0])))
    if teller.random.random() < ENDED:
        said.append(teller.say("end"))
    return " ".join(said)


def _visit(teller: Teller, writer: Person) -> list[str]:
    """To or from somebody who is close, but does not live under the same roof; with some facts about them."""
    close = [tie for tie in ties(teller.world, writer) if tie.word not in ("wife", "husband")]
    if not close:
        return []
    tie = teller.random.choice(close)
    other, host = tie.person, person_card(tie.person).under("other")
    where = "here" if other.city == writer.city else "there"
    teller.note(*tie.facts)
    teller.happens("visit", guest=writer.name, host=other.name, city=other.city.name)
    said = [teller.say(f"visit.{where}", card_of({"word": tie.word}), host), teller.say("visit.told", host)]
    facts = [fact for fact in teller.world.facts(other) if fact.relation.name in table("diary")["about"]]
    return said + teller.describe(other, teller.random.sample(facts, teller.some(1, 3)), "about")
