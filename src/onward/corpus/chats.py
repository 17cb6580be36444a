"""Conversations in, in the three formats that are common, and out as one: messages with a role and a text.

OpenAI messages, ShareGPT and Alpaca, as .jsonl (also .gz and .zst) or a .json list, or a folder of these. The first record says
which one a file has. Functions and calls of them become text, as Hermes and Qwen write them, so that every chat template can show
them. Left out: pictures and sound, and weights of single messages.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onward.corpus.read import (
    BYTE_ORDER_MARK,
    BadLines,
    RecordError,
    fields_of,
    files_below,
    json_lines,
    kind,
    look_at,
    parse_json,
    read_bytes,
)
from onward.errors import BadLine, ChatError, DataError
from onward.tokens.chat import check

KINDS = (".jsonl", ".jsonl.gz", ".jsonl.zst", ".json")
LONGEST_LIST = 2**30  # bytes; a .json list is held in memory, and a larger one should be JSON Lines

ROLES = {"developer": "system", "function": "tool"} | {role: role for role in ("system", "user", "assistant", "tool")}
SPEAKERS = {  # of ShareGPT's "from"
    "system": "system",
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "assistant": "assistant",
    "function_call": "assistant",
    "tool": "tool",
    "observation": "tool",
    "function_response": "tool",
}
# How other models' tokenisers end a text. As characters at the end of an answer they are left from another tool, and a
# model would learn to spell them out before it stops.
END_MARKS = ("<|endoftext|>", "<|end_of_text|>", "<|im_end|>", "<|eot_id|>")

TOOLS = (
    "These functions can be called. To call one, answer with its name and arguments as JSON, like this:\n"
    '<tool_call>\n{"name": "...", "arguments": {...}}\n</tool_call>'
)

Message = dict[str, str]


@dataclass(frozen=True)
class Conversation:
    """Messages `{"role", "content"}` with the roles system, user, assistant and tool. `number` counts from 1: the line
    of a JSON Lines file, or the place in a list."""

    messages: list[Message]
    source: str
    number: int


def read_chats(path: Path | str, *, skip_bad: bool = False, on_skip: Callable[[BadLine], None] | None = None) -> Chats:
    """The conversations of a file or folder, whose formats are found at once and whose contents are read as they are asked for.

    `skip_bad` leaves out records that cannot be used, and calls `on_skip` with each. Raises DataError, one line.
    """
    return Chats(Path(path), skip_bad, on_skip)


class Chats:
    """The conversations of a file, or of all files in a folder; can be gone through again and again.

    formats: for each file "OpenAI messages", "ShareGPT" or "Alpaca".   After going through: `read` conversations, `skipped` records
    left out, and `trimmed` answers from whose end another tokeniser's end mark was taken away.
    """

    def __init__(self, path: Path, skip_bad: bool, on_skip: Callable[[BadLine], None] | None) -> None:
        self.path, self._skip_bad, self._on_skip = path, skip_bad, on_skip
        self.read = self.trimmed = 0
        self._bad = BadLines(skip_bad)
        self.formats = {file: self._detect(file) for file in chat_files(path)}

    @property
    def format(self) -> str:
        """In words; of several formats, all of them."""
        return " and ".join(dict.fromkeys(self.formats.values()))

    @property
    def skipped(self) -> int:
        return self._bad.count

    def __iter__(self) -> Iterator[Conversation]:
        self.read = self.trimmed = 0
        self._bad = bad = BadLines(self._skip_bad, self._on_skip)
        for file in self.formats:
            for number, record in _records(file, bad):
                try:
                    messages = self._messages(record, self.formats[file])
                except RecordError as error:
                    bad(file, number, str(error))
                    continue
                self.read += 1
                yield Conversation(messages, str(file), number)
        if not self.read:
            raise DataError(f"{self.path} holds no conversation that can be used ({self.skipped:,} left out as bad).")

    def _detect(self, file: Path) -> str:
        first = None
        for _, record in _records(file, BadLines(self._skip_bad)):
            if (found := _format_of(record)) is not None:
                return found
            first = record if first is None else first
            if not self._skip_bad:
                break
        if first is None:
            raise DataError(f"{file} holds no records. Give a file with a conversation on each line.")
        there = fields_of(first) if isinstance(first, dict) else "no fields"
        raise DataError(
            f'{file}: not a format of conversations (its first record has {there}). Known: OpenAI "messages", '
            'ShareGPT "conversations", Alpaca "instruction" and "output".'
        )

    def _messages(self, record: Any, begun_as: str) -> list[Message]:
        found = _format_of(record)
        if found != begun_as:
            raise RecordError(f"the file began as {begun_as}, and this is {found or 'no conversation'}")
        messages = READERS[found](record)
        self._trim(messages)
        try:
            check(messages)
        except ChatError as error:
            raise RecordError(str(error).removesuffix(".")) from error
        return messages

    def _trim(self, messages: list[Message]) -> None:
        for message in messages:
            content = message["content"]
            while message["role"] == "assistant" and content.rstrip().endswith(END_MARKS):
                content = content.rstrip()
                content = content[: content.rindex("<|")].rstrip()
            self.trimmed += content != message["content"]
            message["content"] = content


def chat_files(path: Path) -> list[Path]:
    """The files that conversations are read from: the one named, or all below a folder, sorted.   Raises DataError."""
    there = look_at(path)
    if stat.S_ISDIR(there.st_mode):
        return files_below(path, KINDS)
    if kind(path) not in KINDS:
        raise DataError(f"{path}: conversations are read from {', '.join(KINDS)}, and not from this kind of file.")
    if there.st_size == 0:
        raise DataError(f"{path} is empty. Give a file with conversations in it.")
    return [path]


def _records(path: Path, bad: BadLines) -> Iterator[tuple[int, Any]]:
    if kind(path) != ".json":
        return json_lines(path, bad)
    if path.stat().st_size > LONGEST_LIST:
        raise DataError(f"{path} is too long a list to be held in memory. Write it as JSON Lines, a record a line.")
    try:
        records = parse_json(b"".join(read_bytes(path)).removeprefix(BYTE_ORDER_MARK))
    except RecordError as error:
        raise DataError(f"{path}: {error}. If it has one record a line, end its name in .jsonl.") from error
    if not isinstance(records, list):
        raise DataError(f"{path} is JSON, but no list of conversations. Put them into one list, or write JSON Lines.")
    return iter(enumerate(records, start=1))


def _format_of(record: Any) -> str | None:
    if isinstance(record, list) or (isinstance(record, dict) and "messages" in record):
        return "OpenAI messages"
    if isinstance(record, dict) and "conversations" in record:
        return "ShareGPT"
    if isinstance(record, dict) and {"instruction", "output"} <= set(record):
        return "Alpaca"
    return None


def _from_openai(record: Any) -> list[Message]:
    """`{"messages": [{"role", "content"}], "tools": [...]}`, or the list of messages alone."""
    turns = record if isinstance(record, list) else record["messages"]
    messages = [_openai_message(turn, f"message {number}") for number, turn in enumerate(_turns(turns), start=1)]
    return _with_tools(messages, record.get("tools") if isinstance(record, dict) else None)


def _openai_message(turn: dict[str, Any], where: str) -> Message:
    role = _role(ROLES, turn, "role", where)
    content, calls = turn.get("content"), turn.get("tool_calls")
    if isinstance(content, list):
        content = "".join(_text_part(part, where) for part in content)
    if calls and role == "assistant":
        if not isinstance(calls, list):
            raise RecordError(f'{where}: "tool_calls" is no list')
        said = [_text(content, where)] if content else []
        content = "\n".join(said + [_call(call, where) for call in calls])
    return {"role": role, "content": _text(content, where)}


def _text_part(part: Any, where: str) -> str:
    if isinstance(part, dict) and part.get("type") == "text":
        return _text(part.get("text"), where)
    what = part.get("type") if isinstance(part, dict) else type(part).__name__
    raise RecordError(f"{where} has a part of type {json.dumps(what)[:40]}, and only text can be read")


def _call(call: Any, where: str) -> str:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise RecordError(f"{where} calls a function without a name")
    arguments = _parsed(function.get("arguments", {}), f"{where}: the arguments of the call")
    return _call_text(_json({"name": function["name"], "arguments": arguments}))


def _call_text(call: str) -> str:
    return f"<tool_call>\n{call}\n</tool_call>"


def _from_sharegpt(record: dict[str, Any]) -> list[Message]:
    """`{"conversations": [{"from", "value"}], "system": "...", "tools": "[...]"}`."""
    messages = []
    for number, turn in enumerate(_turns(record["conversations"]), start=1):
        where = f"message {number}"
        by, said = ("from", "value") if "from" in turn else ("role", "content")
        role, content = _role(SPEAKERS, turn, by, where), _text(turn.get(said), where)
        if turn[by] == "function_call" and "<tool_call>" not in content:
            content = _call_text(content)
        messages.append({"role": role, "content": content})
    if record.get("system"):
        messages.insert(0, {"role": "system", "content": _text(record["system"], '"system"')})
    return _with_tools(messages, record.get("tools"))


def _from_alpaca(record: dict[str, Any]) -> list[Message]:
    """`{"instruction", "input", "output"}`: the input, where there is one, follows after a blank line."""
    asked = [_text(record[name], f'"{name}"') for name in ("instruction", "input") if record.get(name)]
    messages = [
        {"role": "user", "content": "\n\n".join(asked)},
        {"role": "assistant", "content": _text(record["output"], '"output"')},
    ]
    if record.get("system"):
        messages.insert(0, {"role": "system", "content": _text(record["system"], '"system"')})
    return messages


READERS: dict[str, Callable[[Any], list[Message]]] = {
    "OpenAI messages": _from_openai,
    "ShareGPT": _from_sharegpt,
    "Alpaca": _from_alpaca,
}


def _turns(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(turn, dict) for turn in value):
        raise RecordError("the conversation is no list of messages, each with a role and a text")
    return value


def _role(roles: dict[str, str], turn: dict[str, Any], field: str, where: str) -> str:
    said = turn.get(field)
    if not isinstance(said, str) or said not in roles:
        what = f"has the {field} {json.dumps(said)[:40]}" if field in turn else f'has no "{field}"'
        raise RecordError(f"{where} {what}; known are {', '.join(roles)}")
    return roles[said]


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise RecordError(
            f"{where} has no text" if value is None else f"{where} is {json.dumps(value)[:40]}, and no text"
        )
    return value


def _with_tools(messages: list[Message], tools: Any) -> list[Message]:
    """The conversation with its functions told in the system message, as the model will be told of them in use."""
    tools = _parsed(tools, '"tools"') if tools else []
    if not isinstance(tools, list):
        raise RecordError('"tools" is no list of functions')
    system = [m["content"] for m in messages[:1] if m["role"] == "system" and m["content"].strip()]
    if tools:
        listed = "\n".join(_json(tool) for tool in tools)
        system.append(f"{TOOLS}\n<tools>\n{listed}\n</tools>")
    others = messages[1:] if messages and messages[0]["role"] == "system" else messages
    return [*({"role": "system", "content": text} for text in ["\n\n".join(system)] if text), *others]


def _parsed(value: Any, where: str) -> Any:
    """The value; where it is a text, the JSON value that the text stands for."""
    if not isinstance(value, str):
        return value
    try:
        return parse_json(value.encode("utf-8", "surrogatepass"))
    except RecordError as error:
        raise RecordError(f"{where}: {error}") from error


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
