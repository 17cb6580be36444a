"""What a sentence says, in no language: a verb and its parts. English and Faric are both rendered from it, so that they are translations.

Clauses are written in the data files in a short notation: the verb with its tense and mood after slashes, then its parts, each after its
role: "find/past; subject cat; object 2 red ball; in kitchen". A phrase is a number or none, an adjective or none, a noun, a name or none,
and " of " with an owner: "cat of Ada Ashford"; a plural that nobody counted is written as such: "cherries". What has no entry in the
dictionary is a name. Left out: several clauses in one sentence, and I and you.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from onward.world.faric.lexicon import Kind, lexicon

Tense = Literal["present", "past", "future"]
Role = Literal["subject", "object", "to", "with", "as", "in"]
ROLES: tuple[Role, ...] = ("subject", "object", "to", "with", "as", "in")
"""In the order of Faric."""


@dataclass(frozen=True)
class Phrase:
    """count: how many, or 0 for several that are not counted.   name: of what is called by noun and name, as "the river Arlen" is."""

    head: str
    count: int = 1
    adjective: str = ""
    name: str = ""
    owner: Phrase | None = None

    @property
    def kind(self) -> Kind:
        return lexicon().kinds.get(self.head, "name")

    @property
    def plural(self) -> bool:
        return self.count != 1 or self.head == "they"

    @property
    def asks(self) -> bool:
        return self.kind == "questions" or self.adjective == "which"

    @property
    def living(self) -> bool:
        """As the grammar sees it: people and animals, whoever has a name, she, he, they and who."""
        if self.kind == "noun":
            return lexicon().nouns[self.head].living
        return self.kind == "name" or self.head in ("she", "he", "they", "who")


@dataclass(frozen=True)
class Clause:
    """parts: the subject, and others in the order of ROLES.   asks: whether it is a question; one with a question word asks for that part,
    another for yes or no.   time: "every day" or none.
    """

    verb: str
    parts: tuple[tuple[Role, Phrase], ...]
    tense: Tense = "present"
    negative: bool = False
    asks: bool = False
    time: str = ""

    def __getitem__(self, role: Role) -> Phrase | None:
        return next((phrase for found, phrase in self.parts if found == role), None)

    @property
    def subject(self) -> Phrase:
        return self.parts[0][1]

    @property
    def asked(self) -> Role | None:
        """The part that a question word stands for."""
        return next((role for role, phrase in self.parts if phrase.asks), None)

    def with_part(self, role: Role, phrase: Phrase) -> Clause:
        parts = dict(self.parts) | {role: phrase}
        return replace(self, parts=tuple((r, parts[r]) for r in ROLES if r in parts))

    def as_data(self) -> dict[str, Any]:
        """For the truth of a record; what is as usual is not said."""
        found: dict[str, Any] = {"verb": self.verb} | {role: phrase_data(phrase) for role, phrase in self.parts}
        others = {"tense": self.tense, "negative": self.negative, "asks": self.asks, "time": self.time}
        return found | {name: value for name, value in others.items() if value not in ("present", False, "")}


def phrase_data(phrase: Phrase) -> dict[str, Any]:
    found: dict[str, Any] = {"head": phrase.head}
    others = {"count": phrase.count, "adjective": phrase.adjective, "name": phrase.name}
    found |= {name: value for name, value in others.items() if value not in (1, "")}
    return found | ({"owner": phrase_data(phrase.owner)} if phrase.owner else {})


def clause(notation: str) -> Clause:
    """From the notation."""
    head, *parts = notation.split("; ")
    verb, *marks = head.split("/")
    said = dict(part.split(" ", 1) for part in parts)
    assert verb in lexicon().verbs, notation
    assert set(said) <= {*ROLES, "time"}, notation
    return Clause(
        verb,
        tuple((role, phrase(said[role])) for role in ROLES if role in said),
        tense="past" if "past" in marks else "future" if "future" in marks else "present",
        negative="not" in marks,
        asks="?" in marks,
        time=said.get("time", ""),
    )


def phrase(notation: str) -> Phrase:
    """From the notation."""
    text, _, owner = notation.partition(" of ")
    if owner:
        return replace(phrase(text), owner=phrase(owner))
    words, (first, _, rest) = lexicon(), text.partition(" ")
    if text in words.nouns or not rest:
        return Phrase(words.plurals[text], count=0) if text in words.plurals else Phrase(text)
    if first[0].isdigit():
        return replace(phrase(rest), count=int(first.replace(",", "")))
    if first in words.words["adjectives"]:
        return replace(phrase(rest), adjective=first)
    if first in words.nouns and rest[0].isupper():
        return Phrase(first, name=rest)
    return Phrase(words.plurals[text], count=0) if text in words.plurals else Phrase(text)
