"""Instructions: a question or a task, and the form that the reply has to have; one form, or two at once.

Every record names its forms, so that a rule can check any reply (forms.py); what the reply has to say is in its truth as well: "answer" as
with any question, "all" if it has to name several things, or "some" and "count" if so many of them. Which two forms are never asked for
together in training is said by a rule, `is_held_out_pair`; these pairs, and words to begin with, to end with and to put in order that
training never uses, are the split "content". Left out: forms for a whole conversation (systems.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import Any

from onward.world import grammar
from onward.world.grading import is_right, names_in
from onward.world.phrases import phrasings
from onward.world.questions.asking import TESTED, Pick, Question, asked, is_held_out, options_of
from onward.world.record import Record, chat
from onward.world.relations import Fact, Relation, Subject, name_of, slots
from onward.world.talk.forms import ALL, ALL_WHOLE, NOUNS, Args, Form, Whole, follows, with_whole
from onward.world.world import World

ROUNDS = 3
OF_EACH = 4
"""Instructions about each subject in a round."""
TRIES = 20
NEW_WORDS = ("opening", "ending", "sorted", "reversed")
"""Forms with words that can be held out."""
SEVERAL = (2, 3)
"""Fewest and most facts that are asked for at once."""
CITIES = Relation(
    "country",
    "cities",
    lambda world, country: [city.name for city in world.cities if city.country == country],
    lambda world, _: [city.name for city in world.cities],
)
"""Used only here, since it has many values and is never asked for as a whole."""


@dataclass(frozen=True)
class Plan:
    """Which forms: one of what the reply is to be, one of what is done to the whole of it, or both."""

    form: Form | None
    whole: Whole | None


def is_held_out_pair(form: Form, whole: Whole) -> bool:
    """A third of the pairs, so that each form is trained in other pairs, and so is what is done to the whole."""
    return (ALL.index(form) + ALL_WHOLE.index(whole)) % 3 == 0


def can_pair(form: Form, whole: Whole) -> bool:
    """The keys of JSON keep their letters, and what stands in quotation marks is no list."""
    return form.name != "json" and not (form.name in ("list", "numbered") and whole.name == "quotes")


PAIRS = [Plan(form, whole) for form in ALL for whole in ALL_WHOLE if can_pair(form, whole)]
SINGLE = [Plan(form, None) for form in ALL] + [Plan(None, whole) for whole in ALL_WHOLE]
TRAINED = SINGLE + [plan for plan in PAIRS if plan.form and plan.whole and not is_held_out_pair(plan.form, plan.whole)]
NEW = [plan for plan in PAIRS if plan not in TRAINED]
OF_NEW_WORDS = [plan for plan in SINGLE if plan.form and plan.form.name in NEW_WORDS]


def instructions(world: World) -> Iterator[Record]:
    yield from asked(world, "instruction", ask, world.subjects, ROUNDS)
    for subject in islice(world.subjects(), TESTED):
        if not is_held_out(world, subject):
            yield from _content(world, subject)


def ask(world: World, subject: Subject, random: Random, pick: Pick) -> Iterator[Question]:
    """Some of the plans of training, about this subject. Putting words in order is no question on a person."""
    known = world.facts(subject)
    for plan in random.sample(TRAINED, OF_EACH):
        if plan.form and plan.form.needs == "words" and is_held_out(world, subject):
            continue
        if (found := instruction(world, known, plan, random, pick)) is not None:
            yield found


def _content(world: World, subject: Subject) -> Iterator[Record]:
    """A pair that is never trained, and words that are not."""
    random, known = world.random("instruction", name_of(subject), "content"), world.facts(subject)
    for plan, new in ((random.choice(NEW), False), (random.choice(OF_NEW_WORDS), True)):
        found = instruction(world, known, plan, random, lambda phrasings: phrasings.choose(random), new=new)
        if found is not None:
            messages = chat(found.text, found.answer)
            yield Record(kind="instruction", split="content", messages=messages, truth=found.truth)


def instruction(
    world: World, known: Sequence[Fact], plan: Plan, random: Random, pick: Pick, *, new: bool = False
) -> Question | None:
    """One about the subject of which this is known, if the facts can have the form.   new: with words that are held out."""
    for _ in range(TRIES):
        if (facts := _facts(world, known, plan.form, random)) is None:
            return None
        made = plan.form.render(facts, random, new) if plan.form else (facts[0].answer(), {})
        if made is not None and (plan.whole is None or any(map(str.isalpha, made[0]))):  # figures have no capitals
            break
    else:
        return None
    args: Args | None = {"form": plan.form.name} | made[1] if plan.form else None
    reply, forms = with_whole(made[0], args, plan.whole)
    parts = [_request(facts, plan.form, pick), _asked_form(facts, plan.form, made[1], pick)]
    parts = [
        part for part in (*parts, pick(phrasings("forms", "whole", plan.whole.name)) if plan.whole else "") if part
    ]
    if plan.form is not None and plan.form.needs == "text":
        parts = parts[::-1]  # so that what comes after the text is not taken for a part of it
    elif plan.form is None or plan.form.needs in ("fact", "several", "claim"):
        parts = parts if random.random() < 0.7 else [*parts[1:], parts[0]]  # the form may be said first
    return Question(" ".join(parts), reply, {"forms": forms} | _says(world, facts, plan.form, reply))


def obeys(reply: str, truth: Mapping[str, Any]) -> bool:
    """Whether a reply has its forms and says what it has to."""
    return follows(reply, truth["forms"]) and says(reply, truth)


def says(reply: str, truth: Mapping[str, Any]) -> bool:
    """Whether it is right, whatever its form."""
    if "all" in truth:
        return all(names_in(reply, [value.lower()]) for value in truth["all"])
    if "some" in truth:
        named = names_in(reply, [option.lower() for option in truth["options"]])
        return len(named) == truth["count"] and named <= {value.lower() for value in truth["some"]}
    return is_right(reply, truth)


# --- what it is about -------------------------------------------------------------------------------------------------


def _facts(world: World, known: Sequence[Fact], form: Form | None, random: Random) -> Sequence[Fact] | None:
    """What an instruction with this form may be about: none where the subject has too few facts."""
    needs = form.needs if form else "fact"
    subject = known[0].subject
    known = [fact for fact in known if fact.relation.name != "friend"]
    named = [fact for fact in known if fact.relation.name in NOUNS]
    if needs == "several":
        if isinstance(subject, str):
            return _cities(world, subject, random) if form and form.name in ("list", "numbered", "commas") else None
        return random.sample(named, random.randint(*SEVERAL))
    if needs == "topic":
        return [random.choice(named)] if named else None
    fact = random.choice(known)
    if needs != "claim":
        return [fact]
    (wrong,) = world.others(fact, random, 1) or [fact.value]
    return [fact, fact if random.random() < 0.5 else Fact(subject, fact.relation, wrong)]


def _cities(world: World, country: str, random: Random) -> Sequence[Fact] | None:
    """Some of a country, in the order of the map; none of one that has a single city."""
    facts = world.facts_in(country, CITIES)
    return facts[: random.randint(*SEVERAL)] if len(facts) >= SEVERAL[0] else None


def _request(facts: Sequence[Fact], form: Form | None, pick: Pick) -> str:
    """What is asked, whatever the form; nothing where the form says it all."""
    needs = form.needs if form else "fact"
    if needs == "fact":
        return facts[0].render(pick(facts[0].relation.questions))
    if needs == "claim":
        claim = grammar.inside(facts[1].answer())
        return pick(phrasings("forms", "request", "claim")).format(claim=claim)
    if needs != "several":
        return ""
    name = name_of(facts[0].subject)
    if facts[0].relation == CITIES:
        return pick(phrasings("forms", "request", "cities")).format(country=name, count=grammar.number(len(facts)))
    nouns = grammar.listed([NOUNS[fact.relation.name] for fact in facts])
    return pick(phrasings("forms", "request", "several")).format(nouns=f"{grammar.possessive(name)} {nouns}")


def _asked_form(facts: Sequence[Fact], form: Form | None, args: Args, pick: Pick) -> str:
    """The sentence that asks for the form."""
    if form is None:
        return ""
    said = {name: value for name, value in args.items() if isinstance(value, str)}
    if "count" in args:
        said["count"] = grammar.number(args["count"])
    if "keys" in args:
        said["keys"] = grammar.listed([f'"{key}"' for key in args["keys"]])
    if "words" in args:
        said["words"] = ", ".join(args["words"])
    if form.needs == "topic":
        said |= {"noun": NOUNS[facts[0].relation.name], "whose": slots(facts[0].subject, "full")["whose"]}
    return pick(phrasings("forms", "ask", form.name)).format_map(said)


def _says(world: World, facts: Sequence[Fact], form: Form | None, reply: str) -> Args:
    """What a right reply says, as its truth has it."""
    needs = form.needs if form else "fact"
    if needs == "words":
        return {"answer": reply.strip('"'), "chance": 0.0}
    about: Args = {"about": name_of(facts[0].subject)}
    if needs == "text":
        return about | {"answer": reply.strip('"'), "chance": 0.0}
    if needs == "topic":
        return about | {"answer": name_of(facts[0].subject), "chance": 0.0}
    if facts[0].relation == CITIES:
        options, some = CITIES.options(world, ""), CITIES.values(world, facts[0].subject)
        return about | {"some": list(some), "count": len(facts), "options": list(options)}
    if needs == "several":
        return about | {"facts": [fact.as_data() for fact in facts], "all": [fact.value for fact in facts]}
    found = about | {"facts": [facts[0].as_data()], "relation": facts[0].relation.name}
    if needs == "claim":
        answer = "yes" if facts[0] == facts[1] else "no"
        return found | {"claimed": facts[1].value, "answer": answer, "options": ["yes", "no"], "chance": 0.5}
    return found | {"answer": facts[0].value} | options_of(world, facts[0])
