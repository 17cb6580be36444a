"""The engine under a constraint: whatever the model would rather say, the text is what it must be."""

import json
import re

import pytest

from onward.generate.constraint import of_choices, of_regex, of_schema
from onward.generate.engine import Engine, Request
from onward.generate.settings import Sampling

SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"enum": ["Corfell", "Jorport"]},
        "people": {"type": "integer", "minimum": 1, "maximum": 99},
    },
    "required": ["city", "people"],
    "additionalProperties": False,
}


@pytest.fixture
def engine(tiny_model, tokenizer):
    return Engine(tiny_model.double(), tokenizer)


def asked(constraint, seed, **sampling):
    settings = {"temperature": 1.5, "max_tokens": 60} | sampling
    return Request(prompt=[5, 6], constraint=constraint, sampling=Sampling(seed=seed, **settings))


def test_the_text_matches_the_expression_and_ends_where_it_may(engine):
    word = of_regex(engine.tokenizer, "(ab|cde){2,4}[0-9]?", ends=engine.ends)
    done = engine.run([asked(word, seed) for seed in range(20)])
    assert all(re.fullmatch("(ab|cde){2,4}[0-9]?", one.text) for one in done)
    assert {one.finish for one in done} == {"stop"}
    assert len({one.text for one in done}) > 5


def test_json_is_what_the_schema_says(engine):
    constraint = of_schema(engine.tokenizer, SCHEMA, ends=engine.ends)
    for one in engine.run([asked(constraint, seed) for seed in range(10)]):
        found = json.loads(one.text)
        assert found["city"] in ("Corfell", "Jorport")
        assert 1 <= found["people"] <= 99


def test_at_temperature_0_too_and_with_penalties(engine):
    constraint = of_choices(engine.tokenizer, ["yes", "no"], ends=engine.ends)
    done = engine.run([asked(constraint, 0, temperature=0), asked(constraint, 0, frequency_penalty=3.0)])
    assert {one.text for one in done} <= {"yes", "no"}


def test_who_is_in_the_same_batch_says_what_it_says_alone(engine):
    constraint = of_choices(engine.tokenizer, ["yes", "no"], ends=engine.ends)
    free = Request(prompt=[7], sampling=Sampling(temperature=1, seed=3, max_tokens=12))
    alone = engine.run([free])[0].ids
    assert engine.run([asked(constraint, 1), free, asked(constraint, 2)])[1].ids == alone
