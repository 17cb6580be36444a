"""Reads suites: YAML, JSON Lines, and folders of CSV tables as MMLU's; whatever cannot be used is one line with its place.

    name: capitals                          what the results are called; by default the file's name
    about: What an atlas says.
    score: contains                         the rule of items that name none
    max_tokens: 32
    examples: [...]                         items to be shown with their answers, with --shots
    items:                                  a list, or the name of a JSONL file beside this one
      - prompt: What is the capital of France?
        answer: Paris
      - prompt: Which of these is the largest?
        options: [Oslo, Paris, Rome]
        answer: Paris
        score: choice

A JSONL file has an item a line; a line with `truth`, as `onward world` writes its tests, is read as one. Left out: other formats of tables.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from onward.errors import SuiteError
from onward.evaluate import worlds
from onward.evaluate.items import CHOICE, Item, item_of, refuse_strange
from onward.evaluate.rules import WRITTEN

HEAD = ("name", "about", "score", "max_tokens", "examples", "items")


class SuiteLine(SuiteError):
    """One place of a suite's file that cannot be used."""

    def __init__(self, path: Path, number: int, why: object) -> None:
        super().__init__(f"{path}, line {number}: {why}.")


@dataclass(frozen=True)
class Read:
    """What a file says of a suite."""

    items: Sequence[Item]
    name: str = ""
    about: str = ""
    max_tokens: int = 0
    examples: Sequence[Item] = field(default_factory=tuple)


def lines(path: Path, rule: str | None = None) -> list[Item]:
    """An item a line; empty lines are passed over.   rule: of items that name none.   Raises SuiteError."""
    found = []
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            is_worlds = isinstance(record, dict) and "truth" in record
            found.append(worlds.item_of(record) if is_worlds else item_of(record, number, rule))
        except RecursionError as error:
            raise SuiteLine(path, number, "it is nested too deeply") from error
        except json.JSONDecodeError as error:
            raise SuiteLine(path, number, f"it is no JSON ({error.msg}, at character {error.pos + 1})") from error
        except ValueError as error:
            raise SuiteLine(path, number, error) from error
    return found


def yaml_file(path: Path) -> Read:
    """A suite with its head.   Raises SuiteError."""
    import yaml

    try:
        loader = yaml.SafeLoader(_text(path))
        node = loader.get_single_node()
        parts = {loader.construct_object(key): value for key, value in node.value} if _is_mapping(node) else {}
        values = {name: loader.construct_object(part, deep=True) for name, part in parts.items()}
    except (yaml.YAMLError, TypeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        raise SuiteLine(
            path, mark.line + 1 if mark else 1, f"it is no YAML ({getattr(error, 'problem', error)})"
        ) from error
    if not parts:
        raise SuiteLine(path, 1, "a suite is a mapping, with its items under items:")
    first = {name: part.start_mark.line + 1 for name, part in parts.items()}
    _check_head(path, values, first)
    beside = values["items"]
    rule = values.get("score")
    return Read(
        items=lines(path.parent / beside, rule)
        if isinstance(beside, str)
        else _listed(path, parts["items"], beside, rule),
        examples=_listed(path, parts["examples"], values["examples"], rule) if "examples" in values else (),
        **{name: values[name] for name in ("name", "about", "max_tokens") if name in values},
    )


def _check_head(path: Path, values: dict[str, Any], first: dict[str, int]) -> None:
    try:
        refuse_strange(values, HEAD)
    except ValueError as error:
        raise SuiteLine(path, min(line for name, line in first.items() if name not in HEAD), error) from error
    kinds: dict[str, type | tuple[type, ...]] = {
        "name": str,
        "about": str,
        "score": str,
        "max_tokens": int,
        "examples": list,
    }
    for name, kind in kinds.items():
        if name in values and not isinstance(values[name], kind):
            raise SuiteLine(path, first[name], f"{name}: {values[name]!r} is not what is wanted here")
    if values.get("score") not in (None, *WRITTEN):
        raise SuiteLine(path, first["score"], f"score: {values['score']!r} is no rule. There are: {', '.join(WRITTEN)}")
    if values.get("max_tokens", 1) < 1:
        raise SuiteLine(path, first["max_tokens"], "max_tokens: at least 1")
    if not isinstance(values.get("items"), list | str):
        raise SuiteLine(path, first.get("items", 1), "items: a list of items is wanted, or the name of a JSONL file")


def _listed(path: Path, node: Any, records: Sequence[object], rule: str | None) -> list[Item]:
    found = []
    for number, (part, record) in enumerate(zip(node.value, records, strict=True), start=1):
        try:
            found.append(item_of(record, number, rule))
        except ValueError as error:
            raise SuiteLine(path, part.start_mark.line + 1, error) from error
    return found


def _is_mapping(node: Any) -> bool:
    return node is not None and node.id == "mapping"


def tables(path: Path) -> tuple[list[Item], dict[str, list[Item]]]:
    """One CSV table, or a folder of them, or one with test/ and, for examples, dev/. Returns items, and examples by kind.

    A row is a question, its options and the right one: a letter, or its place counted from 0. A first row of headings is passed over. The
    kind of an item is the table's name.   Raises SuiteError.
    """
    if path.is_file():
        return list(_table(path)), {}
    tests = path / "test" if (path / "test").is_dir() else path
    items = [item for file in sorted(tests.glob("*.csv")) for item in _table(file)]
    if not items:
        raise SuiteError(f"{path} holds no CSV tables of questions. Give a file, or a folder such as MMLU's.")
    examples = {_kind(file): list(_table(file)) for file in sorted((path / "dev").glob("*.csv"))}
    return items, examples


def _table(path: Path) -> Iterator[Item]:
    rows = csv.reader(io.StringIO(_text(path), newline=""))
    for number, row in enumerate(rows, start=1):
        if number == 1 and row and row[-1].strip().lower() in ("answer", "target", "label"):
            continue
        line = rows.line_num
        if len(row) < 4:
            raise SuiteLine(
                path, line, f"{len(row)} columns; a question, two options or more, and the answer are wanted"
            )
        question, *options, right = (cell.strip() for cell in row)
        place = int(right) if right.isdecimal() else ord(right.upper()) - ord("A") if len(right) == 1 else -1
        if not 0 <= place < len(options):
            raise SuiteLine(path, line, f"{right!r} is neither the letter of an option nor its place")
        yield Item(
            id=f"{_kind(path)}-{number:05}",
            messages=({"role": "user", "content": question},),
            rule=CHOICE,
            answers=(options[place],),
            options=tuple(options),
            kind=_kind(path),
            chance=1 / len(options),
            truth={"place": place},
        )


def _kind(path: Path) -> str:
    return path.stem.removesuffix("_test").removesuffix("_dev").removesuffix("_val")


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SuiteError(f"{path} cannot be read ({error}). A suite is UTF-8 text.") from error
