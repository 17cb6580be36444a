"""Stories with false beliefs: the truth worked out again from what is written, and no rule of thumb that does well."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from onward.world import Record, World
from onward.world.grading import is_right
from onward.world.minds.beliefs import beliefs
from onward.world.words import table, words

STORIES, TESTS = 640, 128
ROOMS, CONTAINERS = words("things.room"), words("containers", "beliefs")
GROUPS = {
    **dict.fromkeys(("who", "other", "whom"), r"[A-Z][a-z]+"),
    **dict.fromkeys(("they", "them", "whose"), r"[a-z]+|[A-Z][a-z]+'s"),
    **dict.fromkeys(("room", "elsewhere", "where"), "|".join(ROOMS)),
    **dict.fromkeys(("a_object", "a_decoy"), "an? [a-z]+"),
    "object": "[a-z]+",
    **dict.fromkeys(("start", "from", "to", "container", "one", "two"), "|".join(CONTAINERS)),
}


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return list(beliefs(World(3, people=30), STORIES, TESTS))


def of(records: list[Record], *splits: str) -> list[Record]:
    return [record for record in records if record.split in splits]


def content(record: Record) -> str:
    assert record.messages is not None
    return record.messages[0]["content"]


def pattern(phrasing: str) -> re.Pattern[str]:
    """A phrasing as something that reads it again."""
    seen: set[str] = set()

    def group(match: re.Match[str]) -> str:
        name = match[1]
        if name in seen:
            return f"(?P={name})"
        seen.add(name)
        return f"(?P<{name}>{GROUPS.get(name, '.+?')})"

    return re.compile(re.sub(r"\\\{(\w+)\\\}", group, re.escape(phrasing)))


PATTERNS = [
    (kind, pattern(phrasing))
    for kind, those in [
        *table("beliefs")["setting"].items(),
        *table("beliefs")["events"].items(),
        *table("beliefs")["noise"].items(),
    ]
    for phrasing in those
]


def read(text: str, kinds: set[str]) -> list[tuple[str, dict[str, str]]]:
    """The sentences of a story, each with what it is and its slots; the question is left over."""
    found = []
    while True:
        matches = [(kind, match) for kind, one in PATTERNS if (match := one.match(text))]
        matches = [one for one in matches if text[one[1].end() :].startswith(" ")]
        if not matches:
            return [one for one in found if one[0] in kinds]
        kind, match = min(matches, key=lambda one: (one[0] == "sentences", one[1].end()))
        found.append((kind, match.groupdict()))
        text = text[match.end() + 1 :]


def witnessed(truth: dict[str, Any], *minds: str) -> str:
    """Where the thing was when last all of these people saw it, or heard of it, and saw each other do so: they nest only so deep."""
    inside, (start, other) = set(truth["people"]), truth["options"]
    places, moves, latest = [start, other], 0, start
    for event in truth["events"]:
        who, place = event["who"], places[moves % 2]
        if event["does"] == "leave":
            inside.discard(who)
        elif event["does"] == "enter":
            inside.add(who)
        elif event["does"] == "move":
            moves += 1
            place = places[moves % 2]
            latest = place if inside.issuperset(minds) else latest
        elif event["does"] == "watch":
            latest = place if minds[0] == who and inside.issuperset(minds[1:]) else latest
        elif set(minds) <= {who, event["whom"]} and (len(minds) == 2 or event["whom"] in minds):
            latest = place
    return latest


def test_the_answer_is_what_follows_from_what_each_person_witnessed(records: list[Record]) -> None:
    for record in records:
        truth = record.truth
        expected = {
            "first": lambda t=truth: witnessed(t, t["x"]),
            "second": lambda t=truth: witnessed(t, t["y"], t["x"]),
            "memory": lambda t=truth: t["start"],
            "reality": lambda t=truth: t["real"],
        }[truth["question"]]()
        assert truth["answer"] == expected, content(record)
        assert (truth["belief"] == "false") == (truth["belief"] is not None and truth["answer"] != truth["real"])


def test_the_text_tells_the_events_of_the_truth_in_their_order(records: list[Record]) -> None:
    """The story is read again with the phrasings as patterns, and places are followed through it."""
    names = {"come": "enter", "back": "enter"}
    for record in records[::5]:
        truth = record.truth
        sentences = read(content(record), {"put", "leave", "come", "back", "move", "watch", "tell"})
        (kind, put), *told = sentences
        assert kind == "put"
        assert put["start"] == truth["start"]
        place = truth["start"]
        assert [names.get(kind, kind) for kind, _ in told] == [event["does"] for event in truth["events"]]
        for (_, slots), event in zip(told, truth["events"], strict=True):
            assert slots["who"] == event["who"]
            assert slots.get("other", event.get("whom")) == event.get("whom")
            if event["does"] == "move":
                place = next(one for one in truth["options"] if one != place)
            assert slots.get("to", place) == place
        assert place == truth["real"]


def test_every_answer_is_graded_as_right_and_the_other_place_as_wrong(records: list[Record]) -> None:
    for record in records:
        assert record.messages is not None
        reply = record.messages[1]["content"]
        wrong = next(option for option in record.truth["options"] if option != record.truth["answer"])
        assert is_right(reply, record.truth)
        assert not is_right(reply.replace(f"the {record.truth['answer']}.", f"the {wrong}."), record.truth)


def named(record: Record) -> list[str]:
    options = record.truth["options"]
    return re.findall(rf"\b(?:{'|'.join(options)})\b", content(record).lower())


HEURISTICS: dict[str, Callable[[Record], str]] = {
    "the first place": lambda record: record.truth["start"],
    "the real place": lambda record: record.truth["real"],
    "named first": lambda record: named(record)[0],
    "named last": lambda record: named(record)[-1],
    "named last in the story": lambda record: re.findall(
        "|".join(record.truth["options"]), content(record).rsplit(".", 1)[0]
    )[-1],
    "named most often": lambda record: Counter(named(record)).most_common(1)[0][0],
    "alphabet": lambda record: min(record.truth["options"]),
}


@pytest.mark.parametrize("name", HEURISTICS)
def test_no_rule_of_thumb_about_places_is_far_from_chance(records: list[Record], name: str) -> None:
    right = [HEURISTICS[name](record) == record.truth["answer"] for record in records]
    assert abs(sum(right) / len(right) - 0.5) < 0.08


def test_to_say_the_real_place_unless_one_has_left_is_not_enough(records: list[Record]) -> None:
    """Many models of false-belief tasks learn just that."""
    first = [record for record in records if record.truth["question"] == "first"]
    left = [{"does": "leave", "who": record.truth["x"]} in record.truth["events"] for record in first]
    assert sum(x == (r.truth["belief"] == "false") for x, r in zip(left, first, strict=True)) / len(first) < 0.67


def test_questions_and_true_and_false_beliefs_come_in_equal_amounts(records: list[Record]) -> None:
    for split, count in (("train", STORIES), ("content", TESTS), ("phrasing", TESTS), ("both", TESTS)):
        found = Counter((record.truth["question"], record.truth["belief"]) for record in of(records, split))
        assert found == {
            **{(question, belief): count // 8 for question in ("first", "second") for belief in ("true", "false")},
            ("memory", None): count // 4,
            ("reality", None): count // 4,
        }


def test_no_thing_is_in_the_same_two_containers_in_training_and_in_tests_of_content(records: list[Record]) -> None:
    trained, held_out = (
        {(record.truth["object"], *sorted(record.truth["options"])) for record in of(records, *splits)}
        for splits in (("train", "phrasing"), ("content", "both"))
    )
    assert trained
    assert held_out
    assert not trained & held_out


def test_no_question_is_worded_alike_in_training_and_in_tests_of_phrasing(records: list[Record]) -> None:
    def wordings(*splits: str) -> set[str]:
        found = set()
        for record in of(records, *splits):
            truth = record.truth
            blanks = {*truth["options"], truth["object"], *(n for n in (truth.get("x"), truth.get("y")) if n)}
            question = re.split(r"(?<=\.) ", content(record))[-1]
            found.add(re.sub(rf"\b(?:{'|'.join(blanks)})\b", "_", question).replace(" she ", " he "))
        return found

    assert not wordings("train", "content") & wordings("phrasing", "both")


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(records: list[Record]) -> None:
    again = list(beliefs(World(3, people=60), STORIES, TESTS))
    assert [record.line(0) for record in again] == [record.line(0) for record in records]
    other = next(beliefs(World(4, people=30)))
    assert other.line(0) != records[0].line(0)
