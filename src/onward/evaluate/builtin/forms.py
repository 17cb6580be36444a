"""Instructions on form, as IFEval has them: a request, and one to three instructions of which a rule sees whether they were followed.

Told are four shares: of prompts of which all was followed, and of instructions, each strictly and loosely (evaluate/instructed.py, which
has the checks). Of every item one reply is known that follows all, since it was made from the instructions. Source: IFEval (Zhou et al.
2023, arXiv 2311.07911); requests and instructions are our own. The world's instructions (world-instruction) ask for the right answer
besides. Left out: languages but English, and forms of whole conversations.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from onward.evaluate import instructed
from onward.evaluate.builtin.instructions import DATA, asked, drawn
from onward.evaluate.examined import Row, mean
from onward.evaluate.items import Item
from onward.evaluate.suite import Said, Suite

ITEMS = 150
MOST = 3
"""Instructions of one prompt."""


def suite() -> Suite:
    return Suite(
        name="forms",
        items=list(items()),
        about="requests with one to three instructions on form; right is who follows all of them, strictly",
        max_tokens=256,
        further=further,
    )


def items() -> Iterator[Item]:
    """As many with one instruction as with two and with three."""
    random = Random("forms")
    tasks = DATA["tasks"].strip().splitlines()
    for number in range(ITEMS):
        count = number % MOST + 1
        instructions, reply = drawn(random, count)
        yield Item(
            id=f"{number + 1:03}",
            messages=({"role": "user", "content": " ".join([random.choice(tasks), *map(asked, instructions)])},),
            rule="instructions",
            answers=(reply,),
            kind=f"{count} instruction{'s' if count > 1 else ''}",
            truth={"instructions": instructions},
        )


def further(said: Sequence[Said]) -> list[Row]:
    """Besides prompts, strictly, which the suite is known by: prompts, loosely, and single instructions both ways."""
    items = [one.item for one in said]
    found = {
        name: [follows(one.text, one.item.truth["instructions"]) for one in said]
        for name, follows in (("strict", instructed.strictly), ("loose", instructed.loosely))
    }
    singly = [item for item, own in zip(items, found["strict"], strict=True) for _ in own]
    return [
        Row("prompts, loose", mean(items, [float(all(own)) for own in found["loose"]]), about="also without wrappings"),
        *(
            Row(f"instructions, {name}", mean(singly, [float(one) for own in all_own for one in own]))
            for name, all_own in found.items()
        ),
    ]
