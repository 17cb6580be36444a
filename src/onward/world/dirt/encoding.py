"""Broken encodings: bytes of one encoding read as another, once or twice, and characters that were lost on the way.

ASCII survives all of these, so a text is first made typographic: quotes and dashes as a printer sets them, and a sentence with accents
where it has none. Left out: UTF-16 read as bytes, which any reader notices.
"""

from __future__ import annotations

import re

from onward.world.dirt.draw import Draw, Page, put_in

LEAST = 3
"""Characters beyond ASCII that a text must have to be broken."""
OPENING = re.compile(r'(^|[\s(])"')
LOST = "\ufffd"


def typographic(draw: Draw, text: str, least: int = LEAST) -> str:
    """Curly quotes, dashes and ellipses for straight ones.   least: characters beyond ASCII that it has afterwards."""
    text = OPENING.sub(r"\1“", text).replace('"', "”").replace("'", "’").replace("...", "…").replace(" - ", " – ")
    accented = draw.shuffled("typography", "sentences")
    while sum(not char.isascii() for char in text) < least:
        text = put_in(draw, text, accented.pop())
    return text


def broken(draw: Draw, text: str) -> Page:
    """A typographic text, damaged. truth: "encoding", the way in which it was done."""
    how = draw.pick(tuple(WAYS), tuple(HELD_OUT))
    found = text
    for encoding in (WAYS | HELD_OUT)[how]:
        found = "".join(char if char.isascii() else _misread(char, encoding) for char in found)
    return Page(found, {"encoding": how})


def _misread(char: str, encoding: str) -> str:
    """A character's bytes in UTF-8, read as another encoding; bytes that it does not know become control characters, as in browsers."""
    if encoding == "lost":
        return LOST
    found = char.encode("utf-8")
    if encoding == "each byte lost":
        return LOST * len(found)
    return "".join(_decoded(found[i : i + 1], encoding) for i in range(len(found)))


def _decoded(byte: bytes, encoding: str) -> str:
    try:
        return byte.decode(encoding)
    except UnicodeDecodeError:
        return byte.decode("latin-1")


WAYS = {
    "windows-1252": ("cp1252",),
    "latin-1": ("latin-1",),
    "twice": ("cp1252", "cp1252"),
    "latin-1 twice": ("latin-1", "latin-1"),
    "replaced": ("lost",),
    "each byte replaced": ("each byte lost",),
}
HELD_OUT = {
    "mac-roman": ("mac_roman",),
    "windows-1251": ("cp1251",),
    "latin-9 and windows-1252": ("iso8859_15", "cp1252"),
}
