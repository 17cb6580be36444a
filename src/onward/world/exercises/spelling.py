"""Letter tasks: the first, last and third letter of a word, spelling, writing backwards, alphabetical order.

Where the answer is a letter, the letter is drawn first and then the word, so that each letter is as likely as the others. Words are
spelled with blanks between the letters, since a tokeniser reads those one by one; the working of the other tasks spells the word first.
Held out are words, and words and lists that are longer than all that are trained (vocabulary.py).
Left out: rhymes, which are a matter of sound.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from math import factorial
from random import Random

from onward.world import grammar
from onward.world.exercises.exercise import Draw, Exercise, Wanted, chats, running
from onward.world.exercises.vocabulary import Groups, fewest, grouped, vocabulary
from onward.world.exercises.vocabulary import draw as draw_word
from onward.world.record import Record
from onward.world.world import World

KIND = "spelling"
AMOUNT = 4000
ORDINALS = {2: "second", 3: "third", 4: "fourth", 5: "fifth"}
LENGTHS, LONGER_LENGTHS = (3, 4), (5, 6)
"""Words in a list that is to be sorted."""


def spelling(world: World) -> Iterator[Record]:
    return chats(world, KIND, drawing(world), AMOUNT)


def drawing(_: World) -> Draw:
    """Words are the same in every world."""
    return draw


def draw(random: Random, wanted: Wanted) -> Exercise:
    return random.choice((_first, _last, _nth, _spelled, _reversed, _order))(random, wanted)


def spelled(word: str) -> str:
    return " ".join(word)


@cache
def _by_letter(place: int, wanted: Wanted) -> Groups:
    """Words by the letter at a place, from 0, or from -1 at the end."""
    found = [word for word in vocabulary(wanted) if place < len(word)]
    return grouped(found, lambda word: word[place], fewest(wanted))


def _letter(task: str, word: str, letter: str, groups: Groups, working: str, **slots: str) -> Exercise:
    return Exercise(
        kind=KIND,
        task=task,
        slots=grammar.with_articles({"word": word, **slots}),
        answer=letter,
        working=[working],
        chance=1 / len(groups),
        truth={"words": [word], **slots},
    )


def _first(random: Random, wanted: Wanted) -> Exercise:
    groups = _by_letter(0, wanted)
    letter, word = draw_word(random, groups)
    return _letter("first", word, letter, groups, spelled(word))


def _last(random: Random, wanted: Wanted) -> Exercise:
    groups = _by_letter(-1, wanted)
    letter, word = draw_word(random, groups)
    return _letter("last", word, letter, groups, spelled(word))


def _nth(random: Random, wanted: Wanted) -> Exercise:
    place = random.choice(list(ORDINALS))
    groups = _by_letter(place - 1, wanted)
    letter, word = draw_word(random, groups)
    return _letter("nth", word, letter, groups, running(word[:place], lambda _: True), nth=ORDINALS[place])


def _word(task: str, word: str, answer: str, working: Sequence[str], wanted: Wanted) -> Exercise:
    return Exercise(
        kind=KIND,
        task=task,
        slots={"word": word},
        answer=answer,
        working=working,
        chance=1 / len(vocabulary(wanted)),
        truth={"words": [word]},
    )


def _spelled(random: Random, wanted: Wanted) -> Exercise:
    word = random.choice(vocabulary(wanted))
    return _word("spelled", word, spelled(word), (), wanted)


def _reversed(random: Random, wanted: Wanted) -> Exercise:
    word = random.choice([word for word in vocabulary(wanted) if word != word[::-1]])
    return _word("reversed", word, word[::-1], (spelled(word), spelled(word[::-1])), wanted)


def _order(random: Random, wanted: Wanted) -> Exercise:
    """Words that begin with different letters. In tests of longer lists the words are trained ones."""
    size = random.randint(*(LONGER_LENGTHS if wanted.length else LENGTHS))
    groups = _by_letter(0, Wanted(content=wanted.content))
    found = [random.choice(groups[letter]) for letter in random.sample(list(groups), size)]
    letters = ", ".join(f"{word} {word[0]}" for word in found)
    return Exercise(
        kind=KIND,
        task="order",
        slots=grammar.with_articles({"list": ", ".join(found)}),
        answer=", ".join(sorted(found)),
        working=[letters, spelled("".join(sorted(word[0] for word in found)))],
        chance=1 / factorial(size),
        truth={"words": found},
    )
