"""Raw texts: letters, news, diaries, directions and descriptions are true, say what their truth notes, and hold phrasings out."""

import re
from collections import Counter
from itertools import pairwise

import pytest

from onward.world import Record, World
from onward.world.entities import Person
from onward.world.relations import RELATIONS
from onward.world.texts.descriptions import descriptions
from onward.world.texts.diaries import diaries
from onward.world.texts.directions import directions
from onward.world.texts.letters import letters
from onward.world.texts.news import news
from onward.world.texts.telling import DAYS
from onward.world.words import table
from world.truths import all_truths, of_record, unsaid, untold

KINDS = {
    "letter": letters,
    "news": news,
    "diary": diaries,
    "direction": directions,
    "description": descriptions,
}
UNENDED = ("head", "headline", "title", "greeting", "signature")
"""Lists of lines that need no end mark."""


@pytest.fixture(scope="module")
def world() -> World:
    return World(seed=5, people=30)


@pytest.fixture(scope="module")
def told(world: World) -> dict[str, list[Record]]:
    return {kind: list(tell(world)) for kind, tell in KINDS.items()}


def lists(found: object, path: tuple[str, ...] = ()):
    """All lists of phrasings in a data file, by their places."""
    if isinstance(found, list):
        yield path, found
    elif isinstance(found, dict):
        for name, below in found.items():
            yield from lists(below, (*path, name))


@pytest.mark.parametrize("kind", KINDS)
def test_every_fact_that_a_text_notes_is_true_and_stands_in_it(world, told, kind):
    truths = all_truths(world)
    for record in told[kind]:
        assert not [fact for fact in of_record(record) if fact not in truths], record.text
        assert not unsaid(record), record.text


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_names_anybody_or_anything_that_its_truth_does_not_note(world, told, kind):
    for record in told[kind]:
        assert not untold(world, record), record.text


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_bytes_and_another_seed_gives_others(told, kind):
    def lines(seed):
        return [record.line(i) for i, record in enumerate(KINDS[kind](World(seed=seed, people=30)))]

    again = lines(5)
    assert again == [record.line(i) for i, record in enumerate(told[kind])]
    assert again != lines(6)


@pytest.mark.parametrize("kind", KINDS)
def test_no_training_text_has_a_phrasing_that_is_held_out(told, kind):
    held_out = [text for _, found in lists(table(kind)) for text in found[-max(1, round(len(found) / 5)) :]]
    patterns = [re.compile(r"(?<![^\n ])" + slotted(phrasing) + r"(?![^\n ])") for phrasing in held_out]
    train = "\n".join(record.text for record in told[kind] if record.split == "train")
    tests = "\n".join(record.text for record in told[kind] if record.split == "phrasing")
    assert not [found[0] for pattern in patterns if (found := pattern.search(train))]
    assert sum(pattern.search(tests) is not None for pattern in patterns) > len(patterns) / 2


def slotted(phrasing: str) -> str:
    """With up to six words in each slot."""
    return re.sub(r"\\\{\w+\\\}", lambda _: r"[\w',-]+(?: [\w',-]+){0,5}", re.escape(phrasing))


@pytest.mark.parametrize("kind", KINDS)
def test_every_list_has_phrasings_enough_and_none_twice(kind):
    for path, found in lists(table(kind)):
        assert len(found) >= 5, path
        assert len(set(found)) == len(found), path
        assert path[-1] in UNENDED or all(re.search(r"[.!?:]\"?$", phrasing) for phrasing in found), path


def test_all_facts_about_a_person_come_up_in_letters_diaries_and_news_in_many_forms(world, told):
    person = world.people[6]
    for fact in world.facts(person):
        data = fact.as_data()
        told_in = [
            record for kind in ("letter", "diary", "news") for record in told[kind] if data in record.truth["facts"]
        ]
        assert len(told_in) >= 3, data
        assert len({record.text for record in told_in}) == len(told_in)


def test_letters_and_diaries_are_about_everybody_as_often(world, told):
    for kind in ("letter", "diary"):
        counts = Counter(record.truth["about"] for record in told[kind] if record.split == "train")
        assert set(counts.values()) == {6}
        assert set(counts) == {person.name for person in world.people}


def test_nobody_writes_to_themselves_or_to_the_one_they_live_with(world, told):
    by_name = {person.name: person for person in world.people}
    for record in told["letter"]:
        writer = by_name[record.truth["about"]]
        spouse = world.spouse(writer)
        assert writer.first not in greeted(record.text)
        assert spouse is None or spouse.first not in greeted(record.text) or spouse.first in firsts(world, writer)


def test_the_writer_of_a_letter_speaks_of_a_wife_only_if_he_is_a_man(world, told):
    by_name = {person.name: person for person in world.people}
    for kind in ("letter", "diary"):
        for record in told[kind]:
            other = "husband" if by_name[record.truth["about"]].gender == "male" else "wife"
            assert not re.search(rf"\b[Mm]y {other}\b", record.text), record.text


def firsts(world: World, writer: Person) -> set[str]:
    """First names of relatives and friends besides husband and wife."""
    return {p.first for p in world.people if word_for(world, writer, p) - {"wife", "husband"}}


def word_for(world: World, a: Person, b: Person) -> set[str]:
    """What b is to a, straight from the places of a family."""
    female = b.gender == "female"
    parents = (world.mother(a), world.father(a))
    found = {"mother" if female else "father"} if b in parents else set[str]()
    found |= {"daughter" if female else "son"} if a in (world.mother(b), world.father(b)) else set()
    found |= {"wife" if female else "husband"} if world.spouse(a) == b else set()
    found |= (
        {"sister" if female else "brother"}
        if None not in parents and parents == (world.mother(b), world.father(b))
        else set()
    )
    return found | ({"friend"} if b in list(world.friends(a)) else set())


def test_whoever_is_called_a_sister_or_a_friend_is_one(world, told):
    by_name = {person.name: person for person in world.people}
    words = "wife|husband|mother|father|daughter|son|sister|brother|friend"
    name = "|".join(by_name)
    checked = Counter[str]()
    for record in told["letter"] + told["diary"]:
        writer = by_name[record.truth["about"]]
        pattern = rf"\b([Mm]y|[Yy]our|[Oo]ur) ({words}),? ({name})|({name}), ([Mm]y|[Yy]our|[Oo]ur) ({words})\b"
        for match in re.finditer(pattern, record.text):
            owner, word, who = (match[1], match[2], match[3]) if match[1] else (match[5], match[6], match[4])
            other = by_name[who]
            readers = [p for p in world.people if p.first in greeted(record.text) and word_for(world, writer, p)]
            checked[owner.lower()] += 1
            if owner.lower() in ("my", "our"):
                assert word in word_for(world, writer, other), record.text
            if owner.lower() in ("your", "our"):
                assert any(word in word_for(world, reader, other) for reader in readers), record.text
    assert min(checked.values()) >= 10
    assert set(checked) == {"my", "your", "our"}


def greeted(letter: str) -> list[str]:
    """The first names that may be the reader's: those of the line that ends in a comma."""
    return re.findall(r"[A-Z]\w+", next((line for line in letter.split("\n") if line.endswith(",")), ""))


def test_the_days_of_a_diary_follow_each_other(told):
    for record in told["diary"]:
        days = [
            DAYS.index(day) for entry in record.text.split("\n\n")[1:] for day in re.findall("|".join(DAYS), entry)[:1]
        ]
        assert len(days) >= 2
        assert all((a + 1) % 7 == b for a, b in pairwise(days)), record.text


def test_directions_lead_along_roads_and_their_lengths_add_up(world, told):
    cities = {city.name: city for city in world.cities}
    roads = {(world.cities[a].name, world.cities[b].name) for r in world.map.roads for a, b in ((r.a, r.b), (r.b, r.a))}
    several = 0
    for record in told["direction"]:
        start, end = record.truth["about"].split(" to ")
        facts = [fact for fact in record.truth["facts"] if fact["relation"] == "road length"]
        legs = [fact for fact in facts if (fact["subject"], fact["to"]) in roads]
        assert all(fact["subject"] in cities and fact["to"] in cities for fact in facts)
        whole = [int(fact["value"]) for fact in facts if (fact["subject"], fact["to"]) == (start, end)]
        if (start, end) not in roads:
            several += 1
            assert whole == [sum(int(leg["value"]) for leg in legs)], record.text
            assert [leg["subject"] for leg in legs] + [end] == [start] + [leg["to"] for leg in legs]
    assert several > 50


def test_what_happens_in_the_news_contradicts_no_fact(world, told):
    by_name = {person.name: person for person in world.people}
    events = [event for record in told["news"] for event in record.truth["events"]]
    assert len({event["event"] for event in events}) == 13
    for event in events:
        if event["event"] == "visit":
            assert by_name[event["of"]].city.name != event["city"]
        if event["event"] == "couple":
            assert world.spouse(by_name[event["of"]]) is not None
        if event["event"] == "government":
            assert any(city.name == event["of"] and city.capital for city in world.cities)


def test_every_relation_of_places_and_companies_is_told_in_descriptions(told):
    relations = Counter(fact["relation"] for record in told["description"] for fact in record.truth["facts"])
    places = {relation.name for relation in RELATIONS if relation.kind != "person"}
    assert places | {"legs", "sound", "eats", "home", "direction", "road length", "larger than"} <= set(relations)
