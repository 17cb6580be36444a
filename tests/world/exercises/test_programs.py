"""Programs print what they should, by translation to Python; shapes are held out; no output is a good guess."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from exercises import best_guess, held_out, majority, question, some, trained, working
from onward.world.exercises import programs
from onward.world.exercises.language import parse, run, write
from onward.world.phrases import phrasings
from onward.world.words import table

RECORDS = some(programs, amount=1200, tests=120)
TRANSLATIONS = (
    (r"set (\w+) to (\w+)", r"\1 = \2"),
    (r"list (\w+)(.*)", r"\1 = [int(n) for n in '\2'.split()]"),
    (r"add (\w+) to (\w+)", r"\2 = \2 + [\1] if isinstance(\2, list) else \2 + \1"),
    (r"subtract (\w+) from (\w+)", r"\2 = \2 - \1"),
    (r"print (\w+)", r"out.append(\1)"),
    (r"repeat (\w+) times", r"for _ in range(\1):"),
    (r"for (\w+) in (\w+)", r"for \1 in \2:"),
    (r"if (\w+) = (\w+)", r"if \1 == \2:"),
    (r"if (\w+) ([<>]) (\w+)", r"if \1 \2 \3:"),
    (r"else", "else:"),
)


def in_python(program: str) -> Iterator[str]:
    """Line by line, with the indentation that the program has."""
    for line in program.split("\n"):
        said = line.strip()
        if said != "end":
            found = [re.sub(old, new, said) for old, new in TRANSLATIONS if re.fullmatch(old, said)]
            yield line[: len(line) - len(said)] + found[0]


def output_of(program: str) -> list[str]:
    names: dict[str, Any] = {"out": []}
    exec("\n".join(in_python(program)), names)
    return [" ".join(map(str, found)) if isinstance(found, list) else str(found) for found in names["out"]]


def test_python_prints_the_same() -> None:
    for record in RECORDS:
        program = question(record).partition("\n\n")[2]
        assert output_of(program) == record.truth["output"], program
        assert record.truth["answer"] == ", ".join(record.truth["output"])


def test_the_working_is_the_trace_and_its_sums_are_right() -> None:
    for record in RECORDS:
        for line in working(record):
            if found := re.fullmatch(r"\w+ = (\d+) ([-+]) (\d+) = (\d+)", line):
                a, sign, b, result = found.groups()
                assert int(a) + int(b) * (1 if sign == "+" else -1) == int(result)
        printed = [line.removeprefix("print ") for line in working(record) if line.startswith("print ")]
        assert not working(record) or printed == record.truth["output"]


def shape_of(program: str) -> tuple[str, ...]:
    """The first words of the lines."""
    return tuple(line.split()[0] for line in program.split("\n"))


def test_shapes_of_content_tests_are_never_trained() -> None:
    seen = {shape_of(record.truth["program"]) for record in trained(RECORDS)}
    tested = {shape_of(record.truth["program"]) for record in held_out(RECORDS, "content")}
    assert len(tested) > 20
    assert len(seen) > 100
    assert not tested & seen


def test_blocks_in_blocks_are_never_trained() -> None:
    for record in RECORDS:
        indented = "\n    " in record.truth["program"]
        assert indented == (record.truth["depth"] == 2) == (record.truth["held_out"] == ["length"])


def test_all_numbers_are_small_and_none_is_negative() -> None:
    for record in RECORDS:
        text = question(record) + "\n".join(working(record))
        assert not re.search(r"(?<!\d )-\d|\d{3}", text), text


def test_no_output_is_much_likelier_than_chance_and_the_first_line_does_not_give_it_away() -> None:
    found = [r for r in trained(RECORDS) if not r.truth["program"].split("\n")[-1].endswith(("bag", "row", "box"))]
    last = [r.truth["output"][-1] for r in found]
    assert majority(last) < 0.05
    first = [r.truth["program"].split("\n")[0].split()[-1] for r in found]
    assert sum(a == b for a, b in zip(first, last, strict=True)) / len(found) < 0.12


def test_conditions_are_true_as_often_as_not_whatever_their_sign() -> None:
    pairs = []
    for record in trained(RECORDS):
        signs = re.findall(r"if \w+ (.) ", record.truth["program"])
        pairs += zip(signs, run(record.truth["program"]).taken, strict=True)
    assert len(pairs) > 200
    assert best_guess(pairs) < 0.58


def test_programs_are_written_as_they_are_read() -> None:
    for record in RECORDS[:300]:
        assert write(parse(record.truth["program"])) == record.truth["program"]


def test_what_the_manual_says_about_a_value_is_so() -> None:
    """The lessons on set, add and subtract have at least five phrasings each, and name values that the statements give."""
    assert all(len(found) >= 5 for found in table("programs")["manual"].values())
    for name, begin, statement, end in (
        ("set", "set x to 3", "set x to 4", 4),
        ("add", "set x to 4", "add 2 to x", 6),
        ("subtract", "set x to 6", "subtract 2 from x", 4),
    ):
        assert run(f"{begin}\n{statement}").variables == {"x": end}
        for phrasing in phrasings("programs", "manual", name).all:
            said = phrasing.format(x="x", a=4, b=2, c=3, sum=6, n="i")
            assert f'"{statement}"' in said
            assert re.search(rf"\b{end}\b", said)
