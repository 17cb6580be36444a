"""ASCII art: the words can be read back letter by letter, and the options tell nothing."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from onward.evaluate.builtin import ascii_art
from onward.evaluate.settings import How

LETTERS = "abcdefghijklmnopqrstuvwxyz"


@pytest.fixture(scope="module")
def suite():
    return ascii_art.suite()


def test_a_word_by_hand():
    assert ascii_art.drawn("hi") == ["#..#.###", "#..#..#.", "####..#.", "#..#..#.", "#..#.###"]


def test_letters_are_of_one_width_and_no_two_alike():
    glyphs = [ascii_art.glyph(letter) for letter in LETTERS]
    assert all(len(rows) == 5 and len({len(row) for row in rows}) == 1 for rows in glyphs)
    assert len({tuple(rows) for rows in glyphs}) == 26
    assert set("".join(ascii_art.WORDS)) - {" "} == set(LETTERS)


def plain(style: str, art: str) -> list[str]:
    """Whatever the style, rows of "#" and ".", of one width."""
    rows = art.split("\n")
    width = max(map(len, rows))
    rows = [row.ljust(width) for row in rows]
    if style == "holes":
        rows = [row[1:-1].replace("#", ".").replace(" ", "#") for row in rows[1:-1]]
    elif style == "slanted":
        rows = [row[4 - place :] for place, row in enumerate(rows)]
    width = max(map(len, rows))
    return ["".join("." if cell in " ." else "#" for cell in row.ljust(width)) for row in rows]


def read(rows: list[str]) -> list[str]:
    """All words that these rows may be, a glyph at a time. Blanks at the end of rows may be missing."""
    if not any("#" in row for row in rows):
        return [""]
    found = []
    for letter in LETTERS:
        glyph = ascii_art.glyph(letter)
        wide = len(glyph[0])
        begins = all(row.ljust(wide, ".").startswith(own) for row, own in zip(rows, glyph, strict=True))
        if begins and not any(row[wide : wide + 1] == "#" for row in rows):
            found += [letter + rest for rest in read([row[wide + 1 :] for row in rows])]
    return found


def test_every_drawing_can_be_read_back(suite):
    assert len(suite.items) == 6 * 36
    for item in suite.items:
        art = item.question.removeprefix("Which word is drawn here?\n\n").rstrip("\n")
        assert read(plain(item.kind, art)) == [item.answers[0]]


def test_each_option_is_right_as_often_as_any(suite):
    for style in ascii_art.STYLES:
        of_style = [item for item in suite.items if item.kind == style]
        offered = Counter(option for item in of_style for option in item.options)
        right = Counter(item.answers[0] for item in of_style)
        assert set(offered.values()) == {4}
        assert set(right.values()) == {1}
        assert all(len({len(option) for option in item.options}) == 1 for item in of_style)


def test_who_can_read_is_right_and_who_guesses_by_chance(suite, planted, knowing):
    rows = planted(suite, knowing(suite))
    assert rows["share right"].measured.value == 1
    random, covered = Random(0), 0
    for number in range(20):
        rows = planted(suite, lambda _: random.choice("ABCD"), how=How(as_written=True), place=str(number))
        right = rows["share right"]
        assert right.chance == 0.25
        covered += right.measured.low <= right.chance <= right.measured.high
    assert covered >= 17
