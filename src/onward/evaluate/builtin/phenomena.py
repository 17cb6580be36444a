"""Minimal pairs: sentences of which one is good English and the other is not, and which differ in as little as can be.

Pairs come by twos: what is right in one is wrong in the other, or both sentences have the same words, so that who goes by how common
words are gets half of them right. Only one cannot be had so: the good sentence of a "polarity item" always has the "no". The lexicon is
our own, and in data/lexicon.toml. Source of the phenomena: BLiMP (Warstadt et al. 2020, arXiv 1912.00582). Left out:
meaning, and phenomena on which speakers differ.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from importlib.resources import files
from random import Random

Pair = tuple[str, str]
"""The good sentence, and the bad one."""

LEXICON = tomllib.loads((files("onward.evaluate.builtin") / "data" / "lexicon.toml").read_text(encoding="utf-8"))
WORDS: dict[str, tuple[str, ...]] = {name: tuple(text.split(", ")) for name, text in LEXICON.items()}


def _both(random: Random, words: str, count: int = 1) -> list[list[str]]:
    """So many different entries of a list, each with its forms."""
    return [entry.split() for entry in random.sample(WORDS[words], count)]


def _any(random: Random, words: str) -> str:
    """A word of a list without forms."""
    return random.choice(WORDS[words])


def agreement(random: Random) -> list[Pair]:
    """The verb is that of its subject."""
    (noun,), (verb,) = _both(random, "people"), _both(random, "sings")
    return [(f"The {noun[n]} {verb[n]}.", f"The {noun[n]} {verb[1 - n]}.") for n in (0, 1)]


def across_a_phrase(random: Random) -> list[Pair]:
    """Between subject and verb stands a noun of the other number."""
    (noun, other), (verb,), near = _both(random, "things", 2), _both(random, "shines"), _any(random, "near")
    begins = [f"The {noun[n]} {near} the {other[1 - n]}" for n in (0, 1)]
    return [(f"{begins[n]} {verb[n]}.", f"{begins[n]} {verb[1 - n]}.") for n in (0, 1)]


def across_a_clause(random: Random) -> list[Pair]:
    """Between them stands a clause with a subject and a verb of the other number."""
    (noun, other), (verb,), (likes,) = _both(random, "people", 2), _both(random, "sings"), _both(random, "likes")
    begins = [f"The {noun[n]} that the {other[1 - n]} {likes[1 - n]}" for n in (0, 1)]
    return [(f"{begins[n]} {verb[n]}.", f"{begins[n]} {verb[1 - n]}.") for n in (0, 1)]


def _determined(random: Random, nouns: str, between: str) -> list[Pair]:
    (who,), (noun,), seen = _both(random, "people"), _both(random, nouns), random.choice(("saw", "found", "watched"))
    these = random.choice((("this", "these"), ("that", "those")))
    begins = [f"The {who[0]} {seen} {these[n]} {between}" for n in (0, 1)]
    return [(f"{begins[n]}{noun[n]}.", f"{begins[n]}{noun[1 - n]}.") for n in (0, 1)]


def determiner(random: Random) -> list[Pair]:
    """This and that go with one, these and those with several."""
    return _determined(random, "things", "")


def determiner_and_adjective(random: Random) -> list[Pair]:
    return _determined(random, "things", f"{_any(random, 'old')} ")


def determiner_and_odd_plural(random: Random) -> list[Pair]:
    return _determined(random, "odd", "")


def reflexive_number(random: Random) -> list[Pair]:
    (noun,), seen, selves = _both(random, "people"), _any(random, "seen"), ("himself", "themselves")
    if noun[0] in ("girl", "nurse"):
        selves = ("herself", "themselves")
    return [(f"The {noun[n]} {seen} {selves[n]}.", f"The {noun[n]} {seen} {selves[1 - n]}.") for n in (0, 1)]


def reflexive_gender(random: Random) -> list[Pair]:
    names, seen, selves = (_any(random, "women"), _any(random, "men")), _any(random, "seen"), ("herself", "himself")
    return [(f"{names[n]} {seen} {selves[n]}.", f"{names[n]} {seen} {selves[1 - n]}.") for n in (0, 1)]


def reflexive_within_its_clause(random: Random) -> list[Pair]:
    """It is the nearer name that "himself" goes back to."""
    names, seen, selves = (_any(random, "women"), _any(random, "men")), _any(random, "seen"), ("herself", "himself")
    said = random.choice(("said", "thought", "knew", "heard"))
    begins = [f"{names[1 - n]} {said} that {names[n]} {seen}" for n in (0, 1)]
    return [(f"{begins[n]} {selves[n]}.", f"{begins[n]} {selves[1 - n]}.") for n in (0, 1)]


def polarity_item(random: Random) -> list[Pair]:
    """ "Ever" wants a "no" before it."""
    (who,), (noun,) = _both(random, "people"), _both(random, "things")
    end = f"{who[0]} has ever {random.choice(('seen', 'bought', 'found', 'lost'))} this {noun[0]}."
    return [(f"No {end}", f"The {end}"), (f"No {end}", f"Some {end}")]


def polarity_item_and_scope(random: Random) -> list[Pair]:
    """A "no" within a clause does not reach beyond it."""
    (who, other), seen = _both(random, "people", 2), _any(random, "seen")
    pairs = []
    for one, two in ((who, other), (other, who)):
        end = f"{two[0]} {seen} has ever {random.choice(('laughed', 'smiled', 'slept', 'danced'))}."
        pairs.append((f"No {one[0]} that the {end}", f"The {one[0]} that no {end}"))
    return pairs


def irregular_forms(random: Random) -> list[Pair]:
    (who,), (what,), (verb,) = _both(random, "people"), _both(random, "things"), _both(random, "broke")
    past, participle = verb
    return [
        (f"The {who[0]} {past} the {what[0]}.", f"The {who[0]} {participle} the {what[0]}."),
        (f"The {what[0]} was {participle} by the {who[0]}.", f"The {what[0]} was {past} by the {who[0]}."),
    ]


def gap(random: Random) -> list[Pair]:
    """ "What" wants a gap in its clause, "that" wants none."""
    (who, other), (what,) = _both(random, "people", 2), _both(random, "things")
    knows, made = random.choice(("knows", "remembers", "saw", "found out")), f"the {other[0]} {_any(random, 'carried')}"
    return [
        (f"The {who[0]} {knows} what {made}.", f"The {who[0]} {knows} that {made}."),
        (f"The {who[0]} {knows} that {made} the {what[0]}.", f"The {who[0]} {knows} what {made} the {what[0]}."),
    ]


def adjunct_island(random: Random) -> list[Pair]:
    """Out of "before visiting" nothing can be asked for; both sentences have the same words."""
    (who, whom), doing, before = (
        _both(random, "people", 2),
        _any(random, "visiting"),
        random.choice(("before", "after")),
    )
    did = random.choice(("thank", "help", "follow", "greet", "invite", "blame"))
    return [
        (f"Whom did the {a} {did} {before} {doing} the {b}?", f"Whom did the {a} {did} the {b} {before} {doing}?")
        for a, b in ((who[0], whom[0]), (whom[0], who[0]))
    ]


def coordination_island(random: Random) -> list[Pair]:
    """Nor out of one of two parts that "and" joins."""
    (who, other), verb = (
        _both(random, "people", 2),
        random.choice(("paint", "build", "mend", "choose", "admire", "hide")),
    )
    return [
        (f"What did the {a} and the {b} {verb}?", f"What did the {a} {verb} and the {b}?")
        for a, b in ((who[0], other[0]), (other[0], who[0]))
    ]


def left_branch(random: Random) -> list[Pair]:
    """ "Whose" takes its noun along."""
    (who, other), (what, thing) = _both(random, "people", 2), _both(random, "things", 2)
    verb = random.choice(("lose", "find", "mend", "steal", "borrow", "hide"))
    return [
        (f"Whose {b[0]} did the {a[0]} {verb}?", f"Whose did the {a[0]} {verb} {b[0]}?")
        for a, b in ((who, what), (other, thing))
    ]


def objects(random: Random) -> list[Pair]:
    """Some verbs have no object, others cannot be without one."""
    (who, other), gone, made = _both(random, "people", 2), _any(random, "gone"), _any(random, "made")
    return [
        (f"The {who[0]} {gone}.", f"The {who[0]} {made}."),
        (f"The {who[0]} {made} the {other[0]}.", f"The {who[0]} {gone} the {other[0]}."),
    ]


def pronoun_case(random: Random) -> list[Pair]:
    (who,), seen = _both(random, "people"), _any(random, "seen")
    one, other = random.choice((("they", "them"), ("he", "him"), ("she", "her"), ("we", "us")))
    return [
        (f"{one.capitalize()} {seen} the {who[0]}.", f"{other.capitalize()} {seen} the {who[0]}."),
        (f"The {who[0]} {seen} {other}.", f"The {who[0]} {seen} {one}."),
    ]


def much_and_many(random: Random) -> list[Pair]:
    (who,), (noun,), mass = _both(random, "people"), _both(random, "things"), _any(random, "mass")
    begin = f"The {who[0]} did not {random.choice(('buy', 'find', 'want', 'have'))}"
    return [
        (f"{begin} much {mass}.", f"{begin} many {mass}."),
        (f"{begin} many {noun[1]}.", f"{begin} much {noun[1]}."),
    ]


def article(random: Random) -> list[Pair]:
    (who,), seen = _both(random, "people"), random.choice(("saw", "found", "drew", "bought"))
    nouns, articles = (_any(random, "vowels"), _any(random, "consonants")), ("an", "a")
    begin = f"The {who[0]} {seen}"
    return [(f"{begin} {articles[n]} {nouns[n]}.", f"{begin} {articles[1 - n]} {nouns[n]}.") for n in (0, 1)]


PHENOMENA: dict[str, Callable[[Random], list[Pair]]] = {
    "agreement": agreement,
    "agreement across a phrase": across_a_phrase,
    "agreement across a clause": across_a_clause,
    "determiner": determiner,
    "determiner, with adjective": determiner_and_adjective,
    "determiner, odd plural": determiner_and_odd_plural,
    "reflexive, number": reflexive_number,
    "reflexive, gender": reflexive_gender,
    "reflexive, within its clause": reflexive_within_its_clause,
    "polarity item": polarity_item,
    "polarity item, scope": polarity_item_and_scope,
    "irregular forms": irregular_forms,
    "gap": gap,
    "adjunct island": adjunct_island,
    "coordination island": coordination_island,
    "left branch": left_branch,
    "objects": objects,
    "pronoun case": pronoun_case,
    "much and many": much_and_many,
    "a and an": article,
}
"""By name; each gives two pairs that belong together."""
