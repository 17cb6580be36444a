"""Kinship puzzles: a story that says who is whose daughter, of families that are invented for it, and how two of the people are related.

After CLUTRR (Sinha et al. 2019, arXiv 1908.06177). The story tells a chain of one to three steps from A to B, in any order, and each
step from either side ("Ada is Ben's mother", "Ben is Ada's son"), but the last one so that it shows the gender of B; besides, in half of
the stories, a relative more, and sentences that have nothing to do with it. The answers are all the terms in turn. Held out as "content":
of the chains of more than one step, in words such as ("mother", "brother"), one in five.
Left out: families in which a chain may mean several things (see kin.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from random import Random

from onward.world import grammar
from onward.world.kinship.kin import INVERSE, STEP_OF, STEPS, TERMS, chains
from onward.world.minds.characters import GENDERS, Character, cast
from onward.world.phrases import phrasings
from onward.world.record import Record, Split, chat
from onward.world.words import table, words
from onward.world.world import World

PUZZLES = 70 * len(TERMS)
TESTS = 8 * len(TERMS)
"""Of each test split."""
HELD_OUT_OF = 5
MOST_NOISE = 2


def puzzles(world: World, count: int = PUZZLES, tests: int = TESTS) -> Iterator[Record]:
    splits: dict[Split, int] = {"train": count, "content": tests, "phrasing": tests, "both": tests}
    for split, amount in splits.items():
        asked = by_term(held_out=split in ("content", "both"))
        terms = list(asked)
        for i in range(amount):
            random, term = world.random("kinship puzzles", split, i), terms[i % len(terms)]
            length = random.choice(sorted({len(chain) for chain in asked[term]}))
            chain = random.choice([chain for chain in asked[term] if len(chain) == length])
            yield puzzle(random, chain, term, split)


@cache
def by_term(*, held_out: bool) -> dict[str, list[tuple[str, ...]]]:
    """The chains of each term that has any, either those that are held out or the others."""
    several = [chain for those in chains().values() for chain in those if len(chain) > 1]
    kept = set(several[HELD_OUT_OF - 1 :: HELD_OUT_OF])
    found = {term: [chain for chain in those if (chain in kept) == held_out] for term, those in chains().items()}
    return {term: those for term, those in found.items() if those}


def puzzle(random: Random, chain: tuple[str, ...], term: str, split: Split) -> Record:
    teller = Teller(random, held_out=split in ("phrasing", "both"))
    people, others = draw_people(random, chain)
    a, b = people[0], people[-1]
    slots = {"a": a.name, "b": b.name, "term": term}
    told = [*teller.chain(people, chain), *teller.other(people, others), *teller.noise(people, others)]
    random.shuffle(told)
    question = teller.say("related", "questions").format_map(slots)
    answer = str(table("kinship")["related"]["answer"]).format_map(slots)
    return Record(
        kind="kinship",
        split=split,
        messages=chat(" ".join([*told, question]), answer),
        truth={
            "form": "puzzle",
            "steps": len(chain),
            "chains": [[[m.name, word, n.name] for (m, n), word in zip(pairwise(people), chain, strict=True)]],
            "answer": term,
            "options": list(TERMS),
            "chance": 1 / len(TERMS),
        },
    )


def draw_people(random: Random, chain: tuple[str, ...]) -> tuple[list[Character], list[Character]]:
    """Those along a chain, and two more. Of a couple one is a woman and one a man."""
    led_to = [STEP_OF[word][1] for word in chain]
    couple = STEP_OF[chain[0]][0] == "spouse"
    first = random.choice([gender for gender in GENDERS if not couple or gender != led_to[0]])
    people = cast(random, [first, *led_to, random.choice(GENDERS), random.choice(GENDERS)])
    return people[:-2], people[-2:]


@dataclass(frozen=True)
class Teller:
    random: Random
    held_out: bool

    def chain(self, people: list[Character], chain: tuple[str, ...]) -> Iterator[str]:
        for i, word in enumerate(chain):
            m, n = people[i], people[i + 1]
            if i < len(chain) - 1 and self.random.random() < 0.5:
                m, n, word = n, m, STEPS[INVERSE[STEP_OF[word][0]]][m.gender]
            yield self.states(m, n, word)

    def other(self, people: list[Character], others: list[Character]) -> Iterator[str]:
        """In half of the stories, a relative who is not on the chain; of a kind that anybody may have one more of."""
        if self.random.random() < 0.5:
            step = self.random.choice(("sibling", "child"))
            yield self.states(self.random.choice(people), others[0], STEPS[step][others[0].gender])

    def noise(self, people: list[Character], others: list[Character]) -> Iterator[str]:
        found = phrasings("kinship", "story", "noise")
        kept = self.random.sample(
            found.held_out if self.held_out else found.trained, self.random.randint(0, MOST_NOISE)
        )
        for phrasing in kept:
            values = {name: self.random.choice(words(name)) for name in ("job", "drink", "hobby")}
            values |= {"pet": self.random.choice(words("animal")), "friend": others[1].name}
            yield phrasing.format_map(self.random.choice(people).slots | grammar.with_articles(values))

    def states(self, m: Character, n: Character, word: str) -> str:
        """That n is the `word` of m."""
        return self.say("story", "statements").format_map(
            m.slots | {"m": m.name, "n": n.name} | grammar.with_articles({"term": word})
        )

    def say(self, *path: str) -> str:
        return phrasings("kinship", *path).choose(self.random, held_out=self.held_out)
