"""Noise: symbol soup, word salad, and what is too short to be a document. Left out: words that mean something in another order."""

from __future__ import annotations

from string import ascii_lowercase

from onward.world.dirt.draw import Draw, Page
from onward.world.words import words

SYMBOLS = 0.2
"""Share of a soup's characters, spaces not counted, that are neither letters nor digits; at least."""
SHORT = 8
"""Words that a fragment has at most."""
NAMES = ("job", "animal", "hobby", "trade", "colour", "food", "things.object", "things.container")
"""Word lists of which salad is made."""


def symbol_share(text: str) -> float:
    """Of the characters that are not spaces, those that are neither letters nor digits."""
    shown = [char for char in text if not char.isspace()]
    return sum(not char.isalnum() for char in shown) / max(len(shown), 1)


def _run(draw: Draw) -> str:
    """Some symbols of one set; often the same one many times."""
    chosen = draw.template("symbols", "sets")
    if draw.chance(0.3):
        return draw.random.choice(chosen) * draw.random.randint(3, 30)
    return "".join(draw.random.choices(chosen, k=draw.random.randint(2, 14)))


def symbols_in(draw: Draw, text: str) -> Page:
    """Runs of symbols among the words of a text, until they are its share at least. truth: "symbols", their share."""
    parts, wanted = text.split(" "), draw.random.uniform(SYMBOLS, 0.6)
    while symbol_share(" ".join(parts)) < wanted:
        for _ in range(5):
            parts.insert(draw.random.randrange(len(parts) + 1), _run(draw))
    text = " ".join(parts)
    return Page(text, {"symbols": round(symbol_share(text), 4)})


def symbol_soup(draw: Draw) -> Page:
    """Lines of symbols, drawn ones and random ones. truth: "symbols", their share."""
    found: list[str] = []
    for _ in range(draw.random.randint(4, 20)):
        runs = " ".join(_run(draw) for _ in range(draw.random.randint(1, 8)))
        found.append(draw.line("symbols", "lines") if draw.chance(0.4) else runs)
    while symbol_share("\n".join(found)) < SYMBOLS:
        found.append(_run(draw))
    return Page("\n".join(found), {"symbols": round(symbol_share("\n".join(found)), 4)})


def shuffled(draw: Draw, text: str) -> Page:
    """All words of a text, in any order. truth: "salad", how it was made."""
    parts = text.split()
    draw.random.shuffle(parts)
    return Page(" ".join(parts), {"salad": "shuffled"})


def word_salad(draw: Draw) -> Page:
    """Words without sentences. truth: "salad", how it was made."""
    how = draw.pick(("list", "repeated", "small words"), ("letters", "sorted"))
    count = draw.random.randint(30, 120)
    known = [word for name in NAMES for word in words(name)]
    if how == "letters":
        sizes = [draw.random.randint(2, 10) for _ in range(count)]
        found = ["".join(draw.random.choices(ascii_lowercase, k=size)) for size in sizes]
    elif how == "repeated":
        few = draw.random.sample(known, 4)
        found = [word for _ in range(count // 6) for word in [draw.random.choice(few)] * draw.random.randint(1, 9)]
    elif how == "small words":
        found = draw.random.choices([*words("small", "dirt/fragments"), *known[:20]], k=count)
    else:
        found = draw.random.choices(known, k=count)
        found = sorted(found) if how == "sorted" else found
    between = draw.random.choice((" ", " ", ", ", "\n", " - "))
    return Page(between.join(found), {"salad": how})


def cut_off(draw: Draw, text: str) -> Page:
    """A few words from the beginning, the middle or the end of a text."""
    parts = text.split()
    size = draw.random.randint(1, SHORT)
    start = draw.random.choice((0, draw.random.randrange(len(parts)), max(len(parts) - size, 0)))
    return Page(" ".join(parts[start : start + size]))


def fragment(draw: Draw) -> Page:
    """What stands on pages on which nothing stands."""
    return Page(draw.line("fragments", "fragments"))
