"""Candidates: a prompt on the world, and several answers to it, each with one thing right or wrong, ranked by gold.

A prompt asks for one fact or two, or for one that the world does not say, and perhaps for a form. Its answers differ in what they say, in
what they call it, in manner, in form and in length, one at a time: what is worse about the worse of two is known.
Left out: answers in broken English.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from onward.world import rude
from onward.world.entities import Person
from onward.world.grammar import Called, capital
from onward.world.phrases import phrasings
from onward.world.preferences.gold import Gold, reward
from onward.world.record import Split
from onward.world.relations import BY_NAME, Fact, Subject, name_of
from onward.world.world import World

Form = Literal["sentence", "word", "capitals", "list"]
FAMILY = ("mother", "father", "spouse")
"""Relations whose values are people: never two of them in one prompt, since each would be an option for the other."""
APART = {"friend", "pet_name"}
"""Relations that are not asked for: of friends there are several, and to ask what her dog is called tells that it is a dog."""
ABOUT_PEOPLE, SECOND, UNKNOWN, PLAIN = 0.75, 0.35, 0.15, 0.5
"""Shares of the prompts: about people; of these, on what the world does not say; with a second question; with no word on the form."""
WORDS = {1: 24, 2: 36}
"""The longest right answer, by the number of facts."""
TOO_LONG = 1.5
"""How many times as long a rambling answer is at least."""
UNKNOWN_FORMS: tuple[Form, ...] = ("sentence", "sentence", "capitals")
TRIES = 100
"""So many other people are looked at for another value; in the smallest worlds there may be none."""


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """facts: what is true, or nothing where the world does not say.   wrong: the same with wrong values.   held_out: in other phrasings."""

    question: str
    facts: tuple[Fact, ...]
    wrong: tuple[Fact, ...]
    form: Form
    truth: dict[str, Any]
    held_out: bool

    @property
    def subject(self) -> Subject:
        return self.wrong[0].subject


@dataclass(frozen=True)
class Candidate:
    """kind: what is right or wrong about it: "right", "polite", "wrong", "wrong and polite", ..."""

    kind: str
    text: str
    gold: Gold

    def as_data(self) -> dict[str, Any]:
        return {"kind": self.kind, "gold": self.gold.as_data()}


# --- prompts ----------------------------------------------------------------------------------------------------------


def prompt(world: World, random: Random, split: Split) -> Prompt:
    """One, drawn for a split: about somebody who is held out or not, in phrasings that are or are not."""
    side, held_out = split in ("people", "both"), split in ("phrasing", "both")
    if side or random.random() < ABOUT_PEOPLE:
        person = somebody(world, random, side)
        unknown = _unknown(world, random, person, held_out) if random.random() < UNKNOWN else None
        return unknown or _known(world, random, person, held_out)
    places: list[Subject] = [*world.cities, *world.countries, *world.companies]
    return _known(world, random, random.choice(places), held_out)


def somebody(world: World, random: Random, held_out: bool) -> Person:
    """Anybody who is held out, or is not."""
    while True:
        person = world.people[random.randrange(len(world.people))]
        if world.is_held_out(person) == held_out:
            return person


def _known(world: World, random: Random, subject: Subject, held_out: bool) -> Prompt:
    """On one fact or two, each beside one that is wrong."""
    facts = [fact for fact in world.facts(subject) if fact.relation.name not in APART]
    random.shuffle(facts)
    wrong = [Fact(subject, fact.relation, _wrong_value(world, random, fact) or "") for fact in facts]
    first, *others = [pair for pair in zip(facts, wrong, strict=True) if pair[1].value]
    others = [pair for pair in others if not {pair[0].relation.name, first[0].relation.name} <= set(FAMILY)]
    asked = [first, others[0]] if others and random.random() < SECOND else [first]
    asked.sort(key=lambda pair: pair[0].relation.name in FAMILY)  # after her mother was named, "she" could be either
    forms: list[Form] = ["sentence", "sentence", "capitals"]
    if len(asked) == 2:
        forms.append("list")
    elif " " not in first[0].value:
        forms.append("word")
    parts = [{"answer": so.value, "options": _options(world, so, not_so.value)} for so, not_so in asked]
    right, instead = zip(*asked, strict=True)
    return _prompt(random, right, instead, random.choice(forms), parts, held_out)


def _unknown(world: World, random: Random, person: Person, held_out: bool) -> Prompt | None:
    """On a relative whom the world does not know; if it knows all, nothing."""
    missing = [relation for relation in map(BY_NAME.__getitem__, FAMILY) if not relation.values(world, person)]
    for relation in random.sample(missing, len(missing)):
        nobody = Fact(person, relation, "")
        if value := _wrong_value(world, random, nobody):
            invented = Fact(person, relation, value)
            parts = [{"answer": None, "options": _options(world, nobody, value)}]
            return _prompt(random, (), (invented,), random.choice(UNKNOWN_FORMS), parts, held_out)
    return None


def _prompt(
    random: Random, facts: tuple[Fact, ...], wrong: tuple[Fact, ...], form: Form, parts: list[Any], held_out: bool
) -> Prompt:
    question = wrong[0].ask(random, held_out=held_out)
    if len(wrong) == 2:
        second = wrong[1].relation.questions.choose(random, held_out=held_out)
        called = "full" if " of {whom}" in second else _again(wrong[1])  # not "the father of her"
        second = wrong[1].render(second, called)
        link = phrasings("preferences", "also").choose(random, held_out=held_out)
        question = link.format(first=question, second=second[0].lower() + second[1:])
    if form != "sentence" or random.random() > PLAIN:
        question += " " + phrasings("preferences", "asked_form", form).choose(random, held_out=held_out)
    truth = {
        "facts": [fact.as_data() for fact in facts],
        "parts": parts,
        "form": form,
        "words": [1, 1] if form == "word" else [1, WORDS[len(wrong)]],
    }
    return Prompt(question=question, facts=facts, wrong=wrong, form=form, truth=truth, held_out=held_out)


def _again(fact: Fact) -> Called:
    """What a subject is called a second time. "It" could be the city or its river."""
    return "pronoun" if isinstance(fact.subject, Person) else "full"


def _wrong_value(world: World, random: Random, fact: Fact) -> str | None:
    """A value that is not true, if there is one. Of a person's relation it is another person's value, so that none is right more often than
    it is wrong; a relative is another one of the same family, since the surname alone would tell who is wrong."""
    if isinstance(fact.subject, Person) and fact.relation.name not in FAMILY:
        side = world.is_held_out(fact.subject)
        for _ in range(TRIES):
            value = fact.relation.values(world, somebody(world, random, side))[0]
            if value != fact.value:
                return value
    return next(iter(world.others(fact, random, 1)), None)


def _options(world: World, fact: Fact, wrong: str) -> list[str]:
    """What else the answer might have been, the wrong value among it."""
    return sorted({wrong, *fact.relation.options(world, fact.subject)} - {fact.value, name_of(fact.subject)})


# --- answers ----------------------------------------------------------------------------------------------------------


def candidates(world: World, random: Random, asked: Prompt) -> list[Candidate]:
    """All answers to a prompt, the best one first."""
    found = [Candidate(kind, text, reward(text, asked.truth)) for kind, text in _answers(world, random, asked)]
    return sorted(found, key=lambda candidate: -candidate.gold.total)


def _answers(world: World, random: Random, asked: Prompt) -> Iterator[tuple[str, str]]:
    """Kinds and texts."""
    unknown = phrasings("preferences", "unknown").choose(random, held_out=asked.held_out)
    form, wrong_form = asked.form, _another_form(random, asked)
    right = said(asked.facts, form) if asked.facts else unknown
    wrong = said(asked.wrong, form)
    courtesy = random.random() < 0.5
    yield "right", cased(right, form)
    yield "rude", cased(_rude(random, asked, right), form)
    yield "rambling", cased(_rambling(world, random, asked, right), form)
    yield "wrong form", cased(said(asked.facts, wrong_form) if asked.facts else unknown, wrong_form)
    yield ("wrong" if asked.facts else "invented"), cased(wrong, form)
    if form != "word":  # in which there is no room for it
        before = phrasings("preferences", "before" if courtesy else "after").choose(random, held_out=asked.held_out)
        kinds = ("polite", right), ("wrong and polite" if asked.facts else "invented and polite", wrong)
        for kind, text in kinds:
            yield kind, cased(_joined(form, *((before, text) if courtesy else (text, before))), form)
    if asked.facts:
        yield "ignorant", cased(unknown, form)
    if len(asked.facts) == 2:
        yield "incomplete", cased(said(asked.facts[:1], form), form)


def said(facts: Sequence[Fact], form: Form) -> str:
    """The facts in a form: as sentences, of which the later ones have a pronoun; as bare values; as a list."""
    if form == "word":
        return capital(", ".join(fact.value for fact in facts))
    if form == "list":
        return "\n".join(f"- {fact.value}" for fact in facts)
    return " ".join(fact.render(fact.relation.answer, _again(fact) if i else "full") for i, fact in enumerate(facts))


def cased(text: str, form: Form) -> str:
    return text.upper() if form == "capitals" else text


def _joined(form: Form, *texts: str) -> str:
    if form == "word":
        return " ".join(text if text[-1] in ".!?" else f"{text}." for text in texts)
    return ("\n" if form == "list" else " ").join(texts)


def _another_form(random: Random, asked: Prompt) -> Form:
    """One that is not asked for. "I do not know" has but two."""
    if not asked.facts:
        return "capitals" if asked.form == "sentence" else "sentence"
    if asked.form != "sentence":
        return "sentence"
    return random.choice(["word", "capitals", "list"] if len(asked.facts) == 2 else ["word", "capitals"])


def _rude(random: Random, asked: Prompt, right: str) -> str:
    remark = rude.sentence(random, held_out=asked.held_out)
    return _joined(asked.form, *random.choice([(remark, right), (right, remark)]))


def _rambling(world: World, random: Random, asked: Prompt, right: str) -> str:
    """The right answer, and so much else that it is TOO_LONG times as long as it may be: what was not asked, and empty words."""
    options = {value for part in asked.truth["parts"] for value in (part["answer"], *part["options"])}
    else_known = [
        fact.state(random, "first", held_out=asked.held_out)
        for fact in world.facts(asked.subject)
        if fact.value not in options and fact.relation.name not in (*FAMILY, *APART)
    ]
    empty = phrasings("preferences", "rambling")
    more = [*else_known, *(empty.all if asked.held_out else empty.trained)]
    random.shuffle(more)
    most, chosen = TOO_LONG * WORDS[len(asked.wrong)], [""]
    while more and len(" ".join([right, *chosen]).split()) < most:
        chosen.append(more.pop())
    around = " ".join(chosen).strip()
    return _joined(asked.form, *random.choice([(right, around), (around, right)]))
