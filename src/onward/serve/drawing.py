"""What chats and completions have in common: from the fields of a request to what the engine is asked."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from onward.errors import PlanError
from onward.generate.constraint import Constraint, of_choices, of_regex, of_schema
from onward.generate.engine import Engine, Request
from onward.generate.settings import Sampling
from onward.serve.asked import Drawing
from onward.serve.models import Served
from onward.serve.refusals import wrong
from onward.tokens.tokenizer import Tokenizer

OPENAI_NAMES = ("top_p", "top_k", "min_p", "typical_p", "repetition_penalty", "presence_penalty", "frequency_penalty")


def texts(
    served: Served,
    asked: Drawing,
    prompts: Sequence[Sequence[int]],
    *,
    max_tokens: int,
    constraint: Constraint | None,
    alternatives: int,
    client: str,
) -> list[Request]:
    """`n` requests for each prompt, one after the other; text i is drawn with seed + i.   Raises Refused."""
    further = {name: value for name in OPENAI_NAMES if (value := getattr(asked, name)) is not None}
    stop = (asked.stop,) if isinstance(asked.stop, str) else tuple(asked.stop or ())
    seed = secrets.randbelow(2**53) if asked.seed is None else asked.seed
    bias = _bias(served.model.engine, asked.logit_bias or {})
    samplings = [
        Sampling(
            temperature=1.0 if asked.temperature is None else asked.temperature,
            seed=(seed + i + 2**63) % 2**64 - 2**63,
            max_tokens=max_tokens,
            stop=stop,
            **further,
        )
        for i in range(asked.n or 1)
    ]
    return [
        Request(
            prompt=prompt,
            sampling=sampling,
            adapter=served.model.adapter,
            client=client,
            bias=bias,
            constraint=constraint,
            alternatives=alternatives,
        )
        for prompt in prompts
        for sampling in samplings
    ]


def _bias(engine: Engine, given: Mapping[str, float]) -> dict[int, float]:
    size = engine.model.config.vocab_size
    found = {}
    for name, value in given.items():
        if not (name.isascii() and name.isdecimal() and len(name) < 10 and int(name) < size):
            raise wrong("logit_bias", f"logit_bias: {name!r} is no token's number; they go from 0 to {size - 1:,}.")
        found[int(name)] = value
    return found


def fitted(served: Served, ids: Sequence[int], asked_for: int | None, param: str, answers: bool = True) -> list[int]:
    """A prompt that the model has room for, cut from the left to `asked_for` tokens where that is given.

    answers: a token at least is to follow.   Raises Refused with the numbers.
    """
    engine = served.model.engine
    kept = list(ids if asked_for is None else ids[-asked_for:])
    size = engine.model.config.vocab_size
    if (odd := next((id for id in kept if id >= size), None)) is not None:
        raise wrong(param, f"{param}: {odd:,} is no token's number; they go from 0 to {size - 1:,}.")
    if not kept and answers:
        raise wrong(param, f"{param} is empty, and this model has no token to begin with. Give it some text.")
    if len(kept) + answers > engine.room:
        raise wrong(
            param,
            f"the prompt has {len(kept):,} tokens and the model {engine.room:,} positions{', one of them for an answer' * answers}. "
            f"Shorten it, or keep its end with truncate_prompt_tokens.",
            "context_length_exceeded",
        )
    return kept


def guided(served: Served, asked: Drawing) -> Constraint | None:
    """The form that guided_choice or guided_regex ask for."""
    if asked.guided_choice is not None and asked.guided_regex is not None:
        raise wrong("guided_regex", "a text has one form: guided_choice or guided_regex, and not both.")
    if asked.guided_choice is not None:
        return form(served, "guided_choice", asked.guided_choice)
    return None if asked.guided_regex is None else form(served, "guided_regex", asked.guided_regex)


def form(served: Served, param: str, wanted: Any) -> Constraint:
    """The constraint for choices, a regular expression, or else a JSON schema.   Raises Refused where it cannot be kept."""
    engine = served.model.engine
    try:
        return _form(engine.tokenizer, engine.ends, param, json.dumps(wanted))
    except PlanError as error:
        raise wrong(param, str(error)) from error


@lru_cache(maxsize=8)
def _form(tokenizer: Tokenizer, ends: frozenset[int], kind: str, wanted: str) -> Constraint:
    """Kept, as programs ask for the same form again and again."""
    value = json.loads(wanted)
    if kind == "guided_choice":
        return of_choices(tokenizer, value, ends)
    return of_regex(tokenizer, value, ends) if kind == "guided_regex" else of_schema(tokenizer, value, ends)
