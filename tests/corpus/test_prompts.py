"""Prompts: every format in, what stands before the last answer out, and a reason for every record that is left out."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from onward.corpus.prompts import Prompt, prompt_files, read_prompts
from onward.errors import BadLine, DataError
from onward.world import World
from onward.world.preferences.pairs import preferences, rankings

QUESTION = "How many legs has a cat?"
ASKED = {"role": "user", "content": QUESTION}
BRIEF = {"role": "system", "content": "Be brief."}
FOUR, FIVE = ({"role": "assistant", "content": text} for text in ("Four.", "Five."))
AGAIN = {"role": "user", "content": "Are you sure?"}
HUMAN = f"\n\nHuman: {QUESTION}\n\nAssistant:"


def written(folder: Path, *records: Any, name: str = "prompts.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


SAME: dict[str, tuple[str, Any]] = {
    "a text": ("prompts", {"prompt": QUESTION, "answer": 4}),
    "messages": ("prompts", {"prompt": [ASKED]}),
    "one message": ("prompts", {"prompt": ASKED}),
    "messages that end with an answer": ("prompts", {"prompt": [ASKED, FOUR]}),
    "OpenAI": ("OpenAI messages", {"messages": [ASKED, FOUR]}),
    "OpenAI, with a question alone": ("OpenAI messages", {"messages": [ASKED]}),
    "a list of messages": ("OpenAI messages", [ASKED, FOUR]),
    "ShareGPT": (
        "ShareGPT",
        {"conversations": [{"from": "human", "value": QUESTION}, {"from": "gpt", "value": "Four."}]},
    ),
    "Alpaca": ("Alpaca", {"instruction": QUESTION, "input": "", "output": "Four."}),
    "pairs": ("pairs", {"prompt": QUESTION, "chosen": "Four.", "rejected": "Five."}),
    "pairs of conversations": ("pairs", {"chosen": [ASKED, FOUR], "rejected": [ASKED, FIVE]}),
    "dialogues": ("hh-rlhf", {"chosen": f"{HUMAN} Four.", "rejected": f"{HUMAN} Five."}),
    "a ranking": ("rankings", {"prompt": QUESTION, "answers": ["Four.", "Five."]}),
    "right answers to check against": ("rankings", {"prompt": QUESTION, "answers": [4]}),
    "OpenAI preferences": (
        "OpenAI preferences",
        {"input": {"messages": [ASKED]}, "preferred_output": [FOUR], "non_preferred_output": [FIVE]},
    ),
}


@pytest.mark.parametrize("case", SAME)
def test_every_format_gives_the_same_and_keeps_the_record(tmp_path: Path, case: str) -> None:
    format, record = SAME[case]
    path = written(tmp_path, record, record)
    found = read_prompts(path)
    kept = record if isinstance(record, dict) else {"messages": record}
    assert found.format == format
    assert list(found) == [Prompt([ASKED], kept, str(path), number) for number in (1, 2)]
    assert (found.read, found.skipped) == (2, 0)
    assert list(found) == list(found), "it can be gone through again"


@pytest.mark.parametrize(
    ("record", "messages"),
    [
        ({"messages": [BRIEF, ASKED, FOUR, AGAIN, FIVE]}, [BRIEF, ASKED, FOUR, AGAIN]),
        ({"messages": [ASKED, FOUR, FIVE]}, [ASKED]),
        ({"prompt": QUESTION, "system": "Be brief."}, [BRIEF, ASKED]),
        ({"messages": [ASKED, FOUR | {"content": "Four.<|im_end|>\n"}, AGAIN]}, [ASKED, FOUR, AGAIN]),
        (
            {"messages": [ASKED, FOUR, {"role": "tool", "content": "5"}]},
            [ASKED, FOUR, {"role": "tool", "content": "5"}],
        ),
    ],
)
def test_all_before_the_last_answer_is_the_prompt(tmp_path: Path, record: Any, messages: Any) -> None:
    [found] = read_prompts(written(tmp_path, record))
    assert found.messages == messages
    assert found.text == "\n".join(message["content"] for message in messages)


@pytest.mark.parametrize("kind", [preferences, rankings])
def test_what_the_world_writes_brings_its_truth(tmp_path: Path, kind: Any) -> None:
    lines = [record.line(number) for number, record in enumerate(kind(World(0, people=40), 20))]
    path = tmp_path / "world.jsonl"
    path.write_text("".join(lines), encoding="utf-8")
    found, records = list(read_prompts(path)), [json.loads(line) for line in lines]
    assert [prompt.record["truth"] for prompt in found] == [record["truth"] for record in records]
    assert [prompt.messages for prompt in found] == [record["prompt"] for record in records]


ONE = {"prompt": QUESTION}
BAD: dict[str, tuple[Any, str]] = {
    "an empty prompt": ({"prompt": ""}, "the file began as prompts, and this is no prompt"),
    "white space": ({"prompt": "  "}, "the prompt: message 1 .user. is empty"),
    "a number": ({"prompt": 3}, "the conversation is no list of messages"),
    "an answer alone": ({"prompt": [FOUR]}, "the prompt: the conversation has no messages"),
    "nobody asks": ({"prompt": [BRIEF, FOUR]}, "nobody asks anything before the answer"),
    "an unknown role": ({"prompt": [{"role": "cat", "content": "Miau."}]}, 'message 1 has the role "cat"'),
    "a late system message": ({"prompt": [ASKED, FOUR, BRIEF, AGAIN]}, "message 3 is a system message"),
    "another format": ({"messages": [ASKED]}, "the file began as prompts, and this is OpenAI messages"),
    "no record": ("Hello!", "this is no prompt"),
    "a lone surrogate": ({"prompt": "a\ud800"}, "Unicode"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_record_is_named_with_its_reason_or_left_out(tmp_path: Path, case: str) -> None:
    record, why = BAD[case]
    path = written(tmp_path, ONE, record, ONE)
    with pytest.raises(BadLine, match=rf"prompts\.jsonl, line 2: .*{why}.*--skip-bad") as caught:
        list(read_prompts(path))
    assert "\n" not in str(caught.value)
    left_out: list[BadLine] = []
    found = read_prompts(path, skip_bad=True, on_skip=left_out.append)
    assert [prompt.number for prompt in found] == [1, 3]
    assert found.skipped == len(left_out) == 1


def test_bad_records_of_other_formats_are_named_too(tmp_path: Path) -> None:
    for record, why in (
        ({"chosen": "Four.", "rejected": "Five."}, '"chosen" does not begin with "Human:"'),
        ({"chosen": [ASKED, FOUR], "rejected": [AGAIN, FIVE]}, "the two answers are to different prompts"),
        ({"messages": []}, "the prompt: the conversation has no messages"),
        ({"answers": ["Four."]}, "the prompt: the conversation has no messages"),
    ):
        with pytest.raises(BadLine, match=f"line 1: {why}"):
            list(read_prompts(written(tmp_path, record)))


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("a.jsonl", b"", "is empty. Give a file with prompts in it"),
        (
            "a.jsonl",
            b'{"question": "a"}\n',
            r'not a format of prompts \(its first record has "question"\). Known: "prompt"',
        ),
        ("a.jsonl", b'{"prompt": "a"', "line 1: broken JSON"),
        ("a.json", b"{}", "is JSON, but no list of prompts"),
        ("a.txt", b"Hello!", "prompts are read from .*, and not from this kind of file"),
    ],
)
def test_a_file_without_prompts_is_refused_in_one_line(tmp_path: Path, name: str, data: bytes, why: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError, match=why) as caught:
        list(read_prompts(tmp_path / name))
    assert "\n" not in str(caught.value)


def test_a_folder_holds_files_of_several_formats_and_kinds(tmp_path: Path) -> None:
    written(tmp_path, ONE, ONE, name="a.jsonl")
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "b.jsonl.gz").write_bytes(gzip.compress(json.dumps({"messages": [ASKED, FOUR]}).encode()))
    (tmp_path / "c.json").write_text(json.dumps([ONE, ONE]))
    found = read_prompts(tmp_path)
    assert found.format == "prompts and OpenAI messages"
    assert [prompt.messages for prompt in found] == [[ASKED]] * 5
    assert {Path(prompt.source).name for prompt in found} == {file.name for file in prompt_files(tmp_path)}
    with pytest.raises(DataError):
        prompt_files(tmp_path / "nowhere")
