"""How far an arena's ratings can be trusted: by the order of the votes, by their number, and with ties.

    python benchmarks/arena.py [--arenas 400] [-o arena.svg]

Six models of known strength meet at random. Printed are: what Elo's ratings of the same votes come to in 500 orders, beside Bradley and
Terry's; and how often 95 % intervals hold the truth, by the number of votes and by how ties come: by Davidson's rule, which the fit
follows, or as often between unequals as between equals, which it does not expect. Beside it stands what would come of it if each tie were
half a win for both. The picture shows the first.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from onward.drawing import BLUE, GREY, ORANGE, STYLE, svg
from onward.evaluate.arena.bradley_terry import POINTS, Standing, Vote, counted, ratings, standings
from onward.evaluate.arena.elo import Spread, by_order

TRUE = {"Ada": 1120, "Bo": 1100, "Cid": 1030, "Dot": 980, "Eli": 920, "Fay": 850}
"""On Elo's scale; the mean is 1000."""
SHOWN = 600
ORDERS = 500


def votes(generator: np.random.Generator, number: int, ties: float = 0.0, *, alike: bool = False) -> list[Vote]:
    """Random meetings.   ties: Davidson's parameter; equals tie in ties / (2 + ties) of their meetings.   alike: all others do, too."""
    names, found = list(TRUE), []
    for _ in range(number):
        one, other = (names[i] for i in generator.choice(len(names), 2, replace=False))
        worth = np.exp(np.array([TRUE[one], TRUE[other]]) / POINTS - 1000 / POINTS)
        between = worth.sum() / 2 if alike else np.sqrt(worth.prod())
        chances = np.array([worth[0], worth[1], ties * between])
        found.append(Vote(one, other, float(generator.choice([1.0, 0.0, 0.5], p=chances / chances.sum()))))
    return found


def orders(picture: Path | None) -> None:
    """The same votes, in many orders."""
    all_votes = votes(np.random.default_rng(0), SHOWN)
    fast, slow = (by_order(all_votes, k=k, orders=ORDERS) for k in (32, 4))
    fitted = standings(all_votes)
    print(f"{SHOWN} votes, {ORDERS} orders of them\n")
    print("| model | true | Elo, K = 32: lowest to highest (on top) | Elo, K = 4 | Bradley-Terry, 95 % interval |")
    print("|---|---|---|---|---|")
    for name, true in TRUE.items():
        cells = [f"{one.lowest:.0f} to {one.highest:.0f} ({one.first:.0%})" for one in (of(name, fast), of(name, slow))]
        bt = of(name, fitted)
        print(f"| {name} | {true} | {' | '.join(cells)} | {bt.rating:.0f} ({bt.low:.0f} to {bt.high:.0f}) |")
    if picture is not None:
        picture.write_text(drawn(fast, slow, fitted) + "\n")


def of(name: str, rows: Sequence[Any]) -> Any:
    return next(one for one in rows if one.model == name)


def drawn(fast: list[Spread], slow: list[Spread], fitted: list[Standing]) -> str:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 2.8), layout="constrained")
        axes = figure.subplots(1, 3, sharey=True, sharex=True)
        for place, (title, rows) in enumerate((("Elo, K = 32", fast), ("Elo, K = 4", slow))):
            for name in TRUE:
                one = of(name, rows)
                axes[place].plot(
                    [one.lowest, one.highest], [name, name], color=ORANGE, linewidth=5, solid_capstyle="butt"
                )
            axes[place].set_title(f"{title}: all that\n{ORDERS} orders of the votes give", fontsize=9, loc="left")
        for name in TRUE:
            one = of(name, fitted)
            axes[2].plot([one.low, one.high], [name, name], color=BLUE, linewidth=1.5)
            axes[2].plot([one.rating], [name], "o", color=BLUE, markersize=5)
        axes[2].set_title("Bradley-Terry, any order,\nwith 95 % intervals", fontsize=9, loc="left")
        for panel in axes:
            panel.plot(list(TRUE.values()), list(TRUE), "|", color=GREY, markersize=14, markeredgewidth=2)
            panel.grid(visible=True, axis="x", linewidth=0.6)
        axes[0].invert_yaxis()
        axes[1].set_xlabel("rating; grey: the truth")
        return svg(figure)


def coverage(arenas: int) -> None:
    print(
        "\n| votes | ties | intervals that hold the truth | mean width | gap, first to last (true 270) | ties as half wins |"
    )
    print("|---|---|---|---|---|---|")
    cases = (
        (60, 0.0, False),
        (200, 0.0, False),
        (600, 0.0, False),
        (600, 0.5, False),
        (600, 1.5, False),
        (600, 1.5, True),
    )
    for number, ties, alike in cases:
        generator = np.random.default_rng(number)
        held, widths, gaps, halves, tied = [], [], [], [], []
        for _ in range(arenas):
            drawn_votes = votes(generator, number, ties, alike=alike)
            found = standings(drawn_votes)
            held += [one.low <= TRUE[one.model] <= one.high for one in found]
            widths += [one.high - one.low for one in found]
            gaps.append(of("Ada", found).rating - of("Fay", found).rating)
            half = ratings(as_half_wins(drawn_votes)[None])[0]
            halves.append(half[0] - half[-1])
            tied.append(np.mean([vote.share == 0.5 for vote in drawn_votes]))
        said = f"{np.mean(tied):.0%}" + ", alike" * alike
        print(
            f"| {number} | {said} | {np.mean(held):.1%} | {np.mean(widths):.0f} | {np.mean(gaps):.0f} | {np.mean(halves):.0f} |"
        )


def as_half_wins(all_votes: list[Vote]) -> np.ndarray:
    table = counted(all_votes, list(TRUE))
    return np.stack([table[0] + table[1] / 2, 0 * table[1]])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arenas", type=int, default=400)
    parser.add_argument("-o", "--out", type=Path)
    given = parser.parse_args()
    orders(given.out)
    coverage(given.arenas)


if __name__ == "__main__":
    main()
