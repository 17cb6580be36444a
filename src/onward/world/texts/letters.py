"""Letters to relatives and friends: about the writer in the first person, the reader in the second, and others in the third.

What nobody would write is left out: letters between husband and wife, who live together, and news of what the reader is himself.
"""

from __future__ import annotations

from collections.abc import Iterator

from onward.world.entities import Person
from onward.world.record import Record
from onward.world.relations import Fact
from onward.world.texts.telling import DAYS, Teller, card_of, fact_card, person_card, told
from onward.world.texts.ties import Tie, ties
from onward.world.words import table
from onward.world.world import World

COPIES = 6
"""Letters that everybody writes."""
HEADED = 0.85
"""Share of letters that say at their beginning who writes; the others say it with the signature only."""


def letters(world: World) -> Iterator[Record]:
    return told(world, "letter", "person", world.people, COPIES, letter)


def letter(teller: Teller, writer: Person) -> Record | None:
    """One, to somebody who is close to the writer; None if the world knows of nobody."""
    random, mine = teller.random, ties(teller.world, writer)
    away = [tie for tie in mine if tie.word not in ("wife", "husband")]
    if not away:
        return None
    tie = random.choice(away)
    theirs = ties(teller.world, tie.person)
    word = next(back.word for back in theirs if back.person.index == writer.index)
    reader = person_card(tie.person).under("reader")
    cards = (person_card(writer), card_of({"reader_word": tie.word, "word": word}), reader)
    parts = [_about_others(teller, mine, theirs, {writer.name, tie.person.name}), _about_you(teller, tie.person)]
    random.shuffle(parts)
    body = [f"{teller.say('opening')} {_about_me(teller, writer, tie.person, theirs)}", *filter(None, parts)]
    body[-1] += " " + teller.say("closing")
    head = teller.say("head", *cards) + "\n\n" if random.random() < HEADED else ""
    teller.note(*tie.facts)
    text = "\n\n".join([head + teller.say("greeting", *cards), *body, teller.say("signature", *cards)])
    return teller.record(text, writer.name)


def _about_me(teller: Teller, writer: Person, reader: Person, theirs: list[Tie]) -> str:
    """Some facts about the writer, but no relatives or friends whom the reader has as well."""
    known = {tie.person.name for tie in theirs} | {reader.name}
    facts = [fact for fact in teller.world.facts(writer) if fact.value not in known]
    return _said(teller, "me", writer, teller.random.sample(facts, min(len(facts), teller.some(4, 6))))


def _about_you(teller: Teller, reader: Person) -> str:
    facts = [fact for fact in teller.world.facts(reader) if fact.relation.name in table("letter")["you"]]
    return _said(teller, "you", reader, teller.random.sample(facts, teller.some(0, 2)))


def _said(teller: Teller, whom: str, person: Person, facts: list[Fact]) -> str:
    card = person_card(person)
    return " ".join(teller.say(f"{whom}.{fact.relation.name}", card, fact_card(fact)) for fact in facts)


def _about_others(teller: Teller, mine: list[Tie], theirs: list[Tie], known: set[str]) -> str:
    """Facts about somebody whom the writer or the reader knows; "our" mother, if she is the mother of both."""
    random = teller.random
    by_name = [{tie.person.name: tie for tie in close} for close in (mine, theirs)]
    names = sorted((by_name[0].keys() | by_name[1].keys()) - known)
    if not names:
        return ""
    name = random.choice(names)
    of_mine, of_theirs = (close.get(name) for close in by_name)
    tie = of_theirs or by_name[0][name]
    both = of_mine is not None and of_mine.word == tie.word
    owner = "my" if of_theirs is None else "our" if both else "your"
    teller.note(*tie.facts, *(of_mine.facts if of_mine and both else ()))
    said = [teller.say("news.of", person_card(tie.person), owner=owner, word=tie.word, day=random.choice(DAYS))]
    facts = [fact for fact in teller.world.facts(tie.person) if fact.value not in known]
    facts = random.sample(facts, min(len(facts), teller.some(2, 4)))
    return " ".join(said + teller.describe(tie.person, facts, "other"))
