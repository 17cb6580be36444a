"""Whether two JSON schemas clearly allow nothing in common, as `oneOf` needs.

Sure where it says yes: by type, by constants, or by a property that one requires and whose values differ. Otherwise it says no, though
the two may well differ.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

DEEPEST = 20
_TYPES = frozenset(("object", "array", "string", "number", "boolean", "null"))


def clearly_different(one: object, other: object, look_up: Callable[[str], object], depth: int = 0) -> bool:
    """look_up: what a `$ref` stands for."""
    one, other = _meant(one, look_up), _meant(other, look_up)
    if one is False or other is False:
        return True
    if depth > DEEPEST or not isinstance(one, Mapping) or not isinstance(other, Mapping):
        return False
    for first, second in ((one, other), (other, one)):
        parts = first.get("anyOf", first.get("oneOf"))
        if isinstance(parts, list):
            return all(clearly_different(part, second, look_up, depth + 1) for part in parts)
    if not _types(one) & _types(other):
        return True
    constants = [_constants(schema) for schema in (one, other)]
    if constants[0] is not None and constants[1] is not None:
        return not constants[0] & constants[1]
    if _types(one) & _types(other) != {"object"}:
        return False
    there = {*_strings(one.get("required")), *_strings(other.get("required"))}  # in any object that both allow
    return any(
        clearly_different(_property(one, name), _property(other, name), look_up, depth + 1) for name in sorted(there)
    )


def _meant(schema: object, look_up: Callable[[str], object]) -> object:
    for _ in range(DEEPEST):
        if not isinstance(schema, Mapping) or not isinstance(schema.get("$ref"), str):
            return schema
        schema = look_up(schema["$ref"])
    return True


def _types(schema: Mapping[str, object]) -> set[str]:
    """The types that a schema allows. Whole numbers are numbers."""
    said = schema.get("type")
    constants = _constants(schema)
    if said is None and constants is not None:
        return {_type(json.loads(constant)) for constant in constants}
    if said is None:
        return set(_TYPES)
    return {"number" if kind == "integer" else str(kind) for kind in (said if isinstance(said, list) else [said])}


def _type(value: object) -> str:
    names: dict[type, str] = {str: "string", bool: "boolean", type(None): "null", list: "array", dict: "object"}
    return names.get(type(value), "number")


def _constants(schema: Mapping[str, object]) -> set[str] | None:
    """The values that a schema lists, as JSON in one spelling; None where it lists none."""
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if not isinstance(values, list):
        return None
    return {json.dumps(_plain(value), sort_keys=True) for value in values}


def _plain(value: object) -> object:
    """1.0 and 1 are the same value."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _strings(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _property(schema: Mapping[str, object], name: str) -> object:
    named = schema.get("properties")
    return named.get(name, True) if isinstance(named, Mapping) else True
