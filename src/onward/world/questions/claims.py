"""Yes/no questions: a claim on a person or place, true or false in equal numbers; the answer says what is true."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from onward.world import grammar
from onward.world.phrases import Phrasings, phrasings
from onward.world.questions.asking import Pick, Question, asked
from onward.world.record import Record
from onward.world.relations import Fact, Relation, Subject
from onward.world.words import table
from onward.world.world import World

ROUNDS = 1


def claims(world: World) -> Iterator[Record]:
    return asked(world, "claim", ask, world.subjects, ROUNDS)


def ask(world: World, subject: Subject, random: Random, pick: Pick) -> Iterator[Question]:
    """One claim on each fact."""
    words = table("questions")["yes_no"]
    for fact in world.facts(subject):
        true, wrong = random.random() < 0.5, world.others(fact, random, 1)
        if not wrong:
            continue
        claimed = fact if true else Fact(subject, fact.relation, wrong[0])
        claim = claimed.render(pick(_usable(fact.relation))).removesuffix(".")
        text = pick(phrasings("questions", "yes_no", "frames")).format(
            claim=_inside(claim), Claim=grammar.capital(claim)
        )
        answer = (words["yes"] if true else words["no"]).format(fact=_inside(fact.answer()))
        truth = {"facts": [fact.as_data()], "claimed": claimed.value, "answer": "yes" if true else "no"}
        yield Question(text, answer, truth | {"relation": fact.relation.name, "options": ["yes", "no"], "chance": 0.5})


def _usable(relation: Relation) -> Phrasings:
    """Statements that begin with their subject, which keep their order after "that"."""

    def of(phrasings: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(p for p in phrasings if p.startswith(("{Who} ", "{Whose} ")) and "and that is" not in p)

    found = relation.statements
    return Phrasings(of(found.trained), of(found.held_out) or of(found.trained))


def _inside(sentence: str) -> str:
    """As it stands inside another sentence. Those that begin with a name keep their capital; "The capital ..." does not."""
    return sentence[0].lower() + sentence[1:] if sentence.startswith("The ") else sentence
