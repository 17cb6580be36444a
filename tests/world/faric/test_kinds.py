"""The kinds of text about Faric: what they state is true, what is held out stays out, and a guess does not win."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice, product
from statistics import mean

import pytest

from faric_reader import Reader
from onward.world import Record, World
from onward.world.faric import cross_lingual, monolingual, parallel, translation
from onward.world.faric.clause import Clause, Phrase
from onward.world.faric.own import RELATIONS, own_facts
from onward.world.faric.sayings import combinations, is_held_out
from onward.world.grading import is_right
from onward.world.phrases import phrasings
from onward.world.words import words


def records(world: World) -> Iterator[Record]:
    yield from parallel(world, count=120)
    yield from translation(world, count=300, tested=60)
    yield from monolingual(world, copies=1, stories=60)
    yield from cross_lingual(world)


@pytest.fixture(scope="module")
def world() -> World:
    return World(4, people=60)


@pytest.fixture(scope="module")
def made(world: World) -> list[Record]:
    return list(records(world))


def of(made: list[Record], kind: str, *splits: str) -> list[Record]:
    return [r for r in made if r.kind == kind and (not splits or r.split in splits)]


def sentences(record: Record) -> list[Clause]:
    """What the Faric of a record says, as the parser reads it."""
    return [Reader(sentence["faric"]).clause() for sentence in record.truth.get("sentences", [record.truth])]


def phrases(said: Clause) -> Iterator[Phrase]:
    for _, phrase in said.parts:
        while phrase:
            yield phrase
            phrase = phrase.owner


def test_same_seed_same_bytes_and_another_seed_others(made: list[Record]) -> None:
    lines = [r.line(i) for i, r in enumerate(made)]
    assert lines == [r.line(i) for i, r in enumerate(records(World(4, people=60)))]
    assert lines != [r.line(i) for i, r in enumerate(records(World(5, people=60)))]


def test_a_translation_is_what_the_faric_says_whichever_way_it_goes(made: list[Record]) -> None:
    ways = Counter()
    for record in of(made, "translation"):
        request, answer = (message["content"] for message in record.messages or [])
        given = record.truth["faric" if record.truth["to"] == "English" else "english"]
        assert given in request
        assert (
            answer == record.truth["answer"] == record.truth["english" if record.truth["to"] == "English" else "faric"]
        )
        assert Reader(record.truth["faric"]).clause().as_data() == record.truth["clause"]
        assert is_right(answer, record.truth)
        assert not is_right(given, record.truth)
        ways[record.truth["to"]] += 1
    assert min(ways.values()) > 200


def test_biographies_in_faric_tell_everybodys_own_facts_and_only_true_ones(world: World, made: list[Record]) -> None:
    told = {r.truth["about"]: r for r in of(made, "monolingual") if r.truth["about"]}
    assert list(told) == [person.name for person in world.people]
    for person in world.people:
        said = sentences(told[person.name])
        for fact in own_facts(world, person):
            about = [c for c in said if fact.value in {phrase.head for phrase in phrases(c)}]
            assert about, (person.name, fact)
            called = {person.name, person.first, "she" if person.gender == "female" else "he"}
            assert called & {phrase.head for c in about for phrase in phrases(c)}
        for relation, group in (("instrument", "instrument"), ("flower", "flower")):
            true = next(f.value for f in own_facts(world, person) if f.relation == relation)
            named = {p.head for c in said for p in phrases(c)} & set(words(f"nouns.{group}", "faric"))
            assert named <= {true}


def test_what_only_faric_says_is_said_of_no_named_person_beside_english(made: list[Record]) -> None:
    """Else the transfer from one language to the other could not be measured."""
    told = [s for r in made if r.kind in ("parallel", "translation") for s in r.truth.get("sentences", [r.truth])]
    own = re.compile(r"instrument|lucky|luck|flower|plays? the|played the|number", re.IGNORECASE)
    about = [Reader(s["faric"]).clause() for s in told if own.search(s["english"])]
    assert len(about) > 50
    assert not [said for said in about if "name" in {phrase.kind for phrase in phrases(said)}]


def test_no_training_chat_and_no_parallel_text_names_anybody_who_is_held_out(world: World, made: list[Record]) -> None:
    held_out = {person.name for person in world.people if world.is_held_out(person)}
    assert held_out
    for record in made:
        text = record.text or " ".join(message["content"] for message in record.messages or [])
        named = {name for name in held_out if name in text}
        if record.split == "people":
            assert named
        elif record.kind != "monolingual" and record.split != "both":
            assert not named, text


def test_no_training_text_has_a_combination_that_is_held_out_and_every_content_test_has_one(made: list[Record]) -> None:
    for record in made:
        if record.kind != "cross_lingual":
            pairs = {pair for said in sentences(record) for pair in combinations(said)}
            held_out = any(is_held_out(*pair) for pair in pairs)
            expected = record.split == "content" or (record.split == "both" and record.truth["about"] == "everyday")
            assert held_out == expected, record


def test_every_word_of_a_content_test_is_learned_in_other_combinations(world: World) -> None:
    def seen(records: Iterator[Record]) -> set[str]:
        said = [c for record in records for c in sentences(record)]
        return {c.verb for c in said} | {w for c in said for p in phrases(c) for w in (p.head, p.adjective)}

    tested = seen(r for r in translation(world, count=0, tested=60) if r.split == "content")
    assert tested <= seen(translation(world, count=1500, tested=0))


def test_requests_and_questions_that_are_held_out_are_in_no_training_chat(made: list[Record]) -> None:
    for kind in ("translation", "cross_lingual"):
        asked = {split: {r.messages[0]["content"] for r in of(made, kind, split) if r.messages} for split in SPLITS}
        for one, other in ((a, b) for a in SPLITS for b in SPLITS if a < b):
            if {one, other} & {"train", "people"} and {one, other} & {"phrasing", "both"}:
                assert not asked[one] & asked[other]
    held_out = [p.split("{")[0] for p in phrasings("faric_texts", "requests", "faric").held_out]
    assert not any(
        r.messages and r.messages[0]["content"].startswith(tuple(held_out)) for r in of(made, "translation", "train")
    )


SPLITS = ("train", "people", "phrasing", "both", "content")


def test_own_facts_are_asked_in_both_languages_and_graded_by_rule(world: World, made: list[Record]) -> None:
    people = {person.name: person for person in world.people}
    seen = set()
    for record in of(made, "cross_lingual"):
        (fact,) = record.truth["facts"]
        true = {f.relation: f for f in own_facts(world, people[fact["subject"]])}[fact["relation"]]
        assert fact["value"] == true.value
        assert record.messages
        question, answer = (message["content"] for message in record.messages)
        assert is_right(answer, record.truth)
        wrong = next(option for option in record.truth["options"] if option != record.truth["answer"])
        assert not is_right(answer.replace(record.truth["answer"], wrong), record.truth)
        assert fact["subject"] in question
        if record.truth["asked_in"] == "Faric":
            assert Reader(question).clause().asked
            assert true.value in {phrase.head for phrase in phrases(Reader(answer).clause())}
        seen.add((fact["relation"], record.truth["asked_in"], record.split))
    splits = ("train", "people", "phrasing", "both")
    assert seen == set(product(RELATIONS, ("English", "Faric"), splits))


def test_always_the_same_answer_is_seldom_right() -> None:
    world = World(0, people=200)
    for relation in RELATIONS:
        values = Counter(f.value for p in world.people for f in own_facts(world, p) if f.relation == relation)
        assert max(values.values()) / len(world.people) < 0.25
        assert len(values) >= 8


def test_chances_and_sizes_are_as_said(made: list[Record]) -> None:
    assert all(r.truth["chance"] == 1 / len(set(r.truth["options"])) for r in of(made, "cross_lingual"))
    assert {r.split for r in of(made, "translation")} == set(SPLITS)
    assert mean(len(r.text or "") for r in islice(of(made, "parallel"), 100)) < 700
