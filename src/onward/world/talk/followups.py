"""Follow-ups: questions on people and places that need the turns before them; each is one move of a conversation.

A move carries a conversation on by one turn of both sides, or says that it cannot. What is asked, of whom, and whether a claim is true are
drawn without a look at the answers before, so that those give nothing away. Left out: talk about anything but facts (smalltalk.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from onward.world import grammar
from onward.world.entities import Gender, Person
from onward.world.relations import BY_NAME, RELATIONS, Fact, Relation, Subject, kind_of, slots
from onward.world.talk.talk import Talk, described, said, stated
from onward.world.words import table

KIN = ("spouse", "mother", "father")
ABOUT_PEOPLE = tuple(relation for relation in RELATIONS if relation.kind == "person")
PLAIN = tuple(BY_NAME[name] for name in ("job", "employer", "city", "born", "pet", "drink", "food", "hobby"))
"""What everybody has, and what is no person: what claims are about, and short questions on somebody else."""
MENTION = {"city": "that city", "country": "that country", "company": "that company"}


def question(talk: Talk, subject: Subject) -> bool:
    """On anything that is known of it."""
    relations = talk.fresh(subject, RELATIONS)
    if not relations:
        return False
    relation = talk.random.choice(relations)
    talk.ask(subject, relation, talk.question(subject, relation), "question")
    return True


def new_person(talk: Talk) -> bool:
    """A change of person."""
    person = talk.stranger()
    return person is not None and question(talk, person)


def new_place(talk: Talk) -> bool:
    """A change of subject, to a city, a country or a company; most often it is announced."""
    kinds: list[Sequence[Subject]] = [talk.world.cities, talk.world.countries, talk.world.companies]
    if not question(talk, talk.random.choice(talk.random.choice(kinds))):
        return False
    if talk.random.random() < 0.7:
        talk.messages[-2]["content"] = f"{talk.choose('change')} {talk.messages[-2]['content']}"
    return True


def follow_up(talk: Talk) -> bool:
    """ "And what does she drink?", of anybody who was named."""
    person = talk.random.choice(talk.people)
    relations = talk.fresh(person, ABOUT_PEOPLE)
    if not relations:
        return False
    relation = talk.random.choice(relations)
    talk.ask(person, relation, joined_on(talk, talk.question(person, relation)), "follow-up")
    return True


def joined_on(talk: Talk, question: str) -> str:
    """With a word that ties it to what was said, or without."""
    question = f"And {grammar.inside(question)}" if talk.random.random() < 0.4 else question
    return f"{talk.choose('acknowledgement')} {question}" if talk.random.random() < 0.15 else question


def property_only(talk: Talk) -> bool:
    """ "And her hobby?" """
    return _property(talk, "property", "follow-up")


def meant_property(talk: Talk) -> bool:
    """ "Sorry, I meant her hobby." """
    return _property(talk, "meant_property", "correction")


def _property(talk: Talk, phrasing: str, act: str) -> bool:
    if talk.last is None or not isinstance(person := talk.last[0], Person):
        return False
    nouns = table("conversations")["noun"]
    relations = [relation for relation in talk.fresh(person, ABOUT_PEOPLE) if relation.name in nouns]
    if not relations:
        return False
    relation = talk.random.choice(relations)
    found = slots(person, talk.called(person)) | {"noun": nouns[relation.name]}
    talk.ask(person, relation, talk.choose(phrasing).format_map(found), act)
    return True


def another(talk: Talk) -> bool:
    """ "And Ada Ashford?": the same question about somebody else."""
    return _of_another(talk, "another", "follow-up")


def meant_another(talk: Talk) -> bool:
    """ "Sorry, I meant Ada Ashford." """
    return _of_another(talk, "meant", "correction")


def _of_another(talk: Talk, phrasing: str, act: str) -> bool:
    if talk.last is None or talk.last[1] not in PLAIN or (person := talk.stranger()) is None:
        return False
    talk.ask(person, talk.last[1], talk.choose(phrasing).format_map(slots(person, "full")), act)
    return True


def another_place(talk: Talk) -> bool:
    """ "And Dornhaven?", after a question on another city, country or company."""
    if talk.last is None or isinstance(talk.last[0], Person):
        return False
    before, relation = talk.last
    kinds: dict[str, Sequence[Subject]]
    kinds = {"city": talk.world.cities, "country": talk.world.countries, "company": talk.world.companies}
    others = [other for other in kinds[kind_of(before)] if other != before and talk.fresh(other, [relation])]
    # A name of the same kind in the last answer could not be told from the one that is asked about now.
    if not others or relation.name == "capital":
        return False
    other = talk.random.choice(others)
    talk.ask(other, relation, talk.choose("another").format_map(slots(other, "full")), "follow-up")
    return True


def relative_only(talk: Talk) -> bool:
    """ "And his wife?": the same question about a relative of whom it was asked about."""
    if talk.last is None or talk.last[1] not in PLAIN or not isinstance(person := talk.last[0], Person):
        return False
    relation, kin = talk.last[1], talk.random.choice(KIN)
    return _of_relative(talk, person, kin, [relation], "another", "conversations")


def relative_question(talk: Talk) -> bool:
    """ "What does his wife drink?", of a relative of anybody who was named."""
    person, kin = talk.random.choice(talk.people), talk.random.choice(KIN)
    relations = [r for r in ABOUT_PEOPLE if r.name not in ("pet_name", "friend") and not kin == r.name == "spouse"]
    return _of_relative(talk, person, kin, relations, "questions", "relations")


def _of_relative(talk: Talk, person: Person, kin: str, relations: Sequence[Relation], phrasing: str, file: str) -> bool:
    """Asks one of the relations; where the world does not say who the relative is, that is the answer."""
    relative = talk.relative(person, kin)
    if kin == "spouse":  # couples live together: the answer would be known from the one before
        relations = [relation for relation in relations if relation.name != "city"]
    relations = talk.fresh(relative, relations) if relative is not None else relations
    if not relations or (relative is None and not talk.fresh(person, [BY_NAME[kin]])):
        return False
    relation = talk.random.choice(relations)
    path = (phrasing,) if file == "conversations" else ("person", relation.name, phrasing)
    found = described(talk.kin(person, kin), _gender(person, kin))
    asked = talk.choose(*path, file=file).format_map(found)
    asked = asked if file == "conversations" else joined_on(talk, asked)
    if relative is None:
        talk.ask(person, BY_NAME[kin], asked, "relative")
    else:
        talk.ask(relative, relation, asked, "relative")
        _show_the_way(talk, Fact(person, BY_NAME[kin], relative.name))
    talk.indirect = True
    return True


def _show_the_way(talk: Talk, first: Fact) -> None:
    """The last answer, but it says who is who: "Ada Ashford's husband, Adam Ford, likes to drink tea." """
    found = slots(first.subject, "full")
    kin = f"{found['whose']} {found['wife'] if first.relation.name == 'spouse' else first.relation.name}"
    talk.turns[-1]["facts"] = [first.as_data(), *talk.turns[-1]["facts"]]
    answer = talk.messages[-1]
    if answer["content"].startswith(f"{first.value} "):  # and not "Adam Ford's hobby"
        answer["content"] = f"{kin}, {first.value},{answer['content'].removeprefix(first.value)}"
        # That it names one more person than it has to is no fault.
        talk.turns[-1]["accept"] = [*talk.turns[-1]["accept"], answer["content"].removesuffix(".")]


def _gender(person: Person, kin: str) -> Gender:
    if kin == "spouse":
        return "male" if person.gender == "female" else "female"
    return "female" if kin == "mother" else "male"


def thing(talk: Talk) -> bool:
    """ "And where is that?", "What does that company make?": of the only one of its kind that the last answer named."""
    named = talk.named_last()
    places = [place for kind in ("city", "country", "river") for place in named.get(kind, [])]
    kinds = [kind for kind in MENTION if len(named.get(kind, [])) == 1]
    if not kinds:
        return False
    kind = talk.random.choice(kinds)
    (subject,) = named[kind]
    relations = talk.fresh(subject, RELATIONS)
    if not relations:
        return False
    relation = talk.random.choice(relations)
    if places == [subject] and relation.name in table("conversations")["there"] and talk.random.random() < 0.6:
        asked = talk.choose("there", relation.name)
    else:
        asked = talk.choose(kind, relation.name, "questions", file="relations").format_map(described(MENTION[kind]))
    talk.ask(subject, relation, joined_on(talk, asked), "follow-up")
    return True


def pet_name(talk: Talk) -> bool:
    """ "And what is it called?" """
    if talk.last is None or talk.last[1].name != "pet" or not talk.fresh(talk.last[0], [BY_NAME["pet_name"]]):
        return False
    talk.ask(talk.last[0], BY_NAME["pet_name"], joined_on(talk, talk.choose("it", "pet_name")), "follow-up")
    return True


def claim(talk: Talk) -> bool:
    """ "I have heard that she works as a baker.", true half of the time; of what was just told half of the time, where that can be."""
    if talk.last is not None and talk.last[1] in PLAIN and talk.random.random() < 0.5:
        person, relation = talk.last
    else:
        person = talk.random.choice(talk.people)
        relation = talk.random.choice(PLAIN)
    (fact,) = talk.world.facts_in(person, relation)
    if not isinstance(person, Person) or any(
        t["act"] == "claim" and t["facts"] == [fact.as_data()] for t in talk.turns
    ):
        return False
    answer = talk.random.choice(["yes", "no"])
    claimed = fact if answer == "yes" else Fact(person, relation, talk.world.others(fact, talk.random, 1)[0])
    talk.exchange(
        talk.choose("claim").format(claim=stated(claimed, talk.called(person))),
        f"{answer.capitalize()}, {stated(fact, 'full')}.",
        "claim",
        about=person.name,
        relation=relation.name,
        facts=[fact.as_data()],
        claimed=claimed.value,
        answer=answer,
        options=["yes", "no"],
        chance=0.5,
    )
    talk.note(person, relation)
    return True


def sure(talk: Talk) -> bool:
    """ "Are you sure?" """
    if talk.last is None:
        return False
    subject, relation = last = talk.last
    reply = said("assured").format(answer=stated(talk.world.facts_in(subject, relation)[0], "full"))
    talk.exchange(talk.choose("sure"), reply, "sure", **talk.truth(subject, relation))
    talk.last = last
    return True


def older(talk: Talk) -> bool:
    """ "Which of the two is older?", of the only two people that were named, if neither is a child of the other."""
    if len(talk.people) != 2:
        return False
    a, b = talk.people
    if a.born == b.born or b in talk.world.children(a) or a in talk.world.children(b):
        return False
    older, younger = sorted(talk.people, key=lambda person: person.born)
    facts = [talk.world.facts_in(person, BY_NAME["born"])[0].as_data() for person in (older, younger)]
    reply = str(table("questions")["comparisons"]["older"]["answer"]).format(More=older.name, less=younger.name)
    accept, options = [older.name, reply.removesuffix(".")], [person.name for person in talk.people]
    truth = {"facts": facts, "answer": older.name, "accept": accept, "options": options, "chance": 0.5}
    talk.exchange(talk.choose("older"), reply, "older", **truth)
    return True
