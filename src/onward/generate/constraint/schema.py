"""JSON schemas (draft 2020-12) as rules: every text they allow is JSON that is valid against the schema.

Not all that is valid is allowed. Properties come in the schema's order; others follow them only where `additionalProperties` says true
or gives a schema, or where the schema names no property at all. Strings escape quotes, backslashes and \\b \\f \\n \\r \\t and nothing
else, and hold no other control characters; `pattern` has to match the whole string; one blank may stand after ':' and ',' and nowhere
else. A schema that says `properties` and no `type` means an object, and likewise for the other kinds. Numbers: numbers.py.

What is not understood is refused with its path, and so is what cannot be kept: `oneOf` whose alternatives are not clearly different,
`uniqueItems`, `multipleOf`, `not`, `allOf`, `if`, counts of properties, patterns of their names. What only describes is passed over.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from onward.errors import PlanError
from onward.generate.constraint import characters, numbers
from onward.generate.constraint.differences import clearly_different
from onward.generate.constraint.formats import FORMATS
from onward.generate.constraint.pattern import parse
from onward.generate.constraint.syntax import (
    ANY,
    EMPTY,
    Both,
    Call,
    Chars,
    Listed,
    Node,
    Quoted,
    Repeat,
    maybe,
    one_of,
    text,
    then,
)

DESCRIBING = frozenset(
    ("$schema", "$id", "$comment", "$defs", "definitions", "title", "description", "default", "examples", "example")
).union(("deprecated", "readOnly", "writeOnly"))
KEYWORDS: dict[str, tuple[str, ...]] = {
    "object": ("properties", "required", "additionalProperties"),
    "array": ("items", "prefixItems", "minItems", "maxItems"),
    "string": ("minLength", "maxLength", "pattern", "format"),
    "integer": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    "boolean": (),
    "null": (),
}
ALONE = ("$ref", "anyOf", "oneOf")
"""Keywords beside which nothing else may stand: both would have to hold."""
KNOWN = frozenset(("type", "enum", "const", *ALONE)).union(*KEYWORDS.values())

_COLON: Node = then(":", maybe(text(" ")))
_COMMA: Node = then(",", maybe(text(" ")))
_MEND = {
    "allOf": "write what all of it asks for into one schema",
    "not": "say what may be written instead",
    "uniqueItems": "leave it out, and check the answer",
    "multipleOf": "leave it out, and check the answer",
    "additionalItems": "in draft 2020-12 the first items are `prefixItems` and the others `items`",
    "nullable": 'write "type": ["string", "null"] or the like',
}


def rules_of(schema: object) -> dict[str, Node]:
    """Rules by name, that of the whole schema first.   Raises PlanError, one line with the path of what it refuses."""
    compiler = _Schemas(schema)
    compiler.refer("#")
    compiler.make()
    return compiler.rules


class _Schemas:
    """The rules of one schema, made as they are met; each place in the schema that is worth one becomes a rule named by its path."""

    def __init__(self, root: object) -> None:
        self.root = root
        self.rules: dict[str, Node] = {}
        self._todo: list[str] = []

    def refer(self, path: str) -> Node:
        """The rule of a place in the schema, which is made later: schemas may refer to themselves."""
        if _place(path) not in self.rules:
            self.rules[_place(path)] = EMPTY  # holds its place
            self._todo.append(path)
        return Call(_place(path))

    def make(self) -> None:
        """Make all rules that were referred to, and those that they refer to."""
        while self._todo:
            path = self._todo.pop()
            self.rules[_place(path)] = self._value(self._at(path), path)

    def _at(self, path: str) -> object:
        place = self.root
        for step in path.split("/")[1:]:
            key = unquote(step).replace("~1", "/").replace("~0", "~")
            if isinstance(place, Mapping) and key in place:
                place = place[key]
            elif isinstance(place, list) and key.isdecimal() and int(key) < len(place):
                place = place[int(key)]
            else:
                raise PlanError(f"the schema has nothing at {path}, which a $ref names. Mend the reference.")
        return place

    def _below(self, path: str, *steps: str | int) -> Node:
        """The rule of a part of the schema at `path`."""
        for step in steps:
            path += "/" + str(step).replace("~", "~0").replace("/", "~1").replace("%", "%25")
        return self.refer(path)

    def _value(self, schema: object, path: str) -> Node:
        if schema is True:
            return self._anything()
        if schema is False:
            raise _wrong(path, "false allows nothing at all; leave it out, or say what may stand here")
        if not isinstance(schema, Mapping):
            raise _wrong(path, f"a schema is an object, true or false, not {_shown(schema)}")
        said = {str(key): value for key, value in schema.items() if key not in DESCRIBING}
        if "$id" in schema and path != "#":
            raise _wrong(path, "'$id' inside a schema changes what references mean; leave it out")
        for key in said:
            if key not in KNOWN:
                raise _wrong(path, f"{key!r} is not supported; {_MEND.get(key, 'leave it out')}")
        for key in ALONE:
            if key in said:
                return self._alone(key, said, path)
        if "const" in said or "enum" in said:
            return self._enumerated(said, path)
        kinds = _kinds(said, path)
        if not kinds:
            return self._anything()
        make: dict[str, Callable[[dict[str, Any], str], Node]] = {
            "object": self._object,
            "array": self._array,
            "string": _string,
            "integer": lambda said, path: _within(path, lambda: numbers.whole(_bounds(said, path))),
            "number": lambda said, path: _within(path, lambda: numbers.number(_bounds(said, path))),
            "boolean": lambda _, __: one_of([text("true"), text("false")]),
            "null": lambda _, __: text("null"),
        }
        return one_of([make[kind](said, path) for kind in kinds])

    def _alone(self, key: str, said: dict[str, Any], path: str) -> Node:
        others = [other for other in said if other != key]
        if others:
            raise _wrong(
                path, f"{key!r} beside {others[0]!r} is not supported; move {others[0]!r} into what {key!r} holds"
            )
        value = said[key]
        if key == "$ref":
            if not isinstance(value, str) or not (value == "#" or value.startswith("#/")):
                raise _wrong(path, f"$ref {_shown(value)} leads out of the schema; copy what it names into $defs")
            return self.refer(value)
        if not isinstance(value, list) or not value:
            raise _wrong(path, f"{key!r} wants a list of at least one schema")
        parts = [self._below(path, key, place) for place in range(len(value))]
        if key == "oneOf":
            for second in range(len(value)):
                for first in range(second):
                    if not clearly_different(value[first], value[second], lambda ref: self._at(ref)):
                        raise _wrong(
                            f"{path}/oneOf",
                            f"alternatives {first} and {second} may both allow a value, which oneOf then forbids; write anyOf, or "
                            "give them different types or a required property with different constants",
                        )
        return one_of(parts)

    def _enumerated(self, said: dict[str, Any], path: str) -> Node:
        """`const` and `enum`, of the kinds that `type` leaves."""
        values = [said["const"]] if "const" in said else said["enum"]
        for key in said:
            if key not in ("const", "type") and not (key == "enum" and "const" not in said):
                raise _wrong(
                    path,
                    f"{key!r} beside constants is not supported; leave it out, and keep the constants that it allows",
                )
        if not isinstance(values, list) or not values:
            raise _wrong(path, "'enum' wants a list of at least one value")
        kinds = _kinds(said, path)
        kept = [value for value in values if not kinds or any(_is(value, kind) for kind in kinds)]
        if not kept:
            raise _wrong(path, f"none of its constants is of type {' or '.join(kinds)}; mend the type")
        return one_of([_constant(value, path) for value in kept])

    def _object(self, said: dict[str, Any], path: str) -> Node:
        named, required = said.get("properties", {}), said.get("required", [])
        if not isinstance(named, Mapping) or not all(isinstance(name, str) for name in named):
            raise _wrong(path, "'properties' wants an object of schemas")
        if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
            raise _wrong(path, "'required' wants a list of names")
        others = said.get("additionalProperties", None if named else True)
        items = [
            (then(_key(name, path), _COLON, self._below(path, "properties", name)), name in required)
            for name, schema in named.items()
            if schema is not False or name in required
        ]
        unknown = [name for name in dict.fromkeys(required) if name not in named]
        if unknown and said.get("additionalProperties") is False:
            raise _wrong(path, f"{unknown[0]!r} is required and not allowed; add it to 'properties'")
        value = None if others is False or others is None else self._others(others, path)
        needed = value or self._anything() if unknown else None
        items += [(then(_key(name, path), _COLON, needed), True) for name in unknown if needed]
        if value:
            pair = then('"', Quoted(_not_among([*named, *unknown])), '"', _COLON, value)
            items.append((then(pair, Repeat(then(_COMMA, pair), 0, None)), False))
        return then("{", Listed(tuple(items), _COMMA), "}")

    def _others(self, schema: object, path: str) -> Node:
        return self._anything() if schema is True else self._below(path, "additionalProperties")

    def _array(self, said: dict[str, Any], path: str) -> Node:
        least, most = _counts(said, "minItems", "maxItems", path)
        first = said.get("prefixItems", [])
        if not isinstance(first, list) or ("prefixItems" in said and not first):
            raise _wrong(path, "'prefixItems' wants a list of at least one schema")
        if isinstance(said.get("items"), list):
            raise _wrong(path, "a list of 'items' is of an older draft; write it as 'prefixItems'")
        parts = [self._below(path, "prefixItems", place) for place in range(len(first))][:most]
        others = said.get("items", not first or least > len(first))
        if most is not None and most <= len(parts):
            others = False
        if others is False:
            if least > len(parts):
                raise _wrong(
                    path, f"at least {least} items are wanted and {len(parts)} allowed; mend minItems or items"
                )
            return then("[", _sequence(parts, least, EMPTY), "]")
        item = self._anything() if others is True else self._below(path, "items")
        further = then(_COMMA, item)
        rest = Repeat(further, max(0, least - len(parts)), None if most is None else most - len(parts))
        if parts:
            return then("[", _sequence(parts, least, rest), "]")
        some = then(item, Repeat(further, max(0, least - 1), None if most is None else most - 1))
        return then("[", some if least else maybe(some), "]")

    def _anything(self) -> Node:
        """Any JSON value. Its rule's name is no path."""
        name = "any value"
        if name not in self.rules:
            value = Call(name)
            pair = then('"', Quoted(Repeat(ANY, 0, None)), '"', _COLON, value)
            self.rules[name] = one_of(
                [
                    then('"', Quoted(Repeat(ANY, 0, None)), '"'),
                    numbers.any_number(),
                    *(text(word) for word in ("true", "false", "null")),
                    then("[", maybe(then(value, Repeat(then(_COMMA, value), 0, None))), "]"),
                    then("{", maybe(then(pair, Repeat(then(_COMMA, pair), 0, None))), "}"),
                ]
            )
        return Call(name)


def _sequence(parts: list[Node], least: int, rest: Node) -> Node:
    """Parts with commas between them, of which those from `least` on may be missing; then the rest."""
    tail = rest
    for place in range(len(parts) - 1, -1, -1):
        tail = then(*([_COMMA] if place else []), parts[place], tail)
        if place >= least:
            tail = maybe(tail)
    return tail


def _string(said: dict[str, Any], path: str) -> Node:
    least, most = _counts(said, "minLength", "maxLength", path)
    bodies: list[Node] = []
    if "pattern" in said:
        if not isinstance(said["pattern"], str):
            raise _wrong(path, "'pattern' wants a regular expression")
        bodies.append(_within(path, lambda: parse(said["pattern"])))
    if "format" in said:
        if said["format"] not in FORMATS:
            raise _wrong(path, f"the format {_shown(said['format'])} is not supported; known are {', '.join(FORMATS)}")
        bodies.append(parse(FORMATS[said["format"]]))
    if least or most is not None or not bodies:
        bodies.append(Repeat(ANY, least, most))
    body = bodies[0]
    for other in bodies[1:]:
        body = Both(body, other)
    return then('"', Quoted(body), '"')


def _bounds(said: dict[str, Any], path: str) -> numbers.Bounds:
    """The tighter ones of the four keywords."""
    given: dict[str, Decimal] = {}
    for key in KEYWORDS["number"]:
        if key in said:
            value = said[key]
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise _wrong(path, f"{key!r} wants a number, not {_shown(value)}")
            given[key] = Decimal(value) if isinstance(value, int) else Decimal(repr(value))
    low, over = given.get("minimum"), given.get("exclusiveMinimum")
    high, under = given.get("maximum"), given.get("exclusiveMaximum")
    above = over is not None and (low is None or over >= low)
    below = under is not None and (high is None or under <= high)
    return numbers.Bounds(over if above else low, under if below else high, above, below)


def _counts(said: dict[str, Any], low: str, high: str, path: str) -> tuple[int, int | None]:
    for key in (low, high):
        value = said.get(key, 0)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise _wrong(path, f"{key!r} wants a whole number of at least 0, not {_shown(value)}")
    least, most = said.get(low, 0), said.get(high)
    if most is not None and least > most:
        raise _wrong(path, f"{low} {least} is more than {high} {most}; turn them round")
    return least, most


def _kinds(said: dict[str, Any], path: str) -> list[str]:
    """The types that a schema allows; where it names none, those that its keywords are about; [] for all."""
    kinds = said.get("type")
    if kinds is None:
        return [kind for kind, keys in KEYWORDS.items() if kind != "integer" and any(key in said for key in keys)]
    kinds = kinds if isinstance(kinds, list) else [kinds]
    for kind in kinds:
        if not isinstance(kind, str) or kind not in KEYWORDS:
            raise _wrong(path, f"the type {_shown(kind)} is unknown; there are {', '.join(KEYWORDS)}")
    if not kinds:
        raise _wrong(path, "an empty list of types allows nothing; name one")
    return [kind for kind in kinds if not (kind == "integer" and "number" in kinds)]


def _is(value: object, kind: str) -> bool:
    """Whether a value is of a type of JSON schemas."""
    match value:
        case bool():
            return kind == "boolean"
        case None:
            return kind == "null"
        case int():
            return kind in ("integer", "number")
        case float():
            return kind == "number" or (kind == "integer" and value.is_integer())
        case str():
            return kind == "string"
        case list():
            return kind == "array"
        case _:
            return kind == "object"


def _constant(value: object, path: str) -> Node:
    """A value as it is written, with the blanks that may stand in it."""
    match value:
        case str():
            return _key(value, path)
        case list():
            return then("[", Listed(tuple((_constant(item, path), True) for item in value), _COMMA), "]")
        case Mapping():
            pairs = [then(_key(str(name), path), _COLON, _constant(item, path)) for name, item in value.items()]
            return then("{", Listed(tuple((pair, True) for pair in pairs), _COMMA), "}")
        case float() if not math.isfinite(value):
            raise _wrong(path, f"{value} is no JSON; leave it out")
        case bool() | int() | float() | None:
            return text(json.dumps(value))
    raise _wrong(path, f"{_shown(value)} is no JSON; leave it out")


def _key(name: str, path: str) -> Node:
    """A string of exactly these characters."""
    if any(0xD800 <= ord(c) <= 0xDFFF for c in name):
        raise _wrong(path, f"{_shown(name)} holds half of a character (a lone surrogate); write the whole one")
    return text(json.dumps(name, ensure_ascii=False))


def _not_among(names: list[str]) -> Node:
    """Any text but these: as one of them up to some character, then another character or the end."""
    begun: dict[str, set[str]] = {"": set()}
    for name in names:
        for place, char in enumerate(name):
            begun.setdefault(name[:place], set()).add(char)
            begun.setdefault(name[: place + 1], set())
    parts: list[Node] = [text(start) for start in begun if start not in names]
    for start, further in begun.items():
        parts.append(then(start, Chars(characters.complement(characters.of(further))), Repeat(ANY, 0, None)))
    return one_of(parts)


def _within(path: str, make: Callable[[], Node]) -> Node:
    """What is made, or why it cannot be, with the path."""
    try:
        return make()
    except PlanError as error:
        raise _wrong(path, str(error).rstrip(".")) from None


def _place(path: str) -> str:
    """A part of the schema, in words; also the name of its rule."""
    return f"the schema at {path}"


def _wrong(path: str, why: str) -> PlanError:
    return PlanError(f"{_place(path)}: {why}.")


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."
