"""Pairs and rankings: who prefers what, how often a teacher errs, and that nothing but gold tells the better answer."""

from collections import Counter, defaultdict
from math import log

import pytest

from onward.errors import WorldError
from onward.world import World
from onward.world.phrases import phrasings
from onward.world.preferences.gold import COURTESY, abstains, reward
from onward.world.preferences.pairs import MARGIN, preferences, rankings, teacher_preferences
from onward.world.preferences.teacher import Teacher
from onward.world.rude import is_rude

WORLD = World(5, people=60)
PAIRS = list(preferences(WORLD, 400))
TAUGHT = list(teacher_preferences(WORLD, 400))
RANKED = list(rankings(WORLD, 60))


def text(record, side):
    return getattr(record, side)[0]["content"]


def test_gold_is_recomputed_from_text_and_truth_and_prefers_the_chosen():
    for record in PAIRS:
        golds = {side: reward(text(record, side), record.truth) for side in ("chosen", "rejected")}
        for side, gold in golds.items():
            assert record.truth[side]["gold"] == gold.as_data()
        assert golds["chosen"].total - golds["rejected"].total >= MARGIN
        assert record.truth["gold_prefers"] == "chosen"


def test_the_truths_are_those_of_the_world():
    by_name = {name: subject for subject in WORLD.subjects() for name in [getattr(subject, "name", subject)]}
    unknown = 0
    for record in PAIRS:
        for fact, part in zip(record.truth["facts"], record.truth["parts"], strict=False):
            values = [f.value for f in WORLD.facts(by_name[fact["subject"]]) if f.relation.name == fact["relation"]]
            assert part["answer"] in values
            assert part["answer"] not in part["options"]
        unknown += record.truth["parts"][0]["answer"] is None
    assert 0.03 < unknown / len(PAIRS) < 0.25


def test_the_teacher_ranks_the_same_pairs_and_errs_exactly_as_often_as_it_should():
    errors = Counter()
    for ours, theirs in zip(PAIRS, TAUGHT, strict=True):
        erred = text(ours, "chosen") != text(theirs, "chosen")
        assert {text(ours, "chosen"), text(ours, "rejected")} == {text(theirs, "chosen"), text(theirs, "rejected")}
        assert theirs.truth["teacher_erred"] == ours.truth["teacher_erred"] == erred
        assert theirs.truth["gold_prefers"] == ("rejected" if erred else "chosen")
        longer = len(text(ours, "rejected")) > len(text(ours, "chosen"))
        assert theirs.truth["worse_is_longer"] == longer
        errors[ours.split == "train", longer, erred] += 1
    assert errors[True, True, True] == 0.3 * 200
    assert errors[True, False, True] == 0.1 * 200
    assert sum(n for (trained, _, erred), n in errors.items() if trained and erred) == 0.2 * 400


def test_other_error_rates_are_exact_too_and_impossible_ones_are_refused():
    for error, bias in ((0.0, 0.0), (0.4, 0.3), (0.5, 0.0)):
        taught = teacher_preferences(WORLD, 80, Teacher(error, bias))
        erred = [record.truth["teacher_erred"] for record in taught if record.split == "train"]
        assert sum(erred) == error * 80
        assert abs(sum(erred[1::2]) - (error + bias) * 40) < 1e-9
    for error, bias in ((0.2, 0.3), (0.9, 0.2), (0.33, 0.1), (-0.1, 0.0)):
        with pytest.raises(WorldError, match="teacher"):
            Teacher(error, bias)


def test_a_teacher_asked_about_any_two_texts_errs_at_its_rates():
    teacher, random = Teacher(), WORLD.random("test")
    for better, worse, rate in (("yes", "perhaps", 0.3), ("perhaps", "yes", 0.1), ("yes", "not", 0.2)):
        assert teacher.error_rate(better=better, worse=worse) == pytest.approx(rate)
        erred = sum(teacher.prefers_worse(random, better=better, worse=worse) for _ in range(4000)) / 4000
        assert abs(erred - rate) < 0.03


def test_length_and_place_tell_nothing():
    trained = [record for record in PAIRS if record.split == "train"]
    longer = [len(text(record, "chosen")) > len(text(record, "rejected")) for record in trained]
    assert sum(longer) == len(trained) / 2
    first = Counter((record.truth["show_first"], long) for record, long in zip(trained, longer, strict=True))
    assert set(first.values()) == {len(trained) / 4}


def test_where_only_the_truth_differs_the_words_tell_nothing():
    """A Bayes classifier of words, learned on one half of these pairs and asked about the other half, guesses."""
    pairs = [
        record
        for record in preferences(World(6, people=200), 900)
        if record.split == "train"
        and (record.truth["chosen"]["kind"], record.truth["rejected"]["kind"]) == ("right", "wrong")
    ]
    assert len(pairs) > 80
    counts = {
        side: Counter(word for r in pairs[::2] for word in text(r, side).split()) for side in ("chosen", "rejected")
    }

    def score(words: list[str]) -> float:
        return sum(log((counts["chosen"][word] + 1) / (counts["rejected"][word] + 1)) for word in words)

    right = [score(text(r, "chosen").split()) > score(text(r, "rejected").split()) for r in pairs[1::2]]
    assert sum(right) / len(right) < 0.5 + 2.5 * 0.5 / len(right) ** 0.5


def test_every_kind_of_candidate_is_as_it_is_called():
    seen = defaultdict(int)
    for record in RANKED:
        golds = {}
        for candidate in record.truth["candidates"]:
            kind, said, gold = candidate["kind"], candidate["text"], candidate["gold"]
            golds[kind] = gold
            seen[kind] += 1
            assert (gold["true"], gold["complete"]) == {
                "wrong": (0, 0),
                "wrong and polite": (0, 0),
                "invented": (0, 0),
                "invented and polite": (0, 0),
                "ignorant": (0.5, 0),
                "incomplete": (1, 0.5),
            }.get(kind, (1, 1))
            assert is_rude(said) == (kind == "rude")
            assert bool(COURTESY.search(said)) == ("polite" in kind)
            if record.truth["form"] != "word":
                assert (gold["form"] == 0) == (kind == "wrong form")
                assert (gold["length"] < 1) == (kind == "rambling")
            assert abstains(said) == (kind == "ignorant" or (not record.truth["facts"] and "invented" not in kind))
        totals = [candidate["gold"]["total"] for candidate in record.truth["candidates"]]
        assert totals == sorted(totals, reverse=True)
        lie = golds["wrong" if record.truth["facts"] else "invented"]["total"]
        assert all(
            gold["total"] > lie for kind, gold in golds.items() if "wrong" not in kind and "invented" not in kind
        )
    assert len(seen) == 11
    assert min(seen.values()) >= 5


def test_splits_keep_people_and_phrasings_apart():
    held_out = {person.name for person in WORLD.people if WORLD.is_held_out(person)}
    others = {person.name for person in WORLD.people} - held_out
    for record in [*PAIRS, *RANKED]:
        said = [candidate["text"] for candidate in record.truth["candidates"]] if record.kind == "ranking" else []
        said += [text(record, side) for side in ("chosen", "rejected") if getattr(record, side)]
        everything = " ".join([record.prompt[0]["content"], *said]).lower()
        wrong_side = others if record.split in ("people", "both") else held_out
        assert not any(name.lower() in everything for name in wrong_side)
        for path in (("before",), ("after",), ("asked_form", "list"), ("asked_form", "capitals"), ("unknown",)):
            ways = phrasings("preferences", *path)
            forbidden = ways.trained if record.split in ("phrasing", "both") else ways.held_out
            assert not any(way.lower() in everything for way in forbidden)


def test_the_same_seed_gives_the_same_bytes_and_another_one_others():
    def lines(seed: int) -> list[str]:
        return [record.line(0) for record in preferences(World(seed, people=30), 20)]

    assert lines(1) == lines(1) != lines(2)


def test_the_smallest_worlds_have_preferences_too():
    for people in range(20, 27):
        assert len(list(preferences(World(people, people=people), 20))) == 26
