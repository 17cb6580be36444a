"""A parser of Faric, by recursive descent, written apart from the renderer: it shares nothing with it but the dictionary."""

from __future__ import annotations

import re
from functools import cache

from onward.world.faric.clause import ROLES, Clause, Phrase
from onward.world.faric.lexicon import lexicon
from onward.world.grammar import NUMBERS
from onward.world.words import table

FARIC = table("faric")
CASES = {ending: name for name, ending in FARIC["endings"].items() if name in (*ROLES, "of")}


@cache
def stems() -> dict[str, tuple[str, str]]:
    """What each stem is, and its lemma."""
    words = lexicon()
    found = {stem: (kind, lemma) for kind, entries in words.words.items() for lemma, stem in entries.items()}
    found |= {noun.stem: ("noun", lemma) for lemma, noun in words.nouns.items()}
    return found | {verb.stem: ("verb", lemma) for lemma, verb in words.verbs.items()}


class Unreadable(Exception):
    """Not a sentence of Faric."""


class Reader:
    """Of one sentence. Raises Unreadable for what is not Faric, and for any ending that does not agree."""

    def __init__(self, text: str) -> None:
        self.question = text.endswith("?")
        self.tokens = (text[0].lower() + text[1:-1]).split()
        self.stems = stems()
        self.names = {FARIC["particles"]["name"]} | {FARIC["particles"]["name"] + with_("ha", e) for e in CASES}

    def clause(self) -> Clause:
        asks = self.particle("question")
        negative = self.particle("not")
        kind, verb, endings = self.word(self.tokens.pop(0))
        tense = next((e for e in endings if e in ("past", "future")), "present")
        if kind != "verb" or endings not in ([*([] if tense == "present" else [tense]), *p] for p in ([], ["plural"])):
            raise Unreadable(verb)
        time = ""
        if self.tokens and self.peek()[0] == "times":
            time = self.word(self.tokens.pop(0))[1]
        parts = {}
        while self.tokens:
            case, phrase = self.phrase(next(iter(parts.values()), None))
            if case in parts or case == "of" or bool(parts) != (case != "subject"):
                raise Unreadable(case)
            parts[case] = phrase
        asked = any(p.head in FARIC["questions"] or p.adjective == "which" for p in parts.values())
        if (asks or asked) != self.question or (asks and asked) or ("plural" in endings) != plural(parts["subject"]):
            raise Unreadable("question, or agreement")
        return Clause(verb, tuple(parts.items()), tense, negative, self.question, time)  # type: ignore[arg-type]

    def phrase(self, subject: Phrase | None) -> tuple[str, Phrase]:
        token = self.tokens.pop(0)
        if token in self.names:
            case = CASES[harmonic(token[2:])] if token[2:] else "subject"
            return case, Phrase(self.name())
        kind, lemma, endings = self.word(token)
        case = next((e for e in endings if e in CASES.values()), "subject")
        shape = endings[:-1] if case != "subject" else endings
        if kind == "noun" and shape in ([], ["plural"]):
            return case, self.noun(lemma, bool(shape))
        if kind == "numerals" and not shape:
            values = [lemma]
            while case != "subject" and self.tokens and self.peek()[0] == "numerals" and self.peek()[2] == [case]:
                values.append(self.word(self.tokens.pop(0))[1])
            while case == "subject" and self.tokens and self.peek()[0] == "numerals" and not self.peek()[2]:
                values.append(self.word(self.tokens.pop(0))[1])
            return case, Phrase(NUMBERS[value_of(values)])
        if kind == "adjectives" and case == "as" and subject and shape == agreement(subject):
            return case, Phrase(lemma)
        if kind in ("pronouns", "questions") and not shape:
            return "in" if lemma in ("where", "when") else case, Phrase(lemma)
        raise Unreadable(token)

    def noun(self, lemma: str, several: bool) -> Phrase:
        adjective, name, count, owner, agreed = "", "", 0 if several else 1, None, []
        if self.tokens and self.peek()[0] == "adjectives" and "as" not in self.peek()[2]:
            _, adjective, agreed = self.word(self.tokens.pop(0))
        if self.tokens and self.tokens[0][0].isupper():
            name = self.name()
        if self.tokens and self.tokens[0][0].isdigit():
            count = int(self.tokens.pop(0).replace(",", ""))
        counted = []
        while several and self.tokens and self.peek()[0] == "numerals" and not self.peek()[2]:
            counted.append(self.word(self.tokens.pop(0))[1])
        if counted:
            count = value_of(counted)
        if self.tokens and self.case_ahead() == "of":
            _, owner = self.phrase(None)
        found = Phrase(lemma, count, adjective, name, owner)
        if adjective and agreed != agreement(found):
            raise Unreadable(adjective)
        return found

    def name(self) -> str:
        """Up to the next word of Faric; the "and" of a company is none."""
        found = []
        while self.tokens and (self.tokens[0][0].isupper() or self.tokens[0][0].isdigit() or self.tokens[0] == "and"):
            found.append(self.tokens.pop(0))
        return " ".join(found)

    def case_ahead(self) -> str | None:
        if self.tokens[0] in self.names:
            return CASES[harmonic(self.tokens[0][2:])] if self.tokens[0][2:] else None
        return next((e for e in self.peek()[2] if e in CASES.values()), None)

    def particle(self, which: str) -> bool:
        if self.tokens[0] != FARIC["particles"][which]:
            return False
        self.tokens.pop(0)
        return True

    def peek(self) -> tuple[str, str, list[str]]:
        token = self.tokens[0]
        return ("name", token, []) if token in self.names or not token[0].islower() else self.word(token)

    def word(self, token: str) -> tuple[str, str, list[str]]:
        """Kind, lemma and endings: open syllables are taken off until a consonant is last."""
        stem, endings = token, []
        while stem and stem[-1] in "aeiou":
            stem, ending = stem[:-2], stem[-2:]
            endings.insert(0, ending)
        if stem not in self.stems or any(with_(stem, harmonic(ending)) != ending for ending in endings):
            raise Unreadable(token)
        by_form = {ending: name for name, ending in FARIC["endings"].items()}
        return *self.stems[stem], [by_form[harmonic(ending)] for ending in endings]


def harmonic(ending: str) -> str:
    """An ending as the dictionary writes it: "na" and "ne" are "nA"."""
    return ending[0] + ("A" if ending[1] in "ae" else "U")


def with_(stem: str, ending: str) -> str:
    last = re.findall("[aeiou]", stem)[-1]
    return ending.replace("A", "a" if last in "aou" else "e").replace("U", "u" if last in "aou" else "i")


def value_of(words: list[str]) -> int:
    """two ten five: 25."""
    total = 0
    for word in words:
        total = max(total, 1) * 10 if word == "ten" else total + NUMBERS.index(word)
    return total


def plural(phrase: Phrase) -> bool:
    return phrase.count != 1 or phrase.head == "they"


def agreement(noun: Phrase) -> list[str]:
    groups = [group for group, found in FARIC["nouns"].items() if noun.head in found]
    living = groups[0] in FARIC["groups"]["living"] if groups else noun.head in ("she", "he", "they")
    return ["living"] * living + ["plural"] * plural(noun)
