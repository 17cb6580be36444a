"""Kinship: what relatives are called, worked out again from parents and spouses alone, and stories that say what they should."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from math import factorial

import pytest

from onward.world import Record, World
from onward.world.grading import is_right
from onward.world.kinship.kin import MOST_STEPS, STEP_OF, TERMS, chains
from onward.world.kinship.puzzles import puzzles
from onward.world.kinship.questions import UNKNOWN, questions
from onward.world.words import table, words

PEOPLE = 45  # the last family is not whole


@pytest.fixture(scope="module")
def world() -> World:
    return World(7, people=PEOPLE)


@pytest.fixture(scope="module")
def asked(world: World) -> list[Record]:
    return list(questions(world))


@pytest.fixture(scope="module")
def told(world: World) -> list[Record]:
    return list(puzzles(world, 20 * len(TERMS), 4 * len(TERMS)))


def content(record: Record, turn: int = 0) -> str:
    assert record.messages is not None
    return record.messages[turn]["content"]


class Known:
    """What follows from the world's statements of mother, father and spouse, said without paths."""

    def __init__(self, world: World) -> None:
        self.everybody = list(world.people)
        self.parents = {p.name: {q.name for q in (world.mother(p), world.father(p)) if q} for p in self.everybody}
        self.spouse = {p.name: {q.name for q in (world.spouse(p),) if q} for p in self.everybody}
        self.gender = {p.name: p.gender for p in self.everybody}
        names = list(self.parents)
        self.children = {p: {q for q in names if p in self.parents[q]} for p in names}
        self.siblings = {p: {q for q in names if q != p and self.parents[p] & self.parents[q]} for p in names}

    def step(self, word: str, people: Iterable[str]) -> set[str]:
        step, gender = STEP_OF[word]
        of = {"parent": self.parents, "child": self.children, "sibling": self.siblings, "spouse": self.spouse}[step]
        return {q for p in people for q in of[p] if self.gender[q] == gender}

    def called(self, p: str, term: str) -> set[str]:
        """Everybody whom p calls so."""
        parents, children, siblings, spouse = self.parents[p], self.children[p], self.siblings[p], self.spouse[p]

        def all_of(of: dict[str, set[str]], people: set[str]) -> set[str]:
            return {r for q in people for r in of[q]}

        piblings = all_of(self.siblings, parents)
        in_law = all_of(self.siblings, spouse)
        groups = {
            ("mother", "father"): parents,
            ("daughter", "son"): children,
            ("sister", "brother"): siblings,
            ("wife", "husband"): spouse,
            ("grandmother", "grandfather"): all_of(self.parents, parents),
            ("granddaughter", "grandson"): all_of(self.children, children),
            ("aunt", "uncle"): piblings | all_of(self.spouse, piblings),
            ("niece", "nephew"): all_of(self.children, siblings | in_law),
            ("cousin", "cousin"): all_of(self.children, piblings),
            ("mother-in-law", "father-in-law"): all_of(self.parents, spouse),
            ("daughter-in-law", "son-in-law"): all_of(self.spouse, children),
            ("sister-in-law", "brother-in-law"): in_law | all_of(self.spouse, siblings),
        }
        (kind, found) = next((kind, found) for kind, found in groups.items() if term in kind)
        return {q for q in found if kind[0] == kind[1] or self.gender[q] == ("female" if term == kind[0] else "male")}


def test_answers_name_exactly_those_who_are_called_so(world: World, asked: list[Record]) -> None:
    known = Known(world)
    seen = Counter()
    for record in asked:
        truth = record.truth
        seen[truth["form"]] += 1
        if truth["form"] == "term":
            term, names = term_in(content(record)), {chain[-1][2] for chain in truth["chains"]}
            assert known.called(truth["about"], term) == names, content(record)
            assert all(name in content(record, 1) for name in names)
            assert len(truth["accept"]) == factorial(len(names))
        elif truth["form"] == "related":
            assert truth["chains"][0][-1][2] in known.called(truth["about"], truth["answer"])
        elif truth["form"] == "chain":
            people = {truth["about"]}
            for _, word, _ in truth["chains"][0]:
                people = known.step(word, people)
            assert people == {truth["answer"]}
    assert set(seen) == {"term", "chain", "related", "unknown"}


def term_in(question: str) -> str:
    found = max((term for term in TERMS if re.search(rf"\b{term}s?\b", question)), key=len, default="child")
    assert found != "child", question
    return found


def test_i_do_not_know_is_the_answer_only_where_the_texts_say_nothing(world: World, asked: list[Record]) -> None:
    known, count = Known(world), 0
    for record in asked:
        if record.truth["form"] == "unknown":
            count += 1
            *chain, (last, word, nobody) = record.truth["chains"][0]
            people = {record.truth["about"]}
            for _, step, _ in chain:
                people = known.step(step, people)
            assert people == {last}
            assert nobody is None
            step, gender = STEP_OF[word]
            other = next(w for w, (s, g) in STEP_OF.items() if s == step and g != gender)
            assert not known.step(word, people) | known.step(other, people)
        assert (UNKNOWN[0] in content(record, 1)) == (record.truth["form"] == "unknown")
    assert 0.1 < count / len(asked) < 0.25


def test_a_question_spells_out_its_chain(asked: list[Record]) -> None:
    """From the innermost name outwards: possessives first, then "of"."""
    for record in asked:
        if record.truth["form"] not in ("chain", "unknown"):
            continue
        about, words_ = re.escape(record.truth["about"]), [link[1] for link in record.truth["chains"][0]]
        ways = []
        for possessives in range(len(words_) + 1):
            inner = about + "".join(f"'s {word}" for word in words_[:possessives])
            ways.append("".join(f"the {word} of " for word in reversed(words_[possessives:])) + inner)
        longer = rf"the (?:{'|'.join(STEP_OF)}) of "
        found = [way for way in ways if re.search(rf"{way}(?!'s)", content(record))]
        assert any(not re.search(longer + way, content(record)) for way in found), content(record)


def test_questions_have_one_to_three_steps(asked: list[Record]) -> None:
    steps = Counter(len(r.truth["chains"][0]) for r in asked if r.truth["form"] in ("chain", "unknown"))
    assert set(steps) == set(range(1, MOST_STEPS + 1))
    assert min(steps.values()) > 0.2 * sum(steps.values())


def test_no_one_who_is_held_out_is_in_a_training_question_or_its_answer(world: World, asked: list[Record]) -> None:
    held_out = {p.name: world.is_held_out(p) for p in world.people}
    for record in asked:
        named = {name for name in held_out if name in content(record) + content(record, 1)}
        if record.split in ("train", "phrasing"):
            assert not any(held_out[name] for name in named)
        else:
            assert all(held_out[name] for name in named)
    assert len({record.split for record in asked}) == 4


def test_every_reply_is_graded_as_right_and_someone_else_as_wrong(asked: list[Record], told: list[Record]) -> None:
    for record in [*asked, *told]:
        truth, reply = record.truth, content(record, 1)
        assert is_right(reply, truth), reply
        wrong = next(
            one for one in truth["options"] if one not in truth["answer"] and one not in truth.get("accept", [])
        )
        assert not is_right(f"It is {wrong}.", truth)


# --- puzzles ------------------------------------------------------------------------------------------------------------

TOGETHER = {
    ("sibling", "parent"): "parent", ("child", "sibling"): "child", ("parent", "child"): "sibling", ("sibling", "sibling"): "sibling",
    ("parent", "parent"): "grandparent", ("parent", "sibling"): "pibling", ("child", "child"): "grandchild",
    ("grandchild", "sibling"): "grandchild", ("pibling", "spouse"): "pibling", ("pibling", "child"): "cousin",
    ("pibling", "parent"): "grandparent", ("grandparent", "child"): "pibling", ("sibling", "child"): "nibling",
    ("spouse", "parent"): "parent-in-law", ("child", "spouse"): "child-in-law", ("spouse", "sibling"): "sibling-in-law",
    ("sibling", "spouse"): "sibling-in-law", ("sibling-in-law", "parent"): "parent-in-law", ("sibling-in-law", "child"): "nibling",
    ("parent-in-law", "child"): "sibling-in-law",
}  # fmt: skip
"""What two steps come to, whichever they are: three steps are two times two."""
GENDERED = {
    "parent": ("mother", "father"), "child": ("daughter", "son"), "sibling": ("sister", "brother"), "spouse": ("wife", "husband"),
    "grandparent": ("grandmother", "grandfather"), "grandchild": ("granddaughter", "grandson"), "pibling": ("aunt", "uncle"),
    "nibling": ("niece", "nephew"), "cousin": ("cousin", "cousin"), "parent-in-law": ("mother-in-law", "father-in-law"),
    "child-in-law": ("daughter-in-law", "son-in-law"), "sibling-in-law": ("sister-in-law", "brother-in-law"),
}  # fmt: skip


def test_chains_come_to_what_they_are_said_to_step_by_step() -> None:
    for term, those in chains().items():
        for chain in those:
            steps = [STEP_OF[word][0] for word in chain]
            whole = steps[0]
            for step in steps[1:]:
                whole = TOGETHER[whole, step]
            assert GENDERED[whole][STEP_OF[chain[-1]][1] == "male"] == term
    everything = [chain for those in chains().values() for chain in those]
    assert len(everything) == len(set(everything))


def test_a_story_states_its_chain_and_nothing_against_it(told: list[Record]) -> None:
    """Each sentence is read again by the phrasings as patterns."""
    patterns = [
        re.compile(re.escape(one).replace(r"\{a_term\}", r"an? (?P<term>[a-z]+)").replace(r"\{term\}", r"(?P<term>[a-z]+)")
                   .replace(r"\{their\}", "(?:his|her)").replace(r"\{m\}", r"(?P<m>[A-Z][a-z]+)").replace(r"\{n\}", r"(?P<n>[A-Z][a-z]+)"))
        for one in table("kinship")["story"]["statements"]
    ]  # fmt: skip
    for record in told:
        stated = set()
        for sentence in re.findall(r"[^.]+\.", content(record)):
            for match in (one.fullmatch(sentence.strip()) for one in patterns):
                if match and match["term"] in STEP_OF:
                    stated.add((match["m"], match["term"], match["n"]))
        for m, word, n in record.truth["chains"][0]:
            inverse = {"parent": "child", "child": "parent"}.get(STEP_OF[word][0], STEP_OF[word][0])
            gender = "female" if m in words("female", "names") else "male"
            backwards = {(n, back, m) for back, step in STEP_OF.items() if step == (inverse, gender)}
            assert (m, word, n) in stated or backwards & stated, content(record)
        last = record.truth["chains"][0][-1]
        assert tuple(last) in stated
        assert len(stated) <= record.truth["steps"] + 1


def test_a_woman_has_a_womans_name_and_a_couple_is_a_woman_and_a_man(told: list[Record]) -> None:
    for record in told:
        for m, word, n in record.truth["chains"][0]:
            step, gender = STEP_OF[word]
            assert n in words(gender, "names")
            assert step != "spouse" or m not in words(gender, "names")


def test_answers_of_puzzles_are_balanced_and_the_last_term_that_is_named_is_seldom_right(told: list[Record]) -> None:
    trained = [record for record in told if record.split == "train"]
    assert set(Counter(record.truth["answer"] for record in trained).values()) == {len(trained) // len(TERMS)}
    pattern = re.compile(rf"\b(?:{'|'.join(sorted(TERMS, key=len, reverse=True))})\b")
    right = [pattern.findall(content(record))[-1] == record.truth["answer"] for record in trained]
    assert sum(right) / len(right) < 0.35


def test_no_chain_of_a_test_of_content_is_in_training(told: list[Record]) -> None:
    def kept(*splits: str) -> set[tuple[str, ...]]:
        return {tuple(link[1] for link in r.truth["chains"][0]) for r in told if r.split in splits}

    trained, held_out = kept("train", "phrasing"), kept("content", "both")
    assert not trained & held_out
    assert len(held_out) > 10
    assert {record.truth["answer"] for record in told if record.split == "train"} == set(TERMS)


def test_the_same_seed_gives_the_same_bytes(asked: list[Record], told: list[Record]) -> None:
    assert [r.line(0) for r in questions(World(7, people=PEOPLE))] == [r.line(0) for r in asked]
    assert [r.line(0) for r in puzzles(World(7, people=30), 20 * len(TERMS), 4 * len(TERMS))] == [
        r.line(0) for r in told
    ]
