"""New instructions from a teacher: the prompt that asks for them, and the parser of what comes.

The idea, a few examples drawn anew each time and then a list of new tasks, is Self-Instruct's (Wang et al. 2022, arXiv 2212.10560,
section 2.2); the prompt is made for models that chat, where theirs is for one that carries a text on. Left out: what the parser lets
through and is still no good, for which see filter.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

WANTED = 8
"""New instructions asked for in one request, as many as Self-Instruct goes on to from its eight examples."""

PROMPT = """\
Here are {shown} that people have given to an assistant. It works with text alone.

{examples}

Write {wanted} new ones, as different as can be from these and from each other: in what they are about, in the kind of work (explain, \
plan, compare, rewrite, sort, calculate, invent, advise, translate, write code), in length and in tone. Each must be complete: if it is \
about a text, a list or some numbers, it contains them. None may need pictures, files, links or the Internet. Do not answer them. \
Reply with a numbered list from 1 to {wanted} and with nothing else."""

FIELDS = ("instruction", "prompt", "task", "question", "request", "text")
"""Under which an instruction may stand in JSON; beside it, its "input"."""

_THINKING = re.compile(r"^\s*<think>.*?</think>", re.DOTALL)
_NUMBERED = re.compile(
    r"\s*(?:[#*_]+\s*)?(?:(?:task|instruction|request)\s+)?(\d{1,3})\s*[.):](?!\d)[*_]*\s*", re.IGNORECASE
)
_BULLET = re.compile(r"\s*[-*•]\s+")
_LABEL = re.compile(r"^(?:new\s+)?(?:instruction|task|request|prompt|question)\s*:[*_]*\s*", re.IGNORECASE)
_QUOTES = {'"': '"', "'": "'", "“": "”", "«": "»", "`": "`"}


def prompt(examples: Sequence[str]) -> str:
    """Asks for WANTED new instructions after these."""
    shown = "an instruction" if len(examples) == 1 else f"{len(examples)} instructions"
    listed = "\n\n".join(f"Instruction {number}:\n{text}" for number, text in enumerate(examples, start=1))
    return PROMPT.format(shown=shown, examples=listed, wanted=WANTED)


def instructions(text: str, *, cut_off: bool = False) -> list[str]:
    """The instructions in a teacher's reply: a numbered list, bullets, JSON, or a line each, with stray text around.

    cut_off: the reply did not come to its end, so the last one is left out.
    """
    text = _THINKING.sub("", text)
    found = _in_json(text)
    if not found:
        found = _in_list(text)
        found = found[:-1] if cut_off else found
    return [one for one in map(_tidy, found) if one]


# --- JSON -------------------------------------------------------------------------------------------------------------


def _in_json(text: str) -> list[str]:
    """The instructions in every JSON list or object that begins a line; broken ones hold none, and in a list they are a part of it."""
    decoder, found, end = json.JSONDecoder(), list[str](), 0
    for start in re.finditer(r"^[ \t]*(?=[\[{])", text, re.MULTILINE):
        if start.end() < end:
            continue
        if not found and _starts(text[: start.start()].splitlines()):
            return []
        try:
            value, end = decoder.raw_decode(text, start.end())
        except (ValueError, RecursionError):
            continue
        found += _texts(value)
    return found


def _texts(value: Any) -> Iterator[str]:
    """Lists hold instructions, as texts or as objects; an object may also hold such lists."""
    if isinstance(value, dict):
        text = next((value[name] for name in FIELDS if isinstance(value.get(name), str)), None)
        if text is not None:
            given = value.get("input")
            yield f"{text}\n\n{given}" if isinstance(given, str) and given.strip() else text
        else:
            for inside in value.values():
                if isinstance(inside, list):
                    yield from _texts(inside)
    elif isinstance(value, list):
        for one in value:
            if isinstance(one, str):
                yield one
            elif isinstance(one, dict):
                yield from _texts(one)


# --- lists ------------------------------------------------------------------------------------------------------------


def _in_list(text: str) -> list[str]:
    lines = text.splitlines()
    starts = _starts(lines)
    if not starts:
        return [line for line in lines if any(map(str.isalpha, line))]
    items = []
    for (place, indent), (following, _) in zip(starts, [*starts[1:], (len(lines), 0)], strict=True):
        items.append("\n".join([lines[place][indent:], *lines[place + 1 : following]]).strip())
    return [*items[:-1], _without_closing_words(items[-1])]


def _starts(lines: list[str]) -> list[tuple[int, int]]:
    """Line and column at which each item begins, after its number; where none is numbered, after its bullet."""
    return _numbers(lines) or [(at, found.end()) for at, line in enumerate(lines) if (found := _BULLET.match(line))]


def _numbers(lines: list[str]) -> list[tuple[int, int]]:
    """Numbers of items rise, unless all are the same, as some write them. One that does not rise begins a list inside an item, which
    then counts on as long as the number that the next item needs comes again."""
    found = [
        (int(match[1]), place, match.end()) for place, line in enumerate(lines) if (match := _NUMBERED.match(line))
    ]
    numbers = [number for number, _, _ in found]
    if len(set(numbers)) == 1:
        return [(place, column) for _, place, column in found]
    starts, last, inside = list[tuple[int, int]](), -1, -1
    for at, (number, place, column) in enumerate(found):
        counts_on = number == inside + 1 and number in numbers[at + 1 :]
        if number > last and not counts_on:
            starts.append((place, column))
            last, inside = number, -1
        else:
            inside = number
    return starts


def _without_closing_words(item: str) -> str:
    """The last item without what a teacher says after its list; where its first paragraph announces something, with what follows."""
    first, _, _ = item.partition("\n\n")
    return item if first.rstrip().endswith(":") else first


def _tidy(item: str) -> str:
    """Without emphasis around the whole, a label in front, and quotation marks."""
    item = _LABEL.sub("", item.strip().strip("*_").strip()).strip()
    if len(item) > 1 and _QUOTES.get(item[0]) == item[-1] and item[0] not in item[1:-1]:
        item = item[1:-1].strip()
    return item
