"""Arithmetic: sums, differences and products of small numbers, and word problems of two steps about people and their things.

The numbers are at most 99, and at most 999 in the tests of longer numbers. The answer is drawn first, and the rest to fit it, so that no
answer is likelier than others by more than the holding out makes it. The working goes by places, as in "30 + 20 = 50", "7 + 5 = 12",
"50 + 12 = 62".

Held out are pairs of numbers: a pair that is added, with both differences that undo the sum (27 + 35, 62 - 35 and 62 - 27), and a pair
that is multiplied. Never held out are pairs through which the working of others goes: those with a number below ten or a multiple of ten,
and products of numbers up to ten. A word problem is held out if one of its steps is.
Left out: division, negative numbers, fractions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from onward.world import grammar
from onward.world.entities import Gender, Person
from onward.world.exercises.exercise import Draw, Exercise, Wanted, chats, is_held_out
from onward.world.phrases import phrasings
from onward.world.record import Record
from onward.world.words import words
from onward.world.world import World

KIND = "arithmetic"
AMOUNT = 6000
SIGNS = {"plus": "+", "minus": "-", "times": "x"}
TASKS = ("plus", "minus", "times", "problem")
PEOPLE = 200
"""Who may be in word problems is among the first so many of the world."""
FACTORS = range(2, 10)
"""What the smaller number of a product may be."""


class Step(NamedTuple):
    """a sign b = result."""

    a: int
    sign: str
    b: int
    result: int

    def __str__(self) -> str:
        return f"{self.a} {self.sign} {self.b} = {self.result}"

    @property
    def held_out(self) -> bool:
        if self.sign == "x":
            pair = sorted((self.a, self.b))
            return pair[1] > 10 and pair[1] % 10 != 0 and is_held_out("x", *pair)
        pair = sorted((self.b, self.result if self.sign == "-" else self.a))
        return all(number > 10 and number % 10 != 0 for number in pair) and is_held_out("+", *pair)


class Span(NamedTuple):
    """Smallest and largest of the answers, and of the numbers that lead to them."""

    answers: tuple[int, int]
    numbers: tuple[int, int]

    @property
    def chance(self) -> float:
        return 1 / (self.answers[1] - self.answers[0] + 1)

    def answer(self, random: Random) -> int:
        return random.randint(*self.answers)

    def number(self, random: Random, least: int, most: int) -> int:
        """One from least to most that is in the span.   Raises Unfit where there is none."""
        least, most = max(least, self.numbers[0]), min(most, self.numbers[1])
        if least > most:
            raise Unfit
        return random.randint(least, most)


class Unfit(Exception):
    """Numbers that lead to no exercise: others are drawn."""


SPANS = {  # trained, and longer
    "plus": (Span((2, 99), (1, 99)), Span((200, 999), (100, 999))),
    "minus": (Span((1, 98), (1, 99)), Span((100, 899), (100, 999))),
    "problem": (Span((10, 90), (2, 99)), Span((210, 900), (100, 999))),
}
PRODUCTS = (
    tuple(n for n in range(4, 100) if any(n % a == 0 and n >= 2 * a for a in FACTORS)),
    tuple(n for n in range(100, 900) if any(n % a == 0 and 11 <= n // a < 100 for a in FACTORS)),
)  # fmt: skip


def arithmetic(world: World) -> Iterator[Record]:
    return chats(world, KIND, drawing(world), AMOUNT)


def drawing(world: World) -> Draw:
    people = cast(world)

    def draw(random: Random, wanted: Wanted) -> Exercise:
        task = random.choice(TASKS)
        return problem(people, random, wanted) if task == "problem" else calculation(task, random, wanted)

    return draw


def fits(steps: Sequence[Step], wanted: Wanted) -> bool:
    """Of longer numbers all are as good as held out."""
    return wanted.length or wanted.content == any(step.held_out for step in steps)


# --- calculations -------------------------------------------------------------------------------------------------------


def calculation(task: str, random: Random, wanted: Wanted) -> Exercise:
    step = DRAWN[task](random, wanted)
    while not fits([step], wanted):
        step = DRAWN[task](random, wanted)
    chance = 1 / len(PRODUCTS[wanted.length]) if task == "times" else SPANS[task][wanted.length].chance
    return Exercise(
        kind=KIND,
        task=task,
        slots={"a": str(step.a), "b": str(step.b)},
        answer=str(step.result),
        working=WORKED[task](step),
        chance=chance,
        truth={"steps": [list(step)]},
    )


def _plus(random: Random, wanted: Wanted) -> Step:
    span = SPANS["plus"][wanted.length]
    total = span.answer(random)
    a = span.number(random, span.numbers[0], total - span.numbers[0])
    return Step(a, "+", total - a, total)


def _minus(random: Random, wanted: Wanted) -> Step:
    span = SPANS["minus"][wanted.length]
    left = span.answer(random)
    b = span.number(random, span.numbers[0], span.numbers[1] - left)
    return Step(left + b, "-", b, left)


def _times(random: Random, wanted: Wanted) -> Step:
    product = random.choice(PRODUCTS[wanted.length])
    a = random.choice([a for a in FACTORS if product % a == 0 and (11 if wanted.length else 2) <= product // a < 100])
    a, b = random.sample((a, product // a), 2)
    return Step(a, "x", b, product)


DRAWN = {"plus": _plus, "minus": _minus, "times": _times}


def places(number: int) -> dict[int, int]:
    """What each digit stands for, by its place: 347 is 300, 40 and 7."""
    return {place: number // place % 10 * place for place in (100, 10, 1) if number // place % 10}


def worked_sum(step: Step) -> list[str]:
    """Place by place, and then the places together."""
    a, b = places(step.a), places(step.b)
    found, parts = [], []
    for place in sorted(a.keys() | b.keys(), reverse=True):
        parts.append(a.get(place, 0) + b.get(place, 0))
        if place in a and place in b:
            found.append(Step(a[place], "+", b[place], parts[-1]))
    return [*map(str, found), *added(parts)]


def worked_difference(step: Step) -> list[str]:
    """The hundreds of what is taken away, then its tens, then its ones."""
    found, left = [], step.a
    for part in places(step.b).values():
        found.append(str(Step(left, "-", part, left - part)))
        left -= part
    return found


def worked_product(step: Step) -> list[str]:
    """Up to nine times nine by counting up in steps; beyond, place by place."""
    small, large = sorted((step.a, step.b))
    if large < 10:
        return [", ".join(str(large * n) for n in range(1, small + 1))]
    parts = places(large).values()
    return [*(str(Step(small, "x", part, small * part)) for part in parts), *added([small * part for part in parts])]


WORKED = {"plus": worked_sum, "minus": worked_difference, "times": worked_product}


def added(parts: Sequence[int]) -> list[str]:
    """One after the other."""
    found, total = [], parts[0]
    for part in parts[1:]:
        found.append(str(Step(total, "+", part, total + part)))
        total += part
    return found


# --- word problems ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Plot:
    """What happens in a word problem: its parts, each with its numbers, and the steps that lead to the answer."""

    asked: str
    parts: Sequence[tuple[str, dict[str, int]]]
    steps: Sequence[Step]


def problem(people: Cast, random: Random, wanted: Wanted) -> Exercise:
    """About a woman and a man. What may be held out here is not the people."""
    span = SPANS["problem"][wanted.length]
    plot = _plot(random, span, span.answer(random), wanted)
    person, friend = random.sample([random.choice(people["female"]), random.choice(people["male"])], 2)
    slots = _slots(random, person, friend)
    said = [
        phrasings(KIND, "parts", part)
        .choose(random, held_out=wanted.phrasing)
        .format_map(slots | {name: str(number) for name, number in numbers.items()})
        for part, numbers in plot.parts
    ]
    return Exercise(
        kind=KIND,
        task=plot.asked,
        slots=slots | {"problem": " ".join(said)},
        answer=str(plot.steps[-1].result),
        working=[str(step) for step in plot.steps],
        chance=span.chance,
        truth={"steps": [list(step) for step in plot.steps], "parts": [part for part, _ in plot.parts]},
    )


def _plot(random: Random, span: Span, answer: int, wanted: Wanted) -> Plot:
    """Any that comes to the answer."""
    while True:
        try:
            plot = random.choice((_changes, _groups, _together))(random, span, answer)
        except Unfit:
            continue
        if fits(plot.steps, wanted):
            return plot


def _changes(random: Random, span: Span, answer: int) -> Plot:
    """Somebody has some, then more or fewer, then again."""
    second = _change(random, span, answer)
    first = _change(random, span, second.a)
    parts = [("has", {"amount": first.a}), *map(_told, (first, second))]
    return Plot(asked="changes", parts=parts, steps=(first, second))


def _change(random: Random, span: Span, after: int) -> Step:
    least, most = span.numbers
    if random.random() < 0.5:
        more = span.number(random, least, after - least)
        return Step(after - more, "+", more, after)
    less = span.number(random, least, most - after)
    return Step(after + less, "-", less, after)


def _told(change: Step) -> tuple[str, dict[str, int]]:
    return "gain" if change.sign == "+" else "loss", {"amount": change.b}


def _groups(random: Random, span: Span, answer: int) -> Plot:
    """Somebody has so many in each of some containers, then more or fewer."""
    change = _change(random, span, answer)
    fitting = [groups for groups in FACTORS if change.a % groups == 0 and change.a // groups > 1]
    if not fitting:
        raise Unfit
    groups = random.choice(fitting)
    product = Step(groups, "x", change.a // groups, change.a)
    parts = [("groups", {"groups": product.a, "each": product.b}), _told(change)]
    return Plot(asked="changes", parts=parts, steps=(product, change))


def _together(random: Random, span: Span, answer: int) -> Plot:
    """Somebody has some, a friend more or fewer; how many have both?"""
    least = span.numbers[0]
    more = random.random() < 0.5
    amount = span.number(random, least, answer - 2 * least if more else answer - least)
    has, odd = divmod(answer - amount if more else answer + amount, 2)
    theirs = has + amount if more else has - amount
    if odd or not all(least <= number <= span.numbers[1] for number in (has, theirs)):
        raise Unfit
    compared = Step(has, "+" if more else "-", amount, theirs)
    parts = [("has", {"amount": has}), ("more" if more else "fewer", {"amount": amount})]
    return Plot(asked="together", parts=parts, steps=(compared, Step(has, "+", theirs, answer)))


Cast = Mapping[Gender, Sequence[Person]]


def cast(world: World) -> Cast:
    """Who is in word problems: people who are asked about in training."""
    people = [person for person in world.people[:PEOPLE] if not world.is_held_out(person)]
    return {gender: [person for person in people if person.gender == gender] for gender in ("female", "male")}


def _slots(random: Random, person: Person, friend: Person) -> dict[str, str]:
    named = {"first": person.first, "friend": friend.first}
    things = {
        "things": grammar.plural(random.choice(words("things.object"))),
        "containers": grammar.plural(random.choice(words("parts.containers", KIND))),
    }
    return grammar.mention(person.gender, person.name, person.first, "full") | grammar.with_articles(named) | things
