"""English, by rule: articles, plurals, lists, numbers in words, and the slots of a phrasing filled in.

A phrasing is a sentence with slots: "{Who} works as {a_job}." What a person is called in it, a full name, a first name or a pronoun, is
one choice for the whole sentence: {who} stands where the subject stands, {whose} before what is theirs, {whom} where the object stands,
{theirs} after "a friend of". {they}, {them}, {their} and {themself} are always the pronoun, for a second mention. All verbs are of the
third person singular, since he, she and it are. A slot that begins with a_ has its article before it; one that is written with a capital
begins a sentence.
Left out: parsing. What is rendered is correct because its parts are; tests check it by rules of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Literal

Called = Literal["full", "first", "pronoun"]

PRONOUNS = {
    "female": {"they": "she", "them": "her", "their": "her", "own": "hers", "themself": "herself"},
    "male": {"they": "he", "them": "him", "their": "his", "own": "his", "themself": "himself"},
    "thing": {"they": "it", "them": "it", "their": "its", "own": "its", "themself": "itself"},
}
NUMBERS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
IRREGULAR = {
    "child": "children",
    "man": "men",
    "woman": "women",
    "mouse": "mice",
    "knife": "knives",
    "scarf": "scarves",
    "bookshelf": "bookshelves",
}
NO_NAMES = ("She ", "He ", "It ", "Her ", "His ", "Its ", "The ", "Yes, ", "No, ", "As ", "My ")
"""How statements begin that do not begin with a name."""
SILENT_H = ("hour", "honest", "heir")
KEPT = 2**11
"""Words and names whose forms are kept in memory, since texts are made of the same ones again and again."""
LIKE_YOU = ("uni", "use", "eu", "one")
"""How words begin that are written with a vowel and spoken without one."""


@lru_cache(KEPT)
def capital(text: str) -> str:
    """With a capital letter at the beginning, and otherwise as it is."""
    return text[:1].upper() + text[1:]


def inside(sentence: str) -> str:
    """A statement or a question as it stands inside a longer one: small, unless a name begins it, and without its full stop."""
    small = sentence.endswith("?") or sentence.startswith(NO_NAMES)
    return (sentence[0].lower() + sentence[1:] if small else sentence).rstrip(".")


@lru_cache(KEPT)
def a(noun: str) -> str:
    """With the indefinite article: "a baker", "an engineer"."""
    low = noun.lower()
    vowel = (low[0] in "aeiou" and not low.startswith(LIKE_YOU)) or low.startswith(SILENT_H)
    return f"{'an' if vowel else 'a'} {noun}"


def plural(noun: str, count: int = 2) -> str:
    """The noun as it stands after a number: "dog" after 1, "dogs" after others."""
    if count == 1:
        return noun
    if noun in IRREGULAR:
        return IRREGULAR[noun]
    if noun.endswith(("s", "x", "ch", "sh")):
        return f"{noun}es"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}s"


def listed(parts: Sequence[str], last: str = "and") -> str:
    """ "a", "a and b", "a, b and c"."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {last} {parts[-1]}"


def number(value: int) -> str:
    """In words, from 0 to 999: "forty-two", "three hundred and five"; in digits outside of these."""
    if not 0 <= value < 1000:
        return f"{value:,}"
    if value >= 100:
        rest = f" and {number(value % 100)}" if value % 100 else ""
        return f"{NUMBERS[value // 100]} hundred{rest}"
    if value >= 20:
        return TENS[value // 10 - 2] + (f"-{NUMBERS[value % 10]}" if value % 10 else "")
    return NUMBERS[value]


def possessive(name: str) -> str:
    """ "Ada's", "Agnes's"; "Amber Works'", since names of several words that end in s are plurals."""
    return f"{name}'" if " " in name and name.endswith("s") else f"{name}'s"


def mention(kind: str, full: str, first: str, called: Called) -> dict[str, str]:
    """The slots for somebody or something, called in one way.   kind: female, male or thing."""
    return dict(_mention(kind, full, first, called))


@lru_cache(KEPT)
def _mention(kind: str, full: str, first: str, called: Called) -> dict[str, str]:
    own = PRONOUNS[kind]
    if called == "pronoun":
        found = {"who": own["they"], "whose": own["their"], "whom": own["them"], "theirs": own["own"]}
    else:
        name = full if called == "full" else first
        found = {"who": name, "whose": possessive(name), "whom": name, "theirs": possessive(name)}
    found |= own
    return found | {capital(slot): capital(value) for slot, value in found.items()}


def with_articles(values: Mapping[str, str]) -> dict[str, str]:
    """For each value also the slot with an article, a_NAME, and those with a capital."""
    found = dict(values) | {f"a_{slot}": a(value) for slot, value in values.items()}
    return found | {capital(slot): capital(value) for slot, value in found.items()}
