"""The grammar of everything that the world renders, by the rules of english.py; and that each rule catches a mistake."""

from itertools import islice, pairwise

import pytest

from onward.world import Record, World
from onward.world.kinds import KINDS
from onward.world.texts.biographies import biographies, biography
from world.english import GENDER, PRONOUN_GENDER, RULES, mistakes, sentences

LEFT_OUT = {
    "instruction": ("capitals", "end marks", "slots"),
    "system": ("capitals", "end marks"),
    "counting": ("capitals", "end marks", "quantities"),
    "spelling": ("capitals", "end marks"),
    "sheet": ("capitals", "end marks", "quantities", "spaces"),
    "programs": ("capitals", "end marks", "spaces"),
    "quiz": ("end marks", "spaces"),
    "parallel": ("pronoun gender",),
}
"""Rules that a kind does not keep, since it asks for small letters or JSON, shows its working in notes or code, is a page with a title, or
speaks of nobody in particular."""
SEEDS = (0, 1, 2)
RECORDS = 100
"""Of every kind and seed, so many are looked at: every third of its first ones."""


def text_of(record: Record) -> str:
    messages = record.messages or [*(record.prompt or []), *(record.chosen or [])]
    return record.text or "\n".join(message["content"] for message in messages)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "crawl"])
def test_sentences_of_every_kind_are_correct_english(kind):
    looked_at = 0
    for seed in SEEDS:
        for record in islice(KINDS[kind](World(seed, people=30)), 0, 3 * RECORDS, 3):
            text = text_of(record)
            looked_at += len(sentences(text))
            assert not mistakes(text, LEFT_OUT.get(kind, ())), text
    assert looked_at >= 30


def test_biographies_in_held_out_phrasings_are_correct_english():
    world = World(people=30)
    for person in world.people:
        text = text_of(biography(world, person, world.random("test", person.index), held_out=True))
        assert not mistakes(text), text


def test_a_biography_has_no_pronoun_of_another_gender_than_its_person():
    for record in biographies(World(people=30), copies=4):
        gender = GENDER[record.truth["about"].split()[0]]
        words = {word.strip(".,") for word in text_of(record).lower().split()}
        assert {PRONOUN_GENDER[word] for word in words if word in PRONOUN_GENDER} <= {gender}


def test_no_pronoun_of_a_biography_follows_a_sentence_that_names_somebody_else():
    world = World(people=30)
    names = [person.name for person in world.people]
    for record in biographies(world, copies=4):
        about = record.truth["about"]
        for before, after in pairwise(sentences(text_of(record))):
            words = {word.strip(".,") for word in after.lower().split()}
            if words & PRONOUN_GENDER.keys() and about.split()[0] not in after:
                assert not any(name in before for name in names if name != about), (before, after)


PLANTED = {
    "articles": [
        "Ada is a architect.", "He has an dog.", "It took a hour.", "She is an useful friend.", "An cat sat there.",
        "It is a 80-year-old city.", "A owl lives with him.", "Ada wants a honest answer.",
    ],
    "doubled words": ["She lives in in Corwick.", "The the road is long.", "He is is here."],
    "capitals": ["She works. she sings.", "ada has a dog.", "It rained.\n\nthen it stopped.", "\"yes,\" he said."],
    "end marks": ["Ada Ashford lives in Corwick and works there as a baker, as you all know"],
    "slots": ["{Who} works as a baker.", "Her mother is None.", "She has {a_pet."],
    "spaces": ["She  works.", "She works .", "She works,and he sings.", "She works..", "It is late.She sleeps.", "It is , late."],
    "pronoun gender": [
        "Ada Ashford is a baker. He lives in Corwick.", "Max has a dog. The dog loves her.", "My sister has lost his key.",
        "Ada works. She sings.\n\nMax Ashford sleeps. He sleeps for hours in her bed.",
    ],
    "couples": ["Max met her wife.", "Anna saw his husband there.", "Ada's wife is old.", "Max Ashford's husband sings."],
    "agreement": [
        "He work as a baker.", "She have a dog.", "It are late.", "Ada Ashford live in Corwick.", "I works there.",
        "I is here.", "They lives here.", "We was late.", "You likes tea.", "If you is late, call me.", "They has a dog.",
        "My otter sleep all day.", "The city have a river.", "I know that she still live there.", "He are old.",
        "Max are old.", "We sings.", "When it rain, the river rises.", "Her owl never sleep.", "The road lead north.",
    ],
    "quantities": [
        "Cherries is red.", "Bread are good.", "There is mushrooms on the table.", "He ate too much plums.",
        "She has many bread.", "It is 45 kilometre long.", "It is one kilometres long.", "Less noodles are better.",
        "There are a dog here.", "She has three dog.", "Two childs came.", "Soup have salt in it.", "He drinks a milk.",
        "She loves pancakes, which is her favourite food.", "It took two hour.",
    ],
    "verb forms": [
        "Does he works here?", "Where does Ada lives?", "She can sings.", "He wants to goes home.", "Do she sing?",
        "Does you sing?", "What did she made?", "She has went home.", "He is more older than Ada.",
    ],
    "possessives": [
        "It's name is Pip.", "That dog is her's.", "He is a friend of me.", "I saw him dog.", "It was sent by he.",
        "Me likes tea.", "Ada mother sings.", "Them sang.", "She is a friend of him.", "The house is of my.",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule, texts in PLANTED.items() for text in texts])
def test_each_rule_catches_a_planted_mistake(rule, text):
    assert rule in {mistake.rule for mistake in mistakes(text)}


def test_there_is_a_planted_mistake_for_every_rule():
    assert set(PLANTED) == set(RULES)


@pytest.mark.parametrize(
    "text",
    [
        "Ada Ashford\nCorwick\n\nDear Max,\n\nHow are you? I am well.\n\nYour sister,\nAda",
        "Does Ada live in Corwick? Where does Max work? What did she eat? Let him sing.",
        "An hour ago, a university in Europe had an umbrella and a used one-way ticket.",
        '"We are glad," said Ada. "How are you?" she asked. Max said: no.',
        "It is 101 kilometres, and one kilometre more makes one hundred and two. It is an 11-year-old dog.",
        "Max and I are friends, and you and Ada are, too. Ada and Max live here.",
        "Ada's dog is hers. A friend of hers has an owl. Amber Works' offices are here.",
        "Cherries are red. She loves mushrooms, which are good. He ate too many plums and too much bread.",
        "If he were here, she would sing. I wished that it was the weekend.",
        "Her husband met his wife. Max's wife sings, and Ada's husband sings too.",
        "1. Bread\n2. Cheese",
        "The people in the city live well. The owners of the dog are here.",
    ],
)
def test_correct_english_breaks_no_rule(text):
    assert not mistakes(text)
