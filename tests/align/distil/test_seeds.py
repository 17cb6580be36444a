"""Seeds in every form that they come in."""

import json

import pytest

from onward.align.distil.seeds import read_seeds
from onward.errors import DataError


def seeds_of(tmp_path, *records, **options):
    path = tmp_path / "seeds.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return read_seeds(path, **options)


@pytest.mark.parametrize(
    "record",
    [
        {"instruction": "Sort these.", "instances": [{"input": "pear, fig", "output": "fig, pear"}], "id": "seed_1"},
        {"instruction": "Sort these.\n\npear, fig"},
        {"instruction": "Sort these.\n\npear, fig", "instances": []},
        {"instruction": "Sort these.", "input": "pear, fig", "output": "fig, pear"},
        {
            "messages": [
                {"role": "user", "content": "Sort these.\n\npear, fig"},
                {"role": "assistant", "content": "Yes."},
            ]
        },
        {"conversations": [{"from": "human", "value": "Sort these.\n\npear, fig"}, {"from": "gpt", "value": "Yes."}]},
    ],
)
def test_what_is_asked_is_taken_from_every_format(tmp_path, record):
    (seed,) = seeds_of(tmp_path, record)
    assert seed.text == "Sort these.\n\npear, fig"
    assert seed.messages == [{"role": "user", "content": seed.text}]


def test_of_a_conversation_all_up_to_the_first_answer_counts(tmp_path):
    roles = ("system", "assistant", "user", "assistant", "user", "assistant")
    (seed,) = seeds_of(tmp_path, {"messages": [{"role": role, "content": f"{role}!"} for role in roles]})
    assert [message["role"] for message in seed.messages] == ["system", "assistant", "user"]
    assert seed.text == "user!"


@pytest.mark.parametrize(
    "record",
    [
        {"instruction": ""},
        {"instruction": 3},
        {"instruction": "Half a pair: \ud800."},
        {"instruction": "Sort.", "instances": [3]},
        {"instruction": "Sort.", "instances": [{"input": 3}]},
        {"text": "no seed"},
    ],
)
def test_a_bad_seed_is_named_by_its_line_or_left_out(tmp_path, record):
    good = {"instruction": "Name three fish."}
    with pytest.raises(DataError, match=r"seeds\.jsonl, line 2: "):
        seeds_of(tmp_path, good, record)
    skipped = []
    assert len(seeds_of(tmp_path, good, record, skip_bad=True, on_skip=skipped.append)) == 1
    assert len(skipped) == 1


def test_a_conversation_in_which_nobody_asks_is_no_seed(tmp_path):
    with pytest.raises(DataError, match="nothing in this conversation is asked by a user"):
        seeds_of(tmp_path, {"messages": [{"role": "assistant", "content": "Hello!"}]})
