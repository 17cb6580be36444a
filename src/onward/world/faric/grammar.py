"""The grammar of Faric: a clause as words, each word as its morphemes.

Order: the verb first, then the time, the subject, the object, and what is said with to, with, as and in. Whatever describes a noun comes
after it: adjective, name, number, owner. There are no articles; each part bears its case, the subject alone none. Nouns have two genders,
living and lifeless: an adjective of a living thing says so. Plural is said of noun, adjective and verb. A name is never changed: the name
word, ha, comes before it and bears its case. A particle at the beginning makes a question of yes or no; another before the verb denies.
Numbers under a hundred are words (25 is two ten five), others digits; one that stands alone bears its case on each word. Endings
follow the last vowel of the stem (vowel harmony).
Left out: reading Faric; its words can be taken apart in one way only, which the tests show with a parser.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from onward.world import grammar as english
from onward.world.faric.clause import Clause, Phrase
from onward.world.faric.lexicon import lexicon, with_ending
from onward.world.words import table

LABELS = {
    "plural": "PL",
    "living": "LIV",
    "past": "PST",
    "future": "FUT",
    "object": "ACC",
    "of": "GEN",
    "to": "DAT",
    "with": "COM",
    "as": "ESS",
    "in": "LOC",
    "name": "NAME",
    "question": "Q",
    "not": "NEG",
}
"""What endings and particles are called in a gloss, as in the Leipzig glossing rules."""
LARGEST = 100
"""Numbers from here on are written in digits."""


class Word(NamedTuple):
    """morphs: its parts.   labels: what each part means."""

    morphs: tuple[str, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Sentence:
    """text: as it is written.   morphemes, gloss: the same word by word, with hyphens between the parts of a word."""

    text: str
    morphemes: str
    gloss: str


def render(clause: Clause) -> Sentence:
    """A clause in Faric, its first letter a capital."""
    words = list(_clause(clause))
    text = " ".join("".join(word.morphs) for word in words)
    return Sentence(
        english.capital(text) + ("?" if clause.asks else "."),
        " ".join("-".join(word.morphs) for word in words),
        " ".join("-".join(word.labels) for word in words),
    )


def inflected(phrase: Phrase, case: str) -> str:
    """A phrase by itself, as it stands in a sentence."""
    return " ".join("".join(word.morphs) for word in _phrase(phrase, (case,), phrase))


def _clause(clause: Clause) -> Iterator[Word]:
    words = lexicon()
    if clause.asks and clause.asked is None:
        yield _particle("question")
    if clause.negative:
        yield _particle("not")
    tense = () if clause.tense == "present" else (clause.tense,)
    yield _word(words.verbs[clause.verb].stem, clause.verb, *tense, *_plural(clause.subject))
    if clause.time:
        yield _word(words.words["times"][clause.time], clause.time)
    for role, phrase in clause.parts:
        yield from _phrase(phrase, () if role == "subject" else (role,), clause.subject)


def _phrase(phrase: Phrase, case: tuple[str, ...], described: Phrase) -> Iterator[Word]:
    """described: what an adjective that stands alone agrees with."""
    words, kind = lexicon(), phrase.kind
    if kind == "noun":
        yield from _noun(phrase, case)
    elif kind == "name":
        yield _particle("name", *case)
        yield _unchanged(phrase.head)
    elif kind == "numerals":
        for lemma in _number(english.NUMBERS.index(phrase.head)):
            yield _word(words.words[kind][lemma], lemma, *case)
    elif kind == "adjectives":
        yield _word(words.words[kind][phrase.head], phrase.head, *_agreement(described), *case)
    else:  # "where" and "when" have their place in them
        case = () if phrase.head in ("where", "when") else case
        yield _word(words.words[kind][phrase.head], phrase.head, *case)


def _noun(phrase: Phrase, case: tuple[str, ...]) -> Iterator[Word]:
    words = lexicon()
    yield _word(words.nouns[phrase.head].stem, phrase.head, *_plural(phrase), *case)
    if phrase.adjective:
        yield _word(words.words["adjectives"][phrase.adjective], phrase.adjective, *_agreement(phrase))
    if phrase.name:
        yield _unchanged(phrase.name)
    if phrase.count >= LARGEST:
        yield _unchanged(f"{phrase.count:,}")
    elif phrase.count > 1:
        yield from (_word(words.words["numerals"][lemma], lemma) for lemma in _number(phrase.count))
    if phrase.owner:
        yield from _phrase(phrase.owner, ("of",), phrase.owner)


def _number(value: int) -> list[str]:
    """The numerals of a number from 1 to 99: two ten five."""
    tens, ones = divmod(value, 10)
    found = [] if not tens else ["ten"] if tens == 1 else [english.NUMBERS[tens], "ten"]
    return found + ([english.NUMBERS[ones]] if ones else [])


def _plural(phrase: Phrase) -> tuple[str, ...]:
    return ("plural",) if phrase.plural else ()


def _agreement(noun: Phrase) -> tuple[str, ...]:
    return (("living",) if noun.living else ()) + _plural(noun)


@cache
def _word(stem: str, lemma: str, *endings: str) -> Word:
    rules = table("faric")["endings"]
    return Word(
        (stem, *(with_ending(stem, rules[ending]) for ending in endings)),
        (lemma.replace(" ", "."), *(LABELS[ending] for ending in endings)),
    )


def _particle(which: str, *case: str) -> Word:
    stem = table("faric")["particles"][which]
    found = _word(stem, which, *case)
    return Word(found.morphs, (LABELS[which], *found.labels[1:]))


def _unchanged(text: str) -> Word:
    """A name or digits: the same in any case, and in the gloss."""
    return Word((text,), (text,))
