"""The kinds of text in and about Faric: parallel text, translations as chats, Faric alone, and questions on what only Faric says.

The truth of a sentence has both languages and the Faric taken apart and glossed; that of a translation also the clause. Left out: scores of
translations; an exact match and chrF can be computed from the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any, Literal

from onward.world import grammar
from onward.world.entities import Person
from onward.world.faric.clause import Clause
from onward.world.faric.english import english
from onward.world.faric.grammar import render
from onward.world.faric.own import OwnFact, options, own_facts
from onward.world.faric.sayings import PEOPLE_VALUED, everyday, fact_clause, statement, story
from onward.world.grammar import Called
from onward.world.phrases import phrasings
from onward.world.record import TESTS, Record, Split, chat, split_of
from onward.world.relations import RELATIONS, Fact, Subject, kind_of
from onward.world.texts.biographies import LATER
from onward.world.world import World

FILE = "faric_texts"
PARALLEL = 3000
"""Texts of parallel sentences, each of SENTENCES pairs or a story."""
SENTENCES = 4
TRANSLATIONS = 6000
TRANSLATIONS_TESTED = 300
"""In each of the four test splits."""
STORIES = 2000
COPIES = 20
"""Biographies in Faric of each person."""
FACTS = 3
"""Facts in each of these that English texts tell as well, beside those that are told in Faric only."""
ASKED = 2
"""Questions on each of the latter, of each person, in each language and with either sort of phrasing."""

Language = Literal["English", "Faric"]


def parallel(world: World, count: int = PARALLEL) -> Iterator[Record]:
    """Raw text: everyday sentences and facts, or a story, each sentence in both languages. Nothing here is of held-out people."""
    for index in range(count):
        random = world.random("parallel", index)
        is_story = index % 4 == 3
        clauses = story(random) if is_story else [_sentence(world, random) for _ in range(SENTENCES)]
        told = [_truth(said) for said in clauses]
        pairs = [(_joined(told, "english"), _joined(told, "faric"))] if is_story else _pairs(told)
        layout = phrasings(FILE, "layouts", "pairs").choose(random)
        text = "\n".join(layout.format(english=plain, faric=other) for plain, other in pairs)
        yield Record(kind="parallel", text=text, truth={"sentences": told})


def translation(world: World, count: int = TRANSLATIONS, tested: int = TRANSLATIONS_TESTED) -> Iterator[Record]:
    """Chats: a sentence to be put into the other language. In turn everyday sentences and facts of the world.

    "people" is on held-out people; "content" has a combination of words that is never trained; "both" is one of these, the request
    in a phrasing that is held out.
    """
    splits: tuple[Split, ...] = ("train", *TESTS)
    for split in splits:
        for index in range(count if split == "train" else tested):
            random = world.random("translation", split, index)
            of_the_world = split == "people" or (split != "content" and index % 2 == 0)
            held_out = split in ("people", "content", "both")
            said = _asked_of(world, random, held_out) if of_the_world else everyday(random, held_out=held_out)
            if said is not None:  # a very small world may have nobody to ask about
                yield _translation(said, random, split, of_the_world)


def monolingual(world: World, copies: int = COPIES, stories: int = STORIES) -> Iterator[Record]:
    """Faric alone: biographies of everybody, in rounds, with what is said nowhere else; and little stories."""
    for copy in range(copies):
        for person in world.people:
            yield biography(world, person, world.random("biography in Faric", person.index, copy))
    for index in range(stories):
        told = [_truth(said) for said in story(world.random("story in Faric", index))]
        yield Record(kind="monolingual", text=_joined(told, "faric"), truth={"about": None, "sentences": told})


def biography(world: World, person: Person, random: Random) -> Record:
    """The first sentence has the full name, later ones the first name or a pronoun."""
    facts: list[Fact | OwnFact] = [*_facts(world, person, random, FACTS), *own_facts(world, person)]
    random.shuffle(facts)
    clauses = []
    for i, fact in enumerate(facts):
        who = _called(person, "full" if i == 0 else random.choice(LATER))
        clauses.append(fact.state(random, who) if isinstance(fact, OwnFact) else statement(fact, random, who))
    told = [_truth(said) for said in clauses]
    truth = {"about": person.name, "facts": [fact.as_data() for fact in facts], "sentences": told}
    return Record(kind="monolingual", text=_joined(told, "faric"), truth=truth)


def cross_lingual(world: World) -> Iterator[Record]:
    """Chats on what only Faric says. Asked in English about held-out people, they need a transfer; asked in Faric, the control, none."""
    for person in world.people:
        for fact in own_facts(world, person):
            for held_out in (False, True):
                random = world.random("cross-lingual", fact.relation, person.index, held_out)
                split = split_of(people=world.is_held_out(person), phrasing=held_out)
                yield from _english_questions(fact, random, split, held_out)
                yield from _faric_questions(fact, random, split, held_out)


def _english_questions(fact: OwnFact, random: Random, split: Split, held_out: bool) -> Iterator[Record]:
    truth = _own_truth(fact, "English", fact.value, options(fact.relation))
    for question in _different(ASKED, lambda: fact.ask(random, held_out=held_out)):
        yield Record(kind="cross_lingual", split=split, messages=chat(question, fact.answer()), truth=truth)


def _faric_questions(fact: OwnFact, random: Random, split: Split, held_out: bool) -> Iterator[Record]:
    words = [fact.value_in_faric(value) for value in options(fact.relation)]
    truth = _own_truth(fact, "Faric", fact.value_in_faric(), words)
    answer = render(fact.answer_in_faric()).text
    for question in _different(ASKED, lambda: render(fact.ask_in_faric(random, held_out=held_out)).text):
        yield Record(kind="cross_lingual", split=split, messages=chat(question, answer), truth=truth)


def _different(count: int, draw: Callable[[], str]) -> list[str]:
    """Up to `count` draws, none twice."""
    return list(dict.fromkeys(draw() for _ in range(count)))


def _own_truth(fact: OwnFact, asked_in: Language, answer: str, choices: Sequence[str]) -> dict[str, Any]:
    return {
        "facts": [fact.as_data()],
        "stated_in": "Faric",
        "asked_in": asked_in,
        "answer": answer,
        "options": list(choices),
        "chance": 1 / len(choices),
    }


def _sentence(world: World, random: Random) -> Clause:
    """One for a parallel text: an everyday sentence, or a fact, of people only of those who are not held out."""
    if random.random() < 0.5:
        return everyday(random)
    return _asked_of(world, random, False) or _said(world, _place(world, random), random)


def _asked_of(world: World, random: Random, held_out: bool) -> Clause | None:
    """A fact to translate. Of people, only those who are held out, or only those who are not, and neither befriended with others."""
    if not held_out and random.random() < 0.3:
        return _said(world, _place(world, random), random)
    people = world.people
    for _ in range(100):
        index = random.randrange(len(people))
        if people.is_held_out(index) == held_out:  # relatives are held out together, friends are not
            mixed = any(people.is_held_out(friend) != held_out for friend in people.friends(index))
            return _said(world, people[index], random, without="friend" if mixed else "")
    return None


def _place(world: World, random: Random) -> Subject:
    places: list[Subject] = [*world.cities, *world.countries, *world.companies]
    return random.choice(places)


def _facts(world: World, subject: Subject, random: Random, count: int, without: str = "") -> list[Fact]:
    """Some of what is known of a subject, of different relations, save one."""
    found: list[Fact] = []
    kind = kind_of(subject)
    relations = [relation for relation in RELATIONS if relation.kind == kind and relation.name != without]
    for relation in random.sample(relations, len(relations)):
        known = world.facts_in(subject, relation)
        found += [random.choice(known)] if known else []
        if len(found) == count:
            break
    return found


def _said(world: World, subject: Subject, random: Random, without: str = "") -> Clause:
    """One of the facts; now and then as a question, or a wrong value denied."""
    (fact,) = _facts(world, subject, random, 1, without)
    if fact.relation.name in PEOPLE_VALUED:
        return fact_clause(fact, random)
    return fact_clause(fact, random, other=world.others(fact, random, 1)[0])


def _translation(said: Clause, random: Random, split: Split, of_the_world: bool) -> Record:
    truth = _truth(said) | {"clause": said.as_data()}
    to: Language = random.choice(("English", "Faric"))
    given, wanted = (truth["faric"], truth["english"]) if to == "English" else (truth["english"], truth["faric"])
    requests = phrasings(FILE, "requests", to.lower())
    request = requests.choose(random, held_out=split in ("phrasing", "both")).format(text=given)
    truth |= {"to": to, "about": "world" if of_the_world else "everyday", "answer": wanted, "chance": 0.0}
    return Record(kind="translation", split=split, messages=chat(request, wanted), truth=truth)


def _truth(said: Clause) -> dict[str, Any]:
    sentence = render(said)
    return {
        "english": english(said),
        "faric": sentence.text,
        "morphemes": sentence.morphemes,
        "gloss": sentence.gloss,
    }


def _joined(told: list[dict[str, Any]], language: str) -> str:
    return " ".join(sentence[language] for sentence in told)


def _pairs(told: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(sentence["english"], sentence["faric"]) for sentence in told]


def _called(person: Person, called: Called) -> str:
    if called == "pronoun":
        return grammar.PRONOUNS[person.gender]["they"]
    return person.name if called == "full" else person.first
