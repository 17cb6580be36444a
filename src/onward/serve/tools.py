"""Tools: what a model may call, and how its calls are found in what it says.

Models are told of tools by their chat template, and write a call as `<tool_call>{"name": ..., "arguments": {...}}</tool_call>`, as Qwen's,
Hermes' and Onward's own templates have it. Where a call is wanted for certain, the prompt ends with the opening mark and the call itself is
held to the tools' schemas. Left out: the ways in which other families write calls.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from onward.serve.answers import Call, name
from onward.serve.asked import ChatAsked, NamedTool, Tool
from onward.serve.refusals import wrong
from onward.tokens.tokenizer import Tokenizer

OPEN, CLOSE = "<tool_call>", "</tool_call>"
FORCED = OPEN + "\n"
"""With which a prompt ends whose answer must be a call."""
NOTHING: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}


def offered(asked: ChatAsked, tokenizer: Tokenizer) -> list[Tool]:
    """The tools that the model is told of.   Raises Refused where its chat template has no place for them."""
    if not asked.tools:
        if asked.tool_choice == "required" or isinstance(asked.tool_choice, NamedTool):
            raise wrong("tool_choice", "tool_choice wants a call, and there are no tools. Give some.")
        return []
    if asked.tool_choice == "none":
        return []
    known = "tool_use" in tokenizer.templates or "tools" in (tokenizer.template or "")
    if not known:
        raise wrong("tools", "this model's chat template knows no tools. Leave `tools` out, or serve another model.")
    names = [tool.function.name for tool in asked.tools]
    if twice := next((one for one in names if names.count(one) > 1), None):
        raise wrong("tools", f"two tools are called {twice!r}. Give each a name of its own.")
    return asked.tools


def forced(asked: ChatAsked, tools: Sequence[Tool]) -> list[Tool]:
    """Those of which one must be called; none where the model may also just answer."""
    if asked.tool_choice == "required":
        return list(tools)
    if not isinstance(asked.tool_choice, NamedTool):
        return []
    wanted = asked.tool_choice.function.name
    if found := [tool for tool in tools if tool.function.name == wanted]:
        return found
    raise wrong("tool_choice", f"tool_choice: there is no tool {wanted!r} among the tools.")


def schema(tools: Sequence[Tool]) -> dict[str, Any]:
    """JSON that calls one of them."""
    return {"anyOf": [_call(tool, f"#/anyOf/{place}/properties/arguments") for place, tool in enumerate(tools)]}


def _call(tool: Tool, place: str) -> dict[str, Any]:
    parameters = NOTHING if tool.function.parameters is None else _moved(tool.function.parameters, place)
    return {
        "type": "object",
        "properties": {"name": {"const": tool.function.name}, "arguments": parameters},
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


def _moved(schema: Any, place: str) -> Any:
    """A schema that has become a part of another: what its references name lies elsewhere now."""
    if isinstance(schema, list):
        return [_moved(one, place) for one in schema]
    if not isinstance(schema, dict):
        return schema
    moved = {}
    for key, value in schema.items():
        if key == "$ref" and isinstance(value, str) and value.startswith("#"):
            moved[key] = place + value[1:]
        else:
            moved[key] = value if key in ("const", "enum", "default", "examples") else _moved(value, place)
    return moved


class Reader:
    """What a model says, piece by piece: text that may be shown at once, and calls once all is said.

    begun: with what its answer has been begun for it.   Without tools everything is text.
    """

    def __init__(self, begun: str = "", tools: bool = True) -> None:
        self._text, self._shown, self._tools = begun, 0, tools

    def push(self, piece: str) -> str:
        """The text that can be shown now: not that of a call, nor what may become one."""
        if not self._tools:
            return piece
        self._text += piece
        begun = self._text.find(OPEN)
        held = max((n for n in range(1, len(OPEN)) if self._text.endswith(OPEN[:n])), default=0)
        end = len(self._text) - held if begun < 0 else begun
        fresh, self._shown = self._text[self._shown : end], max(end, self._shown)
        return fresh

    def end(self) -> tuple[str, list[Call]]:
        """What has not been shown, and the calls. What looks like a call and is none remains text."""
        content, calls = split(self._text)
        return content[self._shown :], calls


def split(text: str) -> tuple[str, list[Call]]:
    """What is said, and the calls that follow it."""
    content, *parts = text.split(OPEN)
    calls = [_parsed(part) for part in parts]
    found = [call for call in calls if call is not None]
    return (content, found) if calls and len(found) == len(calls) else (text, [])


def _parsed(text: str) -> Call | None:
    try:
        called, end = json.JSONDecoder().raw_decode(text.lstrip())
    except (ValueError, RecursionError):
        return None
    rest = text.lstrip()[end:].replace(CLOSE, "", 1).strip()
    if rest or not isinstance(called, dict) or not isinstance(called.get("name"), str):
        return None
    arguments = json.dumps(called.get("arguments") or {}, ensure_ascii=False)
    try:
        (called["name"] + arguments).encode()
    except UnicodeEncodeError:  # half of a character, which JSON can write and nobody can send
        return None
    return {"id": name("call"), "type": "function", "function": {"name": called["name"], "arguments": arguments}}
