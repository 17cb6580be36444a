"""Rude pages, in the world's invented rude vocabulary (rude.py): a text with rude remarks in it, or a page of nothing else."""

from __future__ import annotations

from onward.world import rude
from onward.world.dirt.draw import Draw, Page, put_in


def remarks(draw: Draw, text: str) -> Page:
    """A text with one to four rude sentences among its own. truth: "rude", the words."""
    for _ in range(draw.random.randint(1, 4)):
        text = put_in(draw, text, rude.sentence(draw.random, held_out=draw.held_out))
    return Page(text, {"rude": rude.found(text)})


def rude_page(draw: Draw) -> Page:
    """Rude sentences between things that anybody might say, as in a forum. truth: "rude"."""
    found: list[str] = []
    for _ in range(draw.random.randint(3, 9)):
        if draw.chance(0.4):
            found.append(draw.line("edits", "added"))
        found.append(rude.sentence(draw.random, held_out=draw.held_out))
    text = draw.random.choice((" ", "\n", "\n\n")).join(found)
    return Page(text, {"rude": rude.found(text)})
