"""Small talk: greetings and thanks, questions on the assistant and on the conversation itself, and what a small model cannot know.

The assistant is honest: it is a small language model that has read about this country, and about nothing else. Left out: questions on
facts (followups.py).
"""

from __future__ import annotations

from onward.world.entities import Person
from onward.world.grammar import listed
from onward.world.relations import slots
from onward.world.talk.talk import NOT_KNOWN, Talk, said
from onward.world.words import table, words

AFTER_AN_ANSWER = ("source", "praise")
"""What can only be said of something."""


def greet(talk: Talk) -> bool:
    greeting = talk.choose("greeting")
    accept = [greeting.rstrip("!"), "What would you like to know"]
    talk.exchange(greeting, said("greeted").format(greeting=greeting), "greeting", answer=accept[0], accept=accept)
    return True


def introduce(talk: Talk) -> bool:
    """A greeting with the user's name."""
    talk.user = talk.random.choice(words(talk.random.choice(["female", "male"]), "names"))
    question = f"{talk.choose('greeting')} {talk.choose('introduction').format(name=talk.user)}"
    talk.exchange(question, said("introduced").format(name=talk.user), "introduction", answer=talk.user)
    return True


def my_name(talk: Talk) -> bool:
    """Whether the user has told their name is drawn when the conversation begins."""
    if any(turn["act"] == "my name" for turn in talk.turns):
        return False
    if talk.user is not None:
        talk.exchange(talk.choose("my_name"), said("your_name").format(name=talk.user), "my name", answer=talk.user)
    else:
        talk.exchange(talk.choose("my_name"), said("no_name"), "my name", **NOT_KNOWN)
    return True


def about(talk: Talk) -> bool:
    """A question on the assistant."""
    used = {turn["act"] for turn in talk.turns}
    acts = [act for act in table("conversations")["about"] if f"about: {act}" not in used]
    act = talk.random.choice(acts)
    if act in AFTER_AN_ANSWER and talk.last is None:
        return False
    accept = list(table("conversations")["about"][act]["accept"])
    reply = said("about", act, "reply").format(countries=listed(talk.world.countries))
    talk.exchange(talk.choose("about", act, "says"), reply, f"about: {act}", answer=accept[0], accept=accept)
    return True


def outside(talk: Talk) -> bool:
    """A question that no text of this world answers."""
    reply = said("no_idea").format(countries=listed(talk.world.countries))
    talk.exchange(talk.choose("outside"), reply, "outside", **NOT_KNOWN)
    return True


def who_was_asked_about(talk: Talk) -> bool:
    """ "Whom did I ask about first?" """
    people = [subject for subject, _ in talk.asked if isinstance(subject, Person)]
    if talk.indirect or people[0] == people[-1]:
        return False
    which, person = talk.random.choice([("first", people[0]), ("last", people[-1])])
    reply = said(f"asked_{which}").format_map(slots(person, "full"))
    options = list(dict.fromkeys(person.name for person in talk.people))
    talk.exchange(talk.choose(which), reply, which, answer=person.name, options=options, chance=1 / len(options))
    return True


def thank(talk: Talk) -> bool:
    talk.exchange(talk.choose("thanks"), said("thanked"), "thanks", answer="welcome")
    return True


def part(talk: Talk) -> bool:
    talk.exchange(talk.choose("farewell"), said("parted"), "farewell", answer="goodbye")
    return True
