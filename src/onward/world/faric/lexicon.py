"""The dictionary of Faric, read from data/faric.toml: nouns, verbs and the small words, each an English lemma with its stem.

Derived words and compounds are made here by rule from the stems that the file names. Left out: endings (grammar.py), English forms
(english.py), and names, which have no entry and stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from onward.world import grammar as english
from onward.world.words import table

Kind = Literal["noun", "name", "pronouns", "questions", "numerals", "adjectives"]
FRONT = "ei"
VOWELS = "aou" + FRONT


@dataclass(frozen=True)
class Noun:
    """group: the table of the file that it stands in.   generic: whether English says "the flute" where it says "a baker"."""

    stem: str
    group: str
    living: bool
    mass: bool
    generic: bool


@dataclass(frozen=True)
class Verb:
    """past: in English.   prepositions: the English ones that differ from the usual, by role.   article: of an object, "a" or "the"."""

    stem: str
    past: str
    prepositions: Mapping[str, str]
    article: str


@dataclass(frozen=True)
class Lexicon:
    """words: the stems of pronouns, questions, numerals, times and adjectives, each under its English lemma.   kinds: of heads."""

    nouns: Mapping[str, Noun]
    verbs: Mapping[str, Verb]
    words: Mapping[str, Mapping[str, str]]
    plurals: Mapping[str, str]
    kinds: Mapping[str, Kind]

    def group(self, *names: str) -> tuple[str, ...]:
        """The nouns of some groups."""
        return tuple(lemma for lemma, noun in self.nouns.items() if noun.group in names)


@cache
def lexicon() -> Lexicon:
    data = table("faric")
    groups: dict[str, list[str]] = data["groups"]
    nouns = {
        lemma: Noun(stem, group, *(group in groups[name] for name in ("living", "mass", "generic")))
        for group, found in data["nouns"].items()
        for lemma, stem in _stems(found).items()
    }
    verbs = {lemma: _verb(lemma, entry) for lemma, entry in data["verbs"].items()}
    small = ("pronouns", "questions", "numerals", "times", "adjectives")
    plurals = {english.plural(lemma): lemma for lemma, noun in nouns.items() if not noun.mass}
    heads: dict[Kind, Iterable[str]] = {"noun": nouns, "numerals": english.NUMBERS}
    heads |= {"pronouns": data["pronouns"], "questions": data["questions"], "adjectives": data["adjectives"]}
    kinds = {lemma: kind for kind, lemmas in heads.items() for lemma in lemmas}
    return Lexicon(nouns, verbs, {name: _stems(data[name]) for name in small}, plurals, kinds)


@cache
def with_ending(stem: str, ending: str) -> str:
    """The ending as it is after this stem: A and U are a and u after a back vowel, e and i after a front one (vowel harmony)."""
    front = next(letter for letter in reversed(stem) if letter in VOWELS) in FRONT
    return ending.replace("A", "e" if front else "a").replace("U", "i" if front else "u")


def _stems(entries: Mapping[str, str]) -> dict[str, str]:
    return {lemma: _stem(entry) for lemma, entry in entries.items()}


def _stem(entry: str) -> str:
    """As it stands, or "X + Y": X with the ending of the derivation Y, or a compound of the two."""
    if " + " not in entry:
        return entry
    first, second = entry.split(" + ")
    stem, endings = _looked_up(first), table("faric")["derivations"]
    return stem + (with_ending(stem, endings[second]) if second in endings else _looked_up(second))


def _looked_up(lemma: str) -> str:
    """The stem of another lemma: a verb, or else an adjective, or else a noun; "to cook" comes before "a cook"."""
    data = table("faric")
    if lemma in data["verbs"]:
        return str(data["verbs"][lemma]["stem"])
    return _stem(next(found[lemma] for found in (data["adjectives"], *data["nouns"].values()) if lemma in found))


def _verb(lemma: str, entry: Mapping[str, Any]) -> Verb:
    head = lemma.partition(" ")[0]
    regular = f"{head}d" if head.endswith("e") else f"{head[:-1]}ied" if head.endswith("ry") else f"{head}ed"
    past = entry.get("past", regular)
    prepositions = {role: value for role, value in entry.items() if role not in ("stem", "past", "article")}
    return Verb(str(entry["stem"]), past, prepositions, entry.get("article", "a"))
