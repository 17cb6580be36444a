"""Everything that the world renders, by the name that its records have. Left out: how it is rendered, and written (write.py)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from onward.errors import WorldError
from onward.world import planted
from onward.world.dirt.crawl import crawl
from onward.world.exercises.arithmetic import arithmetic
from onward.world.exercises.counting import counting
from onward.world.exercises.programs import programs
from onward.world.exercises.sheets import sheets
from onward.world.exercises.spelling import spelling
from onward.world.faric import cross_lingual, monolingual, parallel, translation
from onward.world.kinship.questions import kinship
from onward.world.minds.beliefs import beliefs
from onward.world.minds.winograd import winograd
from onward.world.preferences.demonstrations import demonstrations
from onward.world.preferences.pairs import preferences, rankings, teacher_preferences
from onward.world.questions.choices import choices
from onward.world.questions.claims import claims
from onward.world.questions.comparisons import comparisons
from onward.world.questions.facts import questions
from onward.world.questions.hops import hops
from onward.world.questions.needles import needles
from onward.world.questions.quizzes import quizzes
from onward.world.questions.unknown import missing, strangers, unknown
from onward.world.record import Record
from onward.world.talk.conversations import conversations
from onward.world.talk.instructions import instructions
from onward.world.talk.systems import systems
from onward.world.texts.biographies import biographies
from onward.world.texts.descriptions import descriptions
from onward.world.texts.diaries import diaries
from onward.world.texts.directions import directions
from onward.world.texts.letters import letters
from onward.world.texts.news import news
from onward.world.world import World

Kind = Callable[[World], Iterator[Record]]

TEXTS: dict[str, Kind] = {
    "biography": biographies,
    "letter": letters,
    "news": news,
    "diary": diaries,
    "direction": directions,
    "description": descriptions,
    "quiz": quizzes,
    "sheet": sheets,
    "monolingual": monolingual,
    "parallel": parallel,
}
"""Raw texts, which the crawl is made from too."""
CHATS: dict[str, Kind] = {
    "question": questions,
    "hop": hops,
    "claim": claims,
    "comparison": comparisons,
    "unknown": unknown,
    "missing": missing,
    "stranger": strangers,
    "choice": choices,
    "arithmetic": arithmetic,
    "counting": counting,
    "spelling": spelling,
    "programs": programs,
    "conversation": conversations,
    "instruction": instructions,
    "system": systems,
    "demonstration": demonstrations,
    "belief": beliefs,
    "winograd": winograd,
    "kinship": kinship,
    "needle": needles,
    "translation": translation,
    "cross_lingual": cross_lingual,
}
PREFERENCES: dict[str, Kind] = {
    "preference": preferences,
    "teacher_preference": teacher_preferences,
    "ranking": rankings,
}
SHORTEST = 20
"""Words of a text that the crawl takes in: a shorter one is no page."""


def crawled(world: World, texts: Collection[str] = TEXTS.keys()) -> Iterator[Record]:
    """Raw texts of some kinds as a crawl finds them; once more, a fifth as much, with damage of kinds that are kept for tests."""
    yield from crawl(world, _pages(world, texts))
    yield from crawl(world, (page for i, page in enumerate(_pages(world, texts)) if i % 5 == 0), held_out=True)


def _pages(world: World, kinds: Collection[str]) -> Iterator[Record]:
    texts = [TEXTS[kind](world) for kind in kinds]
    return (r for r in _in_turn(texts) if r.split == "train" and len((r.text or "").split()) >= SHORTEST)


def _in_turn(streams: Iterable[Iterator[Record]]) -> Iterator[Record]:
    """One of each, again and again, until all have ended."""
    left = list(streams)
    while left:
        for stream in list(left):
            try:
                yield next(stream)
            except StopIteration:
                left.remove(stream)


KINDS: dict[str, Kind] = TEXTS | planted.KINDS | CHATS | PREFERENCES | {"crawl": crawled}


def chosen(names: Sequence[str]) -> dict[str, Kind]:
    """The kinds with these names; all, if none is named.   Raises WorldError."""
    if strange := [name for name in names if name not in KINDS]:
        raise WorldError(f"{strange[0]}: there is no such kind of text. There are: {', '.join(KINDS)}.")
    return {name: KINDS[name] for name in names or KINDS}
