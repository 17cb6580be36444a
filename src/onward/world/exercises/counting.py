"""Counting: things in a list, those of one kind, letters of a word, one letter in a word, words of a sentence.

The answer is drawn first, and what is counted to fit it, so that each answer is as likely as the others; where a kind is counted in a
list, the length of the list says nothing about the answer. The working counts along: "cup 1, key 1, cup 2".
Held out are words (vocabulary.py; a list is held out if all of its words are), sentences, and whatever is longer than what is trained.
Left out: counting what is not written down, such as the legs of three dogs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from random import Random
from string import ascii_lowercase

from onward.world import grammar
from onward.world.exercises.exercise import Draw, Exercise, Wanted, chats, is_held_out, running
from onward.world.exercises.vocabulary import draw as draw_word
from onward.world.exercises.vocabulary import fewest, grouped, vocabulary
from onward.world.record import Record
from onward.world.relations import Subject
from onward.world.words import table, words
from onward.world.world import World

KIND = "counting"
AMOUNT = 4000
SIZES, LONGER_SIZES = (2, 9), (10, 14)
"""Things in a list of which all are counted, fewest and most; in training, and in tests of longer lists."""
LENGTHS = (5, 9)
"""Things in a list in which one kind is counted."""
OF_A_KIND, LONGER_OF_A_KIND = (1, 4), (1, 6)
TIMES = (0, 2)
"""How often a letter may be in a word."""
ENOUGH = 5
"""Letters that a word has at least, for one of them to be counted in it."""
WORDS, LONGER_WORDS = (5, 9), (10, 14)
"""Words in a sentence."""
PEOPLE = 40
"""People of whom the sentences tell, and as many cities and companies."""


def counting(world: World) -> Iterator[Record]:
    return chats(world, KIND, drawing(world), AMOUNT)


def drawing(world: World) -> Draw:
    sentences = sentences_of(world)

    def draw(random: Random, wanted: Wanted) -> Exercise:
        """The smallest worlds may have no sentence that is long enough."""
        fitting = sentences[Wanted(content=wanted.content, length=wanted.length)]
        task = random.choice([*COUNTED, "sentence"] if fitting else list(COUNTED))
        return _sentence(random, fitting) if task == "sentence" else COUNTED[task](random, wanted)

    return draw


def _exercise(
    task: str, slots: Mapping[str, str], counted: Sequence[str], answer: int, working: str, chance: float
) -> Exercise:
    truth = {"items": list(counted)} | {name: slots[name] for name in ("letter", "thing") if name in slots}
    return Exercise(
        kind=KIND, task=task, slots=slots, answer=str(answer), working=[working], chance=chance, truth=truth
    )  # fmt: skip


def _options(span: tuple[int, int]) -> int:
    return span[1] - span[0] + 1


# --- lists --------------------------------------------------------------------------------------------------------------


@cache
def things(name: str, wanted: Wanted) -> tuple[str, ...]:
    """The words of a list of words.toml of which just that is held out which is wanted."""
    return tuple(word for word in words(name) if is_held_out(word) == wanted.content)


def _list(random: Random, wanted: Wanted) -> Exercise:
    span = LONGER_SIZES if wanted.length else SIZES
    size = random.randint(*span)
    pool = [*things("things.object", wanted), *things("animal", wanted), *things("things.container", wanted)]
    items = random.sample(pool, min(size, len(pool)))
    slots = _listed(items)
    return _exercise("list", slots, items, len(items), running(items, lambda _: True), 1 / _options(span))


def _same(random: Random, wanted: Wanted) -> Exercise:
    """How often one thing is in a list of things."""
    pool = [*things("things.object", wanted), *things("animal", wanted)]
    thing = random.choice(pool)
    items, count = _mixed(random, wanted, [thing], [other for other in pool if other != thing])
    slots = _listed(items) | _named(thing, grammar.plural(thing))
    return _exercise("same", slots, items, count, running(items, lambda item: item == thing), _chance(wanted))


def _category(random: Random, wanted: Wanted) -> Exercise:
    """How many of a list are animals, or drinks."""
    categories: dict[str, str] = table(KIND)["categories"]
    name = random.choice(list(categories))
    others = [word for other in categories if other != name for word in things(other, wanted)]
    items, count = _mixed(random, wanted, things(name, wanted), others)
    slots = _listed(items) | _named(name, categories[name])
    return _exercise("category", slots, items, count, running(items, lambda i: i in words(name)), _chance(wanted))


def _mixed(random: Random, wanted: Wanted, counted: Sequence[str], others: Sequence[str]) -> tuple[list[str], int]:
    """So many of the one among the others; and how many. The two lengths are drawn apart from one another."""
    length = random.randint(*(LONGER_SIZES if wanted.length else LENGTHS))
    count = random.randint(*(LONGER_OF_A_KIND if wanted.length else OF_A_KIND))
    items = random.choices(counted, k=count) + random.choices(others, k=length - count)
    random.shuffle(items)
    return items, count


def _chance(wanted: Wanted) -> float:
    return 1 / _options(LONGER_OF_A_KIND if wanted.length else OF_A_KIND)


def _listed(items: Sequence[str]) -> dict[str, str]:
    return grammar.with_articles({"list": ", ".join(items)})


def _named(thing: str, plural: str) -> dict[str, str]:
    return grammar.with_articles({"thing": thing, "things": plural})


# --- letters ------------------------------------------------------------------------------------------------------------


@cache
def _by_length(wanted: Wanted) -> Mapping[str, Sequence[str]]:
    return grouped(vocabulary(wanted), lambda word: str(len(word)), fewest(wanted))


def _letters(random: Random, wanted: Wanted) -> Exercise:
    groups = _by_length(wanted)
    answer, word = draw_word(random, groups)
    working = running(word, lambda _: True)
    return _exercise("letters", {"word": word}, list(word), int(answer), working, 1 / len(groups))


def _times_of(letter: str) -> Callable[[str], str]:
    return lambda word: str(word.count(letter))


@cache
def _by_times(wanted: Wanted) -> Mapping[str, Mapping[str, Sequence[str]]]:
    """For each letter that can be counted, the words in which it is so often."""
    found = [word for word in vocabulary(wanted) if len(word) >= ENOUGH]
    counts = {str(count) for count in range(TIMES[0], TIMES[1] + 1)}
    by_letter = {letter: grouped(found, _times_of(letter), fewest(wanted)) for letter in ascii_lowercase}
    return {
        letter: {count: group for count, group in groups.items() if count in counts}
        for letter, groups in by_letter.items()
        if counts <= groups.keys()
    }


def _letter(random: Random, wanted: Wanted) -> Exercise:
    """How often a letter is in a word: each letter that is asked for is there never as often as once, and twice."""
    groups = _by_times(wanted)
    letter = random.choice(list(groups))
    answer, word = draw_word(random, groups[letter])
    working = running(word, lambda other: other == letter)
    slots = {"letter": letter, "word": word}
    return _exercise("letter", slots, list(word), int(answer), working, 1 / _options(TIMES))


COUNTED = {"list": _list, "same": _same, "category": _category, "letters": _letters, "letter": _letter}

# --- sentences ----------------------------------------------------------------------------------------------------------

Sentences = Mapping[Wanted, Mapping[str, Sequence[str]]]
"""By what is held out, and by the number of their words."""


def sentences_of(world: World) -> Sentences:
    """Sentences on some cities, companies, and people who are asked about in training; those with numbers in them are left out."""
    random = world.random(KIND, "sentences")
    people = [person for person in world.people[: 2 * PEOPLE] if not world.is_held_out(person)][:PEOPLE]
    subjects: list[Subject] = [*people, *world.cities[:PEOPLE], *world.companies[:PEOPLE]]
    said = [fact.state(random) for subject in subjects for fact in world.facts(subject)]
    sentences = [sentence for sentence in dict.fromkeys(said) if not any(map(str.isdigit, sentence))]
    trained = [sentence for sentence in sentences if not is_held_out(sentence)]
    held_out = [sentence for sentence in sentences if is_held_out(sentence)]
    return {
        Wanted(): _by_words(trained, WORDS),
        Wanted(content=True): _by_words(held_out, WORDS),
        Wanted(length=True): _by_words(sentences, LONGER_WORDS),
    }


def _by_words(sentences: Sequence[str], span: tuple[int, int]) -> Mapping[str, Sequence[str]]:
    found = [sentence for sentence in sentences if span[0] <= len(sentence.split()) <= span[1]]
    return grouped(found, lambda sentence: f"{len(sentence.split()):02}", 1)


def _sentence(random: Random, groups: Mapping[str, Sequence[str]]) -> Exercise:
    answer, sentence = draw_word(random, groups)
    items = sentence.rstrip(".").split()
    working = running([item.strip(",:") for item in items], lambda _: True)
    return _exercise("sentence", {"sentence": sentence}, items, int(answer), working, 1 / len(groups))
