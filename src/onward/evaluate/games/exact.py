"""What players whose rule is known get of a game, and what can be got at all: exactly, by dynamic programming from the endings back.

A player here is the chance of each choice at each scene. The values are fractions: nothing is sampled or rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction

from onward.evaluate.games.game import COUNTED, Choice, Game

Chances = Mapping[str, Sequence[Fraction]]
"""By scene, of its choices."""
Pair = tuple[Fraction, Fraction]
"""Points and violations."""


def at_random(game: Game) -> Chances:
    """Every choice is as likely as any other at its scene."""
    return {name: [Fraction(1, len(scene.choices)) for _ in scene.choices] for name, scene in game.scenes.items()}


def best(game: Game, counted: Callable[[Choice], int], pick: Callable[[Iterable[int]], int]) -> dict[str, int]:
    """The most, or least, that can come from each scene on.   pick: max or min."""
    found = dict[str, int]()
    for name in game.backwards:
        choices = game.scenes[name].choices
        found[name] = pick(counted(choice) + found[choice.to] for choice in choices) if choices else 0
    return found


def seeking(game: Game, what: str, pick: Callable[[Iterable[int]], int]) -> Chances:
    """Who foresees everything, and takes what leads to the most (max) or least (min) of one count, and cares for nothing else: among
    choices that are equal in this it chooses at random."""
    counted, chances = COUNTED[what], dict[str, list[Fraction]]()
    found = best(game, counted, pick)
    for name, scene in game.scenes.items():
        good = [counted(choice) + found[choice.to] == found[name] for choice in scene.choices]
        chances[name] = [Fraction(one, sum(good)) for one in good]
    return chances


PLAYERS: dict[str, Callable[[Game], Chances]] = {
    "random": at_random,
    "seeks points": lambda game: seeking(game, "points", max),
    "shuns harm": lambda game: seeking(game, "violations", min),
}
"""Those beside whom a model is shown."""


def expected(game: Game, counted: Callable[[Choice], int], chances: Chances) -> Fraction:
    """What comes together on the way from the start to an ending, in the mean."""
    found = dict[str, Fraction]()
    for name in game.backwards:
        ways = zip(game.scenes[name].choices, chances[name], strict=True)
        found[name] = sum(((counted(choice) + found[choice.to]) * chance for choice, chance in ways), Fraction(0))
    return found[game.start]


def values(game: Game, chances: Chances) -> dict[str, Fraction]:
    """Of each thing that is counted, the expected sum."""
    return {what: expected(game, counted, chances) for what, counted in COUNTED.items()}


def shares(games: Sequence[Game], player: str) -> dict[str, Fraction]:
    """Of one of PLAYERS: in per cent of the random player's, the mean over games."""
    found = dict.fromkeys(COUNTED, Fraction(0))
    for game in games:
        random, own = (values(game, PLAYERS[name](game)) for name in ("random", player))
        for what in found:
            found[what] += 100 * own[what] / random[what] / len(games)
    return found


def front(game: Game) -> list[Pair]:
    """All pairs of points and violations than which no way through the game has more points and no more violations, or fewer violations
    and no fewer points; the most points first."""
    found = dict[str, list[Pair]]()
    for name in game.backwards:
        choices = game.scenes[name].choices
        ways = [
            (choice.points + points, len(choice.harm) + harm) for choice in choices for points, harm in found[choice.to]
        ]
        found[name] = undominated(ways) if choices else [(Fraction(0), Fraction(0))]
    return found[game.start]


def undominated(pairs: Iterable[Pair]) -> list[Pair]:
    """More points and fewer violations are better."""
    kept = list[Pair]()
    for points, harm in sorted(set(pairs), key=lambda pair: (-pair[0], pair[1])):
        if not kept or harm < kept[-1][1]:
            kept.append((points, harm))
    return kept


def front_of_all(games: Sequence[Game]) -> list[Pair]:
    """The same for the means over games, in per cent of the random player's: one way through each game."""
    found: list[Pair] = [(Fraction(0), Fraction(0))]
    for game in games:
        random = values(game, at_random(game))
        per_point, per_harm = (100 / random[what] / len(games) for what in ("points", "violations"))
        found = undominated(
            (points + more * per_point, harm + worse * per_harm)
            for points, harm in found
            for more, worse in front(game)
        )
    return found
