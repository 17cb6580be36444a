import json
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constrained import accepts, compact, ids_of, machine_of_schema, ours, walk
from onward.errors import PlanError
from onward.generate.constraint import of_schema
from onward.generate.constraint.machine import MOST_STACKS

PERSON = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Person",
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 8, "description": "short"},
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
        "tags": {"type": "array", "items": {"enum": ["a", "b", 'c"', [1, {"x": None}]]}, "maxItems": 3},
        "mail": {"type": "string", "format": "email"},
    },
    "required": ["name", "tags"],
}
TREE = {
    "$ref": "#/$defs/node",
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"v": {"type": "number"}, "kids": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
            "required": ["v"],
            "additionalProperties": False,
        }
    },
}
SHAPES = {
    "oneOf": [
        {"type": "object", "properties": {"kind": {"const": "dot"}, "at": {"type": "integer"}}, "required": ["kind"]},
        {"type": "object", "properties": {"kind": {"const": "line"}, "to": {"type": "boolean"}}, "required": ["kind"]},
        {"type": "null"},
    ]
}
SCHEMAS = [
    PERSON,
    TREE,
    SHAPES,
    {},
    True,
    {"type": ["string", "null", "integer", "number"]},
    {"type": "object", "additionalProperties": {"type": "boolean"}},
    {"type": "object", "properties": {"a": {"const": 1}, "ab": {}}, "additionalProperties": {"type": "null"}},
    {"type": "object", "properties": {"a": {"const": 1}}, "required": ["z", "a"], "additionalProperties": True},
    {"properties": {"only": {"type": "string"}}, "required": ["more"]},
    {"prefixItems": [{"const": 1}, {"type": "string"}], "items": {"type": "boolean"}, "minItems": 1, "maxItems": 4},
    {"prefixItems": [{"const": 1}, {"const": 2}], "items": False},
    {"type": "array", "prefixItems": [{"const": 1}], "minItems": 2},
    {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "array", "items": {"type": "null"}}},
    {"type": "string", "pattern": '^[a-c"\\\\]+(\\n|é)$', "maxLength": 4},
    {"anyOf": [{"enum": ["x", 2, None]}, {"type": "object", "properties": {}, "additionalProperties": False}]},
    {"enum": [1, "1", True, 2.5, None], "type": ["integer", "string"]},
    {"$defs": {"a/b~c": {"type": "boolean"}}, "type": "array", "items": {"$ref": "#/$defs/a~1b~0c"}},
    *(
        {"type": "string", "format": name}
        for name in ("date", "time", "date-time", "uuid", "email", "ipv4", "hostname")
    ),
]


def check(schema, text: str) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed: pip install jsonschema")
    value = json.loads(text)
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.Draft202012Validator(schema, format_checker=checker).validate(value)


@pytest.mark.parametrize("schema", SCHEMAS, ids=[compact(schema)[:60] for schema in SCHEMAS])
def test_every_walk_ends_in_json_that_is_valid(schema):
    tokenizer = ours()
    constraint = of_schema(tokenizer, schema)
    for seed in range(4):
        check(schema, tokenizer.decode(walk(constraint, tokenizer, seed)))


NAMES = st.sampled_from(["a", "ab", "é", 'q"', ""])
LEAVES = st.one_of(
    st.sampled_from(
        [{}, {"type": "boolean"}, {"type": "null"}, {"type": "string", "format": "date"}, {"const": {"k": [1, "é"]}}]
    ),
    st.lists(st.integers(-50, 50), min_size=2, max_size=2)
    .map(sorted)
    .map(lambda e: {"type": "integer", "minimum": e[0], "maximum": e[1]}),
    st.tuples(st.integers(0, 3), st.integers(0, 3)).map(
        lambda n: {"type": "string", "minLength": n[0], "maxLength": sum(n)}
    ),
    st.lists(st.sampled_from([1, "one", None, 2.5, [], True]), min_size=1).map(lambda v: {"enum": v}),
)


def _larger(inner):
    extra = st.one_of(
        st.just({}), st.just({"additionalProperties": False}), inner.map(lambda s: {"additionalProperties": s})
    )
    objects = st.tuples(st.dictionaries(NAMES, inner, max_size=4), st.sets(NAMES), extra).map(
        lambda p: {"type": "object", "properties": p[0], "required": sorted(p[1] & set(p[0])), **p[2]}
    )
    arrays = st.tuples(inner, st.integers(0, 2), st.integers(0, 2)).map(
        lambda p: {"type": "array", "items": p[0], "minItems": p[1], "maxItems": p[1] + p[2]}
    )
    pairs = st.lists(inner, min_size=1, max_size=3).map(lambda p: {"type": "array", "prefixItems": p, "maxItems": 2})
    return st.one_of(
        objects, arrays, pairs, st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"anyOf": parts})
    )


@settings(max_examples=25, deadline=None)
@given(schema=st.recursive(LEAVES, _larger, max_leaves=6), seed=st.integers(0, 10**6))
def test_every_walk_on_a_schema_made_at_random_ends_in_json_that_is_valid(schema, seed):
    tokenizer = ours()
    check(schema, tokenizer.decode(walk(of_schema(tokenizer, schema), tokenizer, seed)))


@pytest.mark.parametrize("wish", ["[", '{"a":'])
def test_however_deep_it_goes_it_comes_back(wish):
    tokenizer = ours()
    constraint = of_schema(tokenizer, {})
    state, depth = constraint.start, 0
    while (further := _follow(constraint, state, ids_of(tokenizer, wish))) is not None:
        state, depth = further, depth + 1
        assert depth < 100
    assert depth > 30
    ids = ids_of(tokenizer, wish * depth)
    closing = ids_of(tokenizer, "0]}")
    while not constraint.may_end(state):
        token = next(id for id in closing if constraint.allowed(state)[id])
        closing = ids_of(tokenizer, "]}0")
        state = constraint.after(state, token)
        ids.append(token)
    json.loads(tokenizer.decode(ids))


def _follow(constraint, state, ids):
    for id in ids:
        if not constraint.allowed(state)[id]:
            return None
        state = constraint.after(state, id)
    return state


@pytest.mark.parametrize(
    ("schema", "inside", "outside"),
    [
        (
            PERSON,
            ['{"name": "Ada", "tags":["a", [1,{"x":null}]]}'],
            ['{"tags":[],"name":"Ada"}', '{"name":"","tags":[]}', '{ "name":"A","tags":[]}'],
        ),
        (TREE, ['{"v":1,"kids":[{"v":2},{"v":3.5,"kids":[]}]}'], ['{"kids":[]}', '{"v":1,"w":2}', '{"v":1,}']),
        (SHAPES, ['{"kind":"dot","at":3}', "null"], ['{"kind":"line","at":3}', '{"at":3}']),
        (
            {},
            ['[1, "é\\n", {"a": {}}, null, -1.5e3]', '""'],
            ["", "[", "[1,]", "nul", "'a'", '{"a"}', '"\n"', "1  ", "[1,  2]"],
        ),
        (
            {"type": "object", "properties": {"ab": {}}, "additionalProperties": {"const": 1}},
            ['{"ab":"x","a":1,"abc":1}', '{"":1}', "{}"],
            ['{"a":2}', '{"a":1,"ab":1}'],
        ),
        ({"prefixItems": [{"const": 1}, {"const": 2}], "minItems": 1}, ["[1]", "[1,2]"], ["[]", "[2]", "[1,2,3]"]),
        ({"type": "string", "maxLength": 2}, ['"é😀"', '"\\"\\\\"'], ['"abc"', '"\\u0041"', '"']),
        ({"const": "\x01é"}, ['"\\u0001é"'], ['"\x01é"']),
        ({"type": "object", "properties": {"a": False, "b": {"const": 1}}}, ['{"b":1}', "{}"], ['{"a":1}']),
    ],
)
def test_what_is_allowed_and_what_is_not(schema, inside, outside):
    machine = machine_of_schema(schema)
    assert [text for text in inside if not accepts(machine, text)] == []
    assert [text for text in outside if accepts(machine, text)] == []


def test_dates_are_those_of_the_calendar():
    machine = machine_of_schema({"type": "string", "format": "date"})
    day = date(1899, 12, 1)
    while day < date(1905, 1, 1):
        assert accepts(machine, f'"{day}"')
        day += timedelta(7)
    for text in ("2024-02-29", "2000-02-29", "1600-02-29", "2023-04-30"):
        assert accepts(machine, f'"{text}"')
    for text in ("2023-02-29", "1900-02-29", "2024-02-30", "2024-04-31", "2024-13-01", "2024-00-10", "2024-1-01"):
        assert not accepts(machine, f'"{text}"')


@pytest.mark.parametrize(
    ("schema", "path", "why"),
    [
        ({"properties": {"a": {"uniqueItems": True}}}, "#/properties/a", "'uniqueItems' is not supported"),
        ({"type": "integer", "multipleOf": 3}, "#", "check the answer"),
        ({"items": {"not": {}}}, "#/items", "'not' is not supported"),
        ({"frobnicate": 1}, "#", "'frobnicate' is not supported"),
        ({"type": "text"}, "#", "the type 'text' is unknown"),
        ({"type": []}, "#", "an empty list of types"),
        (3, "#", "a schema is an object"),
        (False, "#", "false allows nothing"),
        ({"$ref": "http://x/y"}, "#", "leads out of the schema"),
        ({"$ref": "#/$defs/none"}, "#/$defs/none", "has nothing at"),
        ({"$ref": "#/$defs/a", "type": "string", "$defs": {"a": {}}}, "#", "'$ref' beside 'type'"),
        ({"$ref": "#"}, "#", "without end"),
        ({"anyOf": [{"$ref": "#"}, {"type": "null"}]}, "#", "stands for itself"),
        ({"properties": {"x": {"$ref": "#"}}, "required": ["x"]}, "#", "nests without end"),
        ({"anyOf": []}, "#", "at least one schema"),
        ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, "#/oneOf", "write anyOf"),
        ({"oneOf": [{"type": "object"}, {"properties": {"a": {}}}]}, "#/oneOf", "write anyOf"),
        ({"items": {"$id": "x"}}, "#/items", "changes what references mean"),
        ({"enum": []}, "#", "at least one value"),
        ({"enum": [1], "type": "string"}, "#", "none of its constants"),
        ({"enum": [1], "minimum": 3}, "#", "beside constants"),
        ({"const": float("nan")}, "#", "is no JSON"),
        ({"const": "\ud800"}, "#", "half of a character"),
        ({"properties": [1]}, "#", "an object of schemas"),
        ({"properties": {"a": {}}, "required": ["b"], "additionalProperties": False}, "#", "required and not allowed"),
        ({"properties": {"a": {}}, "required": "a"}, "#", "a list of names"),
        ({"items": [{}]}, "#", "an older draft"),
        ({"prefixItems": [{}], "items": False, "minItems": 2}, "#", "mend minItems"),
        ({"minItems": 3, "maxItems": 2}, "#", "turn them round"),
        ({"minLength": -1}, "#", "at least 0"),
        ({"pattern": "(?=a)"}, "#", "lookahead"),
        (
            {"properties": {"a/b": {"pattern": "a", "minLength": 3}}, "required": ["a/b"]},
            "#/properties/a~1b",
            "no text at all",
        ),
        ({"format": "colour"}, "#", "known are date"),
        ({"type": "string", "maxLength": 10**6}, "", "smaller counts"),
    ],
)
def test_what_it_cannot_keep_is_refused_with_its_path(schema, path, why):
    with pytest.raises(PlanError) as refused:
        machine_of_schema(schema)
    assert path in str(refused.value)
    assert why in str(refused.value)
    assert "\n" not in str(refused.value)


def test_many_alternatives_that_begin_alike_all_stay_open():
    kinds = [f"tool {n}" for n in range(150)]
    parts = [{"type": "object", "properties": {"name": {"const": kind}}, "required": ["name"]} for kind in kinds]
    machine = machine_of_schema({"anyOf": parts})
    assert [kind for kind in kinds if not accepts(machine, compact({"name": kind}))] == []


def test_alternatives_that_never_differ_do_not_multiply():
    node = {
        "type": "object",
        "properties": {"a": {"anyOf": [{"$ref": "#"}, {"$ref": "#/$defs/twin"}, {"type": "null"}]}},
    }
    machine = machine_of_schema(node | {"$defs": {"twin": node}})
    text = '{"a":' * 12 + "null" + "}" * 12
    assert accepts(machine, text)
    assert max(len(state) for state in machine.states) <= MOST_STACKS


def test_a_constant_of_a_thousand_levels_is_refused():
    deep = []
    for _ in range(2000):
        deep = [deep]
    with pytest.raises(PlanError, match="nests too deeply"):
        of_schema(ours(), {"const": deep})
