"""Length-controlled win rates beside the published table of AlpacaEval 2.

    python benchmarks/alpaca_eval.py ANNOTATIONS.csv.gz LEADERBOARD.csv

ANNOTATIONS has a row for each model and instruction: the judge's preference, from 1 (the baseline's answer) to 2 (the model's), and both
lengths in characters. LEADERBOARD is the published table. Models that stand in only one of them are left out, and so is the baseline
itself. Printed are the raw and the length-controlled win rates of each model beside the published ones, how far off they are on
average, and the rank correlation; then the same with a tighter prior and with a wider one, since ours is a choice.
"""

from __future__ import annotations

import argparse
import csv
import gzip
from pathlib import Path

import numpy as np

from onward.evaluate.judging.length_controlled import Judgements, WinRate, win_rates

BASELINE = "gpt4_1106_preview"


def read_judgements(path: Path) -> tuple[list[str], Judgements]:
    """The names of the models, and what was judged."""
    with gzip.open(path, "rt", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["model"] != BASELINE]
    models = sorted({row["model"] for row in rows})
    instructions = sorted({row["instruction_id"] for row in rows})
    place = {name: i for names in (models, instructions) for i, name in enumerate(names)}
    return models, Judgements(
        models=np.array([place[row["model"]] for row in rows]),
        instructions=np.array([place[row["instruction_id"]] for row in rows]),
        preferences=np.array([float(row["preference_1to2"]) - 1 for row in rows]),
        lengths=np.array([float(row["chars_model"]) for row in rows]),
        baseline_lengths=np.array([float(row["chars_baseline"]) for row in rows]),
    )


def read_published(path: Path) -> dict[str, tuple[float, float]]:
    """For each model the raw and the length-controlled win rate, in percent."""
    with path.open(newline="") as file:
        return {
            row[""]: (float(row["win_rate"]), float(row["length_controlled_winrate"])) for row in csv.DictReader(file)
        }


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's; no two values here are equal."""
    return float(np.corrcoef(np.argsort(np.argsort(one)), np.argsort(np.argsort(other)))[0, 1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("annotations", type=Path)
    parser.add_argument("leaderboard", type=Path)
    given = parser.parse_args()
    models, judged = read_judgements(given.annotations)
    published = read_published(given.leaderboard)
    found = win_rates(judged)
    both = [(name, one) for name, one in zip(models, found, strict=True) if name in published]
    for name, one in sorted(both, key=lambda pair: -pair[1].controlled.value):
        raw, controlled = published[name]
        print(
            f"{name:36} raw {100 * one.raw.value:6.2f} (published {raw:6.2f})   length-controlled {said(one)} "
            f"(published {controlled:6.2f})   length {one.length:5.2f}"
        )
    compare(both, published)
    for spread in (0.5, 2.0):
        print(f"\nWith a prior of standard deviation {spread:g}:")
        again = zip(models, win_rates(judged, spread=spread, rounds=2), strict=True)
        compare([(name, one) for name, one in again if name in published], published)


def said(one: WinRate) -> str:
    value = one.controlled
    if value.low is None or value.high is None:
        return f"{100 * value.value:6.2f}"
    return f"{100 * value.value:6.2f} ({100 * value.low:.1f} to {100 * value.high:.1f})"


def compare(both: list[tuple[str, WinRate]], published: dict[str, tuple[float, float]]) -> None:
    theirs = np.array([published[name] for name, _ in both])
    ours = 100 * np.array([(one.raw.value, one.controlled.value) for _, one in both])
    off = np.abs(ours - theirs)
    worst = both[int(off[:, 1].argmax())][0]
    print(f"{len(both)} models. Raw: at most {off[:, 0].max():.3f} points off.")
    print(f"Length-controlled: {off[:, 1].mean():.2f} points off on average, at most {off[:, 1].max():.1f} ({worst});")
    print(f"rank correlation {rank_correlation(ours[:, 1], theirs[:, 1]):.4f}.")
    print(
        f"Raw rates in their place: {np.abs(ours[:, 0] - theirs[:, 1]).mean():.2f} points off on average, "
        f"rank correlation {rank_correlation(ours[:, 0], theirs[:, 1]):.4f}."
    )


if __name__ == "__main__":
    main()
