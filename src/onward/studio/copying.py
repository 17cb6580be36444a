"""A conversation as a command: the same question to the same model with the same settings, as curl and as Python."""

from __future__ import annotations

import json
import shlex
from pprint import pformat
from typing import Any

from onward.generate.chat_model import Message
from onward.generate.settings import Sampling
from onward.studio.answers import SAMPLING, messages
from onward.studio.kept import Turn
from onward.studio.shared import Studio

USUAL = Sampling()


def snippets(studio: Studio, name: str, path: list[Turn], settings: dict[str, Any], host: str) -> tuple[str, str]:
    """curl and Python for the last turn of a path, or for a first one.   name: of the model.   host: where this page is."""
    if path:
        asked, settings = messages(path[-1], path[:-1], name), path[-1].settings
    else:
        asked = [{"role": "user", "content": "Hello!"}]
    away = name in studio.places.addresses
    address, _, model = name.partition("#") if away else (f"http://{host}/v1", "", name)
    sampling = {key: value for key, value in settings.items() if key in SAMPLING}
    locked = studio.locked and not away
    return _curl(address, model, asked, sampling, locked), _python(address, model, asked, sampling, locked)


def _curl(address: str, model: str, asked: list[Message], sampling: dict[str, Any], locked: bool) -> str:
    """Fields that OpenAI does not know are sent where they say something."""
    own = {k: v for k, v in sampling.items() if k in ("temperature", "top_p", "max_tokens", "seed")}
    own |= {k: v for k, v in sampling.items() if k not in own and v != getattr(USUAL, k)}
    body = {**({"model": model} if model else {}), "messages": asked, **own}
    key = ' \\\n  -H "Authorization: Bearer $ONWARD_PASSWORD"' if locked else ""
    data = shlex.quote(json.dumps(body, ensure_ascii=False))
    return f"curl {shlex.quote(address + '/chat/completions')} -H 'Content-Type: application/json'{key} \\\n  -d {data}"


def _python(address: str, model: str, asked: list[Message], sampling: dict[str, Any], locked: bool) -> str:
    own = {k: v for k, v in sampling.items() if v != getattr(USUAL, k)}
    arguments = "".join(f", {name}={value!r}" for name, value in own.items())
    key = "# the password: set OPENAI_API_KEY\n" if locked else ""
    where = f"{address}#{model}" if model else address
    begin = f"{key}from onward import load\n\nmodel = load({where!r})\nmessages = {pformat(asked, width=88)}\n"
    return begin + f"print(model(messages{arguments})[0].text)"
