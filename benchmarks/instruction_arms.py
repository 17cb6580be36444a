"""What instructions.py compares: the arms, each with its instructions, and the tests that are put to them, with their judges.

Everything is of one world. Instructions are on people who are not held out, in trained phrasings; tests are on those who are, in held-out
ones. Left out: training, and what is told of it (instructions.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from random import Random
from typing import Any

from onward.world import World
from onward.world.entities import Person
from onward.world.faric import cross_lingual
from onward.world.faric.clause import clause, phrase
from onward.world.faric.grammar import inflected, render
from onward.world.faric.lexicon import lexicon
from onward.world.faric.sayings import FILE, UNDENIED
from onward.world.faric.sayings import asked as asked_for
from onward.world.grading import is_right
from onward.world.grammar import capital
from onward.world.phrases import Phrasings
from onward.world.questions import facts as questions
from onward.world.questions import hops
from onward.world.questions.asking import Pick, Question, asked
from onward.world.record import Message, Record, chat
from onward.world.relations import BY_NAME, Fact, Subject, slots
from onward.world.talk import instructions
from onward.world.talk.forms import NOUNS, follows
from onward.world.words import words

AMOUNTS = (100, 300, 1000, 3000, 10_000)
NOISE = ((3000, 0.1), (3000, 0.3), (3000, 0.5), (10_000, 0.3))
OF_QUESTIONS, OF_TASKS, OF_LANGUAGES = 1500, 700, 1000
"""Instructions in each arm of a comparison that is not about their number."""
RELATIONS = ("job", "city", "pet", "pet_name", "food", "spouse", "mother", "father", "friend")
NEW_RELATIONS = ("employer", "born", "drink", "hobby")
TASKS = {"one": RELATIONS[:1], "three": RELATIONS[:3], "nine": RELATIONS}
NOUN = dict(NOUNS) | {"pet_name": "pet's name"} | {name: name for name in ("spouse", "mother", "father", "friend")}
TEMPLATES = (
    "Instruction: Name the {noun} of the person.\nInput: {who}\nOutput:",
    "Task: {noun}\nPerson: {who}\nAnswer:",
)
FORMS_ASKED, PAIRS_ASKED = 10, 5
"""Requests for a form that each held-out person is asked about; and for a pair of forms that is never trained."""

Chat = list[Message]


@dataclass(frozen=True)
class Item:
    """A question of a test, and whom it is about."""

    text: str
    truth: Mapping[str, Any]
    person: str


# --- Faric: the world's facts asked in it ---------------------------------------------------------------------------------


@cache
def askable(relation: str) -> Phrasings:
    """What can be asked in Faric for the value of a relation, without a doubt which one is meant ("What does she love?")."""
    statements = [said for said in words(f"statements.{relation}", FILE) if not said.startswith(UNDENIED)]
    return Phrasings.of([question for said in statements if (question := asked_for(said, relation))])


@cache
def in_faric() -> tuple[str, ...]:
    """Relations that can be asked for in two ways at least, of which one is held out."""
    return tuple(name for name in (*RELATIONS, *NEW_RELATIONS) if name != "friend" and askable(name).held_out)


def faric_questions(world: World, subject: Subject, _: Random, pick: Pick) -> Iterator[Question]:
    """One on each relation; answered by the first way to state it."""
    assert isinstance(subject, Person)
    for name in in_faric():
        for fact in world.facts_in(subject, BY_NAME[name]):
            statement = words(f"statements.{name}", FILE)[0]
            role = next(part.partition(" ")[0] for part in statement.split("; ") if part.endswith(f" {{{name}}}"))
            said = {value: inflected(phrase(value), role) for value in fact.relation.options(world, subject)}
            truth = {"facts": [fact.as_data()], "relation": name, "answer": said[fact.value]}
            truth |= {"options": list(said.values()), "chance": 1 / len(said)}
            yield Question(_in_faric(pick(askable(name)), fact), _in_faric(statement, fact), truth)


def _in_faric(notation: str, fact: Fact) -> str:
    assert isinstance(fact.subject, Person)
    filled = slots(fact.subject, "full") | {"who": fact.subject.name, "pet": fact.subject.pet}
    return render(clause(notation.format_map(filled | {fact.relation.name: fact.value}))).text


# --- what can be taught, and what is asked --------------------------------------------------------------------------------


class Pool:
    """All the instructions that arms are drawn from, and all the tests, of one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.kept = [person for person in world.people if world.is_held_out(person)]
        self.names = {person.name for person in world.people}

    def records(self, kind: str, ask: Any, rounds: int) -> list[Record]:
        return list(asked(self.world, kind, ask, lambda: self.world.people, rounds))

    @cached_property
    def questions(self) -> list[Record]:
        return self.records("question", questions.ask, 8)

    @cached_property
    def forms(self) -> list[Record]:
        return self.records("instruction", instructions.ask, 14)

    @cached_property
    def hops(self) -> list[Record]:
        return self.records("hop", hops.ask, 1)

    @cached_property
    def faric(self) -> list[Record]:
        return self.records("faric", faric_questions, 2)

    @cached_property
    def own(self) -> list[Record]:
        return list(cross_lingual(self.world))

    def shuffled(self, records: Sequence[Record], seed: int) -> list[Record]:
        """Those to learn from; the first few are the same, however many are taken."""
        found = [record for record in records if record.split == "train"]
        Random(seed).shuffle(found)
        return found

    def about(self, relations: Sequence[str], seed: int) -> list[Record]:
        return [r for r in self.shuffled(self.questions, seed) if r.truth["relation"] in relations]

    @cached_property
    def tests(self) -> dict[str, list[Item]]:
        """By name; all on held-out people, in held-out phrasings (but `own`, of which there are few, in trained ones too)."""
        facts = _items(self.questions)
        twice = [item for record in facts for item in self._each_phrasing(record)]
        own = {language: [r for r in self.own if r.truth["asked_in"] == language] for language in ("English", "Faric")}
        return {
            "fact": facts,
            "form": list(self._forms(instructions.TRAINED, FORMS_ASKED)),
            "pair": list(self._forms(instructions.NEW, PAIRS_ASKED)),
            "template": [Item(_template(item.truth, Random(item.text)), item.truth, item.person) for item in facts],
            "job": [item for item in twice if item.truth["relation"] == "job"],
            "new relation": [item for item in twice if item.truth["relation"] in NEW_RELATIONS],
            "hop": [item for item in _items(self.hops) if item.truth["facts"][1]["subject"] in self.names],
            "told in both, English": [item for item in facts if item.truth["relation"] in in_faric()],
            "told in both, Faric": _items(self.faric),
            "told in Faric, English": _items(own["English"], ("people", "both")),
            "told in Faric, Faric": _items(own["Faric"], ("people", "both")),
        }

    def _each_phrasing(self, item: Item) -> Iterator[Item]:
        relation = BY_NAME[item.truth["relation"]]
        person = next(person for person in self.kept if person.name == item.person)
        for phrasing in relation.questions.held_out:
            yield Item(Fact(person, relation, item.truth["answer"]).render(phrasing), item.truth, item.person)

    def _forms(self, plans: Sequence[instructions.Plan], count: int) -> Iterator[Item]:
        """So many requests about each held-out person, each for another plan; none to put words in order, which is about nobody."""
        for person in self.kept:
            random, made = self.world.random("forms", person.index, len(plans)), 0
            pick = partial(Phrasings.choose, random=random, held_out=True)
            for plan in random.sample(plans, len(plans)):
                if made < count and not (plan.form and plan.form.needs == "words"):
                    found = instructions.instruction(self.world, self.world.facts(person), plan, random, pick)
                    if found is not None:
                        made += 1
                        yield Item(found.text, found.truth, person.name)


def _items(records: Sequence[Record], splits: Sequence[str] = ("both",)) -> list[Item]:
    found = [(record.messages or [], record.truth) for record in records if record.split in splits]
    return [Item(messages[0]["content"], truth, truth["facts"][0]["subject"]) for messages, truth in found]


def _template(truth: Mapping[str, Any], random: Random) -> str:
    return random.choice(TEMPLATES).format(noun=NOUN[truth["relation"]], who=truth["facts"][0]["subject"])


# --- arms -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Arm:
    """chats: what is learned from, given the pool and a seed.   share: of the steps that were asked for.   tests: what is asked."""

    group: str
    name: str
    chats: Callable[[Pool, int], list[Chat]]
    share: float
    tests: tuple[str, ...]


def mixed(amount: int, wrong: float, pool: Pool, seed: int) -> list[Chat]:
    """Half questions, half requests for a form; a share of each has a wrong reply."""
    asked, forms = (pool.shuffled(records, seed)[: amount // 2] for records in (pool.questions, pool.forms))
    random, others = Random(seed), pool.shuffled(pool.forms, seed + 1)
    found = []
    for number, record in enumerate([*asked, *forms]):
        question, reply = (message["content"] for message in record.messages or [])
        if random.random() < wrong:
            is_question = number < len(asked)
            reply = wrong_answer(pool.world, record, random) if is_question else reply_of(random.choice(others))
        found.append(chat(question, reply))
    return found


def wrong_answer(world: World, record: Record, random: Random) -> str:
    """To a question on a fact: the same sentence with another value."""
    said = record.truth["facts"][0]
    person = next(person for person in world.people if person.name == said["subject"])
    fact = Fact(person, BY_NAME[said["relation"]], said["value"])
    return Fact(person, fact.relation, world.others(fact, random, 1)[0]).answer()


def reply_of(record: Record) -> str:
    return (record.messages or [])[1]["content"]


def in_templates(pool: Pool, seed: int) -> list[Chat]:
    random = Random(seed)
    drawn = pool.shuffled(pool.questions, seed)[:OF_QUESTIONS]
    return [chat(_template(record.truth, random), reply_of(record)) for record in drawn]


def in_one_phrasing(pool: Pool, seed: int) -> list[Chat]:
    """The first one of each relation."""
    people = {person.name: person for person in pool.world.people}
    found = []
    for record in pool.shuffled(pool.questions, seed)[:OF_QUESTIONS]:
        relation, said = BY_NAME[record.truth["relation"]], record.truth["facts"][0]
        fact = Fact(people[said["subject"]], relation, said["value"])
        found.append(chat(fact.render(relation.questions.trained[0]), fact.answer()))
    return found


def in_all_phrasings(pool: Pool, seed: int) -> list[Chat]:
    return [list(record.messages or []) for record in pool.shuffled(pool.questions, seed)[:OF_QUESTIONS]]


def of_tasks(relations: Sequence[str], pool: Pool, seed: int) -> list[Chat]:
    return [list(record.messages or []) for record in pool.about(relations, seed)[:OF_TASKS]]


def in_languages(languages: Sequence[str], pool: Pool, seed: int) -> list[Chat]:
    """Half on what both languages tell, half on what only Faric tells; of several languages, as much in each."""
    count, found = OF_LANGUAGES // 2 // len(languages), []
    for language in languages:
        told = pool.about(in_faric(), seed) if language == "English" else pool.shuffled(pool.faric, seed)
        own = [record for record in pool.shuffled(pool.own, seed) if record.truth["asked_in"] == language]
        found += [list(record.messages or []) for record in (*told[:count], *own[:count])]
    return found


GENERAL = ("fact", "form", "pair")
SPOKEN = {"English": ("English",), "Faric": ("Faric",), "both": ("English", "Faric")}
LANGUAGES = ("told in both, English", "told in both, Faric", "told in Faric, English", "told in Faric, Faric")
ARMS = [
    *(Arm("amount", f"{n:,}", partial(mixed, n, 0.0), 1, GENERAL) for n in AMOUNTS),
    *(Arm("quality", f"{n:,}, {wrong:.0%} wrong", partial(mixed, n, wrong), 1, GENERAL) for n, wrong in NOISE),
    Arm("phrasing", "templates", in_templates, 0.5, ("fact", "template")),
    Arm("phrasing", "one natural phrasing", in_one_phrasing, 0.5, ("fact", "template")),
    Arm("phrasing", "all natural phrasings", in_all_phrasings, 0.5, ("fact", "template")),
    *(Arm("tasks", name, partial(of_tasks, of), 0.5, ("job", "new relation", "hop")) for name, of in TASKS.items()),
    *(Arm("language", name, partial(in_languages, of), 0.5, LANGUAGES) for name, of in SPOKEN.items()),
]

# --- judges -----------------------------------------------------------------------------------------------------------


def _has_forms(reply: str, truth: Mapping[str, Any]) -> bool:
    return follows(reply, truth["forms"])


def _is_faric(reply: str, _: Mapping[str, Any]) -> bool:
    """By its first word: in Faric the verb is first, in an English reply of this world it is a name."""
    return reply.partition(" ")[0] in faric_openings()


@cache
def faric_openings() -> frozenset[str]:
    notations = [words(f"statements.{name}", FILE)[0] for name in in_faric()]
    notations += [words(f"own.{name}.statements", FILE)[0] for name in ("instrument", "number", "flower")]
    verbs = [lexicon().verbs[notation.partition(";")[0].partition("/")[0]].stem for notation in notations]
    return frozenset(capital(verb + tense) for verb in verbs for tense in ("", "ta", "te"))


MEASURES: dict[str, Callable[[str, Mapping[str, Any]], bool]] = {
    "fact": is_right,
    "form": _has_forms,
    "form: and right": instructions.obeys,
    "pair": _has_forms,
    "template": is_right,
    "job": is_right,
    "new relation": is_right,
    "hop": is_right,
    **dict.fromkeys(LANGUAGES, is_right),
    **{f"{test}: a reply in Faric": _is_faric for test in LANGUAGES},
}
"""What is counted, by test and, after a colon, what else is asked of the same replies."""
