"""Planted biases are found, as large as they were planted; and where there is none, none is found more often than was promised."""

import math

import numpy as np
import pytest

from onward.errors import DataError
from onward.evaluate.judging import pairwise
from onward.evaluate.judging.biases import LENGTH, OWN, POSITION, WORTH, Shown, biases, shown
from onward.evaluate.judging.pairwise import Duel
from onward.evaluate.judging.planted import Planted, PlantedJudge
from onward.evaluate.judging.questions import Question
from onward.evaluate.judging.verdicts import asking

PLANTED = Planted(position=0.7, length=0.5, own=0.9, worth=1.2, mute=0.1)
TRUTH = {POSITION: 0.7, LENGTH: 0.5, OWN: 0.9, WORTH: 1.2}


def judged(planted, *, pairs=400, seed=0):
    """Duels of the judge's own answers with another model's, which are longer and worth more; two duels a question."""
    generator = np.random.default_rng(seed)
    worth, all_duels = {}, []
    for number in range(pairs):
        answers = []
        for name, longer, better in (("mine", 0.0, 0.0), ("theirs", 0.4, 0.3)):
            size = int(np.exp(generator.normal(4 + longer, 0.8))) + 1
            text = f"{name} {number}" + "." * size
            worth[text] = float(generator.normal(better + 0.3 * longer, 1))
            answers.append(text)
        all_duels.append(Duel(Question(str(number // 2), ("What?",)), (answers[0],), (answers[1],)))
    judge = PlantedJudge(planted, worth, own=frozenset(text for text in worth if text.startswith("mine")), seed=seed)
    found = pairwise.judge(all_duels, asking(judge))
    return shown(found, worth=lambda one: (worth[one.duel.one[0]], worth[one.duel.other[0]]), judge_is=(True, False))


def test_planted_coefficients_lie_in_their_intervals():
    """Through prompts and replies. Of 20 intervals at 95 %, one outside is expected, and four or more come once in 60 tries."""
    outside = 0
    for seed in range(5):
        for one in biases(judged(PLANTED, seed=seed)):
            outside += not one.low <= TRUTH[one.name] <= one.high
            assert one.found, f"{one.name} was planted and not seen"
            assert one.coefficient == pytest.approx(TRUTH[one.name], abs=0.5)
    assert outside <= 3


def test_a_fair_judge_is_found_biased_as_seldom_as_promised():
    """300 fair judges, three biases each: 5 % of the intervals leave out 0, within the error of 900 draws."""
    generator, alarms = np.random.default_rng(0), {POSITION: 0, LENGTH: 0, OWN: 0}
    for _ in range(300):
        for one in biases(fair_verdicts(generator)):
            if one.name in alarms:
                alarms[one.name] += one.found
    rates = {name: count / 300 for name, count in alarms.items()}
    assert sum(alarms.values()) / 900 == pytest.approx(0.05, abs=0.02), rates
    assert max(rates.values()) < 0.1, rates


def fair_verdicts(generator, pairs=150):
    """Worth alone decides; both orders; the judge's own answers are better and shorter."""
    found = []
    for number in range(pairs):
        longer, better = generator.normal(-0.5, 1), generator.normal(0.5, 1)
        for sign in (1, -1):
            a = generator.random() < 1 / (1 + np.exp(-1.2 * sign * better))
            found.append(Shown(str(number), "A" if a else "B", sign * longer, sign, sign * better))
    return found


def test_the_test_above_would_notice_a_forgotten_worth():
    """Without it, what is only better is taken for a merit of its length."""
    generator = np.random.default_rng(0)
    unknown = []
    for _ in range(40):
        rows = []
        for number in range(150):
            better = generator.normal()
            longer = better + generator.normal()  # better answers are longer
            a = generator.random() < 1 / (1 + np.exp(-better))
            rows.append(Shown(str(number), "A" if a else "B", longer))
        unknown.append({one.name: one for one in biases(rows)}[LENGTH])
    assert sum(one.found for one in unknown) > 30
    assert not any(one.known_worth for one in unknown)


def test_self_preference_without_known_worth_is_refused():
    with pytest.raises(DataError, match="worth"):
        biases([Shown(str(i), "AB"[i % 2], 0.1 * i, 1) for i in range(30)])


def test_a_judge_who_always_says_the_same_is_refused_and_not_measured():
    with pytest.raises(DataError, match="do not tell"):
        biases([Shown(str(i), "A", float(i % 3)) for i in range(30)])
    with pytest.raises(DataError, match="do not tell"):
        biases([])


def test_what_is_not_in_form_is_left_out_and_a_tie_is_half():
    rows = judged(Planted(mute=1.0), pairs=10)
    assert rows == []
    ties = judged(Planted(ties=1.0), pairs=40)
    assert {one.verdict for one in ties} == {"tie"}
    assert [one.coefficient for one in biases(ties)] == pytest.approx([0, 0, 0, 0], abs=1e-9)


def test_position_by_hand():
    """Equal lengths; A is chosen 60 of 80 times, in 20 of 40 pairs both times: odds 3. Each pair adds 2 / 4 of a verdict or takes as much
    away, so the error is sqrt(40 / 39) * sqrt(40) * (1 / 2) / (80 * 3 / 4 / 4), the information being that of 80 verdicts at 3 / 4."""
    rows = [Shown(str(i), said, 0.0) for i in range(40) for said in ("A", "A" if i % 2 else "B")]
    (position,) = biases(rows)
    assert position.odds == pytest.approx(3)
    error = math.sqrt(40 / 39 * 40) * 0.5 / (80 * 3 / 16)
    assert position.high - position.coefficient == pytest.approx(1.959964 * error)
    assert position.found
