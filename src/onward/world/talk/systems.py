"""Conversations with a system message, which asks for a form of all answers, or says who the assistant is to be; sometimes for both.

The form holds for every answer, and the truth of each turn names it, as instructions do. A persona has a name and a calling, and answers
for itself; what it knows of the world stays true. Left out: forms that only some answers can have.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from onward.world import grammar
from onward.world.entities import Person
from onward.world.phrases import phrasings
from onward.world.record import Record, split_of
from onward.world.talk import followups
from onward.world.talk.conversations import ON_FACTS, Move, one_of
from onward.world.talk.forms import WHOLES, Args, with_whole
from onward.world.talk.talk import Talk, in_rounds
from onward.world.words import table
from onward.world.world import World

COPIES = 3
"""Conversations that begin with a person; the last of them in held-out phrasings, with words and names that training never uses."""
MOVES = (1, 3)
"""Fewest and most, after the first question."""
PERSONAS = 0.35
"""The share of conversations in which the assistant is to be somebody; half of these have a word to begin with, too."""
TRIES = 50


def systems(world: World, copies: int = COPIES) -> Iterator[Record]:
    return in_rounds(world, copies, system)


def system(world: World, person: Person, copy: int, *, held_out: bool = False) -> Record:
    """One, whose first question on the world is on this person."""
    random = world.random("system", person.index, copy)
    form = random.choice(list(table("systems")["forms"]))
    if random.random() < PERSONAS:
        form = random.choice(["opening", ""])
        says, identity = _persona(random, held_out)
    else:
        says, identity = "", None
    args = _drawn(form, random, held_out)
    if form:
        asked = phrasings("systems", "forms", form).choose(random, held_out=held_out).format_map(args)
        says = f"{says} {asked}".strip()
    talk = _talked(world, person, random, identity, form, held_out)
    for reply, turn in zip(talk.messages[1::2], talk.turns, strict=True):
        reply["content"], turn["forms"] = _formed(reply["content"], turn["answer"], form, args)
    return Record(
        kind="system",
        split=split_of(people=world.is_held_out(person), phrasing=held_out),
        messages=[{"role": "system", "content": says}, *talk.messages],
        truth={"about": person.name, "turns": talk.turns},
    )


def _persona(random: Random, held_out: bool) -> tuple[str, Move]:
    """What the system message says, and the turn in which the user asks for it."""
    name, role, says = (
        phrasings("systems", "persona", part).choose(random, held_out=held_out) for part in ("names", "roles", "says")
    )
    found = {"name": name, "a_role": grammar.a(role)}
    about = random.choice(["who", "name"])

    def identity(talk: Talk) -> bool:
        reply = str(table("systems")["persona"][about]).format_map(found)
        talk.exchange(talk.choose("about", about, "says"), reply, f"persona: {about}", answer=name)
        return True

    return says.format_map(found), identity


def _drawn(form: str, random: Random, held_out: bool) -> Args:
    lists = {"opening": "openings", "ending": "endings"}
    return {"text": phrasings("forms", lists[form]).choose(random, held_out=held_out)} if form in lists else {}


def _talked(world: World, person: Person, random: Random, identity: Move | None, form: str, held_out: bool) -> Talk:
    """Drawn anew until every answer can have the form."""
    for _ in range(TRIES):
        talk = Talk(world, random, held_out)
        first = identity is not None and random.random() < 0.5
        if identity is not None and first:
            identity(talk)
        followups.question(talk, person)
        for _ in range(random.randint(*MOVES)):
            one_of(ON_FACTS, talk)
        if identity is not None and not first:
            identity(talk)
        if form != "word" or not any(" " in turn["answer"] for turn in talk.turns):
            break
    return talk


def _formed(reply: str, answer: str, form: str, args: Args) -> tuple[str, list[Args]]:
    """A reply in the form, and the form as truth has it."""
    if form in WHOLES:
        return with_whole(reply, None, WHOLES[form])
    if form == "word":
        return f"{grammar.capital(answer)}.", [{"form": form}]
    if form == "opening":
        reply = f"{args['text']}, {grammar.inside(reply)}."
    elif form == "ending":
        reply = f"{reply} {args['text']}"
    return reply, [{"form": form} | args] if form else []
