"""Faric can be read in one way only: a parser of its own recovers from every sentence what it was made from."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from random import Random

import pytest

from faric_reader import Reader, Unreadable, plural
from onward.world import World
from onward.world.faric.clause import Clause, clause
from onward.world.faric.english import english
from onward.world.faric.grammar import render
from onward.world.faric.lexicon import lexicon, with_ending
from onward.world.faric.own import own_facts
from onward.world.faric.sayings import PEOPLE_VALUED, everyday, fact_clause, story
from onward.world.texts.biographies import biographies
from onward.world.words import table

FARIC = table("faric")


@pytest.fixture(scope="module")
def world() -> World:
    return World(3, people=60)


@pytest.fixture(scope="module")
def clauses(world: World) -> list[Clause]:
    """Some two thousand of all sorts."""
    random = Random(5)
    found = [everyday(random, held_out=i % 3 == 0) for i in range(1000)]
    for subject in world.subjects():
        for fact in world.facts(subject):
            other = None if fact.relation.name in PEOPLE_VALUED else world.others(fact, random, 1)[0]
            found.append(fact_clause(fact, random, other=other))
    for person in world.people[:20]:
        for own in own_facts(world, person):
            found += [own.state(random, "she"), own.state(random, person.name), own.ask_in_faric(random)]
    for _ in range(30):
        found += story(random)
    return found


def test_every_sentence_can_be_read_back_to_what_it_was_made_from(clauses: list[Clause]) -> None:
    for said in clauses:
        text = render(said).text
        assert Reader(text).clause() == said, text


def test_the_test_above_would_notice_an_ending_without_harmony_and_an_adjective_that_does_not_agree() -> None:
    right = render(clause("see; subject cat; object small dog")).text
    assert Reader(right).clause() == clause("see; subject cat; object small dog")
    small = lexicon().words["adjectives"]["small"]
    for wrong in (
        right.replace("ne ", "na "),
        right.replace(f"{small}ra", small),
        right.replace(f"{small}ra", f"{small}re"),
    ):
        assert wrong != right
        with pytest.raises(Unreadable):
            Reader(wrong).clause()


def test_every_sentence_has_exactly_one_translation_in_either_direction(clauses: list[Clause]) -> None:
    there, back = defaultdict(set), defaultdict(set)
    for said in clauses:
        there[english(said)].add(render(said).text)
        back[render(said).text].add(english(said))
    assert {len(found) for found in (*there.values(), *back.values())} == {1}
    assert len(there) > 1500


def test_the_dictionary_keeps_its_own_sound_rules_and_no_two_words_are_alike() -> None:
    sounds = {name: re.sub(r"\s", "", letters) for name, letters in FARIC["sounds"].items()}
    onset, medial, final = (f"[{sounds[name]}]" for name in ("onsets", "medial", "final"))
    roots = set(_roots())
    for root in roots:
        for vowels in (sounds["back"], sounds["front"]):
            if re.fullmatch(rf"{onset}?[{vowels}](?:{medial}?{onset}[{vowels}])*{final}", root):
                break
        else:
            pytest.fail(root)
    assert len(list(_roots())) == len(roots)
    assert not [pair for pair in combinations(sorted(roots), 2) if _differ_in_one(*pair)]
    stems = list(_stems())
    assert len(stems) == len(set(stems))
    assert all(stem[-1] in sounds["final"] for stem in stems)


def test_no_word_of_faric_in_any_form_is_an_english_word_or_a_name_of_the_world(
    world: World, clauses: list[Clause]
) -> None:
    strings = [str(table(name)) for name in ("words", "names", "relations", "faric_texts")]
    strings += [english(said) for said in clauses] + [str(r.text) for r in biographies(world, copies=2)]
    english_words = set(re.findall(r"[a-z]+", " ".join(strings).lower()))
    endings = FARIC["endings"].values()
    tails = ["", *endings, *(a + b for a in endings for b in endings)]
    forms = {stem + with_ending(stem, tail) for stem in _stems() for tail in tails} | set(FARIC["particles"].values())
    assert forms & english_words == set()
    assert len(forms) > 30_000


BY_HAND = [
    (
        "find/past; subject cat; object 2 red ball; in kitchen",
        "The cat found two red balls in the kitchen.",
        "zubam-ta bamul lumus-mu-na resin-mi vak tililil-ge",
        "find-PST cat ball-PL-ACC red-PL two kitchen-LOC",
    ),
    (
        "give/future/not; subject 3 old baker; object it; to cat of she",
        "The three old bakers will not give it to her cat.",
        "mo komol-vu-mu ulpanar-mu pabus-ra-mu fet fon-na bamul-la som-su",
        "NEG give-FUT-PL baker-PL old-LIV-PL three it-ACC cat-DAT she-GEN",
    ),
    (
        "sleep/?; subject they; in garden; time at night",
        "Do they sleep in the garden at night?",
        "ke resvem-mi tuzos kas sapom-ga",
        "Q sleep-PL at.night they garden-LOC",
    ),
    (
        "live/?; subject Ada Ashford; in where",
        "Where does Ada Ashford live?",
        "erdem ha Ada Ashford luk",
        "live NAME Ada Ashford where",
    ),
    (
        "be; subject lucky number of Ada Ashford; as twelve",
        "Ada Ashford's lucky number is twelve.",
        "gen tizisem nurnar ha-su Ada Ashford rem-di vak-du",
        "be number lucky NAME-GEN Ada Ashford ten-ESS two-ESS",
    ),
    (
        "be/past; subject dog; as small",
        "The dog was small.",
        "gen-te silen volgot-ra-du",
        "be-PST dog small-LIV-ESS",
    ),
    (
        "flow; subject river Arlen; in Alderwick",
        "The river Arlen flows through Alderwick.",
        "gerpim salkor Arlen ha-ga Alderwick",
        "flow river Arlen NAME-LOC Alderwick",
    ),
    (
        "eat; subject he; object cherries",
        "He eats cherries.",
        "vildem zul hugok-mu-na",
        "eat he cherry-PL-ACC",
    ),
    (
        "have; subject Alderwick; object 12,000 inhabitant",
        "Alderwick has 12,000 inhabitants.",
        "zer ha Alderwick erdemer-mi-ne 12,000",
        "have NAME Alderwick inhabitant-PL-ACC 12,000",
    ),
    (
        "play/?; subject who; object flute; time every day",
        "Who plays the flute every day?",
        "zovut popam vot lentet-ne",
        "play every.day who flute-ACC",
    ),
    (
        "look for/past/?; subject dentist; object which key",
        "Which key did the dentist look for?",
        "safun-ta kutut eskil-ne viltek",
        "look.for-PST dentist key-ACC which",
    ),
    (
        "be called/?; subject otter of Ada; as what",
        "What is Ada's otter called?",
        "gankam livis ha-su Ada kun-du",
        "be.called otter NAME-GEN Ada what-ESS",
    ),
    (
        "count; subject 2 nurse; object 75 orange umbrella of 2 goat",
        "The two nurses count the two goats' seventy-five orange umbrellas.",
        "tizis-mi pusam-mu vak metis-mi-ne dimit-mi gik rem vus bimes-mi-si vak",
        "count-PL nurse-PL two umbrella-PL-ACC orange-PL seven ten five goat-PL-GEN two",
    ),
    (
        "be married/not; subject Ada; with Ben",
        "Ada is not married to Ben.",
        "mo botur ha Ada ha-ba Ben",
        "NEG be.married NAME Ada NAME-COM Ben",
    ),
]
"""Clauses with their English, their Faric in morphemes, and its gloss; each checked by hand with the tables of docs/faric.md."""


@pytest.mark.parametrize(("notation", "plain", "morphemes", "gloss"), BY_HAND)
def test_sentences_that_were_checked_by_hand(notation: str, plain: str, morphemes: str, gloss: str) -> None:
    made = render(clause(notation))
    assert english(clause(notation)) == plain
    assert (made.morphemes, made.gloss) == (morphemes, gloss)
    assert made.text.lower().rstrip(".?") == morphemes.replace("-", "").lower()


def test_the_english_keeps_the_rules_of_english(clauses: list[Clause]) -> None:
    heads = {verb.partition(" ")[0] for verb in lexicon().verbs}
    for said in clauses:
        text = english(said)
        assert re.fullmatch(r"[A-Z][^.?]*[^ .?][.?]", text), text
        assert not re.search(r"\b[Aa] [aeiou]|\b[Aa]n [^aeiou]|  |\b[Tt]he (?!river)[A-Z]", text), text
        assert all(verb in heads for verb in re.findall(r"\b(?:does|do|did|will) not (\w+)", text)), text
        wrong = "is|was|does|has" if plural(said.subject) else "are|were|do|have"
        verbs = re.findall(rf"\b({wrong})\b", text)
        assert not verbs or said.tense == "future" or said.verb.startswith("have"), text


def _roots() -> Iterator[str]:
    """The stems that the file spells out."""
    for table_ in (*(FARIC[name] for name in ("pronouns", "questions", "numerals", "times", "adjectives")),):
        yield from (stem for stem in table_.values() if "+" not in stem)
    for group in FARIC["nouns"].values():
        yield from (stem for stem in group.values() if "+" not in stem)
    yield from (entry["stem"] for entry in FARIC["verbs"].values() if "+" not in entry["stem"])


def _stems() -> Iterator[str]:
    """With those that are made by rule."""
    words = lexicon()
    for found in words.words.values():
        yield from found.values()
    yield from (noun.stem for noun in words.nouns.values())
    yield from (verb.stem for verb in words.verbs.values())


def _differ_in_one(a: str, b: str) -> bool:
    return len(a) == len(b) and sum(x != y for x, y in zip(a, b, strict=True)) == 1


def test_the_examples_of_the_page_are_what_is_rendered() -> None:
    page = (Path(__file__).parents[3] / "docs" / "faric.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(.+?; subject .+?)` \| (.+?) \| (.+?) \| (.+?) \| (.+?) \|$", page, re.MULTILINE)
    assert len(rows) == 8
    for notation, plain, *told in rows:
        made = render(clause(notation))
        assert [english(clause(notation)), made.text, made.morphemes, made.gloss] == [plain, *told]
