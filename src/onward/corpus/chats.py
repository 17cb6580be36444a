"""Conversations in, in the three formats that are common, and out as one: messages with a role and a text.

OpenAI messages, ShareGPT and Alpaca, as .jsonl (also .gz and .zst) or a .json list, or a folder of these. The first record says
which one a file has. Functions and calls of them become text, as Hermes and Qwen write them, so that every chat template can show
them. Left out: pictures and sound, and weights of single messages.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onward.corpus.read import RecordError, parse_json
from onward.corpus.records import Records, record_files
from onward.errors import BadLine, ChatError
from onward.tokens.chat import check

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


class Chats(Records[Conversation]):
    """The conversations of a file, or of all files in a folder; can be gone through again and again.

    formats: for each file "OpenAI messages", "ShareGPT" or "Alpaca".   After going through: `read` conversations, `skipped` records
    left out, and `trimmed` answers from whose end another tokeniser's end mark was taken away.
    """

    one = "conversation"
    known = 'OpenAI "messages", ShareGPT "conversations", Alpaca "instruction" and "output"'
    trimmed = 0

    def __iter__(self) -> Iterator[Conversation]:
        self.trimmed = 0
        yield from super().__iter__()

    def _format_of(self, record: Any) -> str | None:
        return format_of(record)

    def _item(self, record: Any, format: str, source: str, number: int) -> Conversation:
        messages = READERS[format](record)
        self.trimmed += trim(messages)
        try:
            check(messages)
        except ChatError as error:
            raise RecordError(str(error).removesuffix(".")) from error
        return Conversation(messages, source, number)


def chat_files(path: Path) -> list[Path]:
    """The files that conversations are read from: the one named, or all below a folder, sorted.   Raises DataError."""
    return record_files(path, Chats.one)


def trim(messages: list[Message]) -> int:
    """Take other tokenisers' end marks from the ends of the answers.   Returns from how many."""
    trimmed = 0
    for message in messages:
        content = message["content"]
        while message["role"] == "assistant" and content.rstrip().endswith(END_MARKS):
            content = content.rstrip()
            content = content[: content.rindex("<|")].rstrip()
        trimmed += content != message["content"]
        message["content"] = content
    return trimmed


def format_of(record: Any) -> str | None:
    if isinstance(record, list) or (isinstance(record, dict) and "messages" in record):
        return "OpenAI messages"
    if isinstance(record, dict) and "conversations" in record:
        return "ShareGPT"
    if isinstance(record, dict) and {"instruction", "output"} <= set(record):
        return "Alpaca"
    return None


def from_openai(record: Any) -> list[Message]:
    """`{"messages": [{"role", "content"}], "tools": [...]}`, or the list of messages alone."""
    turns = record if isinstance(record, list) else record["messages"]
    messages = [_openai_message(turn, f"message {number}") for number, turn in enumerate(_turns(turns), start=1)]
    return with_tools(messages, record.get("tools") if isinstance(record, dict) else None)


def _openai_message(turn: dict[str, Any], where: str) -> Message:
    role = _role(ROLES, turn, "role", where)
    content, calls = turn.get("content"), turn.get("tool_calls")
    if isinstance(content, list):
        content = "".join(_text_part(part, where) for part in content)
    if calls and role == "assistant":
        if not isinstance(calls, list):
            raise RecordError(f'{where}: "tool_calls" is no list')
        said = [as_text(content, where)] if content else []
        content = "\n".join(said + [_call(call, where) for call in calls])
    return {"role": role, "content": as_text(content, where)}


def _text_part(part: Any, where: str) -> str:
    if isinstance(part, dict) and part.get("type") == "text":
        return as_text(part.get("text"), where)
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


def from_sharegpt(record: dict[str, Any]) -> list[Message]:
    """`{"conversations": [{"from", "value"}], "system": "...", "tools": "[...]"}`."""
    messages = []
    for number, turn in enumerate(_turns(record["conversations"]), start=1):
        where = f"message {number}"
        by, said = ("from", "value") if "from" in turn else ("role", "content")
        role, content = _role(SPEAKERS, turn, by, where), as_text(turn.get(said), where)
        if turn[by] == "function_call" and "<tool_call>" not in content:
            content = _call_text(content)
        messages.append({"role": role, "content": content})
    return with_tools(with_system(messages, record), record.get("tools"))


def _from_alpaca(record: dict[str, Any]) -> list[Message]:
    """`{"instruction", "input", "output"}`: the input, where there is one, follows after a blank line."""
    answer = {"role": "assistant", "content": as_text(record["output"], '"output"')}
    return with_system([alpaca_question(record), answer], record)


def alpaca_question(record: dict[str, Any]) -> Message:
    asked = [as_text(record[name], f'"{name}"') for name in ("instruction", "input") if record.get(name)]
    return {"role": "user", "content": "\n\n".join(asked)}


READERS: dict[str, Callable[[Any], list[Message]]] = {
    "OpenAI messages": from_openai,
    "ShareGPT": from_sharegpt,
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


def as_text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise RecordError(
            f"{where} has no text" if value is None else f"{where} is {json.dumps(value)[:40]}, and no text"
        )
    return value


def with_system(messages: list[Message], record: dict[str, Any]) -> list[Message]:
    """The conversation after the system message that stands in a field of its own, where there is one."""
    if not record.get("system"):
        return messages
    return [{"role": "system", "content": as_text(record["system"], '"system"')}, *messages]


def with_tools(messages: list[Message], tools: Any) -> list[Message]:
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
