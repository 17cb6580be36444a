"""Writing a world: a folder of JSON Lines files, one kind of text a file, and truth.json.

    OUT/texts/KIND.jsonl          raw text for a base model          OUT/chats/KIND.jsonl     conversations
    OUT/preferences/KIND.jsonl    pairs of answers                   OUT/tests/KIND.jsonl     whatever is held out
    OUT/crawl/crawl.jsonl         the raw texts as a dirty crawl, labelled
    OUT/truth.json                all that is known of places, companies and people; what is planted; how many records each file has

What a line holds is said in record.py. Everything is streamed: the memory it takes does not grow with the number of people.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from onward import lineage
from onward.errors import WorldError
from onward.files import new_folder
from onward.lineage import Lineage
from onward.world import planted
from onward.world.entities import Person
from onward.world.kinds import KINDS
from onward.world.population import NOW
from onward.world.record import Record
from onward.world.world import World


def write(
    world: World,
    out: Path,
    *,
    only: Sequence[str] = (),
    force: bool = False,
    on_record: Callable[[str, int], None] = lambda *_: None,
) -> dict[str, int]:
    """Returns how many records each file has.

    only: the kinds to write; all, if none is named.   on_record: called with the kind and the bytes of each line.
    Raises OutputError, WorldError.
    """
    if unknown_kinds := [kind for kind in only if kind not in KINDS]:
        raise WorldError(f"{unknown_kinds[0]}: there is no such kind of text. There are: {', '.join(KINDS)}.")
    counts = Counter[str]()
    with new_folder(out, force=force) as place:
        for kind in only or KINDS:
            with ExitStack() as files:
                _write_kind(KINDS[kind](world), place, files, counts, on_record)
        with (place / "truth.json").open("w", encoding="utf-8") as file:
            _write_truth(world, counts, file)
        plan = {"seed": world.seed, "people": len(world.people), "cities": len(world.cities), "skew": world.people.skew}
        lineage.write(place, Lineage(verb="world", plan=plan))
    return dict(counts)


def _write_kind(
    records: Iterator[Record],
    place: Path,
    files: ExitStack,
    counts: Counter[str],
    on_record: Callable[[str, int], None],
) -> None:
    opened: dict[str, IO[str]] = {}
    numbers = Counter[str]()
    for record in records:
        name = f"{folder_of(record)}/{record.kind}.jsonl"
        if name not in opened:
            (place / name).parent.mkdir(exist_ok=True)
            opened[name] = files.enter_context((place / name).open("w", encoding="utf-8"))
        line = record.line(numbers[record.split])
        numbers[record.split] += 1
        counts[name] += 1
        opened[name].write(line)
        on_record(record.kind, len(line))


def folder_of(record: Record) -> str:
    """Where a record belongs: what is held out apart from all that is learned from."""
    if record.split != "train":
        return "tests"
    if record.kind == "crawl":
        return "crawl"
    return "texts" if record.text is not None else "chats" if record.messages is not None else "preferences"


def _write_truth(world: World, counts: Counter[str], file: IO[str]) -> None:
    """One object with a line for everybody, written as it goes."""
    head: dict[str, Any] = {
        "seed": world.seed,
        "present year": NOW,
        "jobs": world.people.leaning,
        "skew": world.people.skew,
        "records": dict(counts),
        "planted": planted.summary(world),
        "cities": [vars(city) for city in world.cities],
        "roads": [vars(road) for road in world.map.roads],
        "companies": [vars(company) | {"city": company.city.name} for company in world.companies],
    }
    text = json.dumps(head, indent=1, ensure_ascii=False)
    file.write(text.removesuffix("\n}") + ',\n "people": [')
    for i, person in enumerate(world.people):
        file.write(",\n  " if i else "\n  ")
        file.write(json.dumps(_known_of(world, person), ensure_ascii=False))
    file.write("\n ]\n}\n")


def _known_of(world: World, person: Person) -> dict[str, Any]:
    facts: dict[str, list[str]] = {}
    for fact in world.facts(person):
        facts.setdefault(fact.relation.name, []).append(fact.value)
    return {"name": person.name, "gender": person.gender, "held out": world.is_held_out(person), "facts": facts}
