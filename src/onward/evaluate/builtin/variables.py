"""Variable tracking: "Let kav be 47. ... Let mir be the same as kav." What is mir?

Three chains of as many steps lie in one text, each in its order, and one is asked for by its last name. After RULER (Hsieh et al. 2024,
arXiv 2404.06654, section 3), where all names of a value are to be listed; here the value of the last one, which takes all steps and
is right or wrong without a parser. Who names any number of the text's chains is right in a third. Left out: names that are bound again.
"""

from __future__ import annotations

import itertools
from random import Random

from onward.evaluate.long import grid
from onward.evaluate.long.grid import Puzzle
from onward.evaluate.suite import Suite

STEPS = (0, 1, 2, 4)
"""From the name that is asked for to the one that has a number."""
CHAINS = 3
NUMBERS = range(10, 100)
ABOUT = (
    "a name is the same as another one, and so on, up to a number; what changes is how often, and how long the text is"
)
SYLLABLE = ("bdfgklmnprstvz", "aeiou", "bdfgklmnprstvz")


def suite() -> Suite:
    return grid.suite("variables", ABOUT, "steps", STEPS, _puzzle)


def _puzzle(random: Random, steps: float) -> Puzzle:
    length = int(steps) + 1
    names, numbers = _names(random, CHAINS * length), random.sample(NUMBERS, CHAINS)
    chains = [names[place * length : (place + 1) * length] for place in range(CHAINS)]
    told = list[tuple[float, str]]()
    for chain, number in zip(chains, numbers, strict=True):
        first = f"Let {chain[0]} be {number}."
        later = [f"Let {name} be the same as {before}." for before, name in itertools.pairwise(chain)]
        told += zip(sorted(random.random() for _ in chain), [first, *later], strict=True)
    return Puzzle(
        sentences=told,
        question=f"Which number is {chains[0][-1]}?",
        answer=str(numbers[0]),
        rule="number",
        chance=1 / CHAINS,
        blind=1 / len(NUMBERS),
    )


def _names(random: Random, count: int) -> list[str]:
    """Words of three letters that mean nothing, all different."""
    found = dict[str, None]()
    while len(found) < count:
        found["".join(random.choice(letters) for letters in SYLLABLE)] = None
    return list(found)
