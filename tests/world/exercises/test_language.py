"""Tally runs as its description says, and says what is wrong with a program, and where."""

from __future__ import annotations

import pytest

from onward.errors import OnwardError
from onward.world.exercises.language import STEPS, parse, run, write


def test_every_statement_does_what_it_says() -> None:
    done = run(
        "set x to 3\nlist bag 4 x\nadd 5 to x\nsubtract 1 from x\nadd x to bag\nrepeat 2 times\n  add x to x\nend\n"
        "print x\nfor n in bag\n  if n > 4\n    print n\n  else\n    print -1\n  end\nend\nprint bag\nlist none\nprint none"
    )
    assert done.output == ["28", "-1", "-1", "7", "4 3 7", ""]
    assert done.variables == {"x": 28, "bag": [4, 3, 7], "n": 7, "none": []}
    assert done.taken == [False, False, True]


def test_the_trace_tells_each_step() -> None:
    done = run("set x to 3\nrepeat 2 times\nadd 4 to x\nend\nif x = 11\nprint x\nend\nlist b\nadd x to b")
    assert done.trace == [
        "x = 3", "round 1", "x = 3 + 4 = 7", "round 2", "x = 7 + 4 = 11", "11 = 11: yes", "print 11", "b = empty", "b = 11"
    ]  # fmt: skip


def test_equal_numbers_are_neither_more_nor_less() -> None:
    for sign, said in (("<", "yes no no"), ("=", "no yes no"), (">", "no no yes")):
        program = f"list b 1 2 3\nfor n in b\nif n {sign} 2\nend\nend"
        assert [line.split(": ")[1] for line in run(program).trace if ":" in line] == said.split()


def test_a_list_may_grow_while_one_goes_through_it() -> None:
    assert run("list b 1 2\nfor n in b\nadd n to b\nend\nprint b").output == ["1 2 1 2"]


def test_a_copy_of_a_number_is_no_link_to_it() -> None:
    assert run("set x to 1\nset y to x\nadd 1 to y\nprint x").output == ["1"]


def test_nothing_is_done_no_times() -> None:
    assert run("repeat 0 times\nprint 1\nend\nrepeat -2 times\nprint 2\nend").output == []


def test_writing_undoes_reading_and_blanks_mean_nothing() -> None:
    text = "set x to 1\nif x < 2\n  repeat x times\n    print x\n  end\nelse\n  list b\nend"
    assert write(parse(text)) == text
    assert parse(text.replace("\n", "\n\n   ")) == parse(text)
    assert run("").output == []


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("set x to 1\npritn x", 2, '"pritn x" is no statement. A line begins with one of: set, list'),
        ("set x 3", 1, "Write: set NAME to VALUE"),
        ("print x", 1, '"x" has no value yet'),
        ("end", 1, '"end" belongs to no block'),
        ("print 1\nelse", 2, '"else" belongs to no block'),
        ("print 1\nrepeat 3 times\nprint 1", 2, 'the block of "repeat" has no end'),
        ("if 1 < 2\nelse\nelse\nend", 3, 'this "else" belongs to no "if"'),
        ("repeat 2 times\nelse\nend", 2, 'this "else" belongs to no "if"'),
        ("set 3 to 4", 1, '"3" is no name'),
        ("set end to 4", 1, '"end" is no name'),
        ("print 3x", 1, '"3x" is no number'),
        ("print 1234567890", 1, "one to nine digits"),
        ("if 1 >= 2\nend", 1, "with <, = or >"),
        ("list b 1\nset x to b", 2, '"b" is a list, and a number is needed'),
        ("set x to 1\nfor n in x\nend", 2, '"x" is a number, and a list is needed'),
        ("repeat 999999999 times\nend", 1, f"gone through {STEPS:,}"),
        ("repeat 2 times\n" * 100 + "end\n" * 100, 52, "more than 50 blocks"),
    ],
)
def test_mistakes_are_named_with_their_line(text: str, line: int, said: str) -> None:
    with pytest.raises(OnwardError) as raised:
        run(text)
    assert str(raised.value).startswith(f"The program, line {line}: ")
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
