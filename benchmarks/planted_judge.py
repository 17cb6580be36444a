"""Whether a judge's biases are found: judges with planted ones, and fair judges.

    python benchmarks/planted_judge.py [--judges 300]

Each judge sees pairs of its own answers and of another model's, in both orders, through the prompt that any judge is shown; the other's are
longer by half and a little better. Answers of known worth differ by one standard deviation; worth multiplies the odds by e^1.2. For each
number of pairs is printed, of each coefficient: the mean of the estimates, how often its 95 % interval holds the truth, how often the
interval leaves out 0 (for a planted bias the power, for a fair judge the rate of false alarms).
"""

from __future__ import annotations

import argparse

import numpy as np

from onward.errors import DataError
from onward.evaluate.judging import pairwise
from onward.evaluate.judging.biases import LENGTH, OWN, POSITION, WORTH, Bias, biases, shown
from onward.evaluate.judging.pairwise import Duel
from onward.evaluate.judging.planted import Planted, PlantedJudge
from onward.evaluate.judging.questions import Question
from onward.evaluate.judging.verdicts import asking

PLANTED = Planted(position=0.4, length=0.3, own=0.4, worth=1.2, mute=0.05)
FAIR = Planted(worth=1.2, mute=0.05)
NUMBERS = (50, 200, 800)


def found(planted: Planted, pairs: int, seed: int) -> list[Bias]:
    """What the regression says of one judge."""
    generator = np.random.default_rng((seed, pairs))
    worth: dict[str, float] = {}
    duels = []
    for number in range(pairs):
        mine, theirs = (f"{name} {number} " + "." * length for name, length in zip("mt", sizes(generator), strict=True))
        worth |= {mine: float(generator.normal()), theirs: float(generator.normal(0.3))}
        duels.append(Duel(Question(str(number), ("What?",)), (mine,), (theirs,)))
    judge = PlantedJudge(planted, worth, frozenset(text for text in worth if text.startswith("m")), seed)
    judged = pairwise.judge(duels, asking(judge))
    return biases(
        shown(judged, worth=lambda one: (worth[one.duel.one[0]], worth[one.duel.other[0]]), judge_is=(True, False))
    )


def sizes(generator: np.random.Generator) -> tuple[int, int]:
    return int(np.exp(generator.normal(5, 0.7))), int(np.exp(generator.normal(5.4, 0.7)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judges", type=int, default=300)
    judges = parser.parse_args().judges
    print("| judge | pairs | effect | planted | mean estimate | interval holds it | interval leaves out 0 |")
    print("|---|---|---|---|---|---|---|")
    for name, planted in (("biased", PLANTED), ("fair", FAIR)):
        for pairs in NUMBERS:
            rows(name, planted, pairs, judges)


def rows(name: str, planted: Planted, pairs: int, judges: int) -> None:
    estimates: dict[str, list[Bias]] = {POSITION: [], LENGTH: [], OWN: [], WORTH: []}
    refused = 0
    for seed in range(judges):
        try:
            for one in found(planted, pairs, seed):
                estimates[one.name].append(one)
        except DataError:
            refused += 1
    for effect, own in estimates.items():
        truth = getattr(planted, effect)
        holds = np.mean([one.low <= truth <= one.high for one in own])
        seen = np.mean([one.found for one in own])
        mean = np.mean([one.coefficient for one in own])
        print(f"| {name} | {pairs} | {effect} | {truth:g} | {mean:.2f} | {holds:.1%} | {seen:.1%} |")
    if refused:
        print(f"({refused} of {judges} refused: too little to tell)")


if __name__ == "__main__":
    main()
