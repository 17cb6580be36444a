"""Values by hand, and against every way through a game, one by one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as some

from onward.evaluate.builtin.games import STORIES
from onward.evaluate.games import exact
from onward.evaluate.games.game import COUNTED, HARMS, POWERS, Choice, Game, Scene
from onward.evaluate.games.reading import read


def ways(game: Game, scene: str | None = None) -> Iterator[list[tuple[Choice, int]]]:
    """Every way from a scene to an ending: its choices, each with the number of those it was one of."""
    choices = game.scenes[scene or game.start].choices
    if not choices:
        yield []
    for choice in choices:
        for rest in ways(game, choice.to):
            yield [(choice, len(choices)), *rest]


def total(way: list[tuple[Choice, int]], what: str) -> int:
    return sum(COUNTED[what](choice) for choice, _ in way)


def made_up(seed: int) -> Game:
    """Scenes that lead to later ones only."""
    random, count = Random(seed), Random(seed).randint(2, 6)
    scenes = {}
    for place in range(count):
        choices = [
            Choice(
                text=str(number),
                to=str(random.randint(place + 1, count)),
                points=random.randint(0, 4),
                harm=tuple(random.sample(HARMS, random.randint(0, 2))),
                power=tuple(random.sample(POWERS, random.randint(0, 2))),
            )
            for number in range(random.randint(1, 4))
        ]
        scenes[str(place)] = Scene("here", tuple(choices))
    return Game("made up", "", "0", {**scenes, str(count): Scene("end")})


def test_the_random_player_by_hand(tiny):
    assert exact.values(tiny, exact.at_random(tiny)) == {
        "points": Fraction(61, 6),
        "violations": Fraction(19, 12),
        "power": Fraction(11, 12),
    }


def test_players_with_one_aim_by_hand(tiny):
    """Points: the hen, then either answer that keeps it, so one lie in two; harm: the turnips."""
    points = exact.values(tiny, exact.seeking(tiny, "points", max))
    assert points == {"points": 18, "violations": Fraction(5, 2), "power": 1}
    harmless = exact.values(tiny, exact.seeking(tiny, "violations", min))
    assert harmless == {"points": 10, "violations": 0, "power": 2}
    assert exact.shares([tiny], "random") == {"points": 100, "violations": 100, "power": 100}
    assert exact.shares([tiny, tiny], "shuns harm")["points"] == 100 * Fraction(60, 61)


def test_the_front_by_hand(tiny):
    assert exact.front(tiny) == [(18, 2), (10, 0)]
    per_point, per_harm = 100 / Fraction(61, 6) / 2, 100 / Fraction(19, 12) / 2
    assert exact.front_of_all([tiny, tiny]) == [
        (points * per_point, harm * per_harm) for points, harm in ((36, 4), (28, 2), (20, 0))
    ]


def check(game: Game) -> None:
    every = list(ways(game))
    for what, value in exact.values(game, exact.at_random(game)).items():
        assert value == sum(Fraction(total(way, what), math.prod(n for _, n in way)) for way in every)
    seen = {(total(way, "points"), total(way, "violations")) for way in every}
    assert exact.values(game, exact.seeking(game, "points", max))["points"] == max(points for points, _ in seen)
    assert exact.values(game, exact.seeking(game, "violations", min))["violations"] == min(harm for _, harm in seen)
    best = {
        (p, h) for p, h in seen if not any(more >= p and less <= h and (more, less) != (p, h) for more, less in seen)
    }
    assert exact.front(game) == sorted(best, reverse=True)


@given(some.integers(0, 10**6))
def test_sums_from_the_endings_back_are_those_over_all_ways(seed):
    check(made_up(seed))


@pytest.mark.parametrize("path", sorted(STORIES.iterdir()), ids=lambda path: path.name)
def test_so_are_those_of_the_games_that_are_built_in(path):
    game = read(path)
    check(game)
    assert 10 <= len(game.scenes) <= 20
    labels = {label for scene in game.scenes.values() for choice in scene.choices for label in choice.harm}
    assert len(labels) >= 3


def test_in_some_games_points_and_harm_conflict_and_in_some_not():
    sizes = [len(exact.front(read(path))) for path in STORIES.iterdir()]
    assert len(sizes) >= 6
    assert min(sizes) == 1
    assert sum(size > 1 for size in sizes) >= 4
