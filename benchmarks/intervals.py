"""Do intervals hold the truth as often as they say, and how often is something found where nothing is? By simulation.

    python benchmarks/intervals.py

Items are right by chance, models are alike or not by construction, and a synthetic model has a liking for letters or none. The same
simulations stand in tests/evaluate, with fewer rounds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from onward.evaluate import choices, statistics
from onward.evaluate.choices import Ballot

ROUNDS = 500
PLANTED, EVEN = (0.6, 0.4 / 3, 0.4 / 3, 0.4 / 3), (0.25,) * 4


def held(generator: np.random.Generator, items: int, share: float) -> bool:
    found = statistics.mean((generator.random(items) < share).astype(float).tolist())
    return found.low is not None and found.high is not None and found.low <= share <= found.high


def of_clusters(generator: np.random.Generator, *, together: bool) -> bool:
    """Forty subjects with eight questions each; a subject is mostly known or mostly not."""
    known = np.repeat(generator.beta(0.5, 0.5, 40), 8)
    values = (generator.random(320) < known).astype(float).tolist()
    found = statistics.mean(values, np.repeat(np.arange(40), 8).tolist() if together else None)
    return found.low is not None and found.high is not None and found.low <= 0.5 <= found.high


def alarm(generator: np.random.Generator) -> bool:
    hard = generator.random(80)
    first, second = ((generator.random(80) < hard).astype(float).tolist() for _ in range(2))
    return statistics.paired(first, second).seen


def answers(liking: Sequence[float], generator: np.random.Generator, items: int) -> list[Ballot]:
    """A model that finds right options a little better, and likes letters; every figure has noise of its own."""
    found, k = [], len(liking)
    at = (np.arange(k)[None] + np.arange(k)[:, None]) % k
    for _ in range(items):
        right, worth = int(generator.integers(k)), generator.normal(0, 0.5, k)
        worth[right] += 1
        found.append(Ballot(np.log(liking)[None] + worth[at] + generator.normal(0, 0.15, (k, k)), right))
    return found


def prior_held(generator: np.random.Generator) -> bool:
    found = statistics.mean([float(one.prior[0]) for one in answers(PLANTED, generator, 60)])
    return found.low is not None and found.high is not None and found.low <= PLANTED[0] <= found.high


def main() -> None:
    generator = np.random.default_rng(0)
    rows = {
        "interval holds the share 0.7, 60 items": lambda: held(generator, 60, 0.7),
        "interval holds the share 0.9, 20 items": lambda: held(generator, 20, 0.9),
        "40 subjects, 8 questions each, taken together": lambda: of_clusters(generator, together=True),
        "the same, each question for itself": lambda: of_clusters(generator, together=False),
        "models that are alike are found different, 80 items": lambda: alarm(generator),
        "interval holds a planted prior of 0.6, 60 items": lambda: prior_held(generator),
        "a liking is found where there is none, 40 items": lambda: (
            choices.prior_p(answers(EVEN, generator, 40)) <= statistics.LEVEL
        ),
    }
    print("| what | share of experiments |\n|---|---|")
    for name, once in rows.items():
        print(f"| {name} | {sum(once() for _ in range(ROUNDS)) / ROUNDS:.3f} |", flush=True)


if __name__ == "__main__":
    main()
