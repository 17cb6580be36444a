"""Sets of characters as ranges of code points, and how they are spelled in UTF-8.

Surrogates are never part of a set: they are no characters and have no UTF-8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

Ranges = tuple[tuple[int, int], ...]
"""Code points from first to last, both included; in order, disjoint, not touching."""

Spelling = tuple[tuple[int, int], ...]
"""A range of bytes at each place; it stands for all their combinations."""

LAST = 0x10FFFF
_SURROGATES = (0xD800, 0xDFFF)
_WIDTHS = (0x7F, 0x7FF, 0xFFFF, LAST)  # the last character of one byte, of two, three and four


def ranges(pairs: Iterable[tuple[int, int]]) -> Ranges:
    """The union of any ranges, in any order."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(pairs):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def of(characters: Iterable[str]) -> Ranges:
    """The set of some characters."""
    return ranges((ord(c), ord(c)) for c in characters)


def complement(these: Ranges) -> Ranges:
    """All characters that are not among these."""
    edges = [-1, *(edge for pair in ranges((*these, _SURROGATES)) for edge in pair), LAST + 1]
    return tuple((low + 1, high - 1) for low, high in zip(edges[::2], edges[1::2], strict=True) if low + 1 <= high - 1)


def both(one: Ranges, other: Ranges) -> Ranges:
    """The characters that are in one set and in the other."""
    return complement(ranges((*complement(one), *complement(other))))


ANY: Ranges = complement(())


@lru_cache(maxsize=1)
def wide() -> dict[str, Ranges]:
    """Digits, word characters and blanks of all scripts, under the letters of their escapes."""
    tests: dict[str, Callable[[str], bool]] = {
        "d": str.isdecimal,
        "w": lambda c: c.isalnum() or c == "_",
        "s": lambda c: c.isspace() or c == "\ufeff",
    }
    return {name: of(c for c in map(chr, range(LAST + 1)) if test(c)) for name, test in tests.items()}


NARROW: dict[str, Ranges] = {
    "d": ((0x30, 0x39),),
    "w": ranges([(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)]),
    "s": of(" \t\n\r\f\v"),
}
"""The same in ASCII alone."""


def spellings(these: Ranges) -> Iterator[Spelling]:
    """The UTF-8 of all characters of a set: as few spellings as it takes.

    Source: Cox 2010, "Regular expression matching in the wild", section "UTF-8".
    """
    for first, last in both(these, ANY):
        start = first
        for width in _WIDTHS:
            if start <= min(last, width):
                yield from _spell(start, min(last, width))
                start = width + 1


def _spell(first: int, last: int) -> Iterator[Spelling]:
    """The same for characters of as many bytes, cut where one sequence of ranges would spell too much."""
    low, high = chr(first).encode(), chr(last).encode()
    for place in range(1, len(low)):
        rest = (1 << 6 * place) - 1
        if first & ~rest != last & ~rest:
            cut = first | rest if first & rest else (last & ~rest) - 1 if last & rest != rest else None
            if cut is not None:
                yield from _spell(first, cut)
                yield from _spell(cut + 1, last)
                return
    yield tuple(zip(low, high, strict=True))
