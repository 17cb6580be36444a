"""How often an ability is found that is not there, or before it is there, when a suite is put to every checkpoint of a training.

    python benchmarks/when_learned.py [--trainings 1000] [--checkpoints 20] [--kinds 4] [--items 48]

Trainings are simulated: the answers to each item are drawn anew at each checkpoint, right with the chance of 0.2, and from the middle of
the training on with another share, where something is learned. Items come alone, or two about one subject that are right together. Two
readers: one takes each checkpoint by itself, at the level of 0.05; the other is `onward eval --every-checkpoint`.
Left out: checkpoints whose answers are alike because the models are; then there are fewer looks, and fewer false alarms.
"""

from __future__ import annotations

import argparse

import numpy as np

from onward.evaluate.learning import since
from onward.evaluate.statistics import LEVEL, p_above

CHANCE = 0.2


def looks(generator: np.random.Generator, shares: list[float], items: int, clusters: int) -> list[float]:
    """p of each checkpoint."""
    of = np.arange(items) % clusters
    drawn = [(generator.random(clusters)[of] < share).astype(float).tolist() for share in shares]
    return [p_above(values, CHANCE, of.tolist()) for values in drawn]


def main() -> None:
    parser = argparse.ArgumentParser()
    for name, value in (("trainings", 1000), ("checkpoints", 20), ("kinds", 4), ("items", 48)):
        parser.add_argument(f"--{name}", type=int, default=value)
    given = parser.parse_args()
    generator, half = np.random.default_rng(0), given.checkpoints // 2
    for clusters in (given.items, given.items // 2):
        alarms = np.zeros(2)
        for _ in range(given.trainings):
            kinds = [looks(generator, [CHANCE] * given.checkpoints, given.items, clusters) for _ in range(given.kinds)]
            alarms += (
                any(min(ps) <= LEVEL for ps in kinds),
                any(since(ps, LEVEL / given.kinds) is not None for ps in kinds),
            )
        each, ours = alarms / given.trainings
        print(f"{clusters} subjects, nothing learned: something found by each look {each:.3f}, by ours {ours:.3f}")
        for share in (0.4, 0.5, 0.6, 0.8):
            rising = [CHANCE] * half + [share] * (given.checkpoints - half)
            found = [
                since(looks(generator, rising, given.items, clusters), LEVEL / given.kinds)
                for _ in range(given.trainings)
            ]
            early = np.mean([place is not None and place < half for place in found])
            at_once = np.mean([place == half for place in found])
            never = np.mean([place is None for place in found])
            later = 1 - early - at_once - never
            print(
                f"  rises to {share}: too early {early:.3f}, at once {at_once:.3f}, later {later:.3f}, never {never:.3f}"
            )


if __name__ == "__main__":
    main()
