"""ASCII art: a word drawn with characters, five rows high; which word is it?

The letters are our own and stand below. Each word is drawn in each style once, and shown among four words of its length, each of which is
right as often, so that the options tell nothing. Left out: pictures of things, and letters of other heights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from onward.evaluate.items import CHOICE, Item
from onward.evaluate.suite import Suite

ROWS = 5
INK = "#"
FONT = """\
.##. ###. .### ###. #### #### .### #..# ### ..## #..# #... #...# #..# .##. ###. .##. ###. .### ##### #..# #...# #...# #...# #...# #####
#..# #..# #... #..# #... #... #... #..# .#. ...# #.#. #... ##.## ##.# #..# #..# #..# #..# #... ..#.. #..# #...# #...# .#.#. .#.#. ...#.
#### ###. #... #..# ###. ###. #.## #### .#. ...# ##.. #... #.#.# #.## #..# ###. #..# ###. .##. ..#.. #..# #...# #.#.# ..#.. ..#.. ..#..
#..# #..# #... #..# #... #... #..# #..# .#. #..# #.#. #... #...# #..# #..# #... #.## #.#. ...# ..#.. #..# .#.#. ##.## .#.#. ..#.. .#...
#..# ###. .### ###. #### #... .### #..# ### .##. #..# #### #...# #..# .##. #... .### #..# ###. ..#.. .##. ..#.. #...# #...# ..#.. #####
"""
WORDS = (
    "cat sun map owl jug box van key hat pig fog zip",
    "lamp fish tree moon rock jazz quiz wolf crab vine bird duck",
    "bread chair plumb river table cloud horse mango witch fjord snake grape",
)
"""Of three, four and five letters; together they have all letters."""
OPTIONS = 4
ASKED = "Which word is drawn here?\n\n{art}\n"


def glyph(letter: str) -> list[str]:
    """Five rows of "#" and "."."""
    return [row.split()[ord(letter) - ord("a")] for row in FONT.splitlines()]


def drawn(word: str) -> list[str]:
    """Rows of "#" and ".", a column between two letters."""
    return [".".join(rows) for rows in zip(*map(glyph, word), strict=True)]


def _inked(rows: list[str], ink: str, paper: str = " ") -> list[str]:
    return ["".join(ink if cell == INK else paper for cell in row) for row in rows]


def _by_letter(word: str) -> list[str]:
    """Each letter is drawn with itself: who reads the characters has it."""
    own = [_inked(glyph(letter), letter.upper()) for letter in word]
    return [" ".join(rows) for rows in zip(*own, strict=True)]


def _slanted(word: str) -> list[str]:
    return [" " * (ROWS - 1 - place) + row for place, row in enumerate(_inked(drawn(word), "/"))]


def _framed(rows: list[str]) -> list[str]:
    return ["." * len(rows[0]), *rows, "." * len(rows[0])]


STYLES: dict[str, Callable[[str], list[str]]] = {
    "hashes": lambda word: _inked(drawn(word), "#"),
    "stars on dots": lambda word: _inked(drawn(word), "*", "."),
    "blocks": lambda word: _inked(drawn(word), "█"),
    "slanted": _slanted,
    "holes": lambda word: ["#" + row + "#" for row in _inked(_framed(drawn(word)), " ", INK)],
    "its own letters": _by_letter,
}


def suite() -> Suite:
    return Suite(
        name="ascii-art",
        items=list(items()),
        about=f"words of three to five letters, drawn in {len(STYLES)} styles; four options of the same length",
    )


def items() -> Iterator[Item]:
    """Each word once in each style; its options are the words of its length, taken round in a circle that is drawn anew for each style."""
    for name, style in STYLES.items():
        for line in WORDS:
            words = line.split()
            circle = Random(f"ascii art {name} {len(words[0])}").sample(words, len(words))
            for place, word in enumerate(circle):
                options = [circle[(place + further) % len(circle)] for further in range(OPTIONS)]
                art = "\n".join(row.rstrip() for row in style(word))
                yield Item(
                    id=f"{name}-{word}",
                    messages=({"role": "user", "content": ASKED.format(art=art)},),
                    rule=CHOICE,
                    answers=(word,),
                    options=tuple(Random(f"{name} {word}").sample(options, OPTIONS)),
                    group=word,
                    kind=name,
                    chance=1 / OPTIONS,
                )
