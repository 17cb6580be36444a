"""ToMi: stories about beliefs as Le, Boureau and Nickel made them (2019, "Revisiting the evaluation of theory of mind through question
answering"), out of their zip, or out of fb_all_test.txt with fb_all_test.trace beside it.

A story stands there once for each question, a numbered sentence a line; the last line has the question, its answer and a number, with tabs.
The trace has a line a question, which ends in its type, as first_order_1_tom, and the story's; "tom" marks a belief that is false.
The k-th story in which some belief is false goes with the k-th in which none is: a question about a false belief makes a pair with the
question of the same type in the other story. Left out: stories without a partner, all other questions about true beliefs, and the
stories to train on.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from onward.errors import SuiteError
from onward.evaluate.items import Item
from onward.evaluate.minds import FALSE, MEMORY, REALITY, TRUE, counted, rows
from onward.evaluate.suite import Suite

SUFFIXES = (".zip", ".txt")
MEMBER = "_test.txt"
TOKENS = 32
_PLACE = re.compile(r" (?:is in|to) the (\S+)\.$")
"""What the end of a sentence says of where a thing is put."""


@dataclass(frozen=True)
class Asked:
    """type: first_order_0 and so on, memory or reality.   false: whether it is about a belief that is false."""

    story: tuple[str, ...]
    question: str
    answer: str
    type: str
    false: bool


def suite(path: Path) -> Suite:
    """Raises SuiteError."""
    stories = list[list[Asked]]()
    for asked in _read(path):
        if not stories or stories[-1][0].story != asked.story:
            stories.append([])
        stories[-1].append(asked)
    false = [story for story in stories if any(one.false for one in story)]
    true = [story for story in stories if not any(one.false for one in story)]
    items = [item for k, both in enumerate(zip(false, true, strict=False)) for item in _pairs(k, *both)]
    about = f"ToMi: {len(stories)} stories, of which {2 * min(len(false), len(true))} are in pairs"
    return Suite(name="tomi", items=items, about=about, max_tokens=TOKENS, rows=rows, counted=counted)


def _pairs(number: int, false: Sequence[Asked], true: Sequence[Asked]) -> Iterator[Item]:
    """What is asked of a story with a false belief, and of one without."""
    types = {one.type for one in false if one.false} & {one.type for one in true}
    for story, belief in ((false, FALSE), (true, TRUE)):
        for one in story:
            if one.type in (MEMORY, REALITY):
                yield _item(number, one, one.type, belief)
            elif one.type in types and one.false == (belief == FALSE):
                yield _item(number, one, belief, belief)


def _item(number: int, one: Asked, asks: str, belief: str) -> Item:
    places = tuple(dict.fromkeys(_plain(found[1]) for line in one.story if (found := _PLACE.search(line))))
    options = places if _plain(one.answer) in places else (*places, _plain(one.answer))
    return Item(
        id=f"{number:04}-{belief}-{one.type}",
        messages=({"role": "user", "content": _plain(" ".join([*one.story, one.question]))},),
        answers=(_plain(one.answer),),
        options=options,
        group=f"{number:04}",
        kind=f"{one.type.split('_')[0]} order" if asks in (FALSE, TRUE) else one.type,
        chance=1 / len(options),
        truth={"asks": asks, "pair": f"{number:04}-{one.type}"},
    )


def _read(path: Path) -> Iterator[Asked]:
    name, texts, traces = _files(path)
    traced, story = iter(traces), list[str]()
    for number, line in enumerate(texts, start=1):
        begun, _, words = line.partition(" ")
        if not begun.isdecimal():
            raise SuiteError(f"{name}, line {number}: {line[:40]!r} is no numbered sentence, as ToMi has.")
        if begun == "1":
            story = []
        if "\t" not in words:
            story.append(words if words.endswith(".") else f"{words}.")
            continue
        question, answer, *_ = words.split("\t")
        type_ = next(traced, "").split(",")[-2:][0]
        if not type_:
            raise SuiteError(f"{name}, line {number}: its trace has no line for this question. Unpack both anew.")
        yield Asked(tuple(story), question, answer, re.sub("_(no_)?tom$", "", type_), _is_false(type_))


def _is_false(type_: str) -> bool:
    return type_.endswith("_tom") and not type_.endswith("_no_tom")


def _files(path: Path) -> tuple[str, list[str], list[str]]:
    """The stories' name, their lines, and those of their trace."""
    try:
        if path.suffix != ".zip":
            trace = path.with_suffix(".trace")
            return str(path), *(file.read_text(encoding="utf-8").splitlines() for file in (path, trace))  # type: ignore[return-value]
        with zipfile.ZipFile(path) as packed:
            name = next((name for name in packed.namelist() if name.endswith(MEMBER)), "")
            if not name:
                raise SuiteError(f"{path} has no file that ends in {MEMBER}, as ToMi's has.")
            told, traced = (packed.read(one).decode().splitlines() for one in (name, name.replace(".txt", ".trace")))
            return f"{path}/{name}", told, traced
    except (OSError, KeyError, UnicodeDecodeError, zipfile.BadZipFile) as error:
        raise SuiteError(
            f"{path} cannot be read as ToMi ({error}). It is a zip, or a .txt with a .trace beside it."
        ) from error


def _plain(words: str) -> str:
    return words.replace("_", " ")
