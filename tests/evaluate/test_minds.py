"""Beliefs: who goes by places alone has no pair right, who tracks them has all, and who guesses is at chance, seldom off."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from onward.errors import SuiteError
from onward.evaluate.builtin.sally_anne import PAIRS
from onward.evaluate.compare import compare
from onward.evaluate.examined import mean
from onward.evaluate.items import Item
from onward.evaluate.minds import counted, rows
from onward.evaluate.opening import open_suite
from onward.evaluate.rules import Score
from onward.evaluate.suite import Said
from respondents import examined, values

X, Y, Z = range(3)


@pytest.fixture(scope="module")
def stories():
    return open_suite("sally-anne")


def answering(suite, answer):
    """Says what a function makes of the item that is asked."""
    by_question = {item.question: item for item in suite.items}
    return lambda asked: f"In the {answer(by_question[asked])}, I think."


def tracked(item):
    """Where X thinks that it is, and where Y thinks that X thinks so, by what happens: by rules of this test's own."""
    inside, place, thinks, of_x = {X, Y}, 0, {X: 0, Y: 0, Z: None}, 0
    for does, who, whom in item.truth["events"]:
        if does == "leave":
            inside.remove(who)
        elif does == "enter":
            inside.add(who)
        else:
            place = 1 - place if does == "move" else place
            learn = {"move": inside, "watch": {who}, "tell": {who, whom}}[does]
            thinks |= dict.fromkeys(learn, place)
            sees_x = {X, Y} <= learn or (does == "watch" and who == Y and X in inside)
            of_x = place if sees_x else of_x
    return thinks[X], of_x


def believing(item):
    first, second = tracked(item)
    places = [item.truth["first"], item.truth["real"]]
    asks = item.truth["asks"]
    if asks in ("memory", "reality"):
        return places[asks == "reality"]
    return places[second if item.kind == "second order" else first]


def test_who_names_the_real_place_has_no_pair(stories, tmp_path):
    got = values(examined(tmp_path / "said", stories, answering(stories, lambda item: item.truth["real"])))
    assert got["both beliefs right"] == got["false belief"] == got["control: memory"] == 0
    assert got["true belief"] == got["control: reality"] == 1


def test_who_names_the_first_place_has_no_pair(stories, tmp_path):
    got = values(examined(tmp_path / "said", stories, answering(stories, lambda item: item.truth["first"])))
    assert got["both beliefs right"] == got["true belief"] == got["control: reality"] == 0
    assert got["false belief"] == got["control: memory"] == 1


def test_who_tracks_beliefs_has_all(stories, tmp_path):
    found = examined(tmp_path / "said", stories, answering(stories, believing))
    assert set(values(found).values()) == {1}
    assert (len(found.scores), found.rows[0].chance, found.rows[0].measured.n) == (2 * PAIRS, 0.25, 2 * PAIRS)


def test_who_knows_only_what_people_believe_fails_where_beliefs_are_about_beliefs(stories, tmp_path):
    def of_x(item):
        return [item.truth["first"], item.truth["real"]][tracked(item)[0]]

    got = values(examined(tmp_path / "said", stories, answering(stories, of_x)))
    assert (got["first order"], got["second order"]) == (1, 0)


def test_who_guesses_is_at_chance(stories, tmp_path):
    guess = answering(stories, lambda item: random.Random(item.id).choice(item.options))
    for row in examined(tmp_path / "said", stories, guess).rows:
        assert row.measured.low < row.chance < row.measured.high


def test_a_guesser_is_above_chance_about_as_seldom_as_it_may(stories):
    """Both sides of the interval are wrong in one of twenty; here over 200 seeds, of 128 pairs."""
    off = 0
    asked = [item for item in stories.items if item.truth["asks"] in ("false", "true")]
    for seed in range(200):
        draw = random.Random(seed)
        said = [Said(item, "", Score(float(draw.choice(item.options) == item.answers[0]))) for item in asked]
        scores = counted(said)
        measured = mean([item for item in asked if item.id in scores], list(scores.values()))
        off += not measured.low <= 0.25 <= measured.high
    assert 0.01 <= off / 200 <= 0.09


def test_stories_of_a_pair_tell_the_same_in_another_order(stories):
    pairs = {}
    for item in stories.items:
        if item.truth["asks"] in ("false", "true"):
            pairs.setdefault(item.truth["pair"], {})[item.truth["asks"]] = item
    for both in pairs.values():
        false, true = both["false"], both["true"]
        assert Counter(false.truth["events"]) == Counter(true.truth["events"])
        assert false.truth["events"] != true.truth["events"]
        assert (false.answers, true.answers) == ((false.truth["first"],), (true.truth["real"],))
        assert false.truth["first"] == true.truth["first"] != true.truth["real"] == false.truth["real"]
    assert len({item.question for item in stories.items}) == len(stories.items)


def test_models_are_compared_by_pairs(stories, tmp_path):
    real, first, right = (
        examined(tmp_path / "said", stories, answering(stories, answer))
        for answer in (lambda item: item.truth["real"], lambda item: item.truth["first"], believing)
    )
    found = compare(real, first)
    assert (found.items, found.verdict) == (2 * PAIRS, "no difference seen")
    assert compare(real, right).difference.value == 1


def test_a_few_are_whole_pairs():
    few = open_suite("sally-anne", 20)
    assert len(few.items) == 18
    assert set(Counter(item.cluster for item in few.items).values()) == {6}
    with pytest.raises(SuiteError, match="--most 5: sally-anne has groups of 6 items that belong together"):
        open_suite("sally-anne", 5)


def of(pair, asks, *scores):
    item = Item(
        id=f"{pair}{asks}", answers=("x",), text="?", group=pair, chance=0.5, truth={"asks": asks, "pair": pair}
    )
    return [Said(item, "", Score(score)) for score in scores]


def test_pairs_by_hand():
    """Draw by draw: 1·1, 0·1 and 1·0 are a third. Half a pair is none."""
    said = [*of("a", "false", 1, 0, 1), *of("a", "true", 1, 1, 0), *of("b", "false", 1, 1, 1), *of("c", "memory", 1)]
    assert counted(said) == {"afalse": pytest.approx(1 / 3)}
    told = {row.metric: row.measured.value for row in rows(said)}
    assert told["both beliefs right"] == pytest.approx(1 / 3)
    assert told["false belief"] == pytest.approx(5 / 6)
