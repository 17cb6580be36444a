"""Talk: a conversation under way: what was said, who and what was named, and what they may be called now.

The rule of reference is strict, so that every conversation has one reading: he or she is said only where one man or one woman has been
named so far, by either side; a first name where one person of that name has; there, that city and that company where the last answer
named one. Everybody else is called by the full name. Left out: what comes next in a conversation (followups.py, smalltalk.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from onward.world import grammar
from onward.world.entities import City, Company, Gender, Person
from onward.world.grammar import Called
from onward.world.phrases import phrasings
from onward.world.questions.asking import TESTED, options_of
from onward.world.record import Message, Record
from onward.world.relations import Fact, Relation, Subject, kind_of, name_of, slots
from onward.world.words import table
from onward.world.world import World

FIRST_NAME = 0.15
"""How often a first name is used where a pronoun would do."""
PLACES = {
    "city": "city",
    "seat": "city",
    "capital": "city",
    "country": "country",
    "employer": "company",
    "river": "river",
}
"""What the value of a relation is."""
UNKNOWN = str(table("questions")["unknown"]["answer"])
NOT_KNOWN: dict[str, Any] = {"answer": "do not know", "accept": ["do not know", "don't know"], "chance": 0.0}
"""The truth of a question to which there is no answer."""


@dataclass
class Talk:
    """asked: subjects and relations so far.   last: the newest of them, if the last answer told a fact of it.   user: their name."""

    world: World
    random: Random
    held_out: bool
    messages: list[Message] = field(default_factory=list)
    turns: list[dict[str, Any]] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    asked: list[tuple[Subject, Relation]] = field(default_factory=list)
    last: tuple[Subject, Relation] | None = None
    user: str | None = None
    indirect: bool = False
    """Whether somebody was asked about who was not called by a name: then it is not clear who was asked about first."""

    # --- saying ---------------------------------------------------------------------------------------------------------

    def choose(self, *path: str, file: str = "conversations") -> str:
        return phrasings(file, *path).choose(self.random, held_out=self.held_out)

    def exchange(self, question: str, reply: str, act: str, **truth: Any) -> None:
        """One turn of each side."""
        self.messages += [{"role": "user", "content": question}, {"role": "assistant", "content": reply}]
        self.turns.append({"act": act} | truth)
        self.last = None

    def ask(self, subject: Subject, relation: Relation, question: str, act: str) -> None:
        """A question on a fact, and its answer."""
        facts = self.world.facts_in(subject, relation)
        self.exchange(question, facts[0].answer() if facts else UNKNOWN, act, **self.truth(subject, relation))
        self.note(subject, relation)
        self.last = (subject, relation) if facts else None

    def truth(self, subject: Subject, relation: Relation) -> dict[str, Any]:
        """Of an answer that names a value; where the world does not say, that is the answer."""
        facts = self.world.facts_in(subject, relation)
        found = {"about": name_of(subject), "relation": relation.name, "facts": [fact.as_data() for fact in facts[:1]]}
        if not facts:
            return found | NOT_KNOWN
        accept = [fact.value for fact in facts]
        return found | {"answer": accept[0], "accept": accept} | options_of(self.world, facts[0])

    def note(self, subject: Subject, relation: Relation) -> None:
        """That this was asked, and who has been named by it for the first time."""
        self.asked.append((subject, relation))
        if isinstance(subject, Person):
            told = " ".join(message["content"] for message in self.messages[-2:])
            for person in (subject, self.relative(subject, relation.name)):
                if person is not None and person not in self.people and person.name in told:
                    self.people.append(person)

    # --- referring ------------------------------------------------------------------------------------------------------

    def called(self, person: Person, *, pronoun: bool = True) -> Called:
        """The shortest that can mean only this person.   pronoun: whether it may be one."""
        if person not in self.people:
            return "full"
        others = [other for other in self.people if other != person]
        same_name = any(other.first == person.first for other in others) or person.first == self.user
        alone = all(other.gender != person.gender for other in others)
        if pronoun and alone and (same_name or self.random.random() >= FIRST_NAME):
            return "pronoun"
        return "full" if same_name else "first"

    def question(self, subject: Subject, relation: Relation) -> str:
        """In one of its phrasings, the subject called as shortly as may be."""
        phrasing = self.choose(kind_of(subject), relation.name, "questions", file="relations")
        if not isinstance(subject, Person):
            return phrasing.format_map(slots(subject, "full"))
        # "The mother of her" is no English.
        return phrasing.format_map(slots(subject, self.called(subject, pronoun="of {whom}" not in phrasing)))

    def kin(self, person: Person, kin: str) -> str:
        """A relative, by what they are to somebody who may be called shortly: "his wife", "Ada's mother"."""
        found = slots(person, self.called(person))
        return f"{found['whose']} {found['wife'] if kin == 'spouse' else kin}"

    def relative(self, person: Person, relation: str) -> Person | None:
        """Who it is, if the world says; of friends, the one that an answer names."""
        if relation == "friend":
            return next(self.world.friends(person), None)
        known: dict[str, Callable[[Person], Person | None]]
        known = {"spouse": self.world.spouse, "mother": self.world.mother, "father": self.world.father}
        return known[relation](person) if relation in known else None

    def named_last(self) -> dict[str, list[Subject]]:
        """The cities, countries, companies and rivers that the last answer named, by kind."""
        found: dict[str, list[Subject]] = {}
        if self.last is not None:
            subject, relation = self.last
            found[kind_of(subject)] = [subject]
            if relation.name in PLACES:
                kind = PLACES[relation.name]
                found.setdefault(kind, []).append(self._thing(kind, relation.values(self.world, subject)[0]))
        return found

    def _thing(self, kind: str, name: str) -> Subject:
        """The city or company of that name; of others, just the name."""
        among: dict[str, Sequence[City | Company]] = {"city": self.world.cities, "company": self.world.companies}
        return next((thing for thing in among.get(kind, ()) if thing.name == name), name)

    # --- choosing -------------------------------------------------------------------------------------------------------

    def fresh(self, subject: Subject, relations: Sequence[Relation]) -> list[Relation]:
        """Those that have not been asked for. Of who has two friends, friends are not asked for: the answer names one."""
        known = {relation.name for asked, relation in self.asked if name_of(asked) == name_of(subject)}
        if "pet_name" in known:
            known.add("pet")  # which animal it is was said
        found = [relation for relation in relations if relation.kind == kind_of(subject) and relation.name not in known]
        return [r for r in found if r.name != "friend" or len(r.values(self.world, subject)) < 2]

    def stranger(self) -> Person | None:
        """Anybody who has not been named and is on the same side of the split; none in a world with too few people."""
        people = self.world.people
        for _ in range(100):
            index = self.random.randrange(len(people))
            same_side = people.is_held_out(index) == people.is_held_out(self.people[0].index)
            if same_side and people[index] not in self.people:
                return people[index]
        return None


def in_rounds(world: World, copies: int, make: Callable[..., Record]) -> Iterator[Record]:
    """All people in each round, not one after the other; `copies` rounds, the last held out. Tests are on the first people only."""
    for copy in range(copies):
        for person in world.people:
            held_out = copy == copies - 1
            if person.index < TESTED or not (held_out or world.is_held_out(person)):
                yield make(world, person, copy, held_out=held_out)


def said(*path: str) -> str:
    """A sentence of the data file that has one form only."""
    found: Any = table("conversations")
    for part in path:
        found = found[part]
    return str(found)


def stated(fact: Fact, called: Called) -> str:
    """As it is answered, to be put inside another sentence, and with the subject called so."""
    return grammar.inside(fact.render(fact.relation.answer, called))


def described(text: str, gender: Gender | None = None, pet: str = "pet") -> dict[str, str]:
    """The slots for somebody or something that is called by a description: "his wife", "that city"."""
    if gender is None:
        return grammar.mention("thing", text, text, "full")
    spouse = {"female": "husband", "male": "wife"}[gender]
    return grammar.mention(gender, text, text, "full") | {"wife": spouse} | grammar.with_articles({"pet": pet})
