"""How far the scaling law's prediction and its interval can be trusted: many simulated studies of a law that is known.

    python benchmarks/law.py [--studies 100] [--noise 0.006]

Each study has the runs that `onward scale` would make at most (four budgets, five sizes each) with log-normal noise, and foretells one new
run with ten times the compute, which has the same noise. Printed: the prediction's error, and how often the interval holds the new run.
"""

from __future__ import annotations

import argparse
import math

import numpy as np

from onward.scale.grid import BUDGETS, LARGER, SPREAD
from onward.scale.law import Law, fit
from onward.train.repetition import TOKENS_PER_PARAMETER

PLANTED = Law(E=0.9, A=60.0, alpha=0.4, B=300.0, beta=0.38)
COMPUTE = 7e12


def best(flops: float) -> float:
    return math.sqrt(flops / (6 * TOKENS_PER_PARAMETER))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--studies", type=int, default=100)
    parser.add_argument("--noise", type=float, default=0.006)
    given = parser.parse_args()
    grid = [(best(share * COMPUTE) * spread, share * COMPUTE) for share in BUDGETS for spread in SPREAD]
    parameters, budgets = np.array(grid).T
    tokens = budgets / (6 * parameters)
    losses = np.array([PLANTED.loss(n, d) for n, d in zip(parameters, tokens, strict=True)])
    larger = best(LARGER * COMPUTE), TOKENS_PER_PARAMETER * best(LARGER * COMPUTE)
    truth, held, errors, widths = PLANTED.loss(*larger), 0, [], []
    chance = np.random.default_rng(1)
    for seed in range(given.studies):
        found = fit(parameters, tokens, losses * np.exp(chance.normal(0, given.noise, len(losses))), seed=seed)
        low, high = found.interval(*larger)
        held += low <= truth * math.exp(chance.normal(0, given.noise)) <= high
        errors.append(found.law.loss(*larger) / truth - 1)
        widths.append((high - low) / truth)
    print(
        f"{given.studies} studies, noise {given.noise:.1%}: error {np.sqrt(np.mean(np.square(errors))):.2%} (root mean square), "
        f"interval {np.median(widths):.1%} wide, holds {held} of {given.studies} new runs"
    )


if __name__ == "__main__":
    main()
