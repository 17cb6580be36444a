"""Stories with false beliefs: where will X look for the thing that was moved, and where does Y think that X will look?

After Sally-Anne and ToMi; what happens and who thinks what is in minds.py, and this file tells it. Four questions in equal amounts:
"first" (what X thinks), "second" (what Y thinks that X thinks), "memory" (where the thing was at the beginning), "reality" (where it is).
Of the first two, the belief is false in one half and true in the other, and in each half it is the first place in one half. So no rule
that looks at places only is better than chance over all: not the first place, nor the real one, nor the one named first or last (both are
named at the beginning in random order, and again in sentences that have nothing to do with it). In half of "second", Y is wrong about
what X thinks; and in three quarters of the true beliefs of "first", X has been out of the room as in the false ones, but missed nothing
that matters, or learned of it. Left out: stories that one reads for their own sake.
Held out as "content": one in five combinations of the thing and the two containers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from onward.world import grammar
from onward.world.minds.characters import GENDERS, Character, cast
from onward.world.minds.minds import OPENING, PEOPLE, Cell, Event, Plot, Scene, X, Y, Z, plots
from onward.world.phrases import phrasings
from onward.world.record import Record, Split, chat
from onward.world.words import table, words
from onward.world.world import World

STORIES = 1600
TESTS = 192
"""Of each test split. Both are multiples of the 64 cells that an index goes through."""
HELD_OUT_OF = 5
KINDS = ("first", "second", "memory", "reality")
MOST_NOISE = 3
OUTDOORS = "garden"
"""The one room that has no furniture."""


def beliefs(world: World, stories: int = STORIES, tests: int = TESTS) -> Iterator[Record]:
    splits: dict[Split, int] = {"train": stories, "content": tests, "phrasing": tests, "both": tests}
    for split, count in splits.items():
        for index in range(count):
            yield story(world.random("beliefs", split, index), index, split)


def cell_of(index: int) -> Cell:
    """Each in equal amounts: see Cell in minds.py."""
    kind = KINDS[index % 4]
    real, start, one, two = ((index // 4) >> bit & 1 == 1 for bit in range(4))
    if kind == "first":
        return kind, real, start, not real or one or two
    if kind == "second":
        return kind, real, start, one
    return kind, kind == "reality", kind == "memory", False


def is_held_out(thing: str, one: str, two: str) -> bool:
    """Whether no training story is of this thing in these containers, in whichever order."""
    things, containers = words("things.object"), words("containers", "beliefs")
    return (things.index(thing) + containers.index(one) + containers.index(two)) % HELD_OUT_OF == 0


@dataclass(frozen=True)
class Stage:
    """Who and what plays the roles of a plot."""

    people: list[Character]
    thing: str
    containers: tuple[str, str]
    room: str
    elsewhere: str

    @classmethod
    def draw(cls, random: Random, *, held_out: bool) -> Stage:
        while True:
            thing = random.choice(words("things.object"))
            one, two = random.sample(words("containers", "beliefs"), 2)
            if is_held_out(thing, one, two) == held_out:
                break
        rooms = words("things.room")
        room = random.choice([room for room in rooms if room != OUTDOORS])
        elsewhere = random.choice([other for other in rooms if other != room])
        people = cast(random, [random.choice(GENDERS) for _ in PEOPLE])
        return cls(people, thing, (one, two), room, elsewhere)

    def slots(self, who: int, other: int | None = None, **more: str) -> dict[str, str]:
        found = {"object": self.thing, "room": self.room, "elsewhere": self.elsewhere} | more
        if other is not None:
            found["other"] = self.people[other].name
        return self.people[who].slots | grammar.with_articles(found)


def story(random: Random, index: int, split: Split) -> Record:
    cell = cell_of(index)
    by_length = plots()[cell]
    plot = random.choice(by_length[random.choice(list(by_length))])
    stage = Stage.draw(random, held_out=split in ("content", "both"))
    teller = Teller(random, stage, held_out=split in ("phrasing", "both"))
    kind, real, _, _ = cell
    place = plot.scene.place if real else 1 - plot.scene.place
    told, (question, answer) = teller.tell(plot), teller.ask(kind, stage.containers[place])
    return Record(
        kind="belief", split=split, messages=chat(f"{told} {question}", answer), truth=truth(stage, plot, cell, place)
    )


def truth(stage: Stage, plot: Plot, cell: Cell, place: int) -> dict[str, Any]:
    """question: one of KINDS.   belief: whether what is asked for is a true or a false belief; of memory and reality, None."""
    kind, real, _, extra = cell
    names = [person.name for person in stage.people]
    found: dict[str, Any] = {"question": kind, "belief": None, "object": stage.thing}
    if kind in ("first", "second"):
        found |= {"belief": "true" if real else "false", "x": names[X]}
    if kind == "second":
        found |= {"y": names[Y], "y_is_right": extra}
    return found | {
        "events": [
            {"does": event.does, "who": names[event.who]}
            | ({"whom": names[event.whom]} if event.whom is not None else {})
            for event in plot.events
        ],
        "people": names[:Z],
        "start": stage.containers[0],
        "real": stage.containers[plot.scene.place],
        "answer": stage.containers[place],
        "options": list(stage.containers),
        "chance": 0.5,
    }


@dataclass(frozen=True)
class Teller:
    random: Random
    stage: Stage
    held_out: bool

    def tell(self, plot: Plot) -> str:
        """The setting, then the events in their order, with noise among them; but what is watched is told at once."""
        blocks, scene, been = [self.put()], OPENING, OPENING.inside
        for event in plot.events:
            scene = scene.after(event)
            sentence = self.event(event, scene, been)
            been |= scene.inside
            if event.does == "watch":
                blocks[-1] += f" {sentence}"
            else:
                blocks.append(sentence)
        noise = phrasings("beliefs", "noise", "sentences")
        noises = noise.held_out if self.held_out else noise.trained
        for phrasing in self.random.sample(noises, self.random.randint(0, MOST_NOISE)):
            blocks.insert(self.random.randint(1, len(blocks)), phrasing.format_map(self.noise()))
        return " ".join([*self.setting(), *blocks])

    def setting(self) -> list[str]:
        one, two = self.random.sample(self.stage.containers, 2)
        who, other = self.random.sample((X, Y), 2)
        found = [
            self.say("setting", "containers").format_map(self.stage.slots(who, other, one=one, two=two)),
            self.say("setting", "people").format_map(self.stage.slots(who, other)),
        ]
        self.random.shuffle(found)
        return found

    def put(self) -> str:
        who, other = self.random.sample((X, Y), 2)
        return self.say("setting", "put").format_map(self.stage.slots(who, other, start=self.stage.containers[0]))

    def event(self, event: Event, scene: Scene, been: frozenset[int]) -> str:
        """scene: after it.   been: who had been in the room before."""
        stage, name = self.stage, event.does if event.does != "enter" else "back" if event.who in been else "come"
        places = {
            "from": stage.containers[1 - scene.place],
            "to": stage.containers[scene.place],
            "where": stage.room if event.who in scene.inside else stage.elsewhere,
        }
        return self.say("events", name).format_map(stage.slots(event.who, event.whom, **places))

    def noise(self) -> dict[str, str]:
        """Slots for a sentence that has nothing to do with it."""
        draw, stage = self.random.choice, self.stage
        more = {name: draw(words(name)) for name in ("drink", "hobby")} | {
            "food": draw(list(table("words")["food"])),
            "hour": grammar.number(draw(range(2, 13))),
            "container": draw(stage.containers),
            "decoy": draw([thing for thing in words("things.object") if thing != stage.thing]),
        }
        return stage.slots(draw((X, Y)), **more)

    def ask(self, kind: str, right: str) -> tuple[str, str]:
        """A question, and the answer that names the right container."""
        form = self.random.choice(list(table("beliefs")[kind]))
        one, two = self.random.sample(self.stage.containers, 2)
        slots = self.stage.slots(X, Y, one=one, two=two, answer=right)
        answer = str(table("beliefs")[kind][form]["answer"])
        return self.say(kind, form, "questions").format_map(slots), answer.format_map(slots)

    def say(self, *path: str) -> str:
        return phrasings("beliefs", *path).choose(self.random, held_out=self.held_out)
