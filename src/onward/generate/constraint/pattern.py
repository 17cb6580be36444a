"""Regular expressions, read into a tree.

Dialects differ, so a text is allowed only where Python and ECMAScript (which JSON Schema names) agree that it matches: `\\d` is 0 to 9
and `\\D` no digit of any script, `.` is no end of a line of any kind. The whole text has to match, so anchors at the ends mean
nothing, and lazy quantifiers mean what greedy ones do. Refused, in a line that says where: anything that looks around (lookahead,
`\\b`, anchors elsewhere), back-references, flags, possessive and atomic parts, `\\p{...}`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from onward.errors import PlanError
from onward.generate.constraint import characters
from onward.generate.constraint.characters import NARROW, Ranges
from onward.generate.constraint.syntax import EMPTY, Chars, Concat, Node, Repeat, one_of

DEEPEST = 60
"""Groups within groups."""
MOST = 100_000
"""The largest count in braces."""

_COUNT = re.compile(r"\{(\d*)(,?)(\d*)\}")
_GROUP = re.compile(r"\?(?::|P?<[A-Za-z_]\w*>)")
_CODE = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|u\{([0-9A-Fa-f]{1,6})\}")
_CONTROL = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v", "0": "\0"}
_LINE_ENDS = "\n\r\u2028\u2029"
_INSIDE = "an anchor inside the pattern; leave it out, since the whole text must match"


@dataclass(frozen=True)
class _Anchor:
    """A place that has to be the start or the end of the text."""

    side: str
    at: int


@dataclass(frozen=True)
class _Set:
    """Characters that are surely meant, and those that some dialect may mean."""

    sure: Ranges
    maybe: Ranges


@dataclass(frozen=True)
class _Part:
    """A piece of the tree, and where it holds anchors, if it does."""

    node: Node
    start: int | None = None
    end: int | None = None


def parse(pattern: str) -> Node:
    """The tree of a regular expression.   Raises PlanError, one line that says what is wrong and where."""
    reader = _Reader(pattern)
    tree = reader.union(0, first=True).node
    if reader.at < len(pattern):
        raise reader.wrong("a ')' that closes nothing; write \\) for the character")
    return tree


class _Reader:
    """Recursive descent over the pattern; `at` is the next character."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0

    def wrong(self, why: str, at: int | None = None) -> PlanError:
        where = self.at if at is None else at
        shown = self.pattern if len(self.pattern) <= 60 else self.pattern[:57] + "..."
        return PlanError(f"the pattern {shown!r}, character {where + 1}: {why}.")

    def _next(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def union(self, depth: int, first: bool) -> _Part:
        """Alternatives.   first: whether the text can only start here."""
        if depth > DEEPEST:
            raise self.wrong(f"more than {DEEPEST} groups within each other; write it flatter")
        parts = [self._concat(depth, first)]
        while self._next() == "|":
            self.at += 1
            parts.append(self._concat(depth, first))
        return _Part(one_of(part.node for part in parts), *_anchors(parts))

    def _concat(self, depth: int, first: bool) -> _Part:
        parts: list[_Part] = []
        while self._next() not in ("", "|", ")"):
            part = self._quantified(depth, first and all(part.node == EMPTY for part in parts))
            end = _anchors(parts)[1]
            if end is not None and part.node != EMPTY:
                raise self.wrong(_INSIDE, end)
            parts.append(part)
        return _Part(Concat(tuple(part.node for part in parts if part.node != EMPTY)), *_anchors(parts))

    def _quantified(self, depth: int, first: bool) -> _Part:
        atom = self._atom(depth, first)
        bounds = self._bounds()
        if bounds is None:
            return atom
        anchor = atom.start if atom.start is not None else atom.end
        if anchor is not None:
            raise self.wrong("an anchor that is repeated; leave it out, since the whole text must match", anchor)
        if self._next() == "+":
            raise self.wrong("possessive quantifiers are not supported; leave out the second '+'")
        if self._next() == "?":
            self.at += 1
        if self._next() in ("*", "+", "?") or self._bounds() is not None:
            raise self.wrong("a quantifier after a quantifier; put the part before it into (?:...)")
        return _Part(Repeat(atom.node, *bounds))

    def _bounds(self) -> tuple[int, int | None] | None:
        """The counts of the quantifier that comes next, if one does."""
        simple: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        if self._next() in simple:
            self.at += 1
            return simple[self.pattern[self.at - 1]]
        found = _COUNT.match(self.pattern, self.at)
        if not found or not (found[1] or found[3]):
            return None  # as in all dialects, braces that hold no count are just braces
        if not found[1]:
            raise self.wrong(f"dialects differ on {found[0]}; write {{0,{found[3]}}}")
        if max(len(found[1]), len(found[3])) > 9 or max(int(found[1]), int(found[3] or 0)) > MOST:
            raise self.wrong(f"a count above {MOST:,}; ask for less")
        least = int(found[1])
        most = least if not found[2] else int(found[3]) if found[3] else None
        if most is not None and most < least:
            raise self.wrong(f"{found[0]} asks for at least {least} and at most {most}; turn them round")
        self.at = found.end()
        return least, most

    def _atom(self, depth: int, first: bool) -> _Part:
        start, char = self.at, self._next()
        self.at += 1
        if char == "\\" and self.pattern[self.at : self.at + 1] in ("A", "Z", "z"):
            char = "^" if self._next() == "A" else "$"
            self.at += 1
        match char:
            case "(":
                return self._group(depth, first, start)
            case "[":
                return _Part(Chars(self._class(start)))
            case ".":
                return _Part(Chars(characters.complement(characters.of(_LINE_ENDS))))
            case "^" if not first:
                raise self.wrong(_INSIDE, start)
            case "^":
                return _Part(EMPTY, start=start)
            case "$":
                return _Part(EMPTY, end=start)
            case "*" | "+" | "?":
                raise self.wrong(f"nothing before {char!r} to repeat; write \\{char} for the character", start)
            case "\\":
                return _Part(Chars(self._escape(start, negated=False).sure))
        return _Part(Chars(self._single(char, start)))

    def _group(self, depth: int, first: bool, start: int) -> _Part:
        if self._next() == "?":
            found = _GROUP.match(self.pattern, self.at)
            if not found:
                raise self.wrong(self._unsupported(), start)
            self.at = found.end()
        body = self.union(depth + 1, first)
        if self._next() != ")":
            raise self.wrong("a '(' that is never closed; write \\( for the character", start)
        self.at += 1
        return body

    def _unsupported(self) -> str:
        rest = self.pattern[self.at :]
        if rest.startswith(("?=", "?!", "?<=", "?<!")):
            return "lookahead and lookbehind are not supported; say what may be written, without looking around"
        if rest.startswith("?P="):
            return "back-references are not supported; write the alternatives out"
        if rest.startswith("?>"):
            return "atomic groups are not supported; write (?:...)"
        return "this kind of group or flag is not supported; write (...) or (?:...), and both cases as [aA]"

    def _class(self, start: int) -> Ranges:
        """What stands in square brackets; the first one has been read."""
        negated = self._next() == "^"
        self.at += negated
        if self._next() == "]":
            raise self.wrong("an empty class, which dialects read differently; write \\] for the character", start)
        items: list[_Set] = []
        while self._next() != "]":
            if not self._next():
                raise self.wrong("a '[' that is never closed; write \\[ for the character", start)
            items.append(self._class_item(negated))
        self.at += 1
        if negated:
            return characters.complement(characters.ranges(pair for item in items for pair in item.maybe))
        return characters.ranges(pair for item in items for pair in item.sure)

    def _class_item(self, negated: bool) -> _Set:
        """A character, a range of them or an escape."""
        start = self.at
        low = self._class_member(negated)
        if self._next() != "-" or self.pattern[self.at + 1 : self.at + 2] in ("]", ""):
            return low
        self.at += 1
        high = self._class_member(negated)
        ends = [item.sure[0][0] for item in (low, high) if len(item.sure) == 1 and item.sure[0][0] == item.sure[0][1]]
        if len(ends) < 2:
            raise self.wrong("a range needs a character at each end; write \\- for the character '-'", start)
        if ends[0] > ends[1]:
            raise self.wrong(f"the range {self.pattern[start : self.at]} is empty; turn its ends round", start)
        span = ((ends[0], ends[1]),)
        return _Set(span, span)

    def _class_member(self, negated: bool) -> _Set:
        start, char = self.at, self._next()
        self.at += 1
        if char == "\\" and self._next() == "b":
            self.at += 1
            return _Set(characters.of("\b"), characters.of("\b"))
        if char == "\\":
            return self._escape(start, negated)
        one = self._single(char, start)
        return _Set(one, one)

    def _single(self, char: str, at: int) -> Ranges:
        if 0xD800 <= ord(char) <= 0xDFFF:
            raise self.wrong("half of a surrogate pair is no character; write the whole character", at)
        return characters.of(char)

    def _escape(self, start: int, negated: bool) -> _Set:
        """What follows a backslash, which has been read.   negated: whether what it is not will matter."""
        char = self._next()
        if char and char in "dwsDWS":
            self.at += 1
            narrow = NARROW[char.lower()]
            wide = characters.wide()[char.lower()] if negated or char.isupper() else narrow
            if char.islower():
                return _Set(narrow, wide)
            return _Set(characters.complement(wide), characters.complement(narrow))
        code = _CODE.match(self.pattern, self.at)
        if code:
            self.at = code.end()
            number = int(next(digits for digits in code.groups() if digits), 16)
            if number > characters.LAST:
                raise self.wrong("there is no such character", start)
            one = self._single(chr(number), start)
            return _Set(one, one)
        self.at += 1
        if char in _CONTROL and not (char == "0" and self._next().isdigit()):
            one = characters.of(_CONTROL[char])
        elif char and not (char.isascii() and char.isalnum()):
            one = self._single(char, start)
        else:
            raise self.wrong(_why_not(char), start)
        return _Set(one, one)


def _anchors(parts: list[_Part]) -> tuple[int | None, int | None]:
    """Where the first anchor of each kind stands."""
    starts = [part.start for part in parts if part.start is not None]
    ends = [part.end for part in parts if part.end is not None]
    return next(iter(starts), None), next(iter(ends), None)


def _why_not(char: str) -> str:
    if not char:
        return "a backslash at the end; write \\\\ for the character"
    if char.isdigit() or char == "k":
        return f"\\{char} is a back-reference, which is not supported; write the alternatives out"
    if char in "bB":
        return f"\\{char} looks around, which is not supported; write the characters that may stand there"
    if char in "pP":
        return f"\\{char}{{...}} is not supported; write the characters as ranges, such as [A-Za-zÀ-ɏ]"
    return f"\\{char} is unknown; write {char} for the character"
