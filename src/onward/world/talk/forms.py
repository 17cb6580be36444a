"""Forms that a reply may be asked for, and whether it has them: "in one word", "as a list", "in capital letters".

A form has a name, ways to ask for it (data/forms.toml), a way to make it of facts, and a check that needs the reply and the form's
arguments, nothing else. A record's truth has `"forms"`: `[{"form": NAME, ARGUMENT: ...}, ...]`, first what the reply is to be, then what is
to be done to the whole of it; `follows` checks them all. Left out: whether what is said is true, and what is asked (instructions.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from onward.world import grammar
from onward.world.phrases import Phrasings, phrasings
from onward.world.relations import Fact, name_of
from onward.world.words import table, words

Args = dict[str, Any]
Needs = Literal["fact", "several", "claim", "topic", "text", "words"]
"""What a form is made of: a fact that is asked for; two or three; a fact and what is claimed instead; a fact to ask about; a fact as a text
to be copied; words."""
NOUNS: Mapping[str, str] = table("forms")["noun"]
WORD_LISTS = ("job", "animal", "food", "hobby", "colour", "trade")
"""Whose words are put in order; those of the last one never in training."""


@dataclass(frozen=True)
class Form:
    """render: the reply and the form's arguments, or nothing where these facts cannot have the form; the last of what it is given says
    whether words are drawn that no training record has.   check: whether a reply has the form, given the arguments."""

    name: str
    needs: Needs
    render: Callable[[Sequence[Fact], Random, bool], tuple[str, Args] | None]
    check: Callable[..., bool]


@dataclass(frozen=True)
class Whole:
    """What may be done to the whole of a reply.   undo: what was there before, as far as other checks need it."""

    name: str
    apply: Callable[[str], str]
    check: Callable[[str], bool]
    undo: Callable[[str], str] = str


def follows(reply: str, forms: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a reply has all the forms of a record."""
    for asked in reversed(forms):
        args = dict(asked)
        name = args.pop("form")
        if name in WHOLES:
            if not WHOLES[name].check(reply):
                return False
            reply = WHOLES[name].undo(reply)
        elif not FORMS[name].check(reply, **args):
            return False
    return True


def with_whole(reply: str, asked: Args | None, whole: Whole | None) -> tuple[str, list[Args]]:
    """A reply to the whole of which something is done, and its forms. What a check compares with the reply is written as it is in it."""
    forms = [dict(asked)] if asked else []
    if whole is None:
        return reply, forms
    if whole.undo is str:  # the letters are other ones now
        for args in forms:
            for key in ("text", "name"):
                if key in args:
                    args[key] = whole.apply(args[key])
            if "words" in args:
                args["words"] = [whole.apply(word) for word in args["words"]]
    return whole.apply(reply), [*forms, {"form": whole.name}]


# --- made of facts ----------------------------------------------------------------------------------------------------


def _word(facts: Sequence[Fact], *_: object) -> tuple[str, Args] | None:
    value = facts[0].value
    return (f"{grammar.capital(value)}.", {}) if " " not in value else None


def _ways(fact: Fact) -> list[str]:
    """A fact said shortly, at full length, and otherwise; each way as if it had been asked for."""
    answers = [fact.render(fact.relation.answer, called) for called in ("full", "first", "pronoun")]
    return [
        f"{grammar.capital(fact.value)}.",
        *answers,
        *(fact.render(way) for way in fact.relation.statements.trained),
    ]


def _words(facts: Sequence[Fact], random: Random, _: bool) -> tuple[str, Args] | None:
    """Of all numbers of words in which it can be said, each is as likely."""
    found: dict[int, str] = {}
    for way in _ways(facts[0]):
        found.setdefault(len(way.split()), way)
    count = random.choice([count for count in found if count > 1])
    return found[count], {"count": count}


def _without(facts: Sequence[Fact], random: Random, _: bool) -> tuple[str, Args] | None:
    """Without a letter that the usual answer has: at full length if another way lacks it, otherwise in a word."""
    letters = sorted(set(filter(str.isalpha, facts[0].answer().lower())) - set(facts[0].value.lower()))
    if not letters:
        return None
    letter = random.choice(letters)
    value, *longer = _ways(facts[0])
    return next((way for way in longer if letter not in way.lower()), value), {"letter": letter}


def _yes_or_no(facts: Sequence[Fact], *_: object) -> tuple[str, Args]:
    return ("Yes." if facts[0] == facts[1] else "No."), {}


def _name_first(facts: Sequence[Fact], *_: object) -> tuple[str, Args] | None:
    name = name_of(facts[0].subject)
    return (facts[0].answer(), {"name": name}) if facts[0].answer().startswith(name) else None


def _colon(facts: Sequence[Fact], *_: object) -> tuple[str, Args]:
    name = name_of(facts[0].subject)
    return f"{name}: {facts[0].value}.", {"name": name}


def _opening(facts: Sequence[Fact], random: Random, new: bool) -> tuple[str, Args]:
    text = phrasings("forms", "openings").choose(random, held_out=new)
    return f"{text}, {grammar.inside(facts[0].answer())}.", {"text": text}


def _ending(facts: Sequence[Fact], random: Random, new: bool) -> tuple[str, Args]:
    text = phrasings("forms", "endings").choose(random, held_out=new)
    return f"{facts[0].answer()} {text}", {"text": text}


def _question(facts: Sequence[Fact], *_: object) -> tuple[str, Args]:
    return facts[0].render(facts[0].relation.questions.trained[0]), {"name": name_of(facts[0].subject)}


def _sentences(facts: Sequence[Fact], *_: object) -> tuple[str, Args]:
    """The first one names who it is about."""
    first, *later = facts
    said = [first.answer(), *(fact.render(fact.relation.answer, "pronoun") for fact in later)]
    return " ".join(said), {"count": len(facts)}


def _list(facts: Sequence[Fact], *_: object) -> tuple[str, Args]:
    return "\n".join(f"- {fact.value}" for fact in facts), {"count": len(facts)}


def _numbered(facts: Sequence[Fact], *_: object) -> tuple[str, Args]:
    return "\n".join(f"{i + 1}. {fact.value}" for i, fact in enumerate(facts)), {"count": len(facts)}


def _commas(facts: Sequence[Fact], *_: object) -> tuple[str, Args] | None:
    values = [fact.value for fact in facts]
    return (", ".join(values), {"count": len(facts)}) if not any("," in value for value in values) else None


def _json(facts: Sequence[Fact], *_: object) -> tuple[str, Args]:
    found = {fact.relation.name: fact.value for fact in facts}
    return json.dumps(found), {"keys": list(found)}


def _repeat(facts: Sequence[Fact], random: Random, _: bool) -> tuple[str, Args]:
    text = facts[0].state(random)
    return text, {"text": text}


def _repeat_twice(facts: Sequence[Fact], random: Random, _: bool) -> tuple[str, Args]:
    text = facts[0].state(random)
    return f"{text} {text}", {"text": text}


def _draw_words(random: Random, new: bool) -> list[str]:
    """Three or four of a list, in no alphabetical order."""
    found = random.sample(words(Phrasings.of(WORD_LISTS).choose(random, held_out=new)), random.choice((3, 4)))
    return found if found != sorted(found) else found[::-1]


def _sorted(_: Sequence[Fact], random: Random, new: bool) -> tuple[str, Args]:
    found = _draw_words(random, new)
    return ", ".join(sorted(found)), {"words": found}


def _reversed(_: Sequence[Fact], random: Random, new: bool) -> tuple[str, Args]:
    found = _draw_words(random, new)
    return ", ".join(found[::-1]), {"words": found}


# --- checked ----------------------------------------------------------------------------------------------------------


def sentences(text: str) -> list[str]:
    """Parted after a full stop, a question mark or an exclamation mark; the last one may lack it."""
    return [part for part in re.split(r"(?<=[.!?])\s+", text.strip()) if part]


def _are_sentences(reply: str, count: int) -> bool:
    found = sentences(reply)
    return len(found) == count and all(sentence[-1] in ".!?" and " " in sentence for sentence in found)


def _are_lines(reply: str, count: int, mark: str) -> bool:
    """So many lines, each with its mark and something after it.   mark: a pattern, in which N is the number of the line."""
    lines = reply.split("\n")
    return len(lines) == count and all(
        re.fullmatch(mark.replace("N", str(i + 1)) + r"[^\s-].*", line) for i, line in enumerate(lines)
    )


def _are_parted(reply: str, count: int) -> bool:
    parts = reply.rstrip(".").split(", ")
    return len(parts) == count and all(parts) and "\n" not in reply and not re.search(r"\band\b", reply.lower())


def _is_json(reply: str, keys: Sequence[str]) -> bool:
    try:
        found = json.loads(reply)
    except ValueError:
        return False
    return isinstance(found, dict) and sorted(found) == sorted(keys)


def _begins(reply: str, text: str) -> bool:
    """With these words, and says something after them."""
    return reply.startswith(text) and bool(re.match(r"\W+\w", reply.removeprefix(text)))


def _ends(reply: str, text: str) -> bool:
    return reply.endswith(text) and bool(re.search(r"\w\W+$", reply.removesuffix(text)))


ALL: tuple[Form, ...] = (
    Form("word", "fact", _word, lambda reply: len(reply.split()) == 1),
    Form("words", "fact", _words, lambda reply, count: len(reply.split()) == count),
    Form("without", "fact", _without, lambda reply, letter: bool(reply.strip()) and letter not in reply.lower()),
    Form("yes or no", "claim", _yes_or_no, lambda reply: reply.lower().rstrip(".") in ("yes", "no")),
    Form("name first", "fact", _name_first, lambda reply, name: _begins(reply, name)),
    Form("colon", "fact", _colon, lambda reply, name: bool(re.fullmatch(rf"{re.escape(name)}: \S[^\n]*", reply))),
    Form("opening", "fact", _opening, lambda reply, text: _begins(reply, text)),
    Form("ending", "fact", _ending, lambda reply, text: _ends(reply, text)),
    Form("question", "topic", _question, lambda reply, name: _are_sentences(reply, 1) and reply[-1] == "?" and name in reply),
    Form("sentences", "several", _sentences, _are_sentences),
    Form("list", "several", _list, lambda reply, count: _are_lines(reply, count, "- ")),
    Form("numbered", "several", _numbered, lambda reply, count: _are_lines(reply, count, r"N\. ")),
    Form("commas", "several", _commas, _are_parted),
    Form("json", "several", _json, _is_json),
    Form("repeat", "text", _repeat, lambda reply, text: reply == text),
    Form("repeat twice", "text", _repeat_twice, lambda reply, text: reply == f"{text} {text}"),
    Form("sorted", "words", _sorted, lambda reply, words: reply.rstrip(".") == ", ".join(sorted(words))),
    Form("reversed", "words", _reversed, lambda reply, words: reply.rstrip(".") == ", ".join(words[::-1])),
)  # fmt: skip
ALL_WHOLE: tuple[Whole, ...] = (
    Whole("capitals", str.upper, lambda reply: reply == reply.upper() != reply.lower()),
    Whole("lower", str.lower, lambda reply: reply == reply.lower() != reply.upper()),
    Whole(
        "quotes",
        lambda reply: f'"{reply}"',
        lambda reply: len(reply) > 2 and reply[0] == reply[-1] == '"',
        lambda reply: reply[1:-1],
    ),
)
FORMS = {form.name: form for form in ALL}
WHOLES = {whole.name: whole for whole in ALL_WHOLE}
