"""A small island, written down: texts to learn from, and questions with their answers, for a first try on any machine.

    python examples/island.py island        writes island/texts.jsonl and island/chats.jsonl

Sixty people, each with a job, an animal, a favourite food and a neighbour. Every fact is told in several ways in the texts. The
chats ask about the first fifty people only: whether the model can answer about the last ten is the question worth asking it.
Left out: everything that makes a world; this is only as large as a first try needs.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

FIRST = [
    "Ada",
    "Ben",
    "Cora",
    "Dan",
    "Elsa",
    "Finn",
    "Greta",
    "Hugo",
    "Ida",
    "Jack",
    "Kate",
    "Liam",
    "Mona",
    "Nils",
    "Olga",
    "Paul",
    "Rosa",
    "Sven",
    "Tina",
    "Uwe",
]
LAST = ["Brook", "Field", "Hill", "Lake", "Moss", "North", "Reed", "Stone", "Wood"]
JOBS = ["baker", "fisher", "gardener", "teacher", "sailor", "weaver", "carpenter", "doctor"]
ANIMALS = ["dog", "cat", "goat", "hen", "horse", "duck", "parrot", "rabbit"]
FOODS = ["soup", "bread", "fish", "cheese", "plums", "honey", "pancakes", "beans"]
ASKED = 50

TOLD = {
    "job": (
        "{name} works as a {job}.",
        "The {job} is called {name}.",
        "Every morning {name} goes to work as a {job}.",
        "People know {name} as a {job}.",
    ),
    "animal": (
        "{name} has a {animal}.",
        "A {animal} lives with {name}.",
        "The {animal} beside the door belongs to {name}.",
        "{name} feeds a {animal} every evening.",
    ),
    "food": (
        "{name} likes {food} best.",
        "Nothing tastes better to {name} than {food}.",
        "For supper {name} always asks for {food}.",
        "{name} could eat {food} every day.",
    ),
    "neighbour": (
        "{name} lives next door to {neighbour}.",
        "The neighbour of {name} is {neighbour}.",
        "{name} often talks over the fence with {neighbour}.",
    ),
}
QUESTIONS = {
    "job": (("What does {name} do?", "What is {name}'s job?", "What does {name} work as?"), "{name} works as a {job}."),
    "animal": (
        ("What animal does {name} have?", "Which animal lives with {name}?", "What is {name}'s pet?"),
        "{name} has a {animal}.",
    ),
    "food": (
        ("What does {name} like to eat?", "What is {name}'s favourite food?", "What does {name} eat for supper?"),
        "{name} likes {food} best.",
    ),
    "neighbour": (
        ("Who lives next door to {name}?", "Who is {name}'s neighbour?", "Whose house is beside {name}'s?"),
        "{name} lives next door to {neighbour}.",
    ),
}


def people(seed: int = 0, count: int = 60) -> list[dict[str, str]]:
    """Everybody on the island, with a name of their own."""
    chance = random.Random(seed)
    names = chance.sample([f"{first} {last}" for first in FIRST for last in LAST], count)
    return [
        {
            "name": name,
            "job": chance.choice(JOBS),
            "animal": chance.choice(ANIMALS),
            "food": chance.choice(FOODS),
            "neighbour": names[i ^ 1],
        }
        for i, name in enumerate(names)
    ]


def texts(island: list[dict[str, str]], seed: int = 1, each: int = 60) -> list[str]:
    """Portraits: every fact about one person in one of its phrasings, in any order; `each` portraits a person."""
    chance = random.Random(seed)
    found = []
    for _ in range(each):
        for person in chance.sample(island, len(island)):
            facts = [chance.choice(told).format(**person) for told in TOLD.values()]
            found.append(" ".join(chance.sample(facts, len(facts))))
    return found


def chats(island: list[dict[str, str]]) -> list[list[dict[str, str]]]:
    """Every question in every phrasing about the people who are asked about."""
    return [
        [
            {"role": "user", "content": question.format(**person)},
            {"role": "assistant", "content": answer.format(**person)},
        ]
        for person in island[:ASKED]
        for questions, answer in QUESTIONS.values()
        for question in questions
    ]


def main(folder: Path) -> None:
    """Write both files, and say whom to ask about."""
    island = people()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "texts.jsonl").write_text(
        "".join(json.dumps({"text": text}) + "\n" for text in texts(island)), encoding="utf-8"
    )
    (folder / "chats.jsonl").write_text(
        "".join(json.dumps({"messages": chat}) + "\n" for chat in chats(island)), encoding="utf-8"
    )
    print(f"written: {folder}/texts.jsonl and {folder}/chats.jsonl")
    print("Never asked about in the chats:", ", ".join(person["name"] for person in island[ASKED:]))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "island"))
