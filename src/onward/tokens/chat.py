"""Conversations to text and to ids, with the mask that says which tokens are learnt; it is decided here and only here.

`render` gives the text that transformers' `apply_chat_template` gives on the same folder, byte for byte. `encode_chat`
gives its ids, except that what people typed is never read as a control token, and marks the answers.

An answer is learnt where all that stands before it is what the model will see when it is asked for that answer, and
only there: templates may show an earlier turn differently once the conversation has gone on (Qwen3 drops its thinking,
Mistral moves the system message).

Left out: batches, truncation (packing does it and counts), and messages with pictures or sound.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import jinja2
import jinja2.ext
import jinja2.nodes
import jinja2.parser
import jinja2.sandbox

from onward.errors import ChatError, TokenizerError
from onward.tokens.tokenizer import Tokenizer, absent_mark, refuse_surrogates

Message = Mapping[str, Any]
ROLES = ("system", "developer", "user", "assistant", "tool")
# The names under which a message's thinking is given; templates read the first, gpt-oss's the second.
_THINKING = ("reasoning_content", "thinking", "reasoning")


@dataclass(frozen=True)
class EncodedChat:
    """The ids of a conversation. `learn[i]`: whether token i belongs to an answer or ends one."""

    ids: list[int]
    learn: list[bool]


def check(messages: Any, *, answered: bool = True) -> None:
    """Raise ChatError, saying which message is wrong and how, unless the conversation can be used.

    A system message may only come first; user turns may follow one another. `answered`: there must be an answer to
    learn from.
    """
    if not isinstance(messages, Sequence) or isinstance(messages, str):
        raise ChatError(f'a conversation is a list of {{"role", "content"}}, not {_kind(messages)}.')
    if not messages:
        raise ChatError("the conversation has no messages.")
    for number, message in enumerate(messages, 1):
        if why := _fault(message, first=number == 1):
            raise ChatError(f"message {number} {why}.")
    if answered and not any(message["role"] == "assistant" for message in messages):
        raise ChatError("no message is the assistant's, so there is no answer to learn from.")


def _fault(message: Any, first: bool) -> str | None:
    """What is wrong with one message, as the end of a sentence."""
    if not isinstance(message, Mapping):
        return f'is not {{"role", "content"}} but {_kind(message)}'
    if "role" not in message:
        return f"has no role; its fields are {', '.join(map(str, message)) or 'none'}"
    role = message["role"]
    if role not in ROLES:
        return f"has the role {role!r}; roles are {', '.join(ROLES)}"
    if role in ("system", "developer") and not first:
        return f"is a {role} message; it can only come first"
    calls = message.get("tool_calls")
    if calls is not None and not (isinstance(calls, list) and all(isinstance(call, Mapping) for call in calls)):
        return "has tool_calls that are no list of objects"
    content = message.get("content")
    if content is None:
        return None if role == "assistant" and calls else f"({role}) has no content"
    if not isinstance(content, str):
        return f"({role}) has content that is not text but {_kind(content)}"
    if not content.strip() and role in ("user", "assistant") and not calls:
        return f"({role}) is empty"
    try:
        for text in _strings(message):
            refuse_surrogates(text, f"message ({role})")
    except TokenizerError as error:
        return f"is no valid Unicode: {str(error).removesuffix('.')}"
    return None


def _kind(value: Any) -> str:
    """How JSON calls a value."""
    names = {type(None): "null", bool: "true or false", str: "text", dict: "an object", list: "a list"}
    return names.get(type(value), "a number" if isinstance(value, int | float) else type(value).__name__)


def render(
    tokenizer: Tokenizer,
    messages: Sequence[Message],
    *,
    tools: list[dict[str, Any]] | None = None,
    add_generation_prompt: bool = False,
) -> str:
    """The conversation as the tokeniser's chat template writes it: what `apply_chat_template(tokenize=False)` returns.

    tools: JSON schemas of functions.   add_generation_prompt: end with what comes before an answer. Raises ChatError
    where there is no template, where it is no valid Jinja, or where it refuses the conversation.
    """
    template = tokenizer.template
    if tools is not None:
        template = tokenizer.templates.get("tool_use", template)
    if template is None:
        raise ChatError(
            "this tokeniser has no chat template, as that of a base model. Use a chat model's folder, or put a "
            "chat_template.jinja into the folder."
        )
    if not messages:
        raise ChatError("the conversation has no messages.")
    try:
        return _compiled(template).render(
            messages=[_as_templates_read(message) for message in messages],
            tools=tools,
            documents=None,
            add_generation_prompt=add_generation_prompt,
            **tokenizer.named,
        )
    except jinja2.TemplateSyntaxError as error:
        raise ChatError(f"the chat template is no valid Jinja (line {error.lineno}: {error.message}).") from error
    except Exception as error:  # a template is a program: it can fail in any way
        why = " ".join(str(error).split()) or type(error).__name__
        raise ChatError(f"the chat template refuses the conversation: {why}") from error


def _as_templates_read(message: Message) -> dict[str, Any]:
    """A message without its empty fields, its thinking under the names that templates look for."""
    given = {key: value for key, value in message.items() if value is not None}
    thinking = next((given[name] for name in _THINKING if name in given), None)
    return given if thinking is None else {"thinking": thinking, **given, "reasoning_content": thinking}


def encode_chat(
    tokenizer: Tokenizer,
    messages: Sequence[Message],
    *,
    tools: list[dict[str, Any]] | None = None,
    add_generation_prompt: bool = False,
) -> EncodedChat:
    """The ids of a conversation and the mask of what is learnt from it.

    Without control-token look-alikes in the messages the ids are those of `apply_chat_template(tokenize=True)`;
    look-alikes stay text. With `add_generation_prompt` it is a prompt: nothing in it is learnt, and it needs no answer.
    Raises ChatError for a conversation that cannot be used (see `check`), that the template refuses, or in which no
    answer can be learnt.
    """
    check(messages, answered=not add_generation_prompt)
    ends = tuple(name for name, id in tokenizer.controls.items() if id in tokenizer.eos_ids)
    controls = _controls(tuple(tokenizer.controls), ends)
    mark = absent_mark([*tokenizer.templates.values(), *_strings([messages, tools])])
    # Roles are checked, and templates compare them and build names from them.
    guarded: list[Message] = [{**controls.guarded(message, mark), "role": message["role"]} for message in messages]
    guarded_tools = controls.guarded(tools, mark)
    whole = render(tokenizer, guarded, tools=guarded_tools, add_generation_prompt=add_generation_prompt)
    if mark in whole and whole.replace(mark, "") != render(
        tokenizer, messages, tools=tools, add_generation_prompt=add_generation_prompt
    ):
        raise ChatError(
            "the chat template changes text that looks like a control token, so the two cannot be told apart."
        )
    if not add_generation_prompt and not _asked(messages):
        raise ChatError("every answer stands before the first question, so none can be learnt.")
    answers = [] if add_generation_prompt else list(_answers(tokenizer, controls, guarded, guarded_tools, whole))
    if not answers and not add_generation_prompt:
        raise ChatError(
            "no answer stands behind the prompt with which the chat template asks for it, so there is nothing to learn "
            "from. The template may move or drop earlier messages: try without a system message, or another template."
        )
    ids, learn = tokenizer.encode_pieces(list(_pieces(tokenizer, controls, whole, answers, mark)))
    return EncodedChat(ids, learn)


def _asked(messages: Sequence[Message]) -> bool:
    """Whether an answer follows something that asks for it."""
    roles = [message["role"] for message in messages]
    first = next((number for number, role in enumerate(roles) if role in ("user", "tool")), len(roles))
    return "assistant" in roles[first:]


def _answers(
    tokenizer: Tokenizer,
    controls: _Controls,
    messages: list[Message],
    tools: list[dict[str, Any]] | None,
    whole: str,
) -> Iterator[tuple[int, int]]:
    """Where in the rendered conversation the answers stand that can be learnt: (start, end) in characters."""
    for number, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        try:
            prompt = render(tokenizer, messages[:number], tools=tools, add_generation_prompt=True)
            until = whole if number + 1 == len(messages) else render(tokenizer, messages[: number + 1], tools=tools)
        except ChatError:  # a greeting with nothing before it, for many templates: no prompt asks for it
            continue
        if whole.startswith(prompt) and until.startswith(prompt):
            end = controls.end_of_turn(whole, len(prompt), until)
            if end > len(prompt):
                yield len(prompt), end


def _pieces(
    tokenizer: Tokenizer, controls: _Controls, whole: str, answers: list[tuple[int, int]], mark: str
) -> Iterator[tuple[str | int, bool]]:
    """The rendered conversation, without marks, as text and the template's control tokens, and which are learnt."""
    position = 0
    for start, end in [*answers, (len(whole), len(whole))]:
        for begin, stop, learn in ((position, start, False), (start, end, True)):
            for piece in controls.split(whole[begin:stop]):
                yield (tokenizer.controls[piece] if piece in tokenizer.controls else piece.replace(mark, "")), learn
        position = end


class _Controls:
    """The names of a tokeniser's control tokens, and how to keep them apart from text that looks like them."""

    def __init__(self, names: tuple[str, ...], ends: tuple[str, ...]) -> None:
        self.ends = frozenset(ends)  # those that end a turn or a text
        usable = sorted(names, key=len, reverse=True)  # where two begin at one place, tokenisers take the longer
        self.pattern = re.compile("(" + "|".join(map(re.escape, usable)) + ")" if usable else "(?!)()")
        self.beginnings = {name[:k] for name in usable for k in range(1, len(name)) if not name[:k].isspace()}
        self.endings = {name[-k:] for name in usable for k in range(1, len(name)) if not name[-k:].isspace()}
        self.longest = len(usable[0]) if usable else 0

    def split(self, text: str) -> list[str]:
        """Text and names in turn; empty texts left out."""
        return [piece for piece in self.pattern.split(text) if piece]

    def guarded(self, value: Any, mark: str) -> Any:
        """The value with a mark in every look-alike, and where a text could be one with what stands beside it."""
        if isinstance(value, str):
            text = self._broken(value, mark)
            lengths = range(1, min(self.longest, len(text) + 1))
            before = any(text[:k] in self.endings for k in lengths)
            after = any(text[-k:] in self.beginnings for k in lengths)
            return mark * before + text + mark * after
        if isinstance(value, Mapping):
            return {
                self._broken(key, mark) if isinstance(key, str) else key: self.guarded(entry, mark)
                for key, entry in value.items()
            }
        if isinstance(value, list):
            return [self.guarded(entry, mark) for entry in value]
        return value

    def _broken(self, text: str, mark: str) -> str:
        while self.pattern.search(text):  # again, for look-alikes that overlap
            text = self.pattern.sub(lambda found: found[0][0] + mark + found[0][1:], text)
        return text

    def end_of_turn(self, whole: str, start: int, until: str) -> int:
        """Where in `whole` the answer that begins at `start` ends. until: the rendering of all up to that answer.

        Behind the control token that closes it, before the line end that a template writes there; without one, where
        `until` ends.
        """
        closing = [found for found in self.pattern.finditer(until, start) if not until[found.end() :].strip()]
        if whole.startswith(until):
            # A template may close an answer only once something follows it.
            later = self.pattern.match(whole, len(until))
            return closing[0].end() if closing else later.end() if later and later[0] in self.ends else len(until)
        # Turns that are no longer last are rendered differently: find the same token again.
        place = whole.find(closing[0][0], start) if closing else -1
        return place + len(closing[0][0]) if place >= 0 else start


@lru_cache(maxsize=8)
def _controls(names: tuple[str, ...], ends: tuple[str, ...]) -> _Controls:
    return _Controls(names, ends)


def _strings(value: Any) -> Iterator[str]:
    """Every text inside a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _strings(key)
            yield from _strings(entry)
    elif isinstance(value, Sequence):
        for entry in value:
            yield from _strings(entry)


class _Generation(jinja2.ext.Extension):
    """`{% generation %}`, by which templates mark answers for transformers. It writes nothing; no need of it here."""

    tags = {"generation"}  # noqa: RUF012

    def parse(self, parser: jinja2.parser.Parser) -> jinja2.nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return jinja2.nodes.Scope(body, lineno=line)


@lru_cache(maxsize=8)
def _compiled(template: str) -> jinja2.Template:
    """A template in the surroundings that transformers gives it; it may come from anyone, so it runs in a sandbox."""
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, jinja2.ext.loopcontrols]
    )
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = _raise
    environment.globals["strftime_now"] = lambda format: datetime.now().strftime(format)
    return environment.from_string(template)


def _tojson(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """JSON as it is, where Jinja's own filter escapes HTML."""
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _raise(message: str) -> None:
    raise jinja2.TemplateError(message)
