"""Conversations: three formats in, one out, and a reason for every record that is left out."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import zstandard

from onward.corpus.chats import Chats, read_chats
from onward.errors import BadLine, DataError

ASKED = {"role": "user", "content": "How many legs has a cat?"}
ANSWERED = {"role": "assistant", "content": "Four."}
OPENAI = {"messages": [{"role": "system", "content": "Be brief."}, ASKED, ANSWERED]}
SHAREGPT = {"conversations": [{"from": "human", "value": ASKED["content"]}, {"from": "gpt", "value": "Four."}]}
ALPACA = {"instruction": "How many legs has", "input": "a cat?", "output": "Four."}


def written(folder: Path, *records: Any, name: str = "chats.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def messages(chats: Chats) -> list[list[dict[str, str]]]:
    return [conversation.messages for conversation in chats]


def only(folder: Path, record: Any) -> list[tuple[str, str]]:
    [conversation] = messages(read_chats(written(folder, record)))
    return [(message["role"], message["content"]) for message in conversation]


@pytest.mark.parametrize(
    ("record", "format", "expected"),
    [
        (OPENAI, "OpenAI messages", OPENAI["messages"]),
        ([ASKED, ANSWERED], "OpenAI messages", [ASKED, ANSWERED]),
        (SHAREGPT, "ShareGPT", [ASKED, ANSWERED]),
        (SHAREGPT | {"system": "Be brief."}, "ShareGPT", OPENAI["messages"]),
        (ALPACA, "Alpaca", [{"role": "user", "content": "How many legs has\n\na cat?"}, ANSWERED]),
        (ALPACA | {"input": ""}, "Alpaca", [{"role": "user", "content": "How many legs has"}, ANSWERED]),
        ({"instruction": ASKED["content"], "output": "Four."}, "Alpaca", [ASKED, ANSWERED]),
    ],
)
def test_each_format_is_detected_and_becomes_messages(tmp_path: Path, record: Any, format: str, expected: Any) -> None:
    chats = read_chats(written(tmp_path, record, record))
    assert chats.format == format
    assert [(c.messages, c.number) for c in chats] == [(expected, 1), (expected, 2)]
    assert (chats.read, chats.skipped, chats.trimmed) == (2, 0, 0)


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.jsonl.zst", "a.json", "A.JSON"])
def test_every_kind_of_file_gives_the_same_and_can_be_gone_through_again(tmp_path: Path, name: str) -> None:
    records = [OPENAI, OPENAI]
    one_list = name.lower().endswith(".json")
    text = json.dumps(records, indent=1) if one_list else "\n\n".join(map(json.dumps, records))
    pack = {".gz": gzip.compress, ".zst": zstandard.compress}.get(Path(name).suffix, bytes)
    (tmp_path / name).write_bytes(pack(b"\xef\xbb\xbf" + text.encode()))
    chats = read_chats(str(tmp_path / name))
    assert messages(chats) == messages(chats) == [OPENAI["messages"]] * 2
    assert [c.number for c in chats] == ([1, 2] if one_list else [1, 3])
    assert chats.read == 2


@pytest.mark.parametrize("said", ["human", "user"])
@pytest.mark.parametrize("answered", ["gpt", "assistant", "chatgpt"])
def test_sharegpt_speakers_become_roles(tmp_path: Path, said: str, answered: str) -> None:
    turns = [{"from": said, "value": "a"}, {"from": answered, "value": "b"}]
    assert only(tmp_path, {"conversations": turns}) == [("user", "a"), ("assistant", "b")]


def test_sharegpt_functions_and_calls_become_text(tmp_path: Path) -> None:
    tool = {"name": "legs", "description": "Counts legs.", "parameters": {}}
    call = '{"name": "legs", "arguments": {"of": "cat"}}'
    turns = [("human", "Legs?"), ("function_call", call), ("observation", '{"legs": 4}'), ("gpt", "Four.")]
    record = {"conversations": [{"from": a, "value": b} for a, b in turns], "tools": json.dumps([tool])}
    [(role, told), *others] = only(tmp_path, record)
    assert role == "system"
    assert json.loads(told.split("<tools>\n")[1].split("\n</tools>")[0]) == tool
    assert others == [
        ("user", "Legs?"),
        ("assistant", f"<tool_call>\n{call}\n</tool_call>"),
        ("tool", '{"legs": 4}'),
        ("assistant", "Four."),
    ]


def test_openai_calls_become_the_same_text(tmp_path: Path) -> None:
    calls = [{"type": "function", "function": {"name": "legs", "arguments": '{"of": "cat"}'}}]
    turns = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Le"}, {"type": "text", "text": "gs?"}]},
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "content": "4", "tool_call_id": "x"},
        {"role": "assistant", "content": "So:", "tool_calls": calls},
    ]
    call = '<tool_call>\n{"name": "legs", "arguments": {"of": "cat"}}\n</tool_call>'
    [(role, told), *others] = only(tmp_path, {"messages": turns, "tools": [{"name": "legs"}]})
    assert role == "system"
    assert told.startswith("Be brief.\n\n")
    assert told.endswith('<tools>\n{"name": "legs"}\n</tools>')
    assert others == [("user", "Legs?"), ("assistant", call), ("tool", "4"), ("assistant", "So:\n" + call)]


def test_an_empty_system_message_says_nothing_and_is_left_out(tmp_path: Path) -> None:
    assert only(tmp_path, [{"role": "system", "content": " "}, ASKED, ANSWERED])[0][0] == "user"


def test_end_marks_of_other_tokenisers_are_taken_from_answers_and_counted(tmp_path: Path) -> None:
    """A public instruction set ends nine answers in ten with the characters `<|endoftext|>`: no control token, and a
    model would learn to write them."""
    said = {"role": "user", "content": "What ends a text? <|endoftext|>"}
    answers = ["One.<|endoftext|>", "Two. <|im_end|>\n<|endoftext|>\n", "It is <|endoftext|> there.", "Four.\n"]
    path = written(tmp_path, *([said, {"role": "assistant", "content": answer}] for answer in answers))
    chats = read_chats(path)
    found = messages(chats)
    assert [m[1]["content"] for m in found] == ["One.", "Two.", "It is <|endoftext|> there.", "Four.\n"]
    assert all(m[0] == said for m in found)
    assert chats.trimmed == 2


def turn(role: Any, content: Any) -> dict[str, Any]:
    return {"role": role, "content": content}


BAD_RECORDS: dict[str, tuple[Any, str]] = {
    "an unknown role": ([turn("wizard", "a"), ANSWERED], 'message 1 has the role "wizard"; known are .*assistant'),
    "a role that is none": ([turn(["user"], "a"), ANSWERED], r'has the role \["user"\]'),
    "a role that cannot be printed": ([turn("\ud800\n", "a"), ANSWERED], r'has the role ".ud800.n"'),
    "no role": ([{"content": "a"}, ANSWERED], 'message 1 has no "role"'),
    "no messages": ({"messages": []}, "no messages"),
    "no list": ({"messages": "hello"}, "no list of messages"),
    "a list of texts": (["hello"], "no list of messages"),
    "no answer": ([ASKED], "no answer to learn from"),
    "an empty answer": ([ASKED, turn("assistant", " \n")], r"message 2 \(assistant\) is empty"),
    "nothing but an end mark": ([ASKED, turn("assistant", "<|endoftext|>")], r"message 2 \(assistant\) is empty"),
    "an empty question": ([turn("user", ""), ANSWERED], r"message 1 \(user\) is empty"),
    "no content": ([{"role": "user"}, ANSWERED], "message 1 has no text"),
    "a number as content": ([turn("user", 7), ANSWERED], "message 1 is 7, and no text"),
    "a picture": ([turn("user", [{"type": "image_url", "image_url": {}}]), ANSWERED], 'a part of type "image_url"'),
    "a late system message": ([ASKED, turn("system", "a"), ANSWERED], "it can only come first"),
    "half a surrogate pair": ([turn("user", "\ud800"), ANSWERED], "surrogate"),
    "a call of nothing": ([ASKED, {"role": "assistant", "tool_calls": [{}]}], "calls a function without a name"),
    "calls that are no list": ([ASKED, {"role": "assistant", "tool_calls": 3}], "is no list"),
    "another format": (ALPACA, "the file began as OpenAI messages, and this is Alpaca"),
    "no format": ({"text": "a"}, "the file began as OpenAI messages, and this is no conversation"),
    "no record": (7, "this is no conversation"),
}


@pytest.mark.parametrize("case", BAD_RECORDS)
def test_a_bad_record_is_named_with_its_reason_or_left_out(tmp_path: Path, case: str) -> None:
    record, why = BAD_RECORDS[case]
    path = written(tmp_path, OPENAI, record, OPENAI)
    with pytest.raises(BadLine, match=rf"chats\.jsonl, line 2: .*{why}.*--skip-bad") as caught:
        messages(read_chats(path))
    assert "\n" not in str(caught.value)
    left_out: list[BadLine] = []
    chats = read_chats(path, skip_bad=True, on_skip=left_out.append)
    assert [conversation.number for conversation in chats] == [1, 3]
    assert chats.skipped == len(left_out) == 1


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (
            {"conversations": [{"from": "dragon", "value": "a"}]},
            'message 1 has the from "dragon"; known are system, human',
        ),
        ({"conversations": [{"from": "gpt"}]}, "message 1 has no text"),
        (SHAREGPT | {"tools": "[{"}, '"tools": broken JSON'),
        (SHAREGPT | {"tools": {"a": 1}}, '"tools" is no list'),
        (SHAREGPT | {"system": 4}, '"system" is 4, and no text'),
        (ALPACA | {"output": ""}, r"message 2 \(assistant\) is empty"),
        (ALPACA | {"output": None}, '"output" has no text'),
        (ALPACA | {"input": ["a"]}, r'"input" is \["a"\], and no text'),
        (ALPACA | {"instruction": "", "input": ""}, r"message 1 \(user\) is empty"),
    ],
)
def test_bad_records_of_the_other_formats_are_named_too(tmp_path: Path, record: Any, why: str) -> None:
    with pytest.raises(BadLine, match=f"line 1: {why}"):
        messages(read_chats(written(tmp_path, record)))


def test_a_broken_line_is_named_or_counted_also_as_the_first(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"mess\n' + json.dumps(OPENAI) + "\n")
    with pytest.raises(BadLine, match="line 1: broken JSON"):
        read_chats(path)
    chats = read_chats(path, skip_bad=True)
    assert (len(messages(chats)), chats.skipped, chats.format) == (1, 1, "OpenAI messages")


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("a.jsonl", b"", "is empty"),
        ("a.jsonl", b"\n\n", "holds no records"),
        ("a.jsonl", b'{"text": "a"}\n', r'not a format of conversations \(its first record has "text"\)'),
        ("a.jsonl", b'{"instruction": "a", "instances": []}', "not a format of conversations"),
        ("a.jsonl", b'"hello"\n', "not a format of conversations"),
        ("a.jsonl", b"\0\1\2", "holds NUL bytes"),
        ("a.jsonl.gz", gzip.compress(json.dumps(OPENAI).encode(), mtime=0)[:-9], "is cut short"),
        ("a.json", b"[]", "holds no records"),
        ("a.json", b'{"messages": []}', "is JSON, but no list"),
        ("a.json", b'{"a": 1}\n{"a": 1}\n', r"broken JSON .*end its name in \.jsonl"),
        ("a.csv", b"a,b\n", "and not from this kind of file"),
    ],
)
def test_a_file_without_conversations_is_refused_in_one_line(tmp_path: Path, name: str, data: bytes, why: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError, match=why) as caught:
        read_chats(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_without_conversations_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        read_chats(tmp_path / "a.jsonl")
    with pytest.raises(DataError, match="nothing to read"):
        read_chats(tmp_path)


def test_a_folder_is_read_file_by_file_each_in_its_own_format(tmp_path: Path) -> None:
    (tmp_path / "b.jsonl").write_text(json.dumps({"instruction": "Say b.", "output": "b"}) + "\n")
    (tmp_path / "a.jsonl").write_text(
        json.dumps({"messages": [ASKED, {"role": "assistant", "content": "Four."}]}) + "\n"
    )
    chats = read_chats(tmp_path)
    assert chats.format == "OpenAI messages and Alpaca"
    assert [Path(c.source).name for c in chats] == ["a.jsonl", "b.jsonl"]
    assert [c.messages[-1]["content"] for c in chats][1] == "b"


def test_a_file_of_nothing_but_bad_records_is_refused_also_with_skip_bad(tmp_path: Path) -> None:
    path = written(tmp_path, [ASKED], [ASKED])
    with pytest.raises(DataError, match=r"no conversation that can be used \(2 left out as bad\)"):
        messages(read_chats(path, skip_bad=True))
